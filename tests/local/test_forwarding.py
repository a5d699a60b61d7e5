"""What carries records on: subscriptions, streams, objects' events, delivery streams; and rules."""

from __future__ import annotations

import base64
import gzip
import io
import json
import threading
import time
import uuid
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local import rules
from local.template import DeploymentError
from tests.local.stand_in import FunctionError

SECONDS = 20


class Calls:
    """A function: `answer` of an event is its answer, and `events` are those that it got."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.answer = lambda event: None
        self._came = threading.Condition()

    def __call__(self, event: Any) -> Any:
        with self._came:
            self.events.append(event)
            self._came.notify_all()
        return self.answer(event)

    def wait(self, count: int) -> list[Any]:
        """The events, once there are so many."""
        with self._came:
            assert self._came.wait_for(lambda: len(self.events) >= count, SECONDS), self.events
            return list(self.events)


@pytest.fixture
def name() -> str:
    return f"f-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def function(client, door, name) -> tuple[str, Calls]:
    """A function's ARN, and what it is."""
    role = client("iam").create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("bootstrap", "")
    made = client("lambda").create_function(
        FunctionName=name,
        Runtime="provided.al2023",
        Handler="bootstrap",
        Role=role,
        Code={"ZipFile": code.getvalue()},
    )
    door.functions[name] = Calls()
    return made["FunctionArn"], door.functions[name]


@pytest.fixture
def group(client, name) -> str:
    client("logs").create_log_group(logGroupName=name)
    client("logs").create_log_stream(logGroupName=name, logStreamName="eni-1")
    return name


def put_events(client, group: str, *messages: str) -> None:
    now = int(time.time() * 1000)
    events = [{"timestamp": now, "message": message} for message in messages]
    client("logs").put_log_events(logGroupName=group, logStreamName="eni-1", logEvents=events)


def unpacked(data: str) -> dict[str, Any]:
    return json.loads(gzip.decompress(base64.b64decode(data)))


# -- Subscriptions ------------------------------------------------------------------------------


def test_a_function_gets_the_events_of_a_group_in_their_order(client, function, group):
    arn, calls = function
    subscribe(client, group, arn)
    for number in range(5):
        put_events(client, group, f"{number} a", f"{number} b")
    contents = [unpacked(event["awslogs"]["data"]) for event in calls.wait(5)]
    assert [content["messageType"] for content in contents] == ["DATA_MESSAGE"] * 5
    assert (contents[0]["logGroup"], contents[0]["logStream"]) == (group, "eni-1")
    messages = [event["message"] for content in contents for event in content["logEvents"]]
    assert messages == [f"{number} {letter}" for number in range(5) for letter in "ab"]
    ids = [event["id"] for content in contents for event in content["logEvents"]]
    assert len(set(ids)) == len(ids) and {len(one) for one in ids} == {56}


def test_a_destination_that_fails_for_a_moment_loses_nothing(client, door, function, group):
    arn, calls = function
    subscribe(client, group, arn)
    door.broken.add(f"/functions/{arn.replace(':', '%3A')}/invocations")
    door.broken.add(f"/functions/{arn}/invocations")
    put_events(client, group, "one")
    door.broken.clear()
    put_events(client, group, "two")
    found = [unpacked(event["awslogs"]["data"])["logEvents"] for event in calls.wait(2)]
    assert [events[0]["message"] for events in found] == ["one", "two"]


def test_a_stream_begins_with_a_control_message(client, group, stream):
    role = client("iam").create_role(RoleName=f"{group}-role", AssumeRolePolicyDocument="{}")
    subscribe(client, group, stream, roleArn=role["Role"]["Arn"])
    put_events(client, group, "one")
    records = wait_records(client, stream, 2)
    contents = [unpacked(base64.b64encode(record["Data"]).decode()) for record in records]
    assert [one["messageType"] for one in contents] == ["CONTROL_MESSAGE", "DATA_MESSAGE"]
    assert records[1]["PartitionKey"] == "eni-1"


def test_infrequent_access_takes_no_subscription(client, function, name):
    group = f"{name}-rare"
    client("logs").create_log_group(logGroupName=group, logGroupClass="INFREQUENT_ACCESS")
    with pytest.raises(ClientError, match="INFREQUENT_ACCESS"):
        subscribe(client, group, function[0])


