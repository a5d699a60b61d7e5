"""Kinesis: a shard that was split or merged keeps its records, takes no more, and ends.

moto moves the records of a shard that is split into its children, copies those of shards that are
merged, goes on writing into closed shards, and lets no closed shard end: so a reader would find
every record of a parent again, and never be done with it.
"""

from __future__ import annotations

import copy
import functools
import threading
from collections import OrderedDict
from typing import Any

from moto.core.responses import ActionResult
from moto.kinesis.models import KinesisBackend, Shard, Stream
from moto.kinesis.responses import KinesisResponse
from moto.kinesis.utils import decompose_shard_iterator

# While a stream is resharded, nobody reads it: each request has a thread of its own.
_resharding = threading.RLock()


def apply() -> None:
    """Apply this module's patches."""
    Stream.split_shard = _keeping_records(Stream.split_shard)
    Stream.merge_shards = _keeping_records(Stream.merge_shards)
    Stream.get_shard_for_key = _of_open_shards(Stream.get_shard_for_key)
    KinesisResponse.get_records = _ending(KinesisResponse.get_records)


def _keeping_records(reshard: Any) -> Any:
    @functools.wraps(reshard)
    def keeping(self: Stream, *args: Any, **kwargs: Any) -> None:
        with _resharding:
            kept = {shard_id: shard.records for shard_id, shard in self.shards.items()}
            for shard in self.shards.values():
                shard.records = OrderedDict()
            try:
                reshard(self, *args, **kwargs)
            finally:
                for shard_id, records in kept.items():
                    self.shards[shard_id].records = records

    return keeping


def _of_open_shards(find: Any) -> Any:
    @functools.wraps(find)
    def of_open_shards(self: Stream, *args: Any, **kwargs: Any) -> Shard | None:
        stream = copy.copy(self)
        stream.shards = {name: shard for name, shard in self.shards.items() if shard.is_open}
        return find(stream, *args, **kwargs)

    return of_open_shards


def _ending(get_records: Any) -> Any:
    @functools.wraps(get_records)
    def ending(self: KinesisResponse) -> ActionResult:
        with _resharding:
            answer = get_records(self)
            result: Any = answer.result
            if _is_at_end(self.kinesis_backend, result["NextShardIterator"], self):
                del result["NextShardIterator"]
            return answer

    return ending


def _is_at_end(backend: KinesisBackend, iterator: str, request: KinesisResponse) -> bool:
    name, shard_id, last = decompose_shard_iterator(iterator)
    arn = request._get_param("StreamARN")
    shard = backend.describe_stream(stream_arn=arn, stream_name=name).get_shard(shard_id)
    return not shard.is_open and shard.get_max_sequence_number() <= int(last)
