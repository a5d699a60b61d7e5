"""DynamoDB: a write is one step, however many come at once.

moto serves each request in a thread of its own, and checks a condition some time before it writes:
two conditional writes of one item could both succeed.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

from moto.dynamodb.models import DynamoDBBackend

WRITES = ("put_item", "update_item", "delete_item", "transact_write_items")

# A transaction writes through the other operations.
_writing = threading.RLock()


def apply() -> None:
    """Apply this module's patches."""
    for name in WRITES:
        setattr(DynamoDBBackend, name, one_at_a_time(getattr(DynamoDBBackend, name)))


def one_at_a_time(write: Callable[..., Any]) -> Callable[..., Any]:
    """The operation, while no other write is under way."""

    @functools.wraps(write)
    def alone(*args: Any, **kwargs: Any) -> Any:
        with _writing:
            return write(*args, **kwargs)

    return alone
