"""What happens at the same time, twice, too early or too late does no harm."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from tests.e2e import faults
from tests.e2e.conftest import Deploy
from tests.e2e.stack import RecorderStack


def events(stack: RecorderStack, number: int) -> list[dict]:
    """Events of the same alarm, each a little later than the one before."""
    now = datetime.now(timezone.utc)
    return [stack.alarm_event(now + timedelta(milliseconds=n)) for n in range(number)]


def test_of_two_executions_at_once_one_records(stack: RecorderStack) -> None:
    with faults.table(stack.aws, faults.HOLD, faults.RESERVE) as hold:
        executions = [stack.start(event) for event in events(stack, 2)]
        stack.wait_held(hold, calls=2)
    stack.wait_until_waiting()
    holder = stack.item()["execution"]
    assert holder in executions
    (other,) = set(executions) - {holder}
    refused = stack.wait_end(other)
    assert refused.status == "SUCCEEDED", refused
    assert refused.decision in ("alreadyRecording", "duplicate")
    assert len(stack.flow_logs()) == 1

    stack.put_ok()
    stack.assert_recorded(stack.wait_end(holder))
    assert len(stack.mails()) == 1
    stack.assert_nothing_is_left()
    assert stack.counted() == 1


def test_an_alarm_and_a_start_by_hand_at_once_make_one_recording(stack: RecorderStack) -> None:
    by_hand = {"natGatewayId": stack.gateway.id, "recordingSeconds": 2}
    with faults.table(stack.aws, faults.HOLD, faults.RESERVE) as hold:
        executions = [stack.start(by_hand), stack.start(stack.alarm_event())]
        stack.wait_held(hold, calls=2)
    stack.wait_until_waiting()
    assert len(stack.flow_logs()) == 1
    stack.put_ok()
    decisions = sorted(stack.wait_end(execution).decision for execution in executions)
    assert decisions == ["alreadyRecording", "record"]
    assert len(stack.mails()) == 1
    stack.assert_nothing_is_left()


def test_an_event_that_comes_twice_is_recorded_once(stack: RecorderStack) -> None:
    event = stack.alarm_event()
    first, second = stack.put_twice(event)
    stack.wait_until_waiting()
    holder = stack.item()["execution"]
    refused = stack.wait_end(second if holder == first else first)
    assert refused.decision == "duplicate"
    assert "is known already" in refused.output["reason"]
    assert len(stack.flow_logs()) == 1

    stack.put_ok()
    stack.assert_recorded(stack.wait_end(holder))
    stack.assert_nothing_is_left()
    assert stack.counted() == 1


def test_an_event_that_comes_again_after_its_recording_starts_none(stack: RecorderStack) -> None:
    stack.record_once()
    (raised,) = [
        entry["event"]
        for entry in stack.aws.journal(stack.since)[0]
        if entry["kind"] == "event" and stack.resources["AlarmRaisedRule"] in entry["rules"]
    ]
    after = stack.aws.now()
    stack.aws.put_event(raised)
    again = stack.wait_end(stack.delivered("AlarmRaisedRule", after)["execution_arn"])
    assert again.decision == "duplicate"
    assert len(stack.mails()) == 1
    stack.assert_nothing_is_left()
    assert stack.counted() == 1


def test_an_alarm_that_comes_after_its_ok_starts_none(stack: RecorderStack) -> None:
    raised, cleared = events(stack, 2)
    cleared["detail"]["state"]["value"] = "OK"
    after = stack.aws.now()
    stack.aws.put_event(cleared)
    stack.invoked("ResumeRecordingFunction", after)
    ended = stack.wait_end(stack.start(raised))
    assert ended.decision == "duplicate"
    assert "it has cleared since" in ended.output["reason"]
    assert stack.mails() == []


def test_an_ok_before_the_token_is_stored_ends_the_recording(stack: RecorderStack) -> None:
    with faults.table(stack.aws, faults.HOLD, faults.STORE_TOKEN) as hold:
        execution = stack.raise_alarm()
        stack.wait_held(hold)
        stack.clear_and_handle()
    ended = stack.wait_end(execution)
    mail = stack.assert_recorded(ended)
    assert ended.output["ended"]["Error"] == "DynamoDb.ConditionalCheckFailedException"
    assert "The alarm had cleared before the recording began to wait." in mail["words"]
    stack.assert_nothing_is_left()


def test_an_ok_before_the_reservation_is_answered_ends_the_recording(
    stack: RecorderStack,
) -> None:
    function = stack.resources["StartRecordingFunction"]
    with stack.aws.fault("lambda", "Invoke", faults.HOLD, function) as hold:
        execution = stack.raise_alarm()
        stack.wait_held(hold)
        stack.clear_and_handle()
    stack.assert_recorded(stack.wait_end(execution))
    stack.assert_nothing_is_left()


def test_an_ok_after_the_timeout_does_no_harm(deploy: Deploy) -> None:
    stack = deploy(RecordingTime=1)
    with faults.ec2(stack.aws, "DeleteFlowLogs", faults.HOLD) as hold:
        execution = stack.raise_alarm()
        stack.wait_held(hold)
        # The token is still in the table; nobody waits for it any more.
        assert "taskToken" in stack.item()
        assert stack.clear_and_handle()["outcome"] == "ok"
    mail = stack.assert_recorded(stack.wait_end(execution))
    assert "was used up. The spike may still be going on." in mail["words"]
    assert stack.calls("SendTaskSuccess")[-1]["error"] == "TaskTimedOut"
    assert stack.dead_letters() == []
    stack.assert_nothing_is_left()
    stack.assert_recorded(stack.wait_end(stack.raise_alarm()))


def test_an_ok_after_the_end_does_no_harm(deploy: Deploy) -> None:
    stack = deploy(RecordingTime=1)
    stack.assert_recorded(stack.wait_end(stack.raise_alarm()))
    assert stack.clear_and_handle()["outcome"] == "ok"
    assert stack.dead_letters() == []
    assert len(stack.mails()) == 1
    assert "execution" not in stack.item()


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(faults.NOTE_FLOW_LOGS, id="flow-logs-created"),
        pytest.param(faults.STORE_TOKEN, id="token"),
        pytest.param(faults.BEGIN_STOP, id="stopping"),
        pytest.param(faults.RELEASE, id="release"),
    ],
)
def test_a_straggler_changes_nothing_of_its_successor(stack: RecorderStack, write: str) -> None:
    with_flow_logs = write in (faults.BEGIN_STOP, faults.RELEASE)
    if with_flow_logs:
        straggler = stack.raise_alarm()
        stack.wait_until_waiting()
    with faults.table(stack.aws, faults.HOLD, write, times=1) as hold:
        if with_flow_logs:
            stack.clear_alarm()
        else:
            straggler = stack.raise_alarm()
        stack.wait_held(hold)
        stack.let_the_lease_pass()
        after = stack.aws.now()
        if not with_flow_logs:
            stack.clear_and_handle()
        successor = stack.raise_alarm()
        flow_log = stack.wait_recording(successor)
        stack.wait_until_waiting(after=after)
        item = stack.item()
        assert item["execution"] == successor
    ended = stack.wait_end(straggler)

    assert stack.item() == item
    assert [found["FlowLogId"] for found in stack.flow_logs()] == [flow_log]
    assert len(stack.mails(straggler)) == 1
    if write == faults.NOTE_FLOW_LOGS:
        assert (ended.status, ended.error) == ("FAILED", "LeaseLost")
    stack.clear_alarm()
    stack.assert_recorded(stack.wait_end(successor))
    stack.assert_nothing_is_left()
    assert stack.counted() == 2
