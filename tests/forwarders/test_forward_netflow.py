"""The Lambda function forward-netflow on the local AWS, as nfcapd with nfdump, and tshark, see it."""

from __future__ import annotations

import gzip
import json
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote_plus

import pytest

from local.local_aws import LocalAws
from tests.forwarders import functions
from tests.forwarders.collectors import (
    Listener,
    listener,
    needs_nfdump,
    needs_tshark,
    nfcapd,
    shown,
)
from tests.forwarders.processes import peak_memory
from tests.forwarders.records import (
    FIELDS,
    GATEWAY,
    TRANSLATIONS,
    added_up,
    ipv4,
    legs,
    mixed_records,
    told_by_nfdump,
    told_by_record,
)

FUNCTION, TABLE, BUCKET = "forward-netflow", "sequences", "flow-logs"
# Few enough for a collector that shares two cores with every other test.
RATE = "20000"
# A key that S3's own events write in another way.
KEY = "AWSLogs/day=21/a b+c ä.log.gz"
MEGABYTE = 1_000_000

TEMPLATE = functions.template(
    SequencesTable=functions.table(TABLE, "domain"),
    Function=functions.function(FUNCTION, timeout=60),
)


class Forwarding:
    """The function with its table, and a bucket."""

    def __init__(self, aws: LocalAws) -> None:
        self.aws = aws
        aws.client("s3").create_bucket(Bucket=BUCKET)
        aws.deploy("forwarding", TEMPLATE)

    def configure(self, *collectors: str, **settings: str) -> None:
        """A sequence of this test's own, unless a domain is given."""
        variables = {
            "COLLECTORS": ",".join(collectors),
            "TABLE_NAME": TABLE,
            "DOMAIN": str(uuid.uuid4().int % 2**16),
            "RATE": RATE,
        }
        self.aws.client("lambda").update_function_configuration(
            FunctionName=FUNCTION, Environment={"Variables": variables | settings}
        )

    def put(self, key: str, content: bytes) -> None:
        self.aws.client("s3").put_object(Bucket=BUCKET, Key=key, Body=content)

    def objects(self) -> set[str]:
        listed = self.aws.client("s3").list_objects_v2(Bucket=BUCKET)
        return {found["Key"] for found in listed.get("Contents", [])}

    def invoke(self, event: dict[str, Any], error: str | None = None) -> Any:
        """The function's answer; with `error`, it must fail under this name."""
        return functions.invoke(self.aws, FUNCTION, event, error)

    def summary(self, after: int) -> dict[str, Any]:
        """The line of the log about the invocation."""
        entry = self.aws.wait_for(
            "log", lambda entry: '"message":"sent"' in entry["line"], 30, after
        )
        return json.loads(entry["line"])


@pytest.fixture(scope="module")
def forwarding() -> Iterator[Forwarding]:
    with LocalAws() as aws:
        yield Forwarding(aws)


def text(records: list[dict]) -> bytes:
    """An object's lines, the header included."""
    lines = [
        FIELDS,
        *(" ".join(str(record[name]) for name in FIELDS.split()) for record in records),
    ]
    return ("\n".join(lines) + "\n").encode()