def subscribe(client, group: str, destination: str, **more: str) -> None:
    client("logs").put_subscription_filter(
        logGroupName=group,
        filterName="records",
        filterPattern="",
        destinationArn=destination,
        **more,
    )


# -- Streams ------------------------------------------------------------------------------------


@pytest.fixture
def stream(client, name) -> str:
    client("kinesis").create_stream(StreamName=name, ShardCount=1)
    described = client("kinesis").describe_stream_summary(StreamName=name)
    return described["StreamDescriptionSummary"]["StreamARN"]


def wait_records(client, stream: str, count: int) -> list[dict[str, Any]]:
    kinesis = client("kinesis")
    iterator = kinesis.get_shard_iterator(
        StreamName=stream.partition("/")[2],
        ShardId="shardId-000000000000",
        ShardIteratorType="TRIM_HORIZON",
    )["ShardIterator"]
    found: list[dict[str, Any]] = []
    for _ in range(1000):
        answer = kinesis.get_records(ShardIterator=iterator)
        found += answer["Records"]
        if len(found) >= count:
            return found
        iterator = answer["NextShardIterator"]
    raise AssertionError(f"{len(found)} records came, not {count}")


@pytest.fixture
def mapped(client, function, stream) -> Iterator[Any]:
    """Reads the stream for the function, with settings."""
    made: list[str] = []

    def mapped(**settings: Any) -> None:
        mapping = client("lambda").create_event_source_mapping(
            EventSourceArn=stream,
            FunctionName=function[0],
            StartingPosition="TRIM_HORIZON",
            FunctionResponseTypes=["ReportBatchItemFailures"],
            **settings,
        )
        made.append(mapping["UUID"])

    yield mapped
    for mapping in made:
        client("lambda").delete_event_source_mapping(UUID=mapping)


def put_records(client, stream: str, *data: str) -> None:
    records = [{"Data": one.encode(), "PartitionKey": "k"} for one in data]
    client("kinesis").put_records(StreamARN=stream, Records=records)


def data_of(event: dict[str, Any]) -> str:
    """The records of an event, a letter each."""
    return "".join(
        base64.b64decode(record["kinesis"]["data"]).decode() for record in event["Records"]
    )


def failing_from(letter: str):
    def answer(event: dict[str, Any]) -> dict[str, Any]:
        failures = [
            {"itemIdentifier": record["kinesis"]["sequenceNumber"]}
            for record in event["Records"]
            if base64.b64decode(record["kinesis"]["data"]).decode() >= letter
        ]
        return {"batchItemFailures": failures}

    return answer


def test_a_batch_goes_on_with_the_first_record_that_failed(client, function, stream, mapped):
    _, calls = function
    answers = [failing_from("c"), failing_from("d"), lambda event: {"batchItemFailures": []}]
    calls.answer = lambda event: answers.pop(0)(event)
    put_records(client, stream, *"abcd")
    mapped()
    assert [data_of(event) for event in calls.wait(3)] == ["abcd", "cd", "d"]
    put_records(client, stream, "e")
    answers.append(lambda event: None)
    assert data_of(calls.wait(4)[3]) == "e"
    first = calls.events[0]["Records"][0]
    assert first["eventSourceARN"] == stream
    assert first["eventID"] == f"shardId-000000000000:{first['kinesis']['sequenceNumber']}"


