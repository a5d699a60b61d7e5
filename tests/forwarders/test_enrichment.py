"""The Lambda functions ingest-records and enrich-records on the local AWS."""

from __future__ import annotations

import base64
import gzip
import ipaddress
import json
import math
import random
from collections.abc import Iterator
from typing import Any

import pytest

from local.local_aws import ACCOUNT_ID, REGION, LocalAws
from local.network import Gateway
from tests.forwarders.functions import function, invoke, template
from tests.forwarders.mmdb import database
from tests.forwarders.processes import peak_memory

STREAM, BUCKET = "flows", "flows"
STREAM_ARN = f"arn:aws:firehose:{REGION}:{ACCOUNT_ID}:deliverystream/{STREAM}"
PEER = "203.0.113.5"
# What Lambda is invoked with at most.
MOST_EVENT_BYTES = 6_291_456
# The least memory that a function can have is 128 MB.
MOST_MEMORY_BYTES = 100_000_000
BERLIN = {
    "city": {"names": {"en": "Berlin"}},
    "country": {"iso_code": "DE"},
    "location": {"latitude": 52.5, "longitude": 13.25},
}


TEMPLATE = template(
    Ingest=function("ingest-records", timeout=20),
    Enrich=function("enrich-records", timeout=20),
)


class Functions:
    """Both functions, and a stream that delivers into a bucket."""

    def __init__(self, aws: LocalAws) -> None:
        self.aws = aws
        aws.client("s3").create_bucket(Bucket=BUCKET)
        role = f"arn:aws:iam::{ACCOUNT_ID}:role/any"
        aws.client("firehose").create_delivery_stream(
            DeliveryStreamName=STREAM,
            ExtendedS3DestinationConfiguration={
                "RoleARN": role,
                "BucketARN": f"arn:aws:s3:::{BUCKET}",
                "Prefix": "delivered/",
            },
        )
        aws.deploy("enrichment", TEMPLATE)

    def configure(self, name: str, *, timeout: int = 20, **variables: str) -> None:
        self.aws.client("lambda").update_function_configuration(
            FunctionName=name, Environment={"Variables": variables}, Timeout=timeout
        )

    def invoke(self, name: str, event: Any, error: str | None = None) -> Any:
        """The function's answer; with `error`, it must fail under this name."""
        return invoke(self.aws, name, event, error)

    def delivered(self) -> list[str]:
        """The lines that the stream has delivered since it was last asked."""
        s3 = self.aws.client("s3")
        listed = s3.list_objects_v2(Bucket=BUCKET, Prefix="delivered/").get("Contents", [])
        lines = []
        for found in sorted(listed, key=lambda found: found["LastModified"]):
            body = s3.get_object(Bucket=BUCKET, Key=found["Key"])["Body"].read()
            lines += body.decode().splitlines()
            s3.delete_object(Bucket=BUCKET, Key=found["Key"])
        return lines

    def calls(self, operation: str, after: int) -> list[dict[str, Any]]:
        entries, _ = self.aws.journal(after)
        of_api = [entry for entry in entries if entry["kind"] == "api-call"]
        return [
            entry
            for entry in of_api
            if entry["operation"] == operation and entry["caller"] != "client"
        ]


@pytest.fixture(scope="module")
def functions() -> Iterator[Functions]:
    with LocalAws() as aws:
        yield Functions(aws)


@pytest.fixture
def gateway(functions: Functions) -> Gateway:
    return functions.aws.network().create_gateway("egress")


# -- enrich-records ---------------------------------------------------------------------------


def line(interface: str, size: int = 4249, peer: str = PEER) -> str:
    return (
        f"2 {ACCOUNT_ID} {interface} 10.0.1.5 {peer} 49152 443 6 10 {size} 1700000000 1700000060 "
        "ACCEPT OK"
    )


def transformation(lines: list[str]) -> dict[str, Any]:
    records = [
        {
            "recordId": f"49572672223665514422805246926656954630972486059535892{number:03}",
            "approximateArrivalTimestamp": 1_700_000_100_000,
            "data": base64.b64encode(line.encode()).decode(),
        }
        for number, line in enumerate(lines)
    ]
    return {
        "invocationId": "invoked123",
        "deliveryStreamArn": STREAM_ARN,
        "region": REGION,
        "records": records,
    }


