"""`natflow exporter`: what it reads from Kinesis and from files, and what Prometheus sees of it."""

from __future__ import annotations

import gzip
import itertools
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from local.local_aws import BINARIES, ROOT, LocalAws
from tests.forwarders.exporters import (
    Exporter,
    check_metrics,
    exporter,
    needs_prometheus,
    payload,
    prometheus,
    record,
    refused,
)

_numbers = itertools.count(1)
MIDDLE = 2**127
SENT = 'flowlog_sent_bytes_total{subnet="private"}'
THROTTLED = {
    "status": 400,
    "code": "ProvisionedThroughputExceededException",
    "message": "Rate exceeded",
}
DENIED = {"status": 400, "code": "AccessDeniedException", "message": "Not you."}
EXPIRED = {"status": 400, "code": "ExpiredIteratorException", "message": "Iterator expired"}


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    with LocalAws() as aws:
        yield aws


class Stream:
    """A stream of a test's own."""

    def __init__(self, aws: LocalAws, shards: int = 1):
        self.name = f"flow-logs-{next(_numbers)}"
        self.kinesis: Any = aws.client("kinesis")
        self.kinesis.create_stream(StreamName=self.name, ShardCount=shards)

    def put(self, data: bytes, hash_key: int = 1) -> None:
        self.kinesis.put_record(
            StreamName=self.name, Data=data, PartitionKey="key", ExplicitHashKey=str(hash_key)
        )

    def open_shards(self) -> list[str]:
        shards = self.kinesis.list_shards(StreamName=self.name)["Shards"]
        is_open = "EndingSequenceNumber"
        return [s["ShardId"] for s in shards if is_open not in s["SequenceNumberRange"]]

    def split(self) -> None:
        [shard] = self.open_shards()
        self.kinesis.split_shard(
            StreamName=self.name, ShardToSplit=shard, NewStartingHashKey=str(MIDDLE)
        )

    def merge(self) -> None:
        lower, upper = self.open_shards()
        self.kinesis.merge_shards(
            StreamName=self.name, ShardToMerge=lower, AdjacentShardToMerge=upper
        )


@pytest.fixture
def stream(aws: LocalAws) -> Stream:
    return Stream(aws)


@pytest.fixture
def subnets(tmp_path: Path) -> Path:
    path = tmp_path / "subnets.txt"
    path.write_text("10.0.1.0/24 private\n2001:db8:1::/64 private\n10.0.2.0/24\n")
    return path


@pytest.fixture
def reading(aws: LocalAws, stream: Stream, subnets: Path, tmp_path: Path):
    """Runs exporters of the stream, from its oldest record on."""

    def reading(*arguments: str | Path):
        fixed = ["--stream", stream.name, "--subnets", subnets, "--start", "oldest"]
        return exporter(*fixed, *arguments, folder=tmp_path, url=aws.url)

    return reading


def test_events_of_a_stream_are_counted_once(reading, stream: Stream) -> None:
    twice = payload([record(100), record(200)])
    stream.put(twice)
    stream.put(payload([record(1, source="2001:db8:1::5", target="2001:db8:9::9")]))
    stream.put(twice)
    stream.put(payload([record(40, source="203.0.113.9", target="10.0.2.5", action="REJECT")]))
    stream.put(record(1000).encode())
    stream.put(b"\xff\xfe")
    with reading("--log-denied") as running:
        samples = running.until(lambda samples: samples["flowlog_bad_payloads_total"] == 1)
        [denial] = running.denials()
    assert samples["flowlog_events_total"] == 5
    assert samples["flowlog_duplicate_events_total"] == 2
    assert samples[SENT] == 1301
    assert samples['flowlog_denies_total{subnet="10.0.2.0/24"}'] == 1
    assert samples['flowlog_shard_lag_seconds{shard="shardId-000000000000"}'] == 0
    assert (denial["srcaddr"], denial["dst_subnet"]) == ("203.0.113.9", "10.0.2.0/24")
    assert (denial["dstport"], denial["bytes"], denial["action"]) == (443, 40, "REJECT")


