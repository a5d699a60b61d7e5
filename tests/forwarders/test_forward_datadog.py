"""The Lambda function forward-datadog on the local AWS, as an intake like Datadog's sees it."""

from __future__ import annotations

import base64
import gzip
import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from local.local_aws import ACCOUNT_ID, REGION, LocalAws
from tests.forwarders import functions
from tests.forwarders.intake import Intake, listening
from tests.forwarders.processes import peak_memory

FUNCTION, TABLE, BUCKET = "forward-datadog", "claims", "flow-logs"
KEY = "0123456789abcdef"
OWNER = "210987654321"
FIELDS = "interface-id flow-direction srcaddr dstaddr protocol packets bytes start end action"
# When all records begin, or up to five seconds later.
BEGIN = int(time.time()) - 300
STREAM_ARN = f"arn:aws:kinesis:{REGION}:{ACCOUNT_ID}:stream/records"

TEMPLATE = functions.template(
    ClaimsTable=functions.table(TABLE, "name"),
    Function=functions.function(FUNCTION, timeout=60),
)


class Forwarding:
    """The function, its table, and an intake."""

    def __init__(self, aws: LocalAws, intake: Intake) -> None:
        self.aws, self.intake = aws, intake
        aws.client("s3").create_bucket(Bucket=BUCKET)
        aws.deploy("forwarding", TEMPLATE)

    def configure(self, *, timeout: int = 60, **settings: str) -> None:
        """The key is in the environment unless the settings say where else it is."""
        variables = {"TABLE_NAME": TABLE, "DD_URL": self.intake.url}
        if not any(name.startswith(("DD_API", "DD_KMS")) for name in settings):
            settings["DD_API_KEY"] = KEY
        self.aws.client("lambda").update_function_configuration(
            FunctionName=FUNCTION,
            Environment={"Variables": variables | settings},
            Timeout=timeout,
        )

    def invoke(self, event: dict[str, Any], error: str | None = None) -> Any:
        """The function's answer; with `error`, it must fail under this name."""
        return functions.invoke(self.aws, FUNCTION, event, error)

    def log(self, after: int, text: str) -> dict[str, Any]:
        """A line of the function's log that has a text."""
        entry = self.aws.wait_for("log", lambda entry: text in entry["line"], 30, after)
        return json.loads(entry["line"])


@pytest.fixture(scope="module")
def running() -> Iterator[Forwarding]:
    with listening() as intake, LocalAws() as aws:
        yield Forwarding(aws, intake)


@pytest.fixture
def forwarding(running: Forwarding) -> Forwarding:
    running.intake.forget()
    running.configure()
    return running


def packed(stream: str, lines: list[str], first: int = 0, kind: str = "DATA_MESSAGE") -> str:
    """The data of a payload with an event for each line."""
    events = [
        {"id": f"38{first + place:054}", "timestamp": 1000 * started(line), "message": line}
        for place, line in enumerate(lines)
    ]
    content = {
        "messageType": kind,
        "owner": OWNER,
        "logGroup": "records",
        "logStream": stream,
        "subscriptionFilters": ["forwarders"],
        "logEvents": events,
    }
    return base64.b64encode(gzip.compress(json.dumps(content).encode(), mtime=0)).decode()


def started(line: str) -> int:
    """The start of a record, or now."""
    values = line.split(" ")
    return int(values[7]) if len(values) == 10 else int(time.time())


def subscription(data: str) -> dict[str, Any]:
    return {"awslogs": {"data": data}}


def kinesis(*data: str) -> dict[str, Any]:
    def record(number: int, data: str) -> dict[str, Any]:
        return {
            "kinesis": {"sequenceNumber": f"4959{number}", "data": data, "partitionKey": "a"},
            "eventSource": "aws:kinesis",
            "eventID": f"shardId-000000000001:4959{number}",
            "eventSourceARN": STREAM_ARN,
        }

    return {"Records": [record(number, each) for number, each in enumerate(data)]}


def lines(chance: random.Random, count: int, interface: str = "eni-1") -> list[str]:
    """Records of a few seconds, with every direction, protocol and action."""
    made = []
    for _ in range(count):
        own, peer = "10.0.0.5", f"203.0.113.{chance.randrange(250)}"
        direction = chance.choice(["ingress", "egress"])
        ends = f"{peer} {own}" if direction == "ingress" else f"{own} {peer}"
        start = BEGIN + chance.randrange(5)
        made.append(
            f"{interface} {direction} {ends} {chance.choice([6, 17])} {chance.randrange(1, 90)} "
            f"{chance.randrange(40, 90_000)} {start} {start + chance.randrange(60)} "
            f"{chance.choice(['ACCEPT', 'REJECT'])}"
        )
    return made


FORMAT = " ".join(f"${{{name}}}" for name in FIELDS.split())