def documents(answer: dict[str, Any]) -> list[Any]:
    """Each record's document, or else its result."""
    return [
        json.loads(base64.b64decode(record["data"])) if "data" in record else record["result"]
        for record in answer["records"]
    ]


def test_documents_have_what_ec2_and_the_databases_know(functions, gateway, tmp_path):
    systems = {"203.0.113.0/24": {"autonomous_system_number": 64_496}}
    (tmp_path / "asn.mmdb").write_bytes(database("GeoLite2-ASN", systems))
    cities = database("GeoLite2-City", {"203.0.113.0/24": BERLIN})
    s3 = functions.aws.client("s3")
    s3.put_object(Bucket=BUCKET, Key="databases/city.mmdb", Body=cities)
    places = f"s3://{BUCKET}/databases/city.mmdb, {tmp_path}/asn.mmdb"
    functions.configure("enrich-records", DATABASE=places)
    after = functions.aws.now()

    lines = [line(gateway.interface_id), "rubbish", line("eni-0gone")]
    # Databases of IPv4 know nothing of IPv6, but for what is IPv4 in it.
    lines += [line("eni-0gone", peer=peer) for peer in ("2600::1", f"::ffff:{PEER}")]
    event = transformation(lines)
    known, bad, gone, six, mapped = documents(functions.invoke("enrich-records", event))

    ec2 = functions.aws.client("ec2")
    found = ec2.describe_network_interfaces(NetworkInterfaceIds=[gateway.interface_id])
    interface = found["NetworkInterfaces"][0]
    assert known["@timestamp"] == "2023-11-14T22:13:20Z"
    assert known["account_id"] == ACCOUNT_ID
    assert known["vpc_id"] == interface["VpcId"]
    assert known["subnet_id"] == interface["SubnetId"]
    assert known["availability_zone"] == interface["AvailabilityZone"]
    assert known.get("security_groups", []) == [group["GroupId"] for group in interface["Groups"]]
    assert known["destination"] == {
        "geo": {
            "country_iso_code": "DE",
            "city_name": "Berlin",
            "location": {"lat": 52.5, "lon": 13.25},
        },
        "as": {"number": 64_496},
    }
    assert "source" not in known
    assert bad == "ProcessingFailed"
    assert gone["bytes"] == 4249
    assert (six["dstaddr"], six.get("destination")) == ("2600::1", None)
    assert mapped["destination"] == known["destination"]
    assert "vpc_id" not in gone

    # Known or gone: EC2 is not asked again.
    functions.invoke("enrich-records", event)
    assert len(functions.calls("DescribeNetworkInterfaces", after)) == 1
    # Nor is the database fetched again.
    assert len(functions.calls("GetObject", after)) == 1


def overflowing() -> dict[str, Any]:
    """A line grows to three times its length: 12,000 make an answer of more than 6 MB."""
    event = transformation([line("eni-0gone", size) + "\n" for size in range(12_000)])
    for number, record in enumerate(event["records"]):
        record["recordId"] = f"{number:056}"
    return event


def test_what_finds_no_room_in_the_answer_comes_back(functions):
    functions.configure("enrich-records")
    functions.delivered()
    event = overflowing()

    answer = functions.invoke("enrich-records", event)

    assert len(json.dumps(answer, separators=(",", ":"))) <= 6_291_456
    found = documents(answer)
    delivered = {document["bytes"] for document in found if document != "Dropped"}
    put_back = {int(record.split()[9]) for record in functions.delivered()}
    assert "ProcessingFailed" not in found
    assert delivered and put_back
    assert delivered.isdisjoint(put_back)
    assert delivered | put_back == set(range(12_000))


def test_what_the_stream_does_not_take_back_is_answered_in_time(functions):
    """Firehose keeps it in the bucket, and what found room is delivered."""
    functions.configure("enrich-records", timeout=9)
    slow = {"status": 503, "code": "ServiceUnavailableException", "message": "Slow down."}
    with functions.aws.fault("firehose", "PutRecordBatch", {"error": slow}):
        found = documents(functions.invoke("enrich-records", overflowing()))
    failed = found.count("ProcessingFailed")
    assert failed > 0 and "Dropped" not in found
    assert len({document["bytes"] for document in found if isinstance(document, dict)}) == (
        len(found) - failed
    )


