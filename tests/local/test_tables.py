"""Conditional writes that come at once."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from moto.dynamodb.exceptions import ConditionalCheckFailed
from moto.dynamodb.models import DynamoDBBackend

from local.moto_patches.tables import WRITES, one_at_a_time

WRITERS = 4
ITEMS = 50


@pytest.fixture
def patched(monkeypatch: pytest.MonkeyPatch) -> None:
    """The patch, in this process, for one test."""
    for name in WRITES:
        monkeypatch.setattr(DynamoDBBackend, name, one_at_a_time(getattr(DynamoDBBackend, name)))


@pytest.fixture
def backend() -> Iterator[DynamoDBBackend]:
    """A table called `locks` with the key `id`; threads take turns as often as they can."""
    backend = DynamoDBBackend("us-east-1", "123456789012")
    backend.create_table(
        "locks",
        schema=[{"AttributeName": "id", "KeyType": "HASH"}],
        attr=[{"AttributeName": "id", "AttributeType": "S"}],
        throughput=None,
        global_indexes=[],
        indexes=[],
        streams=None,
        billing_mode="PAY_PER_REQUEST",
        sse_specification=None,
        tags=[],
        deletion_protection_enabled=False,
        warm_throughput=None,
    )
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield backend
    sys.setswitchinterval(interval)


def most_holders(backend: DynamoDBBackend) -> int:
    """How many of several writers at once took one item for themselves, at most."""
    together = Barrier(WRITERS)

    def take(writer: int, item: str) -> bool:
        together.wait()
        values: dict[str, Any] = {":holder": {"N": str(writer)}}
        try:
            backend.update_item(
                "locks",
                {"id": {"S": item}},
                "SET holder = :holder",
                {},
                values,
                condition_expression="attribute_not_exists(holder)",
            )
        except ConditionalCheckFailed:
            return False
        return True

    most = 0
    with ThreadPoolExecutor(WRITERS) as writers:
        for number in range(ITEMS):
            taken = writers.map(take, range(WRITERS), [f"item-{number}"] * WRITERS)
            most = max(most, sum(taken))
    return most


@pytest.mark.usefixtures("patched")
def test_of_conditional_writes_at_once_one_succeeds(backend: DynamoDBBackend) -> None:
    assert most_holders(backend) == 1


def test_stock_moto_lets_several_succeed(backend: DynamoDBBackend) -> None:
    """When this fails the patch is no longer needed."""
    assert most_holders(backend) > 1
