"""Lambda reads streams and queues for functions: batches, partial failures, halves, and an end.

Stock moto calls a function, in Docker, for each record as it is written.

https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-errors.html
"""

from __future__ import annotations

import json
import logging
import threading
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from moto.awslambda.models import EventSourceMapping, LambdaBackend
from moto.kinesis.models import Record, Shard, Stream, kinesis_backends

from local.moto_patches import services

# What an invocation may carry.
MOST_BYTES = 6 * 1024 * 1024
# AWS's pauses begin at a second.
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.05, 1.0
# How long a reader waits for a record before it looks whether it is still wanted.
_POLL_SECONDS = 0.5

_log = logging.getLogger(__name__)
_written = threading.Condition()
_readers: dict[str, threading.Event] = {}


def apply() -> None:
    """Apply this module's patches."""
    _patch_shards()
    _patch_mappings()


def _patch_shards() -> None:
    """Records come one after the other, and wake whoever waits for them."""
    stock = Shard.put_record

    def put_record(self: Shard, *given: Any, **named: Any) -> str:
        with _written:
            number = stock(self, *given, **named)
            _written.notify_all()
        return number

    Shard.put_record = put_record


def _patch_mappings() -> None:
    stock_create = LambdaBackend.create_event_source_mapping
    stock_delete = LambdaBackend.delete_event_source_mapping

    def create(self: LambdaBackend, spec: dict[str, Any]) -> EventSourceMapping:
        mapping = stock_create(self, spec)
        service = mapping.event_source_arn.split(":")[2]
        if service == "kinesis":
            backend = kinesis_backends[self.account_id][self.region_name]
            stream = backend.describe_stream(mapping.event_source_arn, None)
            # moto would call the function itself.
            stream.lambda_event_source_mappings.clear()
            _start_readers(mapping, stream)
        return mapping

    def delete(self: LambdaBackend, mapping_id: str) -> EventSourceMapping | None:
        if mapping_id in _readers:
            _readers.pop(mapping_id).set()
        return stock_delete(self, mapping_id)

    LambdaBackend.create_event_source_mapping = create
    LambdaBackend.delete_event_source_mapping = delete


def _start_readers(mapping: EventSourceMapping, stream: Stream) -> None:
    stop = _readers.setdefault(mapping.uuid, threading.Event())
    for shard in stream.shards.values():
        reader = Reader(mapping, stream, shard, stop)
        threading.Thread(target=reader.run, name=f"{shard.shard_id}", daemon=True).start()


