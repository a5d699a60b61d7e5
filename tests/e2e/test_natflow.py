"""natflow reads objects in S3 and log groups in CloudWatch Logs."""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import os
import subprocess
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from local.local_aws import ACCOUNT_ID, BINARIES, REGION, LocalAws

GATEWAY = "10.0.0.220"
PEER = "203.0.113.5"
_numbers = itertools.count(1)


def uploads(count: int, start: int = 1_700_000_000, client: str = "10.0.1.5") -> list[str]:
    """Records of a client's uploads of 1, 2, … bytes, in the recorded format."""
    return [
        f"ACCEPT ingress - {client} 40000 {GATEWAY} 443 6 {size} IPv4 {client} - {PEER} - "
        f"3 {start} {start + 60} 19 OK eni-0a1b"
        for size in range(1, count + 1)
    ]


def text(lines: Iterable[str]) -> bytes:
    """Lines as a file has them."""
    return "".join(f"{line}\n" for line in lines).encode()


class Natflow:
    """The command, with the local AWS for an account."""

    def __init__(self, aws: LocalAws, home: Path):
        self.home = home
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "AWS_ENDPOINT_URL": aws.url,
            "AWS_ACCESS_KEY_ID": "client",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_REGION": REGION,
            # Otherwise credentials are looked for where this machine has none.
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def without(self, *prefixes: str) -> Natflow:
        """Without some variables of the environment."""
        kept = self.environment.items()
        self.environment = {k: v for k, v in kept if not k.startswith(prefixes)}
        return self

    def run(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        """Run natflow in its home."""
        command = [BINARIES / "natflow", *arguments]
        options = {"env": self.environment, "cwd": self.home}
        return subprocess.run(command, check=False, capture_output=True, **options)

    def succeed(self, *arguments: str) -> str:
        """What natflow writes."""
        outcome = self.run(*arguments)
        assert outcome.returncode == 0, outcome.stderr.decode()
        return outcome.stdout.decode()

    def fail(self, *arguments: str) -> str:
        """What natflow complains about."""
        outcome = self.run(*arguments)
        assert outcome.returncode == 1, outcome.stderr.decode()
        assert outcome.stdout == b""
        return outcome.stderr.decode()

    def total(self, *arguments: str) -> int:
        """The bytes that `top` adds up."""
        return sum(int(row["bytes"]) for row in self.top("client", *arguments))

    def top(self, by: str, *arguments: str) -> list[dict[str, str]]:
        """The rows of `top`."""
        fixed = ["top", "--gateway", GATEWAY, "-n", "0", "--output", "csv", "--by", by]
        return list(csv.DictReader(io.StringIO(self.succeed(*fixed, *arguments))))


@pytest.fixture
def natflow(aws: LocalAws, tmp_path: Path) -> Natflow:
    """natflow with credentials and a region."""
    return Natflow(aws, tmp_path)


class Bucket:
    """A bucket of a test's own."""

    def __init__(self, aws: LocalAws):
        self.name = f"natflow-{next(_numbers)}"
        self._client: Any = aws.client("s3")
        self._client.create_bucket(Bucket=self.name)

    def put(self, key: str, body: bytes) -> str:
        """Write an object; its URL."""
        self._client.put_object(Bucket=self.name, Key=key, Body=body)
        return f"s3://{self.name}/{key}"

    def last_modified(self, key: str) -> int:
        """When an object was written, in Unix seconds."""
        return int(self._client.head_object(Bucket=self.name, Key=key)["LastModified"].timestamp())


@pytest.fixture
def bucket(aws: LocalAws) -> Bucket:
    """A new bucket."""
    return Bucket(aws)


def parquet(natflow: Natflow, lines: Iterable[str]) -> bytes:
    """Records as a Parquet file."""
    (natflow.home / "records.log").write_bytes(text(lines))
    natflow.succeed("convert", "records.log", "-o", "records.parquet")
    return (natflow.home / "records.parquet").read_bytes()


def test_objects_are_read_whatever_they_are(natflow: Natflow, bucket: Bucket) -> None:
    plain = bucket.put("logs/a/plain.log", text(uploads(3)))
    packed = bucket.put("logs/b/packed", gzip.compress(text(uploads(4))))
    columns = bucket.put("logs/b/columns.parquet", parquet(natflow, uploads(5)))
    nameless = bucket.put("logs/c/nameless", parquet(natflow, uploads(6)))
    misnamed = bucket.put("logs/c/text.parquet", text(uploads(7)))
    for url, expected in [(plain, 6), (packed, 10), (columns, 15), (nameless, 21), (misnamed, 28)]:
        assert natflow.total(url) == expected, url
    for url in [f"s3://{bucket.name}/logs", f"s3://{bucket.name}/logs/", f"s3://{bucket.name}"]:
        assert natflow.total(url) == 80, url
    assert natflow.total(f"s3://{bucket.name}/logs/b") == 25
    assert natflow.total(f"s3://{bucket.name}/logs/c/na*", plain) == 27


def test_other_tools_marks_and_neighbours_are_left_out(natflow: Natflow, bucket: Bucket) -> None:
    bucket.put("logs/", b"")
    bucket.put("logs/a.log", text(uploads(3)))
    bucket.put("logs/_SUCCESS", b"no records\n")
    bucket.put("logs/.hidden/b.log", b"no records\n")
    bucket.put("logs-of-others/a.log", b"no records\n")
    assert natflow.total(f"s3://{bucket.name}/logs") == 6


def test_what_a_hive_key_says_is_a_column(natflow: Natflow, bucket: Bucket) -> None:
    for number, region in enumerate(["eu-west-1", "us-east-1"], 3):
        folder = f"AWSLogs/aws-account-id={ACCOUNT_ID}/aws-region={region}/year=2026"
        bucket.put(f"{folder}/a.log.gz", gzip.compress(text(uploads(number))))
        bucket.put(f"{folder}/b.parquet", parquet(natflow, uploads(number)))
    rows = natflow.top("region,account-id", f"s3://{bucket.name}/AWSLogs")
    found = [(row["region"], row["account_id"], row["bytes"]) for row in rows]
    assert found == [("us-east-1", ACCOUNT_ID, "20"), ("eu-west-1", ACCOUNT_ID, "12")]


def test_a_large_object_in_columns_is_read_in_parts(
    aws: LocalAws, natflow: Natflow, bucket: Bucket
) -> None:
    lines = [
        line
        for number in range(40_000)
        for line in uploads(1, 1_700_000_000 + number, f"10.{number % 250}.{number // 250}.9")
    ]
    body = parquet(natflow, lines)
    url = bucket.put("large.parquet", body)
    assert natflow.succeed("convert", url) == natflow.succeed("convert", "records.log")
    assert natflow.total(url) == 40_000


def test_more_objects_than_a_page_lists(natflow: Natflow, bucket: Bucket) -> None:
    keys = [f"logs/{number:04}.log" for number in range(1001)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: bucket.put(key, text(uploads(2))), keys))
    assert natflow.total(f"s3://{bucket.name}/logs/") == 3003