def test_without_a_checkpoint_only_new_records_count(aws, stream, subnets, tmp_path) -> None:
    stream.put(payload([record(100)]))
    fixed = ["--stream", stream.name, "--subnets", subnets]
    with exporter(*fixed, folder=tmp_path, url=aws.url) as running:
        # Whoever has read a shard once knows its place in it.
        running.until(lambda samples: any("lag_seconds" in name for name in samples))
        stream.put(payload([record(200)]))
        assert running.until_events(1)[SENT] == 200


def test_what_comes_while_an_iterator_expires_is_read(aws, stream, subnets, tmp_path) -> None:
    """Though nothing was read before, whose place could be gone on from."""
    throttled = 'flowlog_failed_calls_total{call="kinesis:GetRecords",code='
    throttled += '"ProvisionedThroughputExceededException"}'
    lag = 'flowlog_shard_lag_seconds{shard="shardId-000000000000"}'
    fixed = ["--stream", stream.name, "--subnets", subnets]
    with exporter(*fixed, folder=tmp_path, url=aws.url) as running, ExitStack() as held_up:
        running.until(lambda samples: lag in samples)
        held_up.enter_context(aws.fault("kinesis", "GetRecords", {"error": THROTTLED}))
        running.until(lambda samples: throttled in samples)
        # Nobody knows what has come since the last answer.
        running.until(lambda samples: samples[lag] > 0)
        stream.put(payload([record(200)]))
        with aws.fault("kinesis", "GetRecords", {"error": EXPIRED}, times=1):
            held_up.close()
            assert running.until_events(1)[SENT] == 200
            running.until(lambda samples: samples[lag] == 0)


def test_children_are_read_when_their_parents_are_finished(reading, stream: Stream) -> None:
    sizes = itertools.count(1)
    with reading() as running:
        for reshard in [stream.split, stream.merge, stream.split]:
            for hash_key in [1, MIDDLE + 1]:
                stream.put(payload([record(next(sizes))]), hash_key)
            reshard()
        for hash_key in [1, MIDDLE + 1]:
            stream.put(payload([record(next(sizes))]), hash_key)
        samples = running.until_events(8)
        assert samples[SENT] == sum(range(1, 9))
        is_open = {f'flowlog_shard_lag_seconds{{shard="{name}"}}' for name in stream.open_shards()}
        running.until(lambda samples: is_open == {n for n in samples if "shard_lag" in n})


@pytest.mark.parametrize("store", ["file", "table"])
def test_a_restart_neither_loses_nor_doubles(
    aws: LocalAws, reading, stream: Stream, tmp_path: Path, store: str
) -> None:
    checkpoint = str(tmp_path / "checkpoint.json")
    if store == "table":
        checkpoint = f"dynamodb://{table(aws)}"
    before = payload([record(1), record(2)])
    stream.put(before)
    with reading("--checkpoint", checkpoint) as running:
        assert running.until_events(2)[SENT] == 3
        assert running.end() == 0
    stream.put(payload([record(4)]))
    stream.put(before)
    stream.split()
    stream.put(payload([record(8)]))
    with reading("--checkpoint", checkpoint) as running:
        samples = running.until_events(4)
        assert samples[SENT] == 15
        assert samples["flowlog_duplicate_events_total"] == 2
        running.kill()
    stream.put(payload([record(16)]), MIDDLE + 1)
    with reading("--checkpoint", checkpoint) as running:
        # Nothing that a scrape has seen is ever taken back.
        assert running.samples()["flowlog_events_total"] >= 4
        assert running.until_events(5)[SENT] == 31


def table(aws: LocalAws) -> str:
    """A table for checkpoints, as docs/forwarders.md creates it."""
    name = f"exporters-{next(_numbers)}"
    aws.client("dynamodb").create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "checkpoint", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "checkpoint", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


