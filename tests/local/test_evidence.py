"""What the invariants are told of an execution, by its history."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

from local.storm.evidence import Evidence, Execution, execution_of, executions_in
from local.storm.journal import INTERPRETER

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function"
BEGAN = datetime(2026, 1, 2, tzinfo=timezone.utc)
ARN = "arn:aws:states:us-east-1:123456789012:execution:recorder:one"
RESERVED = {
    "decision": "record",
    "recording": {
        "leaseEndsAt": "2026-01-02T01:00:00.123Z",
        "quota": {"counter": "recordings-forever"},
    },
}
SCHEDULED = {"type": "TaskScheduled", "taskScheduledEventDetails": {"resourceType": "sns"}}
SUCCEEDED = {"type": "TaskSucceeded", "taskSucceededEventDetails": {"resourceType": "sns"}}
INVOKED = {"type": "TaskScheduled", "taskScheduledEventDetails": {"resourceType": "lambda"}}


def history(*states: tuple[str, dict[str, Any]], attempts: int = 1) -> list[dict[str, Any]]:
    """An alarm's execution that passes tasks, each tried so often, a second after the other."""
    alarm = {"detail": {"alarmName": "stack/nat-1"}}
    events: list[dict[str, Any]] = [
        {"type": "ExecutionStarted", "executionStartedEventDetails": {"input": json.dumps(alarm)}}
    ]
    for name, output in states:
        events.append({"type": "TaskStateEntered", "stateEnteredEventDetails": {"name": name}})
        events += [SCHEDULED] * attempts
        left = {"name": name, "output": json.dumps(output)}
        events.append({"type": "TaskStateExited", "stateExitedEventDetails": left})
    return [
        {**event, "timestamp": BEGAN + timedelta(seconds=second)}
        for second, event in enumerate(events)
    ]


def execution(
    *states: tuple[str, dict[str, Any]], status: str = "FAILED", **more: Any
) -> Execution:
    """What is told of it, ten seconds after it began."""
    now = BEGAN + timedelta(seconds=10)
    listed = {"executionArn": ARN, "status": status, "startDate": BEGAN, "stopDate": now}
    return execution_of(listed, history(*states, **more))


def test_a_reservation_tells_counter_and_lease() -> None:
    told = execution(("Reserve a recording", RESERVED), status="RUNNING")
    assert (told.gateway, told.by_hand, told.decision) == ("nat-1", False, "record")
    assert told.counter == "recordings-forever"
    assert told.lease_ends == datetime(2026, 1, 2, 1, 0, 0, 123000, tzinfo=timezone.utc)
    assert told.is_running and told.visits[-1].left is None


def test_a_reservation_that_failed_tells_nothing() -> None:
    told = execution(("Reserve a recording", {"failure": {"Error": "Transient"}}))
    assert (told.decision, told.counter, told.lease_ends) == (None, None, None)
    assert not told.ended_without_recording


def test_it_records_while_it_waits() -> None:
    told = execution(("Wait for the alarm to clear", {}), ("Stop recording", {}))
    (span,) = told.recording_spans(BEGAN)
    assert span == (BEGAN + timedelta(seconds=1), BEGAN + timedelta(seconds=4))


def test_a_clean_up_that_failed_is_told_from_one_that_did_not() -> None:
    clean_up = "Clean up after the failure"
    assert execution((clean_up, {"cleanUpFailure": {"Error": "Transient"}})).left_uncleaned
    assert not execution((clean_up, {"cleanUpFailure": None, "stop": {}})).left_uncleaned


def test_the_start_and_each_retry_are_transitions() -> None:
    assert execution(("Report", {}), ("Notify", {})).transitions == 3
    assert execution(("Report", {}), ("Notify", {}), attempts=3).transitions == 7


def test_an_email_is_about_what_it_links_to() -> None:
    other = ARN.replace(":one", ":two")
    link = f"https://console.example/states/home#/v2/executions/details/{ARN}"
    assert set(executions_in(f"It took over from {other}.\n{link}\n")) == {ARN}
    assert set(executions_in(f"The execution: {other} . What is known: {{}}")) == {other}


def test_an_email_is_unanswered_when_its_execution_is_stopped_meanwhile() -> None:
    listed = {"executionArn": ARN, "status": "ABORTED", "startDate": BEGAN, "stopDate": BEGAN}
    began = history()

    def unanswered(*events: dict[str, Any]) -> int:
        stamped = [{**event, "timestamp": BEGAN} for event in events]
        return execution_of(listed, began + stamped).unanswered_mails

    assert unanswered(INVOKED, SCHEDULED) == 1
    assert unanswered(INVOKED, SCHEDULED, SUCCEEDED) == 0
    assert unanswered(SCHEDULED, SUCCEEDED, SCHEDULED) == 1


def test_calls_of_the_state_machine_are_those_of_its_own_stack() -> None:
    resources = {"StopFunction": "stop", "ReportsTopic": "topic", "RecordingsTable": "table"}
    own = [
        {"caller": "stop", "operation": "DeleteFlowLogs"},
        {"caller": INTERPRETER, "operation": "Invoke", "function": f"{FUNCTION}:stop"},
        {"caller": INTERPRETER, "operation": "UpdateItem", "table": "table"},
        {"caller": INTERPRETER, "operation": "Publish", "topic": "topic"},
    ]
    others = [
        {"caller": "another-stop", "operation": "DeleteFlowLogs"},
        {"caller": INTERPRETER, "operation": "Invoke", "function": f"{FUNCTION}:another-stop"},
        {"caller": "client", "operation": "Publish", "topic": "topic"},
    ]
    journal = [{"kind": "api-call"} | call for call in own + others]
    evidence = Evidence("stack", BEGAN, resources, 0, journal, [], [], set(), {})
    assert evidence.calls == journal[: len(own)]
