"""S3 tells of an object that somebody waits for: a custom resource's answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from moto.s3.models import S3Backend

_awaited: dict[tuple[str, str], Answer] = {}


class Answer:
    """An object that is to come."""

    def __init__(self) -> None:
        self._content: bytes | None = None
        self._came = threading.Event()

    def put(self, content: bytes) -> None:
        """It is here; another one comes too late."""
        if not self._came.is_set():
            self._content = content
            self._came.set()

    def wait(self, seconds: float) -> bytes | None:
        """Its content, if it comes within so many seconds."""
        self._came.wait(seconds)
        return self._content


def apply() -> None:
    """Apply this module's patches."""
    stock = S3Backend.put_object

    def put_object(
        self: S3Backend, bucket_name: str, key_name: str, value: bytes, *args: Any, **kwargs: Any
    ) -> Any:
        made = stock(self, bucket_name, key_name, value, *args, **kwargs)
        if answer := _awaited.get((bucket_name, key_name)):
            answer.put(value)
        return made

    S3Backend.put_object = put_object


@contextmanager
def awaited(bucket: str, key: str) -> Iterator[Answer]:
    """The object that is put under this key while the block runs."""
    answer = _awaited[bucket, key] = Answer()
    try:
        yield answer
    finally:
        del _awaited[bucket, key]