@dataclass
class Reader:
    """Reads one shard for one function until `stop` is set."""

    mapping: EventSourceMapping
    stream: Stream
    shard: Shard
    stop: threading.Event

    def run(self) -> None:
        """Hand over batch by batch; the next one waits until this one is done or given up."""
        last = 0 if self.mapping.starting_position == "TRIM_HORIZON" else self._latest()
        while batch := self._next(last):
            try:
                self._hand_over(batch)
            except Exception:  # noqa: BLE001 - the next batch must come through
                _log.exception("a batch of %s was lost", self.shard.shard_id)
            last = batch[-1].sequence_number

    def _latest(self) -> int:
        return self.shard.get_max_sequence_number()

    def _next(self, last: int) -> list[Record]:
        """The records after `last`, as soon as there are any; none when the mapping is gone."""
        while not self.stop.is_set():
            with _written:
                if self.mapping.enabled and self._latest() > last:
                    found, _, _ = self.shard.get_records(str(last), self.mapping.batch_size)
                    return _as_many_as_fit(found)
                _written.wait(_POLL_SECONDS)
        return []

    def _hand_over(self, batch: list[Record], attempts: int = 0) -> None:
        """Have a batch done: again from where it failed, or in halves, until it is given up."""
        while not self.stop.is_set():
            done, request_id = self._invoke(batch)
            if done == len(batch):
                return
            if done:
                batch, attempts = batch[done:], 0
            elif self.mapping.bisect_on_error and len(batch) > 1:
                middle = len(batch) // 2
                self._hand_over(batch[:middle], attempts)
                batch = batch[middle:]
                continue
            attempts += 1
            if condition := self._why_given_up(batch, attempts):
                self._send_to_destination(batch, attempts, condition, request_id)
                return
            self.stop.wait(min(FIRST_PAUSE_SECONDS * 2**attempts, LONGEST_PAUSE_SECONDS))

    def _invoke(self, batch: list[Record]) -> tuple[int, str]:
        """How many records from the first one on are done; and the request's ID."""
        event = {"Records": [self._as_event(record) for record in batch]}
        client = services.client("lambda", self.mapping.region, "lambda")
        try:
            answer = client.invoke(
                FunctionName=self.mapping.function_arn, Payload=json.dumps(event)
            )
        except Exception as error:  # noqa: BLE001 - refused, throttled or not answered: not done
            _log.info("%s was not invoked: %s", self.mapping.function_arn, error)
            return 0, ""
        request_id = answer["ResponseMetadata"].get("RequestId", "")
        payload = answer["Payload"].read()
        if answer.get("FunctionError"):
            return 0, request_id
        if "ReportBatchItemFailures" not in (self.mapping.function_response_types or []):
            return len(batch), request_id
        return _done(payload, [str(record.sequence_number) for record in batch]), request_id

    def _as_event(self, record: Record) -> dict[str, Any]:
        return {
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": record.partition_key,
                "sequenceNumber": str(record.sequence_number),
                "data": record.data,
                "approximateArrivalTimestamp": round(record.created_at, 3),
            },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": f"{self.shard.shard_id}:{record.sequence_number}",
            "eventName": "aws:kinesis:record",
            "awsRegion": self.mapping.region,
            "eventSourceARN": self.stream.arn,
        }

    def _why_given_up(self, batch: list[Record], attempts: int) -> str | None:
        most_attempts = self.mapping.max_retry_attempts
        if most_attempts is not None and 0 <= most_attempts < attempts:
            return "RetryAttemptsExhausted"
        longest = self.mapping.max_record_age
        if longest is not None and 0 <= longest < time.time() - batch[0].created_at:
            return "EventAgeExceeded"
        return None

    def _send_to_destination(
        self, batch: list[Record], attempts: int, condition: str, request_id: str
    ) -> None:
        """Where the records are in the stream: a queue gets no more of them."""
        configured = self.mapping.destination_config or {}
        destination = configured.get("OnFailure", {}).get("Destination")
        if not destination:
            return
        message = {
            "requestContext": {
                "requestId": request_id or str(uuid.uuid4()),
                "functionArn": self.mapping.function_arn,
                "condition": condition,
                "approximateInvokeCount": attempts,
            },
            "version": "1.0",
            "timestamp": _moment(time.time()),
            "KinesisBatchInfo": {
                "shardId": self.shard.shard_id,
                "startSequenceNumber": str(batch[0].sequence_number),
                "endSequenceNumber": str(batch[-1].sequence_number),
                "approximateArrivalOfFirstRecord": _moment(batch[0].created_at),
                "approximateArrivalOfLastRecord": _moment(batch[-1].created_at),
                "batchSize": len(batch),
                "streamArn": self.stream.arn,
            },
        }
        queue = destination.rpartition(":")[2]
        lookup = services.client("sqs", self.mapping.region, "lambda")
        url = lookup.get_queue_url(QueueName=queue)["QueueUrl"]
        # With the function's role.
        caller = self.mapping.function_arn.rpartition(":")[2]
        sqs = services.client("sqs", self.mapping.region, caller)
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps(message))


def _as_many_as_fit(records: list[Record]) -> list[Record]:
    """The first records, and no more than an invocation carries; at least one."""
    size = 0
    for number, record in enumerate(records):
        size += len(record.data)
        if number and size > MOST_BYTES:
            return records[:number]
    return records


def _done(payload: bytes, identifiers: list[str]) -> int:
    """How many come before the first failure; none where the answer is not understood."""
    try:
        answer = json.loads(payload or b"null") or {}
        failures = answer.get("batchItemFailures") or []
        failed = [identifiers.index(failure["itemIdentifier"]) for failure in failures]
    except (ValueError, KeyError, TypeError, AttributeError):
        return 0
    return min(failed, default=len(identifiers))


def _moment(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