def zipf_peers(count: int) -> list[str]:
    """Addresses in 16.0.0.0/8, of 65,536 networks, as often as Zipf has it."""
    chance = random.Random(1)
    ranks = [int(math.exp(chance.random() * math.log(65_537))) - 1 for _ in range(count)]
    return [str(ipaddress.IPv4Address((16 << 24) + rank * 40_503 % 65_536 * 256)) for rank in ranks]


def test_the_largest_event_fits_into_the_smallest_function(functions, gateway, tmp_path):
    """Six megabytes in, six out, the rest put back; the addresses' places are remembered."""
    networks = {
        f"16.{number >> 4}.{(number & 15) << 4}.0/20": BERLIN | {"postal": {"code": str(number)}}
        for number in range(4096)
    }
    (tmp_path / "city.mmdb").write_bytes(database("GeoLite2-City", networks))
    functions.configure("enrich-records", DATABASE=f"{tmp_path}/city.mmdb", FUNCTION_OF="enrich")
    peers = zipf_peers(22_000)
    lines = [line(gateway.interface_id, size, peer) + "\n" for size, peer in enumerate(peers)]
    event = transformation(lines)
    for number, record in enumerate(event["records"]):
        record["recordId"] = f"{number:056}"
    assert 0.95 * MOST_EVENT_BYTES < len(json.dumps(event)) <= MOST_EVENT_BYTES

    functions.delivered()
    found = documents(functions.invoke("enrich-records", event))
    peak = peak_memory("enrich")

    delivered = {document["bytes"] for document in found if document != "Dropped"}
    put_back = {int(record.split()[9]) for record in functions.delivered()}
    assert delivered.isdisjoint(put_back)
    assert delivered | put_back == set(range(len(lines)))
    assert all(document["destination"]["geo"] for document in found if document != "Dropped")
    assert peak < MOST_MEMORY_BYTES, f"{peak} bytes"


def test_ec2_out_of_reach_fails_the_invocation(functions, gateway):
    functions.configure("enrich-records", CACHE_SECONDS="60")
    event = transformation([line(gateway.interface_id)])
    error = {"status": 403, "code": "UnauthorizedOperation", "message": "no"}
    with functions.aws.fault("ec2", "DescribeNetworkInterfaces", {"error": error}):
        functions.invoke("enrich-records", event, error="AwsRefused")
    assert documents(functions.invoke("enrich-records", event))[0]["vpc_id"]


def test_wrong_settings_are_named(functions):
    event = transformation([line("eni-1")])
    functions.configure("enrich-records", DATABASE="/opt/none.mmdb")
    failed = functions.invoke("enrich-records", event, error="DatabaseMissing")
    assert "/opt/none.mmdb" in failed["errorMessage"]
    functions.configure("enrich-records", FORMAT="srcaddr")
    functions.invoke("enrich-records", event, error="SettingsWrong")
    functions.configure("enrich-records")
    functions.invoke("enrich-records", {"Records": []}, error="EventRefused")


# -- ingest-records ---------------------------------------------------------------------------


def subscription(messages: list[str], kind: str = "DATA_MESSAGE") -> str:
    """A payload's base64."""
    events = [
        {"id": str(number), "timestamp": 1_700_000_000_000, "message": message}
        for number, message in enumerate(messages)
    ]
    content = {
        "messageType": kind,
        "owner": ACCOUNT_ID,
        "logGroup": "flows",
        "logStream": "eni-1-all",
        "subscriptionFilters": ["forwarders"],
        "logEvents": events,
    }
    return base64.b64encode(gzip.compress(json.dumps(content).encode())).decode()


def test_each_line_is_a_record_of_the_stream(functions):
    functions.configure("ingest-records", DELIVERY_STREAM_NAME=STREAM)
    functions.delivered()
    after = functions.aws.now()
    lines = [line("eni-1", size) for size in range(1_200)]
    functions.invoke("ingest-records", {"awslogs": {"data": subscription(lines)}})
    control = subscription(["CWL CONTROL MESSAGE"], kind="CONTROL_MESSAGE")
    functions.invoke("ingest-records", {"awslogs": {"data": control}})
    assert sorted(functions.delivered()) == sorted(lines)
    assert len(functions.calls("PutRecordBatch", after)) == 3


