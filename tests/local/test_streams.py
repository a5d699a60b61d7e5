"""Kinesis streams that are resharded."""

from __future__ import annotations

import itertools
import time
from typing import Any

import pytest

_numbers = itertools.count(1)
DEADLINE_SECONDS = 10
MIDDLE = str(2**127)


@pytest.fixture
def kinesis(client) -> Any:
    return client("kinesis")


@pytest.fixture
def stream(kinesis: Any) -> str:
    name = f"stream-{next(_numbers)}"
    kinesis.create_stream(StreamName=name, ShardCount=1)
    return name


def put(kinesis: Any, stream: str, data: str, hash_key: int = 1) -> str:
    """Write a record; the shard that has taken it."""
    answer = kinesis.put_record(
        StreamName=stream, Data=data, PartitionKey="key", ExplicitHashKey=str(hash_key)
    )
    return answer["ShardId"]


def read(kinesis: Any, stream: str, shard: str) -> tuple[list[str], bool]:
    """What a shard has, and whether it ends there."""
    answer = kinesis.get_shard_iterator(
        StreamName=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )
    found: list[str] = []
    iterator, deadline = answer["ShardIterator"], time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        answer = kinesis.get_records(ShardIterator=iterator)
        found += [record["Data"].decode() for record in answer["Records"]]
        if "NextShardIterator" not in answer:
            return found, True
        if not answer["Records"]:
            return found, False
        iterator = answer["NextShardIterator"]
    raise AssertionError("the shard has no end")


def shards(kinesis: Any, stream: str) -> dict[str, list[str]]:
    """Open shards, with their parents."""
    found = kinesis.list_shards(StreamName=stream)["Shards"]
    parents = ("ParentShardId", "AdjacentParentShardId")
    return {
        shard["ShardId"]: [shard[name] for name in parents if name in shard]
        for shard in found
        if "EndingSequenceNumber" not in shard["SequenceNumberRange"]
    }


def test_a_split_shard_keeps_its_records_and_ends(kinesis: Any, stream: str) -> None:
    parent = put(kinesis, stream, "before")
    assert read(kinesis, stream, parent) == (["before"], False)
    kinesis.split_shard(StreamName=stream, ShardToSplit=parent, NewStartingHashKey=MIDDLE)
    children = shards(kinesis, stream)
    assert list(children.values()) == [[parent], [parent]]
    lower, upper = children
    assert put(kinesis, stream, "low") == lower
    assert put(kinesis, stream, "high", 2**127 + 1) == upper
    assert read(kinesis, stream, parent) == (["before"], True)
    assert read(kinesis, stream, lower) == (["low"], False)
    assert read(kinesis, stream, upper) == (["high"], False)


def test_merged_shards_keep_their_records_and_end(kinesis: Any, stream: str) -> None:
    parent = put(kinesis, stream, "before")
    kinesis.split_shard(StreamName=stream, ShardToSplit=parent, NewStartingHashKey=MIDDLE)
    lower, upper = shards(kinesis, stream)
    put(kinesis, stream, "low")
    kinesis.merge_shards(StreamName=stream, ShardToMerge=lower, AdjacentShardToMerge=upper)
    [(merged, parents)] = shards(kinesis, stream).items()
    assert parents == [lower, upper]
    assert put(kinesis, stream, "after", 2**127 + 1) == merged
    assert read(kinesis, stream, lower) == (["low"], True)
    assert read(kinesis, stream, upper) == ([], True)
    assert read(kinesis, stream, merged) == (["after"], False)