def test_a_write_whose_answer_is_lost_is_not_taken_for_the_next_one(aws, reading, stream) -> None:
    name = table(aws)
    checkpoint = f"dynamodb://{name}/mine"
    with reading("--checkpoint", checkpoint, "--log-denied") as running:
        lost = aws.fault("dynamodb", "PutItem", {"lose_answer": True}, times=1)
        with lost, aws.fault("dynamodb", "PutItem", {"error": DENIED}):
            stream.put(payload([record(1)]))
            while not any(name in line for line in running.said):
                assert running.process.poll() is None
            stream.put(payload([record(2, action="REJECT")]))
            while not running.denials():
                assert running.process.poll() is None
            # What is written from the second call on has both.
            calls = (entry for entry in aws.follow(30, aws.now()) if entry["kind"] == "fault")
            assert len(list(itertools.islice(calls, 2))) == 2
        running.until_events(2)
        running.kill()
    key = {"checkpoint": {"S": "mine"}}
    item = aws.client("dynamodb").get_item(TableName=name, Key=key)["Item"]
    assert json.loads(gzip.decompress(item["content"]["B"]))["totals"]["events"] == 2


def test_what_is_not_in_the_checkpoint_is_not_shown(reading, stream, tmp_path) -> None:
    checkpoint = tmp_path / "checkpoint.json"
    stream.put(payload([record(1)]))
    with reading("--checkpoint", checkpoint, "--checkpoint-every", "1h", "--log-denied") as running:
        stream.put(payload([record(2, source="10.0.2.5", action="REJECT")]))
        while not running.denials():
            assert running.process.poll() is None
        # It was counted, but would be counted again after a sudden end.
        assert running.samples()["flowlog_events_total"] == 0
        assert running.end() == 0
    assert json.loads(checkpoint.read_text())["totals"]["events"] == 2


def test_an_exporter_makes_way_for_one_that_goes_on_from_its_checkpoint(
    aws: LocalAws, reading, stream: Stream
) -> None:
    checkpoint = f"dynamodb://{table(aws)}/mine"
    with reading("--checkpoint", checkpoint) as first:
        stream.put(payload([record(1)]))
        first.until_events(1)
        with reading("--checkpoint", checkpoint) as second:
            stream.put(payload([record(2)]))
            assert second.until_events(2)[SENT] == 3
            assert first.wait() == 1
    assert "another exporter goes on from this checkpoint" in "".join(first.said)


def test_a_checkpoint_has_one_user_and_one_stream(
    aws: LocalAws, reading, stream: Stream, subnets: Path, tmp_path: Path
) -> None:
    checkpoint = tmp_path / "checkpoint.json"
    options = ["--subnets", subnets, "--checkpoint", checkpoint]
    with reading("--checkpoint", checkpoint) as running:
        said = refused("--stream", stream.name, *options, url=aws.url)
        assert "another exporter is using the checkpoint" in said
        assert running.end() == 0
    said = refused("--stream", Stream(aws).name, *options, url=aws.url)
    assert "name another checkpoint" in said
    checkpoint.write_text("nonsense")
    said = refused("--stream", stream.name, *options, url=aws.url)
    assert "it is no checkpoint" in said


def test_throttled_and_expired_calls_are_made_again(aws, reading, stream: Stream) -> None:
    throttled = aws.fault("kinesis", "GetRecords", {"error": THROTTLED}, times=1)
    with throttled, aws.fault("kinesis", "GetRecords", {"error": EXPIRED}, times=1):
        stream.put(payload([record(1)]))
        with reading() as running:
            samples = running.until_events(1)
    failed = 'flowlog_failed_calls_total{call="kinesis:GetRecords",code='
    assert samples[failed + '"ProvisionedThroughputExceededException"}'] == 1
    assert samples[failed + '"ExpiredIteratorException"}'] == 1
    assert samples[SENT] == 1