def test_payloads_of_the_same_seconds_never_overwrite_each_other(forwarding):
    """Some at the same time, some twice, in processes that know nothing of each other."""
    forwarding.configure(FORMAT=FORMAT)
    chance = random.Random(1)
    streams = [f"eni-{number}-all" for number in range(2)]
    payloads = [
        (stream, lines(chance, 200, stream.removesuffix("-all")), 1000 * part)
        for stream in streams
        for part in range(4)
    ]
    events = [subscription(packed(*payload)) for payload in payloads]
    # Lambda tries an event again whose answer was lost.
    events += chance.sample(events, 3)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(forwarding.invoke, events))
    intake = forwarding.intake
    assert (intake.overwritten, intake.wrong) == ([], [])

    truth, packets, actions = Counter(), Counter(), Counter()
    for _, made, _ in payloads:
        for line in made:
            interface, direction, _, _, protocol, count, size, _, _, action = line.split()
            key = interface, direction, protocol
            truth[key] += int(size)
            packets[key] += int(count)
            actions[(*key, action)] += 1
    words = {"ingress": "inbound", "egress": "outbound", "6": "TCP", "17": "UDP"}
    for (interface, direction, protocol), size in truth.items():
        tags = [
            f"interface_id:{interface}",
            f"direction:{words[direction]}",
            f"protocol:{words[protocol]}",
            "ip:10.0.0.5",
            f"aws_account:{OWNER}",
            f"region:{REGION}",
        ]
        assert intake.sum("bytes.total", *tags) == size
        assert intake.sum("packets.total", *tags) == packets[interface, direction, protocol]
        for action in ("ACCEPT", "REJECT"):
            count = actions[interface, direction, protocol, action]
            assert intake.sum("action", f"action:{action}", *tags) == count
    assert intake.sum("log_status", "status:OK") == 1600
    shards = {tag for _, tags, _ in intake.points for tag in tags if tag.startswith("shard:")}
    # As few as there can be: four payloads of each stream have seconds in common.
    assert len(shards) == 8


def test_a_repeat_sends_the_same_and_takes_nothing_from_the_log_stream(forwarding):
    chance = random.Random(2)
    forwarding.configure(FORMAT=FORMAT, DISTRIBUTIONS="true")
    event = subscription(packed("eni-7-all", lines(chance, 500, "eni-7")))
    forwarding.invoke(event)
    first = list(forwarding.intake.bodies)
    assert len(first) == 2
    forwarding.invoke(subscription(packed("eni-7-all", lines(chance, 500, "eni-7"), 1000)))
    forwarding.invoke(event)
    assert forwarding.intake.bodies[-2:] == first
    names = {metric for metric, _, _ in forwarding.intake.distributions}
    assert names == {
        f"aws.vpc.flowlogs.{name}.distribution" for name in ("bytes", "duration", "packets")
    }


def test_a_stream_goes_on_at_the_record_that_failed(forwarding):
    forwarding.configure(FORMAT=FORMAT)
    chance = random.Random(3)
    good = [packed("eni-8-all", lines(chance, 5, "eni-8"), 100 * part) for part in range(3)]
    control = packed("", ["CWL CONTROL MESSAGE"], kind="CONTROL_MESSAGE")
    assert forwarding.invoke(kinesis(control, *good)) == {"batchItemFailures": []}
    broken = base64.b64encode(b"not packed").decode()
    answer = forwarding.invoke(kinesis(good[0], broken, good[1]))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "49591"}]}
    # The first of a batch fails the invocation, so that the function's metrics show it.
    forwarding.invoke(kinesis(broken, good[1]), error="PayloadRefused")
    assert forwarding.intake.overwritten == []
    assert forwarding.intake.sum("log_status", "interface_id:eni-8") == 15


def test_passing_failures_are_tried_again_and_lasting_ones_fail(forwarding):
    event = subscription(packed("eni-9-all", lines(random.Random(4), 5, "eni-9")))
    forwarding.configure(FORMAT=FORMAT)
    forwarding.intake.answers = [429, 503, None]
    forwarding.invoke(event)
    assert forwarding.intake.requests == 4
    assert forwarding.intake.sum("log_status", "interface_id:eni-9") == 5

    forwarding.intake.answers = [400]
    forwarding.invoke(event, error="IntakeRefused")
    forwarding.configure(FORMAT=FORMAT, timeout=5)
    forwarding.intake.answers = [500] * 100
    failed = forwarding.invoke(event, error="IntakeUnavailable")
    assert "HTTP status 500" in failed["errorMessage"]
    forwarding.intake.answers = []


