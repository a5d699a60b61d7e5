"""Firehose: delivery streams to OpenSearch, with a function that transforms and a backup.

Stock moto knows no such destination, transforms nothing and delivers while it is called.

https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html
https://docs.aws.amazon.com/firehose/latest/dev/retry.html
"""

from __future__ import annotations

import base64
import gzip
import json
import logging
import threading
import time
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from moto.core.responses import ActionResult
from moto.firehose.exceptions import InvalidArgumentException, ResourceInUseException
from moto.firehose.models import DeliveryStream, FirehoseBackend
from moto.firehose.responses import FirehoseResponse
from moto.opensearch.models import opensearch_backends

from local.moto_patches import services

DESTINATION = "Amazonopensearchservice"
# What PutRecordBatch takes.
MOST_RECORDS, MOST_BYTES, MOST_BYTES_OF_RECORD = 500, 4 * 1024 * 1024, 1_024_000
# A buffer that gets nothing for so long is handed over, where AWS waits for the whole interval.
QUIET_SECONDS = 0.2
# Tries to reach a domain, where AWS tries for RetryOptions.DurationInSeconds.
ATTEMPTS = 4
FIRST_PAUSE_SECONDS = 0.05

_log = logging.getLogger(__name__)
_workers: dict[str, Worker] = {}


def apply() -> None:
    """Apply this module's patches."""
    _patch_creation()
    _patch_deletion()
    _patch_records()


def _patch_creation() -> None:
    stock = FirehoseResponse.create_delivery_stream

    def create(self: FirehoseResponse) -> ActionResult:
        configuration = self._get_param(f"{DESTINATION}DestinationConfiguration")
        if configuration is None:
            return stock(self)
        backend, name = self.firehose_backend, self._get_param("DeliveryStreamName")
        if name in backend.delivery_streams:
            raise ResourceInUseException(f"Firehose {name} already exists")
        stream = DeliveryStream(
            account_id=backend.account_id,
            region=self.region,
            delivery_stream_name=name,
            delivery_stream_type=self._get_param("DeliveryStreamType"),
            encryption=self._get_param("DeliveryStreamEncryptionConfigurationInput"),
            kinesis_stream_source_configuration={},
            destination_name=DESTINATION,
            destination_config=dict(configuration),
        )
        backend.delivery_streams[name] = stream
        _workers[stream.delivery_stream_arn] = Worker(backend, stream, configuration)
        return ActionResult({"DeliveryStreamARN": stream.delivery_stream_arn})

    FirehoseResponse.create_delivery_stream = create


def _patch_deletion() -> None:
    stock = FirehoseBackend.delete_delivery_stream

    def delete(self: FirehoseBackend, name: str) -> None:
        stream = self.delivery_streams.get(name)
        stock(self, name)
        if worker := _workers.pop(stream.delivery_stream_arn, None):
            worker.stop()

    FirehoseBackend.delete_delivery_stream = delete


def _patch_records() -> None:
    stock = FirehoseBackend.put_record_batch

    def put(self: FirehoseBackend, name: str, records: list[dict[str, Any]]) -> dict[str, Any]:
        _check(records)
        stream = self.delivery_streams.get(name)
        worker = _workers.get(stream.delivery_stream_arn) if stream else None
        if worker is None:
            return stock(self, name, records)
        return {
            "FailedPutCount": 0,
            "Encrypted": False,
            "RequestResponses": [{"RecordId": put} for put in worker.put(records)],
        }

    FirehoseBackend.put_record_batch = put


def _check(records: list[dict[str, Any]]) -> None:
    sizes = [len(_data(record)) for record in records]
    if not 1 <= len(records) <= MOST_RECORDS:
        raise InvalidArgumentException(f"{len(records)} records, expected 1 to {MOST_RECORDS}")
    if sum(sizes) > MOST_BYTES:
        raise InvalidArgumentException(f"{sum(sizes)} bytes, expected at most {MOST_BYTES}")
    if max(sizes) > MOST_BYTES_OF_RECORD:
        raise InvalidArgumentException(f"a record of more than {MOST_BYTES_OF_RECORD} bytes")


def _data(record: dict[str, Any]) -> bytes:
    data = record["Data"]
    return data if isinstance(data, bytes) else base64.b64decode(data)


@dataclass
class Held:
    """A record on its way."""

    id: str
    data: bytes
    arrived: float = field(default_factory=time.time)


