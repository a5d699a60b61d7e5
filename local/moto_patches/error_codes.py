"""Errors of the Step Functions API: with their codes, which moto's interpreter leaves out."""

from __future__ import annotations

from typing import Any

from moto.core.exceptions import AWSError
from moto.stepfunctions.parser import api


def apply() -> None:
    """Apply this module's patches."""
    for exception in vars(api).values():
        is_error = isinstance(exception, type) and issubclass(exception, AWSError)
        if is_error and exception is not AWSError:
            # Each class is named after its code.
            exception.TYPE = exception.TYPE or exception.__name__
    stock = AWSError.__init__

    def init(self: AWSError, message: str = "", *args: Any, **kwargs: Any) -> None:
        # moto raises some without a message, which AWSError does not take.
        stock(self, message or type(self).__name__, *args, **kwargs)

    AWSError.__init__ = init