def test_a_bad_record_is_found_in_halves_and_named_in_the_queue(
    client, function, stream, mapped, name
):
    _, calls = function
    queue = client("sqs").create_queue(QueueName=name)["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:123456789012:{name}"

    def refuse_c(event: dict[str, Any]) -> None:
        if "c" in data_of(event):
            raise FunctionError("Poisoned", "c")

    calls.answer = refuse_c
    put_records(client, stream, *"abcd")
    mapped(
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": arn}},
    )
    seen = [data_of(event) for event in calls.wait(6)]
    assert seen == ["abcd", "ab", "cd", "c", "c", "d"]
    [message] = client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    body = json.loads(message["Body"])
    assert body["requestContext"]["condition"] == "RetryAttemptsExhausted"
    place = body["KinesisBatchInfo"]
    assert (place["shardId"], place["batchSize"]) == ("shardId-000000000000", 1)
    bad = calls.events[3]["Records"][0]["kinesis"]["sequenceNumber"]
    assert place["startSequenceNumber"] == place["endSequenceNumber"] == bad


def test_batches_are_as_large_as_they_may_be(client, function, stream, mapped):
    _, calls = function
    put_records(client, stream, *"abcde")
    mapped(BatchSize=2)
    assert [data_of(event) for event in calls.wait(3)] == ["ab", "cd", "e"]


# -- Objects ------------------------------------------------------------------------------------


def test_an_object_is_told_to_event_bridge_once(client, door, name):
    s3 = client("s3")
    s3.create_bucket(Bucket=name)
    assert "EventBridgeConfiguration" not in notifications(s3, name)
    s3.put_bucket_notification_configuration(
        Bucket=name, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    assert notifications(s3, name)["EventBridgeConfiguration"] == {}
    s3.put_object(Bucket=name, Key="a folder/ü+1.log.gz", Body=b"12345")
    s3.put_object(Bucket=name, Key="last", Body=b"")
    door.await_event(lambda event: event["detail"].get("object", {}).get("key") == "last")
    [event, _] = [e for e in door.events if e["detail"].get("bucket") == {"name": name}]
    assert (event["source"], event["detail-type"]) == ("aws.s3", "Object Created")
    assert event["detail"]["object"]["key"] == "a folder/ü+1.log.gz"
    assert event["detail"]["object"]["size"] == 5


def notifications(s3, bucket: str) -> dict[str, Any]:
    return s3.get_bucket_notification_configuration(Bucket=bucket)


# -- Delivery streams ---------------------------------------------------------------------------


class Domain:
    """An OpenSearch domain's `_bulk`: refuses documents that contain `bad`, and keeps the rest."""

    def __init__(self) -> None:
        self.documents: dict[str, dict[str, Any]] = {}
        self.indexes: set[str] = set()
        self.status = 200
        domain = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                content = json.dumps(domain.take(body)).encode()
                self.send_response(domain.status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, body: bytes) -> dict[str, Any]:
        lines = body.decode().splitlines()
        items = []
        for action, document in zip(lines[::2], lines[1::2], strict=True):
            about = json.loads(action)["index"]
            refused = "bad" in document
            items.append({"index": {"status": 400 if refused else 201, "_id": about["_id"]}})
            if not refused:
                self.documents[about["_id"]] = json.loads(document)
                self.indexes.add(about["_index"])
        return {"errors": True, "items": items}


@pytest.fixture
def domain() -> Iterator[Domain]:
    domain = Domain()
    yield domain
    domain.server.shutdown()
    domain.server.server_close()


@pytest.fixture
def delivery(client, function, domain, name) -> Iterator[str]:
    """A delivery stream that transforms by the function; its bucket has the same name."""
    endpoint = f"127.0.0.1:{domain.server.server_port}"
    options = {"CustomEndpointEnabled": True, "CustomEndpoint": endpoint}
    made = client("opensearch").create_domain(DomainName=name, DomainEndpointOptions=options)
    role = "arn:aws:iam::123456789012:role/delivery"
    client("s3").create_bucket(Bucket=name)
    lambda_arn = {"ParameterName": "LambdaArn", "ParameterValue": function[0]}
    client("firehose").create_delivery_stream(
        DeliveryStreamName=name,
        AmazonopensearchserviceDestinationConfiguration={
            "RoleARN": role,
            "DomainARN": made["DomainStatus"]["ARN"],
            "IndexName": "flows",
            "IndexRotationPeriod": "NoRotation",
            "S3Configuration": {
                "RoleARN": role,
                "BucketARN": f"arn:aws:s3:::{name}",
                "CompressionFormat": "GZIP",
            },
            "ProcessingConfiguration": {
                "Enabled": True,
                "Processors": [{"Type": "Lambda", "Parameters": [lambda_arn]}],
            },
        },
    )
    yield name
    client("firehose").delete_delivery_stream(DeliveryStreamName=name)


def transform(event: dict[str, Any]) -> dict[str, Any]:
    """A document of each record; one that begins with `no` or `drop` is none."""

    def result(record: dict[str, Any]) -> dict[str, Any]:
        text = base64.b64decode(record["data"]).decode()
        if text.startswith("drop"):
            return {"recordId": record["recordId"], "result": "Dropped"}
        if text.startswith("no"):
            return {"recordId": record["recordId"], "result": "ProcessingFailed"}
        document = base64.b64encode(json.dumps({"text": text}).encode()).decode()
        return {"recordId": record["recordId"], "result": "Ok", "data": document}

    return {"records": [result(record) for record in event["records"]]}


def deliver(client, stream: str, *texts: str) -> None:
    records = [{"Data": text.encode()} for text in texts]
    answer = client("firehose").put_record_batch(DeliveryStreamName=stream, Records=records)
    assert answer["FailedPutCount"] == 0


def backed_up(client, door, bucket: str, count: int) -> dict[str, list[dict[str, Any]]]:
    """The lines of the objects in the bucket by folder, once there are so many objects."""
    s3 = client("s3")

    def listed() -> list[str]:
        return [one["Key"] for one in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]

    for _ in range(SECONDS * 10):
        if len(listed()) >= count:
            break
        with door.events_came:
            # A call that moto has answered wakes it.
            door.events_came.wait(0.1)
    found: dict[str, list[dict[str, Any]]] = {}
    for key in listed():
        content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        lines = gzip.decompress(content).decode().splitlines()
        found.setdefault(key.split("/")[0], []).extend(map(json.loads, lines))
    return found


def test_records_become_documents_or_are_backed_up(client, door, function, delivery, domain):
    function[1].answer = transform
    deliver(client, delivery, "one", "drop", "no thanks", "bad", "two")
    found = backed_up(client, door, delivery, 2)
    assert sorted(own["text"] for own in domain.documents.values()) == ["one", "two"]
    assert domain.indexes == {"flows"}
    [refused] = found["AmazonOpenSearchService_failed"]
    assert json.loads(base64.b64decode(refused["rawData"])) == {"text": "bad"}
    assert refused["errorCode"] == "400"
    [failed] = found["processing-failed"]
    assert base64.b64decode(failed["rawData"]) == b"no thanks"
    [event] = function[1].events
    assert event["deliveryStreamArn"].endswith(f":deliverystream/{delivery}")


def test_a_domain_that_is_down_loses_nothing(client, door, function, delivery, domain):
    function[1].answer = transform
    domain.status = 503
    deliver(client, delivery, "one")
    [line] = backed_up(client, door, delivery, 1)["AmazonOpenSearchService_failed"]
    assert (line["errorCode"], line["attemptsMade"]) == ("503", 4)


def test_a_function_that_fails_loses_nothing(client, door, function, delivery):
    def answer(event: Any) -> Any:
        raise FunctionError("Broken", "by the test")

    function[1].answer = answer
    deliver(client, delivery, "one", "two")
    lines = backed_up(client, door, delivery, 1)["processing-failed"]
    assert [base64.b64decode(line["rawData"]) for line in lines] == [b"one", b"two"]
    assert {line["attemptsMade"] for line in lines} == {4}


@pytest.mark.parametrize(
    ("count", "size", "said"),
    [(501, 1, "501 records"), (5, 900_000, "4500000 bytes"), (1, 1_100_000, "a record of more")],
)
def test_a_batch_has_its_limits(client, delivery, count, size, said):
    records = [{"Data": b"x" * size}] * count
    with pytest.raises(ClientError, match=said):
        client("firehose").put_record_batch(DeliveryStreamName=delivery, Records=records)


# -- Rules --------------------------------------------------------------------------------------

TOGETHER = {
    "Parameters": {
        "One": {"Type": "String"},
        "Two": {"Type": "CommaDelimitedList"},
    },
    "Rules": {
        "Together": {
            "RuleCondition": {"Fn::Not": [{"Fn::Equals": [{"Ref": "One"}, ""]}]},
            "Assertions": [
                {
                    "Assert": {"Fn::Not": [{"Fn::Contains": [{"Ref": "Two"}, ""]}]},
                    "AssertDescription": "Two must be given with One.",
                }
            ],
        }
    },
}


@pytest.mark.parametrize(("one", "two"), [("", ""), ("a", "b"), ("", "b")])
def test_a_rule_that_holds_lets_pass(one, two):
    rules.check(TOGETHER, {"One": one, "Two": two})


def test_a_rule_that_does_not_hold_is_told_in_its_words():
    with pytest.raises(DeploymentError, match=r"Two must be given with One\."):
        rules.check(TOGETHER, {"One": "a", "Two": ""})


def test_a_rule_that_is_not_understood_is_refused():
    template = TOGETHER | {"Rules": {"R": {"Assertions": [{"Assert": {"Fn::EachMemberIn": []}}]}}}
    with pytest.raises(DeploymentError, match="Fn::EachMemberIn"):
        rules.check(template, {"One": "a", "Two": "b"})