@dataclass(frozen=True)
class Failed:
    """A record that goes to the backup, and why; `about` is what else is said of it there."""

    record: Held
    attempts: int
    code: str
    message: str
    about: dict[str, Any]


class Worker:
    """Delivers what is put into one stream."""

    def __init__(
        self, backend: FirehoseBackend, stream: DeliveryStream, configuration: dict[str, Any]
    ):
        self._backend = backend
        self._name, self._arn = stream.delivery_stream_name, stream.delivery_stream_arn
        self._configuration = configuration
        self._records: list[Held] = []
        self._changed = threading.Condition()
        self._stopped = False
        threading.Thread(target=self._run, name=self._name, daemon=True).start()

    def put(self, records: list[dict[str, Any]]) -> list[str]:
        """Take records; returns their IDs."""
        held = [Held(str(uuid.uuid4()), _data(record)) for record in records]
        with self._changed:
            self._records += held
            self._changed.notify_all()
        return [record.id for record in held]

    def stop(self) -> None:
        """Deliver no more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    # -- Buffering ----------------------------------------------------------------------------

    def _run(self) -> None:
        while batch := self._next():
            try:
                self._deliver(batch)
            except Exception:  # noqa: BLE001 - the next batch must come through
                _log.exception("%s lost %d records", self._name, len(batch))

    def _next(self) -> list[Held]:
        """The records that one invocation of the function gets; none at the end."""
        most = float(self._processor().get("BufferSizeInMBs", "1")) * 1024 * 1024
        with self._changed:
            self._changed.wait_for(lambda: self._records or self._stopped)
            while not self._stopped and sum(len(held.data) for held in self._records) < most:
                before = len(self._records)
                self._changed.wait(QUIET_SECONDS)
                if len(self._records) == before:
                    break
            if self._stopped:
                return []
            count, size = 0, 0
            while count < len(self._records) and (
                count == 0 or size + len(self._records[count].data) <= most
            ):
                size += len(self._records[count].data)
                count += 1
            batch, self._records = self._records[:count], self._records[count:]
            return batch

    # -- Transforming -------------------------------------------------------------------------

    def _processor(self) -> dict[str, str]:
        processing = self._configuration.get("ProcessingConfiguration") or {}
        if not processing.get("Enabled"):
            return {}
        [processor] = processing["Processors"]
        return {one["ParameterName"]: one["ParameterValue"] for one in processor["Parameters"]}

    def _deliver(self, batch: list[Held]) -> None:
        transformed, failed = self._transform(batch) if self._processor() else (batch, [])
        self._back_up("processing-failed", failed)
        if transformed:
            self._back_up("AmazonOpenSearchService_failed", self._index(transformed))

    def _transform(self, batch: list[Held]) -> tuple[list[Held], list[Failed]]:
        """The documents, and the records of which there are none."""
        processor = self._processor()
        event = {
            "invocationId": str(uuid.uuid4()),
            "deliveryStreamArn": self._arn,
            "region": self._backend.region_name,
            "records": [
                {
                    "recordId": record.id,
                    "approximateArrivalTimestamp": int(record.arrived * 1000),
                    "data": base64.b64encode(record.data).decode(),
                }
                for record in batch
            ],
        }
        function = processor["LambdaArn"]
        attempts = 1 + int(processor.get("NumberOfRetries", "3"))
        answer, said = None, ""
        for attempt in range(attempts):
            answer, said = self._invoke(function, event)
            if answer is not None:
                break
            time.sleep(FIRST_PAUSE_SECONDS * 2**attempt)
        results = {one.get("recordId"): one for one in (answer or {}).get("records", [])}
        documents, failed = [], []
        for record in batch:
            result = results.get(record.id, {})
            if result.get("result") == "Ok":
                data = base64.b64decode(result["data"])
                documents.append(Held(record.id, data, record.arrived))
            elif result.get("result") != "Dropped":
                code = "Lambda.ProcessingFailedStatus" if result else "Lambda.InvokeFailed"
                message = said or "The Lambda function returned the status ProcessingFailed."
                tries = 1 if answer is not None else attempts
                failed.append(Failed(record, tries, code, message, {"lambdaArn": function}))
        return documents, failed

    def _invoke(self, function: str, event: dict[str, Any]) -> tuple[dict[str, Any] | None, str]:
        """The function's answer, or what went wrong."""
        try:
            client = services.client("lambda", self._backend.region_name, self._name)
            answer = client.invoke(FunctionName=function, Payload=json.dumps(event))
            payload = json.loads(answer["Payload"].read())
        except Exception as error:  # noqa: BLE001 - whatever it is, the records are backed up
            return None, str(error)
        if answer.get("FunctionError"):
            return None, json.dumps(payload)
        return payload, ""

    # -- Indexing -----------------------------------------------------------------------------

    def _index(self, documents: list[Held]) -> list[Failed]:
        """Have the domain index the documents; returns those that it did not take."""
        index, lines = self._index_name(), []
        for document in documents:
            lines.append(json.dumps({"index": {"_index": index, "_id": document.id}}).encode())
            lines.append(document.data.strip())
        body = b"\n".join(lines) + b"\n"
        answer: dict[str, Any] | None = None
        code, said = "0", ""
        for attempt in range(ATTEMPTS):
            answer, code, said = self._post(body)
            if answer is not None:
                break
            time.sleep(FIRST_PAUSE_SECONDS * 2**attempt)
        about = {"esIndexName": index, "esTypeName": ""}
        if answer is None:
            return [
                Failed(held, ATTEMPTS, code, said, {"esDocumentId": held.id, **about})
                for held in documents
            ]
        return [
            Failed(
                held,
                1,
                str(item["index"]["status"]),
                json.dumps(item["index"].get("error")),
                {"esDocumentId": held.id, **about},
            )
            for held, item in zip(documents, answer["items"], strict=True)
            if item["index"]["status"] >= 300
        ]

    def _post(self, body: bytes) -> tuple[dict[str, Any] | None, str, str]:
        """The domain's answer; or HTTP's status and what went wrong."""
        request = urllib.request.Request(
            f"{self._endpoint()}/_bulk",
            data=body,
            headers={"content-type": "application/x-ndjson"},
            method="POST",
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.loads(answer.read()), "200", ""
        except urllib.error.HTTPError as error:
            return None, str(error.code), error.read().decode(errors="replace")[:1000]
        except (OSError, ValueError) as error:
            return None, "0", str(error)

    def _endpoint(self) -> str:
        """The domain's custom endpoint, in clear text: whoever makes a domain here listens there."""
        if endpoint := self._configuration.get("ClusterEndpoint"):
            return endpoint
        name = self._configuration["DomainARN"].rpartition("/")[2]
        backend = opensearch_backends[self._backend.account_id][self._backend.region_name]
        options = backend.describe_domain(name).domain_endpoint_options
        return f"http://{options['CustomEndpoint']}"

    def _index_name(self) -> str:
        formats = {
            "OneHour": "-%Y-%m-%d-%H",
            "OneDay": "-%Y-%m-%d",
            "OneWeek": "-%G-w%V",
            "OneMonth": "-%Y-%m",
        }
        rotation = formats.get(self._configuration.get("IndexRotationPeriod", "OneDay"), "")
        return self._configuration["IndexName"] + datetime.now(UTC).strftime(rotation)

    # -- Backing up ---------------------------------------------------------------------------

    def _back_up(self, folder: str, failed: list[Failed]) -> None:
        """An object with a line for each record, in the bucket of the configuration."""
        if not failed:
            return
        now = datetime.now(UTC)
        configuration = self._configuration["S3Configuration"]
        lines = "".join(json.dumps(_as_line(one, now)) + "\n" for one in failed).encode()
        packed = configuration.get("CompressionFormat") == "GZIP"
        key = f"{configuration.get('Prefix', '')}{folder}/{now:%Y/%m/%d/%H}/"
        key += f"{self._name}-1-{now:%Y-%m-%d-%H-%M-%S}-{uuid.uuid4()}" + (".gz" if packed else "")
        services.client("s3", self._backend.region_name, self._name).put_object(
            Bucket=configuration["BucketARN"].rpartition(":")[2],
            Key=key,
            Body=gzip.compress(lines, mtime=0) if packed else lines,
        )


def _as_line(failed: Failed, now: datetime) -> dict[str, Any]:
    return {
        "attemptsMade": failed.attempts,
        "arrivalTimestamp": int(failed.record.arrived * 1000),
        "errorCode": failed.code,
        "errorMessage": failed.message,
        "attemptEndingTimestamp": int(now.timestamp() * 1000),
        "rawData": base64.b64encode(failed.record.data).decode(),
        **failed.about,
    }