def test_what_is_missing_in_the_account_is_said(aws: LocalAws, subnets: Path) -> None:
    said = refused("--stream", "nobody", "--subnets", subnets, url=aws.url)
    assert "ResourceNotFoundException" in said and "nobody" in said
    denied = {"status": 403, "code": "UnauthorizedOperation", "message": "Not you."}
    with aws.fault("ec2", "DescribeSubnets", {"error": denied}):
        said = refused("--follow", "nothing", url=aws.url)
    assert "ec2:DescribeSubnets was refused: UnauthorizedOperation" in said
    assert "--subnets FILE" in said


def test_subnets_are_looked_up_again_and_again(aws: LocalAws, tmp_path: Path) -> None:
    ec2: Any = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.77.0.0/16", AmazonProvidedIpv6CidrBlock=False)
    vpc_id = vpc["Vpc"]["VpcId"]
    ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.77.1.0/24")
    log = tmp_path / "flow.log"
    log.write_text("")
    options = ["--follow", log, "--vpc", vpc_id, "--refresh", "100ms"]
    with exporter(*options, folder=tmp_path, url=aws.url) as running:
        running.until(lambda samples: samples["flowlog_subnets"] == 1)
        ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.77.2.0/24")
        running.until(lambda samples: samples["flowlog_subnets"] == 2)
        append(log, record(5, source="10.77.2.9"))
        running.until_events(1)
        assert running.samples()['flowlog_sent_bytes_total{subnet="10.77.2.0/24"}'] == 5


def append(path: Path, *lines: str, end: str = "\n") -> None:
    with path.open("a") as file:
        file.write("\n".join(lines) + end)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "flow.log"
    path.write_text(record(1) + "\n")
    return path


@pytest.fixture
def following(log: Path, subnets: Path, tmp_path: Path):
    """Runs exporters that follow the log."""

    def following(*arguments: str | Path):
        return exporter("--follow", log, "--subnets", subnets, *arguments, folder=tmp_path)

    return following


def test_a_line_counts_when_it_is_whole(following, log: Path) -> None:
    with following() as running:
        append(log, record(2), record(4)[:30], end="")
        assert running.until_events(1)[SENT] == 2
        lag = running.samples()[f'flowlog_file_lag_bytes{{file="{log}"}}']
        assert lag == 30
        append(log, record(4)[30:], "nonsense")
        samples = running.until_events(3)
    assert samples[SENT] == 6
    assert samples["flowlog_bad_lines_total"] == 1


def test_a_file_that_is_renamed_is_read_to_its_end(following, log: Path) -> None:
    with following("--start", "oldest") as running:
        running.until_events(1)
        append(log, record(2), record(4), end="")
        log.rename(log.with_suffix(".1"))
        log.write_text(record(8) + "\n")
        assert running.until_events(4)[SENT] == 15


def test_a_renamed_file_is_read_until_something_is_in_the_next_one(following, log: Path) -> None:
    """Whoever writes may not have heard yet that there is another file."""
    old = log.with_suffix(".1")
    with following() as running:
        log.rename(old)
        log.touch()
        for number, size in enumerate([2, 4], 1):
            append(old, record(size))
            assert running.until_events(number)
        append(old, record(8), end="")
        append(log, record(16))
        assert running.until_events(4)[SENT] == 30


def test_a_file_that_is_truncated_is_read_from_its_begin(following, log: Path) -> None:
    with following() as running:
        append(log, record(2), record(4))
        running.until_events(2)
        os.truncate(log, 0)
        append(log, record(8))
        assert running.until_events(3)[SENT] == 14


def test_a_file_is_waited_for_and_its_header_is_heeded(following, log: Path) -> None:
    log.unlink()
    with following() as running:
        append(log, "bytes dstaddr srcaddr packets action", "7 203.0.113.5 10.0.1.5 1 ACCEPT")
        assert running.until_events(1)[SENT] == 7


def test_each_header_is_heeded_until_the_next(following, log: Path) -> None:
    """Or the file's end: this one says of what looks like a record of the default format that its
    packets are its bytes."""
    header = (
        "version account-id interface-id srcaddr dstaddr srcport dstport protocol bytes packets "
        "start end action log-status"
    )
    with following() as running:
        append(log, record(2))
        assert running.until_events(1)[SENT] == 2
        append(log, header, record(4))
        assert running.until_events(2)[SENT] == 2 + 1
        append(log, record(8))
        assert running.until_events(3)[SENT] == 2 + 1 + 1
        log.write_text(record(16) + "\n")
        assert running.until_events(4)[SENT] == 2 + 1 + 1 + 16