def test_what_was_written_before_is_not_fetched(natflow: Natflow, bucket: Bucket) -> None:
    url = bucket.put("logs/a.log", b"no records\n")
    later = bucket.last_modified("logs/a.log") + 1
    assert natflow.total("--since", str(later), f"s3://{bucket.name}/logs") == 0
    assert natflow.run("top", "--since", str(later - 1), url).returncode == 1


def test_addresses_are_learnt_by_reading_twice(natflow: Natflow, bucket: Bucket) -> None:
    lines = uploads(2)
    relayed = f"ACCEPT egress 8 {GATEWAY} 1024 {PEER} 443 6 3 IPv4 {GATEWAY} - {PEER} -"
    lines.append(f"{relayed} 3 1700000000 1700000060 19 OK eni-0a1b")
    url = bucket.put("a.log", text(lines))
    outcome = natflow.run("convert", "--legs", "ends", "--fields", "client,bytes", url)
    assert outcome.stdout.decode().splitlines() == [
        '{"client":"10.0.1.5","bytes":1}',
        '{"client":"10.0.1.5","bytes":2}',
    ]
    assert b"everything is read twice" in outcome.stderr


class LogGroup:
    """A log group of a test's own."""

    def __init__(self, aws: LocalAws, log_group_class: str):
        self.name = f"/natflow/{next(_numbers)}"
        self.url = f"logs://{self.name}"
        self._client: Any = aws.client("logs")
        self._client.create_log_group(logGroupName=self.name, logGroupClass=log_group_class)
        self._client.create_log_stream(logGroupName=self.name, logStreamName="eni-0a1b-all")

    def put(self, events: Iterable[tuple[int, str]]) -> None:
        """Deliver records, each with the second of its start."""
        events = iter(events)
        while batch := list(itertools.islice(events, 5000)):
            self._client.put_log_events(
                logGroupName=self.name,
                logStreamName="eni-0a1b-all",
                logEvents=[{"timestamp": second * 1000, "message": m} for second, m in batch],
            )


NewLogGroup = Callable[[str], LogGroup]


@pytest.fixture
def new_log_group(aws: LocalAws) -> NewLogGroup:
    """Makes log groups by their class."""
    return lambda log_group_class: LogGroup(aws, log_group_class)


def records(start: int, seconds: int, per_second: int) -> list[tuple[int, str]]:
    """So many records for each second, with 1, 2, … bytes."""
    starts = range(start, start + seconds)
    return [(second, line) for second in starts for line in uploads(per_second, second)]


def test_a_standard_log_group_is_read_page_by_page(
    natflow: Natflow, new_log_group: NewLogGroup
) -> None:
    group = new_log_group("STANDARD")
    # More than a page has.
    start = int(time.time()) - 3600
    group.put(records(start, 3, 4000))
    of_a_second = sum(range(4001))
    assert natflow.total(group.url) == 3 * of_a_second
    assert natflow.total("--since", str(start + 1), group.url) == 2 * of_a_second
    assert natflow.total("--until", str(start + 1), group.url) == of_a_second


