"""natflow asks about a stack: what its gateways do, and what they cost."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from local.local_aws import ACCOUNT_ID, REGION, LocalAws
from tests.e2e.conftest import Deploy
from tests.e2e.stack import RecorderStack
from tests.e2e.test_natflow import Natflow
from tests.e2e.test_recording import CLIENT
from tests.e2e.test_report_lookups import record


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
    assert (before["recordings"], before["last_report"]) == (0, None)
    # Any number is allowed.
    assert (before["recordings_allowed"], before["quota_period"]) == (0, "forever")

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
    assert during["last_report"] is None
    assert begun - second <= moment(after["last_report"]) <= datetime.now(UTC) + second
    table = natflow.succeed("status", stack.name).splitlines()
    assert table[0].split()[:3] == ["GATEWAY", "ALARM", "ALARM_SINCE"]
    assert len(table) == 2
    assert "1 ever, no limit" in table[1]


def test_status_does_without_executions(natflow: Natflow, stack: RecorderStack) -> None:
    stack.record_once()
    whole = status(natflow, stack)
    refused = {"error": {"status": 400, "code": "AccessDeniedException", "message": "No."}}
    no_quota, no_report = {"recordings_allowed": None}, {"last_report": None}
    for operation, missing, unknown in [
        ("ListStateMachines", no_quota | no_report, "recordings and last_report are unknown"),
        ("DescribeStateMachine", no_quota, "the allowed recordings are unknown"),
        ("ListExecutions", no_report, "last_report is unknown"),
        ("DescribeExecution", no_report, "last_report is unknown"),
    ]:
        with stack.aws.fault("stepfunctions", operation, refused):
            shown = natflow.run("status", "--output", "json", stack.name)
        assert json.loads(shown.stdout) == [whole | missing]
        assert f"{unknown}: states:{operation} was refused" in shown.stderr.decode()
        assert f"need the permission states:{operation}" in shown.stderr.decode()


def test_status_says_how_many_recordings_are_allowed(natflow: Natflow, deploy: Deploy) -> None:
    stack = deploy(NumOfRecordings=5, QuotaPeriod="month")
    assert "0 of 5 this month" in natflow.succeed("status", stack.name)
    stack.record_by_event()
    assert "1 of 5 this month" in natflow.succeed("status", stack.name)
    row = status(natflow, stack)
    assert (row["recordings"], row["recordings_allowed"], row["quota_period"]) == (1, 5, "month")
    renews = datetime.fromisoformat(row["quota_renews"])
    assert renews.day == 1
    assert timedelta(0) < renews - datetime.now() <= timedelta(days=31)


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


def test_the_last_report_is_shown_as_it_was_mailed(natflow: Natflow, stack: RecorderStack) -> None:
    complaint = natflow.fail("report", "--stack", stack.name)
    assert f"{stack.name}: no report is in the newest 0 executions" in complaint
    earlier, last = stack.record_once(), stack.record_once()
    # An alarm from the past records nothing.
    duplicate = stack.wait_end(stack.start(stack.alarm_event(moment("2026-01-01T00:00:00Z"))))
    assert (duplicate.status, duplicate.decision) == ("SUCCEEDED", "duplicate")

    mail = stack.the_mail(last.arn)
    shown = natflow.run("report", "--stack", stack.name)
    assert shown.stdout.decode() == f"{mail['subject']}\n\n{mail['body'].rstrip()}\n"
    assert last.arn in shown.stderr.decode()
    assert last.arn != earlier.arn
    as_json = ["report", "--output", "json", "--gateway", stack.gateway.id, "--stack", stack.name]
    given = json.loads(natflow.succeed(*as_json))
    assert given == json.loads(last.output["email"]["json"])
    machine = ["--state-machine", stack.resources["Recorder"]]
    assert json.loads(natflow.succeed(*as_json, *machine)) == given

    complaint = natflow.fail("report", "--stack", stack.name, "--gateway", "nat-0123abcd")
    assert "no report of nat-0123abcd is in the newest 3 executions that ended well" in complaint


def test_the_last_report_is_made_a_page(natflow: Natflow, stack: RecorderStack) -> None:
    ended = record(stack)
    report = json.loads(ended.output["email"]["json"])
    page = natflow.succeed("report", "--html", "--stack", stack.name)
    assert page.startswith("<!DOCTYPE html>")
    assert [series["client"] for series in report["timeline"]["series"]] == [CLIENT]
    for shown in ["Bytes over time, by client", "Why it started", f"{CLIENT} downloaded"]:
        assert shown in page
    natflow.succeed("report", "-o", "last.html", "--stack", stack.name)
    assert (natflow.home / "last.html").read_text() == page


def test_what_the_last_report_lacks_is_in_its_records(
    natflow: Natflow, stack: RecorderStack
) -> None:
    denied = {"error": {"status": 400, "code": "AccessDeniedException", "message": "No."}}
    with stack.aws.fault("logs", "StartQuery", denied):
        ended = record(stack)
        report = json.loads(ended.output["email"]["json"])
        assert report["recorded"] is None
        shown = natflow.run("report", "--html", "--stack", stack.name)
    # Neither the report nor natflow may ask: there is a page, which says so.
    assert shown.returncode == 0
    assert "Bytes over time, by client: " in shown.stderr.decode()
    assert "the permission logs:StartQuery" in shown.stderr.decode()
    assert "<svg" not in shown.stdout.decode()
    assert "cannot say who it was" in shown.stdout.decode()
    page = natflow.succeed("report", "--html", "--stack", stack.name)
    assert '<svg viewBox="0 0 800' in page
    assert "Top clients" in page
    assert "cannot say who it was" not in page
    assert "the query was not answered" not in page


def test_a_report_s_stack_is_told_by_its_tag(aws: LocalAws, natflow: Natflow) -> None:
    # CloudFormation names a state machine without its stack; the local AWS does not.
    email = {"subject": "Tagged", "body": "Who did it.\n", "json": "{}"}
    output = {"recording": {"natGatewayId": "nat-0123abcd"}, "email": email}
    client = aws.client("stepfunctions")
    for stack in ["tagged", "another"]:
        machine = client.create_state_machine(
            name=f"Recorder-{stack}",
            definition=json.dumps(
                {"StartAt": "End", "States": {"End": {"Type": "Pass", "End": True}}}
            ),
            roleArn=f"arn:aws:iam::{ACCOUNT_ID}:role/states",
            tags=[{"key": "aws:cloudformation:stack-name", "value": stack}],
        )["stateMachineArn"]
        given = output if stack == "tagged" else {}
        started = client.start_execution(stateMachineArn=machine, input=json.dumps(given))
        assert aws.wait_execution(started["executionArn"])["status"] == "SUCCEEDED"
    assert natflow.succeed("report", "--stack", "tagged") == "Tagged\n\nWho did it.\n"
    assert "the newest 1 execution that" in natflow.fail("report", "--stack", "another")
    complaint = natflow.fail("report", "--stack", "nobody")
    assert f"nobody: no state machine of this stack is in {REGION}; name it with" in complaint


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