def test_following_goes_on_where_it_ended(following, log: Path, tmp_path: Path) -> None:
    checkpoint = ["--checkpoint", tmp_path / "checkpoint.json", "--start", "oldest"]
    with following(*checkpoint) as running:
        running.until_events(1)
        running.kill()
    append(log, record(2))
    log.rename(log.with_suffix(".1"))
    log.write_text(record(4) + "\n")
    with following(*checkpoint) as running:
        assert running.until_events(3)[SENT] == 7
        assert running.end() == 0


def test_a_compressed_file_is_refused(log: Path, subnets: Path) -> None:
    log.write_bytes(payload([record(1)]) + b"\n")
    said = refused("--follow", log, "--subnets", subnets, "--start", "oldest")
    assert "it is compressed: --follow reads plain text" in said


def test_health_and_pages_that_are_not_there(following) -> None:
    with following() as running:
        assert running.get("/health") == ("text/plain; charset=utf-8", "ok\n")
        with pytest.raises(OSError, match="404"):
            running.get("/nothing")


def many_subnets(running: Exporter, log: Path) -> dict[str, float]:
    append(log, *(record(1, source=f"10.0.{number}.5") for number in range(1, 10)))
    return running.until_events(9)


def test_labels_are_bounded(log: Path, tmp_path: Path) -> None:
    subnets = tmp_path / "many.txt"
    subnets.write_text("\n".join(f"10.0.{number}.0/24" for number in range(1, 10)))
    options = ["--follow", log, "--subnets", subnets, "--max-subnets", "4"]
    with exporter(*options, folder=tmp_path) as running:
        samples = many_subnets(running, log)
    assert sum("flowlog_sent_bytes_total" in name for name in samples) == 5
    assert samples['flowlog_sent_bytes_total{subnet="other"}'] == 5


@needs_prometheus
def test_prometheus_finds_nothing_wrong_and_scrapes(following, log: Path, tmp_path: Path) -> None:
    with following("--log-denied") as running:
        append(log, record(100), "nonsense", record(40, action="REJECT"))
        running.until_events(3)
        kind, text = running.get("/metrics", "text/plain;version=0.0.4")
        assert kind == "text/plain; version=0.0.4; charset=utf-8"
        assert check_metrics(text) == ""
        kind, text = running.get("/metrics", "application/openmetrics-text;version=1.0.0")
        assert kind == "application/openmetrics-text; version=1.0.0; charset=utf-8"
        assert text.endswith("# EOF\n")
        with prometheus(running, tmp_path) as server:
            server.until("flowlog_sent_bytes_total{subnet='private'}", 140)
            append(log, record(1000))
            server.until("flowlog_sent_bytes_total{subnet='private'}", 1140)
            [target] = server.ask("/api/v1/targets")["activeTargets"]
            assert (target["health"], target["lastError"]) == ("up", "")
            kinds = server.ask("/api/v1/metadata?metric=flowlog_sent_bytes")
            kinds = kinds or server.ask("/api/v1/metadata?metric=flowlog_sent_bytes_total")
            assert next(iter(kinds.values()))[0]["type"] == "counter"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    unit = (ROOT / "deploy" / "exporter" / "natflow-exporter.service").read_text()
    # Where the test has the program and the manual is not installed.
    unit = unit.replace("/usr/bin/natflow", str(BINARIES / "natflow"))
    unit = unit.replace("Documentation=man:natflow-exporter(1)\n", "")
    path = tmp_path / "natflow-exporter.service"
    path.write_text(unit)
    command = ["systemd-analyze", "verify", "--man=no", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = [line for line in done.stderr.splitlines() if path.name in line]
    assert (done.returncode, said) == (0, [])