def test_failures_of_aws_cost_no_point_and_send_none_wrong(forwarding):
    chance = random.Random(9)
    forwarding.configure(FORMAT=FORMAT)
    first, second = (
        subscription(packed("eni-16-all", lines(chance, 50, "eni-16"), part)) for part in (0, 100)
    )
    forwarding.invoke(first)
    # The claim is made, and the next try is told that somebody has made one.
    with forwarding.aws.fault("dynamodb", "PutItem", {"lose_answer": True}, times=1):
        forwarding.invoke(second)
    down = {"error": {"status": 400, "code": "AccessDeniedException", "message": "no"}}
    with forwarding.aws.fault("dynamodb", "PutItem", down):
        third = subscription(packed("eni-16-all", lines(chance, 50, "eni-16"), 200))
        forwarding.invoke(third, error="AwsRefused")
    assert forwarding.intake.overwritten == []
    assert forwarding.intake.sum("log_status", "interface_id:eni-16") == 100
    numbers = {tag[-1] for _, tags, _ in forwarding.intake.points for tag in tags if "shard" in tag}
    assert numbers == {"0", "1"}

    # Without an answer of EC2 a direction would be missing now and there the next time.
    forwarding.configure()
    now = int(time.time()) - 60
    record = f"2 {ACCOUNT_ID} eni-0a1b 10.0.0.5 203.0.113.5 1 2 6 1 10 {now} {now} ACCEPT OK"
    with forwarding.aws.fault("ec2", "DescribeNetworkInterfaces", down):
        forwarding.invoke(subscription(packed("eni-0a1b-all", [record])), error="AwsRefused")
    assert forwarding.intake.sum("log_status", "interface_id:eni-0a1b") == 0


def kept(aws: LocalAws, where: str, key: str) -> dict[str, str]:
    """The setting that says where the key is, which was put there."""
    if where == "secret":
        secrets = aws.client("secretsmanager")
        return {
            "DD_API_KEY_SECRET_ARN": secrets.create_secret(Name="datadog", SecretString=key)["ARN"]
        }
    if where == "parameter":
        aws.client("ssm").put_parameter(Name="/datadog", Value=key, Type="SecureString")
        return {"DD_API_KEY_SSM_NAME": "/datadog"}
    kms = aws.client("kms")
    master = kms.create_key()["KeyMetadata"]["KeyId"]
    context = {"LambdaFunctionName": FUNCTION} if where == "with context" else {}
    encrypted = kms.encrypt(KeyId=master, Plaintext=key.encode(), EncryptionContext=context)
    return {"DD_KMS_API_KEY": base64.b64encode(encrypted["CiphertextBlob"]).decode()}


@pytest.mark.parametrize("where", ["secret", "parameter", "with context", "without context"])
def test_the_key_comes_from_where_it_is_kept(forwarding, where):
    event = subscription(packed("eni-10-all", lines(random.Random(5), 5, "eni-10")))
    key = f"{len(where):032}"
    forwarding.intake.keys.add(key)
    forwarding.configure(FORMAT=FORMAT, **kept(forwarding.aws, where, f"{key}\n"))
    forwarding.invoke(event)
    assert forwarding.intake.sum("log_status", "interface_id:eni-10") == 5


def test_a_key_that_is_replaced_is_read_anew_and_never_logged(forwarding):
    _, before = forwarding.aws.journal()
    ssm = forwarding.aws.client("ssm")
    ssm.put_parameter(Name="/rotated", Value="first0123456789", Type="SecureString")
    forwarding.intake.keys.add("first0123456789")
    forwarding.configure(FORMAT=FORMAT, DD_API_KEY_SSM_NAME="/rotated")
    event = subscription(packed("eni-11-all", lines(random.Random(6), 5, "eni-11")))
    forwarding.invoke(event)
    forwarding.intake.keys.remove("first0123456789")
    forwarding.intake.keys.add("second0123456789")
    ssm.put_parameter(
        Name="/rotated", Value="second0123456789", Type="SecureString", Overwrite=True
    )
    forwarding.invoke(event, error="ApiKeyRefused")
    forwarding.invoke(event)

    ssm.put_parameter(Name="/rotated", Value='{"key":"third0123"}', Type="String", Overwrite=True)
    forwarding.configure(FORMAT=FORMAT, DD_API_KEY_SSM_NAME="/rotated", DD_SITE="datadoghq.eu")
    forwarding.invoke(event, error="ApiKeyWrong")
    entries, _ = forwarding.aws.journal(before)
    said = [entry["line"] for entry in entries if entry["kind"] == "log"]
    said += [str(entry.get("error_message")) for entry in entries]
    assert said
    for secret in ("first0123456789", "second0123456789", "third0123"):
        assert not any(secret in each for each in said)