def test_a_large_payload_and_a_large_object_fit_into_the_smallest_function(functions):
    """As many events as CloudWatch Logs sends at a time, and as many lines as an object has."""
    functions.configure("ingest-records", DELIVERY_STREAM_NAME=STREAM, FUNCTION_OF="ingest")
    functions.delivered()
    lines = [line("eni-0123456789abcdef0", size) for size in range(10_000)]
    functions.invoke("ingest-records", {"awslogs": {"data": subscription(lines)}})
    assert sorted(functions.delivered()) == sorted(lines)

    s3 = functions.aws.client("s3")
    s3.put_object(
        Bucket=BUCKET, Key="large.log.gz", Body=gzip.compress("\n".join(lines * 3).encode())
    )
    detail = {"bucket": {"name": BUCKET}, "object": {"key": "large.log.gz"}}
    event = {"source": "aws.s3", "detail-type": "Object Created", "detail": detail}
    functions.invoke("ingest-records", event)
    peak = peak_memory("ingest")
    assert len(functions.delivered()) == 3 * len(lines)
    assert peak < MOST_MEMORY_BYTES, f"{peak} bytes"


def test_a_stream_that_is_too_slow_gets_the_rest_later(functions):
    functions.configure("ingest-records", DELIVERY_STREAM_NAME=STREAM)
    functions.delivered()
    slow = {"status": 503, "code": "ServiceUnavailableException", "message": "Slow down."}
    lines = [line("eni-1", size) for size in range(600)]
    event = {"awslogs": {"data": subscription(lines)}}
    with functions.aws.fault("firehose", "PutRecordBatch", {"error": slow}, times=4):
        functions.invoke("ingest-records", event)
    assert sorted(functions.delivered()) == sorted(lines)
    gone = {"status": 400, "code": "ResourceNotFoundException", "message": "no such stream"}
    with functions.aws.fault("firehose", "PutRecordBatch", {"error": gone}):
        functions.invoke("ingest-records", event, error="AwsRefused")


def test_records_of_a_kinesis_stream_fail_from_the_first_that_cannot_be_read(functions):
    functions.configure("ingest-records", DELIVERY_STREAM_NAME=STREAM)
    functions.delivered()
    payloads = [subscription(["a 1"]), "rubbish", subscription(["c 3"])]
    records = [
        {
            "eventSource": "aws:kinesis",
            "eventID": f"shardId-000000000000:{number}",
            "eventSourceARN": f"arn:aws:kinesis:{REGION}:{ACCOUNT_ID}:stream/s",
            "kinesis": {"data": data, "sequenceNumber": str(number)},
        }
        for number, data in enumerate(payloads)
    ]
    answer = functions.invoke("ingest-records", {"Records": records})
    assert answer == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    assert functions.delivered() == ["a 1"]


def test_lines_of_an_object_bring_its_header_and_are_read_by_it(functions):
    functions.configure("ingest-records", DELIVERY_STREAM_NAME=STREAM)
    functions.configure("enrich-records")
    functions.delivered()
    text = "bytes flow-mood srcaddr\n5 good 10.0.0.1\n\n6 bad 10.0.0.2\n"
    key = "AWSLogs/a b+c.log.gz"
    s3 = functions.aws.client("s3")
    s3.put_object(Bucket=BUCKET, Key=key, Body=gzip.compress(text.encode()))
    told = {
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": BUCKET}, "object": {"key": "AWSLogs/a+b%2Bc.log.gz"}},
    }
    functions.invoke("ingest-records", {"Records": [told]})
    header, first, again, second = functions.delivered()
    assert (header, again) == (text.split("\n")[0],) * 2

    event = transformation([f"{header}\n{first}\n", f"{header}\n{second}\n"])
    found = documents(functions.invoke("enrich-records", event))
    assert found == [
        {"bytes": 5, "flow_mood": "good", "srcaddr": "10.0.0.1"},
        {"bytes": 6, "flow_mood": "bad", "srcaddr": "10.0.0.2"},
    ]

    gone = told | {"s3": {"bucket": {"name": BUCKET}, "object": {"key": "gone"}}}
    queued = [
        {"eventSource": "aws:sqs", "messageId": name, "body": json.dumps({"Records": [record]})}
        for name, record in (("m1", gone), ("m2", told))
    ]
    answer = functions.invoke("ingest-records", {"Records": queued})
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