def s3_event(*keys: str) -> dict[str, Any]:
    """An event of S3, with a record for each key."""

    def record(key: str) -> dict[str, Any]:
        objects = {"bucket": {"name": BUCKET}, "object": {"key": quote_plus(key, safe="/")}}
        return {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": objects}

    return {"Records": [record(key) for key in keys]}


def event_bridge_event(key: str) -> dict[str, Any]:
    detail = {"bucket": {"name": BUCKET}, "object": {"key": key}}
    return {"source": "aws.s3", "detail-type": "Object Created", "detail": detail}


def sqs_event(bodies: dict[str, Any]) -> dict[str, Any]:
    """Messages of SQS by their IDs."""
    records = [
        {"eventSource": "aws:sqs", "messageId": message, "body": json.dumps(body)}
        for message, body in bodies.items()
    ]
    return {"Records": records}


@needs_nfdump
@pytest.mark.parametrize("protocol", ["ipfix", "v9", "v5"])
def test_nfdump_finds_every_record_of_every_invocation(forwarding, tmp_path, protocol):
    """Four invocations, in one of which DynamoDB's answer is lost: not one number is."""
    mixed = mixed_records()
    parts = [mixed[:500], mixed[500:800], mixed[800:1300], mixed[1300:1301], mixed[1301:]]
    forwarding.put(KEY, gzip.compress(text(parts[0])) + gzip.compress(text(parts[1])))
    forwarding.put("plain.log", text(parts[2]))
    forwarding.put("queued.log.gz", gzip.compress(text(parts[3])))
    forwarding.put("last.log", text(parts[4]))
    forwarding.put("empty.log", b"")
    with nfcapd(tmp_path / "flows") as collector:
        forwarding.configure(collector.address, PROTOCOL=protocol)
        forwarding.invoke(s3_event(KEY, "empty.log"))
        with forwarding.aws.fault("dynamodb", "UpdateItem", {"lose_answer": True}, times=1):
            forwarding.invoke(event_bridge_event("plain.log"))
        answer = forwarding.invoke(sqs_event({"m1": event_bridge_event("queued.log.gz")}))
        assert answer == {"batchItemFailures": []}
        forwarding.invoke(s3_event("last.log"))
    assert collector.told("Sequence Errors") == 0, collector.said
    assert collector.told("Bad Packets") == 0, collector.said
    if protocol == "v5":
        # 3 TB in one record take 769 records of 32 bits each.
        assert len(collector.flows) == len(ipv4(mixed)) + 768
        assert added_up(collector.flows) == sorted(map(told_by_record, ipv4(mixed)))
    else:
        assert sorted(map(told_by_nfdump, collector.flows)) == sorted(map(told_by_record, mixed))


@needs_nfdump
def test_what_dies_before_it_sends_is_missed_until_it_is_tried_again(forwarding, tmp_path):
    """Its numbers are taken and its records are not sent: a collector tells of it."""
    records = ipv4(mixed_records())[:30]
    for number, start in enumerate(range(0, 30, 10)):
        forwarding.put(f"{number}.log", text(records[start : start + 10]))
    with nfcapd(tmp_path / "flows") as collector:
        forwarding.configure(collector.address)
        forwarding.invoke(s3_event("0.log"))
        with forwarding.aws.fault("dynamodb", "UpdateItem", {"kill": "during"}, times=1):
            forwarding.invoke(s3_event("1.log"), error="Runtime.ExitError")
        forwarding.invoke(s3_event("2.log"))
        forwarding.invoke(s3_event("1.log"))
    assert collector.told("Sequence Errors") == 1, collector.said
    assert sorted(map(told_by_nfdump, collector.flows)) == sorted(map(told_by_record, records))


def sequence_numbers(heard: Listener) -> list[tuple[int, int]]:
    """Observation domain and sequence number of each message of IPFIX."""
    pairs = [(datagram[12:16], datagram[8:12]) for datagram in heard.datagrams]
    return [(int.from_bytes(domain), int.from_bytes(number)) for domain, number in pairs]


def test_numbers_go_on_for_all_collectors_and_wrap(forwarding):
    records = ipv4(mixed_records())[:5]
    forwarding.put("five.log", text(records))
    item = {"domain": {"S": "ipfix/70000"}, "nextNumber": {"N": str(2**32 - 3)}}
    forwarding.aws.client("dynamodb").put_item(TableName=TABLE, Item=item)
    with listener() as one, listener() as other:
        forwarding.configure(one.address, other.address, DOMAIN="70000", MTU="512")
        for _ in range(2):
            forwarding.invoke(s3_event("five.log"))
    assert one.datagrams == other.datagrams
    assert all(len(datagram) <= 512 for datagram in one.datagrams)
    numbers = [number for domain, number in sequence_numbers(one) if domain == 70_000]
    assert (numbers[0], 2 in numbers) == (2**32 - 3, True)


@needs_tshark
def test_tshark_shows_what_the_gateway_translated_and_what_was_left_out(forwarding, tmp_path):
    recorded = legs(tmp_path / "legs.log").read_text()
    nothing = "- - - - - - - - 1763700000 1763700060\n"
    forwarding.put("legs.log", (recorded + nothing + "no record\n").encode())
    after = forwarding.aws.now()
    with listener() as heard:
        forwarding.configure(heard.address, GATEWAYS=GATEWAY)
        forwarding.invoke(s3_event("legs.log"))
    *flows, options = shown(heard, tmp_path)
    found = [
        (
            told["cflow.srcaddr"],
            told["cflow.dstaddr"],
            told.get("cflow.post_natsource_ipv4_address"),
            told.get("cflow.post_natdestination_ipv4_address"),
            int(told["cflow.observation_point_id"]),
        )
        for told in flows
    ]
    assert found == [TRANSLATIONS[0], TRANSLATIONS[3]]
    assert options["cflow.flowsexp"] == "2"
    summary = forwarding.summary(after)
    counts = ["objects", "records", "exported", "otherLegs", "noData", "badLines"]
    assert [summary[name] for name in counts] == [1, 5, 2, 2, 1, 1]
    assert summary["missingFields"] == "protocol: 2, tcp-flags: 2, action: 2, packets: 2"


def test_objects_are_deleted_once_sent_and_messages_that_failed_come_again(forwarding):
    records = text(ipv4(mixed_records())[:5])
    forwarding.put("kept/sent.log", records)
    with listener() as heard:
        forwarding.configure(heard.address)
        forwarding.invoke(s3_event("kept/sent.log"))
        forwarding.configure(heard.address, DELETE_OBJECTS="true")
        for key in ["gone/sent.log", "gone/with broken.log"]:
            forwarding.put(key, records)
        forwarding.put("kept/broken.log.gz", gzip.compress(records)[:-9])
        bodies = {
            "m1": s3_event("gone/sent.log"),
            "m2": s3_event("kept/broken.log.gz"),
            "m3": {"nonsense": True},
            "m4": s3_event("gone/with broken.log"),
            # It was deleted by an earlier invocation, whose answer was lost.
            "m5": s3_event("gone/before.log"),
        }
        answer = forwarding.invoke(sqs_event(bodies))
    failures = [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]
    assert failures == ["m2", "m3"]
    left = {key for key in forwarding.objects() if key.startswith(("kept/", "gone/"))}
    assert left == {"kept/sent.log", "kept/broken.log.gz"}


def test_what_fails_has_a_name(forwarding):
    forwarding.put("parquet", b"PAR1....")
    forwarding.put("no-bytes.log", b"srcaddr dstaddr\n10.0.0.1 10.0.0.2\n")
    with listener() as heard:
        forwarding.configure(heard.address, PROTOCOL="v5")
        forwarding.invoke(s3_event("parquet"), error="ObjectRefused")
        told = forwarding.invoke(s3_event("no-bytes.log"), error="FieldsMissing")
        assert "lack bytes, packets, start, end" in told["errorMessage"]
        forwarding.invoke(s3_event("never.log"), error="ObjectGone")
        forwarding.invoke({"nonsense": True}, error="EventRefused")
        down = {"error": {"status": 400, "code": "AccessDeniedException", "message": "no"}}
        forwarding.put("five.log", text(ipv4(mixed_records())[:5]))
        with forwarding.aws.fault("dynamodb", "UpdateItem", down):
            forwarding.invoke(s3_event("five.log"), error="SequenceNotReserved")
        forwarding.configure(heard.address, PROTOCOL="v10")
        told = forwarding.invoke(s3_event("five.log"), error="SettingsWrong")
        assert "PROTOCOL is v10, expected ipfix or v9 or v5" in told["errorMessage"]
    forwarding.configure(heard.address)
    forwarding.invoke(s3_event("five.log"), error="CollectorRefused")


def test_a_large_object_takes_no_more_memory_than_a_small_one(forwarding):
    line = text(ipv4(mixed_records())[:1]).splitlines()[1] + b"\n"
    block = line * 10_000
    blocks = 40 * MEGABYTE // len(block)
    member = gzip.compress(block)
    forwarding.put("large.log.gz", gzip.compress(f"{FIELDS}\n".encode()) + member * blocks)
    after = forwarding.aws.now()
    with listener() as heard:
        forwarding.configure(heard.address, RATE="0", FUNCTION_OF="memory")
        forwarding.invoke(s3_event("large.log.gz"))
        peak = peak_memory("memory")
    assert forwarding.summary(after)["exported"] == blocks * 10_000
    assert peak < 40 * MEGABYTE, f"{peak} bytes"
