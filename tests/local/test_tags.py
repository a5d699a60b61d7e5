"""Tags of one resource are found without reading those of all."""

from __future__ import annotations

from collections import UserDict
from typing import Any, NoReturn

import pytest
from moto.ec2.models.tags import TagBackend

from local.moto_patches import tags


class Unread(UserDict[str, dict[str, str]]):
    """Tags that nobody reads from one end to the other."""

    def copy(self) -> NoReturn:
        raise AssertionError("the tags of all resources are read")


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> TagBackend:
    """The patch, in this process, for one test; two resources have tags."""
    monkeypatch.setattr(TagBackend, "describe_tags", TagBackend.describe_tags)
    tags.apply()
    backend = TagBackend()
    backend.create_tags(["fl-1"], {"a": "1", "b": "2"})
    backend.create_tags(["fl-2"], {"a": "3"})
    return backend


def described(backend: TagBackend, **filters: list[str]) -> list[tuple[Any, ...]]:
    """Resource, key and value of the tags found."""
    asked = {name.replace("_", "-"): values for name, values in filters.items()}
    found = backend.describe_tags(asked or None)
    return [(tag["resource_id"], tag["key"], tag["value"]) for tag in found]


def test_a_resource_is_looked_up(backend: TagBackend) -> None:
    backend.tags = Unread(backend.tags)
    assert described(backend, resource_id=["fl-1"]) == [("fl-1", "a", "1"), ("fl-1", "b", "2")]
    assert described(backend, resource_id=["fl-1", "fl-2"], key=["a"]) == [
        ("fl-1", "a", "1"),
        ("fl-2", "a", "3"),
    ]
    assert described(backend, resource_id=["fl-3"]) == []


def test_everything_else_is_searched_for(backend: TagBackend) -> None:
    everything = [("fl-1", "a", "1"), ("fl-1", "b", "2"), ("fl-2", "a", "3")]
    assert described(backend) == everything
    assert described(backend, resource_id=["fl-*"]) == everything
    assert described(backend, key=["b"]) == [("fl-1", "b", "2")]