def test_directions_come_from_the_interface_and_are_not_guessed(forwarding):
    """AWS's default format has none. The peer is in every record, as a busy host would be."""
    gateway = forwarding.aws.network().create_gateway("egress")
    own, now = gateway.private_ip, int(time.time()) - 120

    def record(source: str, destination: str, size: int) -> str:
        ends = f"{source} {destination}"
        return (
            f"2 {ACCOUNT_ID} {gateway.interface_id} {ends} 40000 443 6 1 {size} {now} {now + 9} "
            "ACCEPT OK"
        )

    made = [record(own, "203.0.113.5", 1), record("203.0.113.5", own, 2)]
    made += [record("203.0.113.5", "198.51.100.7", 4), "a line that is none"]
    made.append(f"2 {ACCOUNT_ID} {gateway.interface_id} - - - - - - - {now} {now + 9} - NODATA")
    _, before = forwarding.aws.journal()
    forwarding.invoke(subscription(packed(f"{gateway.interface_id}-all", made)))
    intake = forwarding.intake
    assert intake.sum("bytes.total", "direction:outbound", f"ip:{own}") == 1
    assert intake.sum("bytes.total", "direction:inbound", f"ip:{own}") == 2
    assert intake.sum("bytes.total", f"aws_account:{ACCOUNT_ID}") == 7
    assert "ip:203.0.113.5" not in intake.tags("bytes.total")
    assert intake.sum("log_status", "status:NODATA") == 1
    assert intake.sum("unsupported_message") == 1
    assert forwarding.log(before, '"badLines"')["badLines"] == 1


def test_records_out_of_time_are_reported_and_not_sent(forwarding):
    forwarding.configure(FORMAT=FORMAT)
    now = int(time.time())
    starts = [now - 2 * 3600, now - 4000, now - 60, now + 1200]
    made = [f"eni-12 egress 10.0.0.5 203.0.113.5 6 1 10 {start} {now} ACCEPT" for start in starts]
    _, before = forwarding.aws.journal()
    forwarding.invoke(subscription(packed("eni-12-all", made)))
    line = forwarding.log(before, '"tooOld"')
    assert (line["tooOld"], line["tooNew"], line["level"]) == (2, 1, "WARN")
    assert forwarding.intake.sum("bytes.total") == 10


def test_objects_of_a_bucket_are_added_up(forwarding):
    made = lines(random.Random(7), 2000, "eni-13")
    content = gzip.compress("\n".join([FIELDS, *made]).encode())
    folder = f"AWSLogs/{OWNER}/vpcflowlogs/eu-west-2/2026/11/21"
    key = f"{folder}/{OWNER}_vpcflowlogs_eu-west-2_fl-0a1b_20261121T1405Z_5f2e.log.gz"
    forwarding.aws.client("s3").put_object(Bucket=BUCKET, Key=key, Body=content)

    def event(key: str) -> dict[str, Any]:
        detail = {"bucket": {"name": BUCKET}, "object": {"key": key}}
        return {"source": "aws.s3", "detail-type": "Object Created", "detail": detail}

    messages = [
        {"eventSource": "aws:sqs", "messageId": message, "body": json.dumps(event(key))}
        for message, key in [("m1", key), ("m2", "gone.log")]
    ]
    assert forwarding.invoke({"Records": messages}) == {"batchItemFailures": []}
    forwarding.invoke(event(key))
    size = sum(int(line.split()[6]) for line in made)
    tags = [f"aws_account:{OWNER}", "region:eu-west-2"]
    assert forwarding.intake.sum("bytes.total", *tags) == size
    assert (forwarding.intake.overwritten, forwarding.intake.wrong) == ([], [])


def test_a_large_payload_fits_into_the_smallest_function(forwarding):
    """As many records as a payload has, and each of them with tags of its own."""
    made = lines(random.Random(8), 10_000, "eni-15")
    made = [
        line.replace("10.0.0.5", f"10.0.{place // 250}.{place % 250}")
        for place, line in enumerate(made)
    ]
    forwarding.configure(FORMAT=FORMAT, DISTRIBUTIONS="true", FUNCTION_OF="datadog")
    forwarding.invoke(subscription(packed("eni-15-all", made)))
    peak = peak_memory("datadog")
    assert forwarding.intake.sum("bytes.total") == sum(int(line.split()[6]) for line in made)
    assert (forwarding.intake.overwritten, forwarding.intake.wrong) == ([], [])
    assert peak < 100_000_000, f"{peak} bytes"


def test_what_cannot_be_understood_fails_in_words(forwarding):
    forwarding.invoke({"detail": "?"}, error="EventRefused")
    odd = subscription(packed("eni-14-all", ["one two three"]))
    failed = forwarding.invoke(odd, error="FormatUnknown")
    assert "FORMAT" in failed["errorMessage"]
    forwarding.configure(DISTRIBUTIONS="perhaps")
    forwarding.invoke(odd, error="SettingsWrong")
