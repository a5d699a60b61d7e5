"""natflow asks about a stack: what its gateways do, and what they cost."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from local.local_aws import REGION, LocalAws
from tests.e2e.stack import RecorderStack
from tests.e2e.test_natflow import Natflow


@pytest.fixture
def natflow(aws: LocalAws, tmp_path: Path) -> Natflow:
    """natflow with credentials and a region."""
    return Natflow(aws, tmp_path)


def status(natflow: Natflow, stack: RecorderStack) -> dict[str, Any]:
    """The status of a stack's only gateway."""
    [row] = json.loads(natflow.succeed("status", "--output", "json", stack.name))
    assert row["gateway"] == stack.gateway.id
    return row


def moment(text: str) -> datetime:
    """When something was."""
    return datetime.fromisoformat(text)


def test_status_follows_a_recording(natflow: Natflow, stack: RecorderStack) -> None:
    before = status(natflow, stack)
    assert before["alarm"] == "INSUFFICIENT_DATA"
    assert (before["recording"], before["lease_ends"], before["last_alarm"]) == (None, None, None)
    assert before["recordings"] == 0

    since = stack.aws.now()
    begun = datetime.now(UTC)
    execution = stack.raise_alarm()
    stack.wait_until_waiting(after=since)
    during = status(natflow, stack)
    assert (during["alarm"], during["recording"]) == ("ALARM", "recording")
    assert during["flow_logs"] in {log["FlowLogId"] for log in stack.flow_logs()}
    assert (during["recordings"], during["quota_period"]) == (1, "forever")
    second = timedelta(seconds=1)
    assert begun - second <= moment(during["recording_since"]) <= datetime.now(UTC) + second
    assert begun - second <= moment(during["last_alarm"]) <= datetime.now(UTC) + second
    assert moment(during["lease_ends"]) > datetime.now(UTC)

    stack.clear_alarm()
    stack.wait_end(execution)
    after = status(natflow, stack)
    assert (after["alarm"], after["recording"], after["flow_logs"]) == ("OK", None, None)
    assert (after["recordings"], after["last_alarm"]) == (1, during["last_alarm"])
    table = natflow.succeed("status", stack.name).splitlines()
    assert table[0].split()[:3] == ["GATEWAY", "ALARM", "ALARM_SINCE"]
    assert len(table) == 2


def test_a_table_can_be_named(natflow: Natflow, stack: RecorderStack) -> None:
    found = natflow.succeed("status", "--output", "csv", stack.name)
    table = stack.resources["RecordingsTable"]
    assert natflow.succeed("status", "--output", "csv", "--table", table, stack.name) == found
    complaint = natflow.fail("status", "--table", "no-such-table", stack.name)
    assert "dynamodb:Scan was refused: ResourceNotFoundException" in complaint


def test_a_stack_that_is_not_there_is_named(natflow: Natflow) -> None:
    complaint = natflow.fail("status", "nobody")
    assert f"nobody: there is no stack of this name in {REGION}" in complaint
    assert "--profile" in complaint
    complaint = natflow.fail("cost", "--stack", "nobody")
    assert f"nobody: there is no alarm nobody/nat-… in {REGION}" in complaint


def meter(aws: LocalAws, gateway: str, day: int, **metrics: int) -> None:
    """Let CloudWatch meter bytes so many days ago."""
    at = datetime.now(UTC) - timedelta(days=day)
    dimensions = [{"Name": "NatGatewayId", "Value": gateway}]
    data = [
        {"MetricName": name, "Dimensions": dimensions, "Timestamp": at, "Value": value}
        for name, value in metrics.items()
    ]
    aws.client("cloudwatch").put_metric_data(Namespace="AWS/NATGateway", MetricData=data)


def processing(natflow: Natflow, *arguments: str) -> dict[str, Any]:
    """What all traffic costs."""
    rows = json.loads(natflow.succeed("cost", "--output", "json", *arguments))
    [row] = [row for row in rows if row["part"] == "all traffic"]
    return row


def test_cost_counts_what_cloudwatch_metered(
    aws: LocalAws, natflow: Natflow, stack: RecorderStack
) -> None:
    gateway = stack.gateway.id
    meter(aws, gateway, 1, BytesInFromSource=3 * 10**9, BytesOutToSource=10**12)
    meter(aws, gateway, 29, BytesInFromDestination=997 * 10**9)
    meter(aws, gateway, 31, BytesInFromDestination=10**15)
    for arguments in [("--stack", stack.name), ("--gateway", gateway)]:
        row = processing(natflow, *arguments)
        assert row["arithmetic"] == "1,000 GB, at $0.045 per GB"
        assert row["dollars"] == pytest.approx(45)
    complaint = natflow.fail("cost", "--gateway", "nat-0123456789abcdef0")
    assert "CloudWatch metered nothing of nat-0123456789abcdef0" in complaint