def test_an_infrequent_access_log_group_is_read_by_queries(
    aws: LocalAws, natflow: Natflow, new_log_group: NewLogGroup
) -> None:
    start = int(time.time())
    group = new_log_group("INFREQUENT_ACCESS")
    # More than an answer has.
    group.put(records(start + 1, 2, 6000))
    await_second(start + 3)
    of_a_second = sum(range(6001))
    before = aws.now()
    assert natflow.total(group.url) == 2 * of_a_second
    calls = [entry for entry in aws.journal(before)[0] if entry.get("operation") == "StartQuery"]
    assert len(calls) > 1
    assert natflow.total("--since", str(start + 2), group.url) == of_a_second
    assert natflow.total("--until", str(start + 2), group.url) == of_a_second


def test_a_second_with_more_events_than_an_answer_is_read_in_parts(
    natflow: Natflow, new_log_group: NewLogGroup
) -> None:
    second = int(time.time()) + 1
    group = new_log_group("INFREQUENT_ACCESS")
    group.put(records(second, 1, 10_500))
    await_second(second + 1)
    assert natflow.total(group.url) == sum(range(10_501))


def await_second(second: int) -> None:
    """Until the clock, the only one that natflow goes by, shows it."""
    while (left := second - time.time()) > 0:
        time.sleep(left)


def test_an_arn_says_the_region(natflow: Natflow, new_log_group: NewLogGroup) -> None:
    group = new_log_group("STANDARD")
    group.put(records(int(time.time()) - 60, 1, 3))
    natflow.without("AWS_REGION")
    arn = f"arn:aws:logs:{REGION}:{ACCOUNT_ID}:log-group:{group.name}"
    assert natflow.total(arn) == natflow.total(f"{arn}:*") == 6
    assert natflow.total("--region", REGION, group.url) == 6
    assert "no AWS region is configured; name it with --region" in natflow.fail("top", group.url)
    others = arn.replace(ACCOUNT_ID, "210987654321")
    assert "another account than 210987654321" in natflow.fail("top", others)


def test_a_profile_has_credentials_and_region(
    natflow: Natflow, bucket: Bucket, new_log_group: NewLogGroup
) -> None:
    url = bucket.put("a.log", text(uploads(3)))
    group = new_log_group("STANDARD")
    group.put(records(int(time.time()) - 60, 1, 3))
    natflow.without("AWS_REGION", "AWS_ACCESS", "AWS_SECRET")
    (natflow.home / ".aws").mkdir()
    keys = "aws_access_key_id = client\naws_secret_access_key = local\n"
    profile = f"[profile flow]\nregion = {REGION}\n{keys}"
    (natflow.home / ".aws" / "config").write_text(profile)
    assert natflow.total("--profile", "flow", url, group.url) == 12
    for name in [url, group.url]:
        refusal = natflow.fail("top", "--region", REGION, name)
        assert refusal.startswith(f"natflow: error: {name}: no AWS credentials: "), refusal
        assert "aws sso login" in refusal


def test_what_is_not_there_is_named(natflow: Natflow, bucket: Bucket) -> None:
    refusal = natflow.fail("top", f"s3://{bucket.name}/nothing")
    url = f"s3://{bucket.name}/nothing"
    expected = f"{url}: there is no object of this name, nor any below it; a `*` at its end stands"
    assert refusal.startswith(f"natflow: error: {expected}"), refusal
    bucket.put("a.log", text(uploads(3)))
    assert natflow.fail("top", f"s3://{bucket.name}/a.log", url) == refusal
    assert f"{url}/: there is no object" in natflow.fail("top", f"{url}/")
    outcome = natflow.run("top", "--by", "gateway", f"s3://{bucket.name}/a.log", f"{url}/")
    assert outcome.returncode == 0
    assert f"natflow: {url}/: there is no object of this name".encode() in outcome.stderr
    refusal = natflow.fail("top", "s3://no-such-bucket-here/logs")
    assert "NoSuchBucket" in refusal
    assert "check the bucket's name" in refusal
    refusal = natflow.fail("top", "logs:///natflow/none")
    assert f"there is no log group /natflow/none in {REGION}; --region and" in refusal
    refusal = natflow.fail("top", "https://example.com/a.log")
    assert "expected a file, a directory, -, s3://bucket/path" in refusal


def test_a_missing_permission_is_named(
    aws: LocalAws, natflow: Natflow, new_log_group: NewLogGroup
) -> None:
    group = new_log_group("STANDARD")
    denied = {"status": 400, "code": "AccessDeniedException", "message": "User is not authorized"}
    with aws.fault("logs", "FilterLogEvents", {"error": denied}):
        refusal = natflow.fail("top", group.url)
    assert refusal == (
        f"natflow: error: {group.url}: logs:FilterLogEvents was refused: AccessDeniedException, "
        "User is not authorized; the credentials need the permission logs:FilterLogEvents; "
        "--profile chooses others\n"
    )


def test_files_need_no_account(natflow: Natflow) -> None:
    (natflow.home / "a.log").write_bytes(text(uploads(3)))
    natflow.without("AWS_")
    assert natflow.total("a.log") == 6
