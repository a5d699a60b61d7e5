"""What the functions and the state machine log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from local.local_aws import LocalAws
from tests.e2e import faults
from tests.e2e.conftest import Deploy
from tests.e2e.stack import RecorderStack

FUNCTIONS = {
    "CheckQuotaFunction",
    "StartRecordingFunction",
    "StopRecordingFunction",
    "ResumeRecordingFunction",
    "ReportRecordingFunction",
}


def lines(stack: RecorderStack) -> list[tuple[str, dict[str, Any]]]:
    """Every line that the stack's functions logged, with the function's logical ID."""
    logical = {physical: name for name, physical in stack.resources.items()}
    return [
        (logical[entry["function"]], json.loads(entry["line"])) for entry in stack.journal("log")
    ]


def own_lines(stack: RecorderStack) -> list[tuple[str, dict[str, Any]]]:
    """Without Lambda's own lines."""
    return [(function, line) for function, line in lines(stack) if "span" in line]


def test_every_line_names_gateway_execution_and_recording(stack: RecorderStack) -> None:
    ended = stack.record_once()
    logged = own_lines(stack)
    assert {function for function, _ in logged} == FUNCTIONS
    recordings = set()
    for function, line in logged:
        span = line["span"]
        assert span["gateway"] == stack.gateway.id, function
        assert span["execution"] == ended.arn, function
        recordings.add(span["recording"])
        assert line["level"] == "INFO"
    (recording,) = recordings
    assert recording.startswith(f"{stack.gateway.id}@")


def test_every_line_of_a_failure_names_them_too(deploy: Deploy) -> None:
    stack = deploy(RecordingTime=1)
    with faults.ec2(stack.aws, "CreateFlowLogs", faults.unsuccessful("Refused", "no")):
        ended = stack.wait_end(stack.raise_alarm())
    with stack.aws.fault("dynamodb", "UpdateItem", faults.DOWN, "SET #lastOkAt"):
        stack.clear_alarm()
        name = stack.resources["ResumeRecordingFunction"]
        stack.aws.wait_for("destination", lambda e: e["function"] == name, after=stack.since)
    refused = stack.wait_end(stack.start(stack.alarm_event(None)))
    executions = {ended.arn, refused.arn, "none"}
    logged = own_lines(stack)
    assert {line["level"] for _, line in logged} >= {"INFO", "WARN", "ERROR"}
    for function, line in logged:
        span = line["span"]
        gateway = stack.gateway.id
        if function == "SweepRecordingsFunction" and span.get("execution") == refused.arn:
            gateway = "none"
        assert span.get("gateway") == gateway, (function, line)
        assert span.get("execution") in executions, (function, line)
        assert "recording" in span, (function, line)


def test_functions_log_to_their_own_groups(stack: RecorderStack, aws: LocalAws) -> None:
    stack.record_once()
    for function in FUNCTIONS:
        group = stack.resources[function.replace("Function", "LogGroup")]
        events = aws.client("logs").filter_log_events(logGroupName=group)["events"]
        assert any('"span"' in event["message"] for event in events), function


def events(aws: LocalAws, group: str) -> Iterator[dict[str, Any]]:
    """What a log group holds; one of infrequent access refuses FilterLogEvents."""
    logs = aws.client("logs")
    for stream in logs.describe_log_streams(logGroupName=group)["logStreams"]:
        name = stream["logStreamName"]
        yield from logs.get_log_events(logGroupName=group, logStreamName=name)["events"]


def test_no_task_token_is_logged(stack: RecorderStack, aws: LocalAws) -> None:
    execution = stack.raise_alarm()
    stack.wait_until_waiting()
    token = stack.item()["taskToken"]
    stack.clear_alarm()
    ended = stack.wait_end(execution)
    assert token
    for _, line in lines(stack):
        assert token not in json.dumps(line)
    assert token not in json.dumps(ended.output)
    assert token not in json.dumps(stack.mails())
    for group in {name for name in stack.resources.values() if "LogGroup" in name}:
        assert token not in json.dumps(list(events(aws, group)))
    machine = aws.client("stepfunctions").describe_state_machine(
        stateMachineArn=stack.resources["Recorder"]
    )
    assert machine["loggingConfiguration"]["includeExecutionData"] is False
