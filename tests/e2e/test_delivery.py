"""Events that cannot be delivered at once are delivered later, or kept."""

from __future__ import annotations

from tests.e2e import faults
from tests.e2e.conftest import Deploy
from tests.e2e.stack import RecorderStack

BUSY = faults.error(500, "InternalFailure")


def test_an_alarm_is_delivered_although_the_first_tries_fail(stack: RecorderStack) -> None:
    with stack.aws.fault("stepfunctions", "StartExecution", BUSY, times=2):
        execution = stack.raise_alarm()
    assert stack.delivered("AlarmRaisedRule", stack.since)["attempts"] == 3
    stack.wait_until_waiting()
    stack.clear_alarm()
    stack.assert_recorded(stack.wait_end(execution))
    assert stack.executions() == [execution]


def test_an_alarm_that_cannot_be_delivered_is_kept(stack: RecorderStack) -> None:
    rule = stack.resources["AlarmRaisedRule"]
    with stack.aws.fault("stepfunctions", "StartExecution", BUSY):
        stack.aws.raise_alarm(stack.name, stack.gateway)
        lost = stack.aws.wait_for("delivery", lambda e: e["rule"] == rule, after=stack.since)
    assert lost["outcome"] == "failed"
    (event,) = stack.dead_letters()
    assert event["detail"]["alarmName"] == f"{stack.name}/{stack.gateway.id}"
    assert event["detail"]["state"]["value"] == "ALARM"


def test_an_ok_is_handled_although_the_first_tries_fail(stack: RecorderStack) -> None:
    execution = stack.raise_alarm()
    stack.wait_until_waiting()
    # Three attempts are the SDK's; the fourth failure would be the function's second.
    with stack.aws.fault("dynamodb", "UpdateItem", faults.DOWN, "SET #lastOkAt", times=4):
        stack.clear_alarm()
        ended = stack.wait_end(execution)
    stack.assert_recorded(ended)
    assert stack.dead_letters() == []


def test_an_ok_whose_answer_is_lost_is_handled_once_more(stack: RecorderStack) -> None:
    execution = stack.raise_alarm()
    stack.wait_until_waiting()
    with stack.aws.fault("stepfunctions", "SendTaskSuccess", faults.LOSE_ANSWER, times=1):
        assert stack.clear_and_handle()["outcome"] == "ok"
    stack.assert_recorded(stack.wait_end(execution))


def test_an_ok_that_cannot_be_handled_is_kept(deploy: Deploy) -> None:
    stack = deploy(RecordingTime=8)
    execution = stack.raise_alarm()
    stack.wait_until_waiting()
    function = stack.resources["ResumeRecordingFunction"]
    with stack.aws.fault("dynamodb", "UpdateItem", faults.DOWN, "SET #lastOkAt"):
        stack.clear_alarm()
        kept = stack.aws.wait_for(
            "destination", lambda e: e["function"] == function, after=stack.since
        )
    assert kept["outcome"] == "ok"
    (failed,) = stack.dead_letters()
    assert failed["requestContext"]["condition"] == "RetriesExhausted"
    assert failed["requestPayload"]["detail"]["state"]["value"] == "OK"
    assert failed["responsePayload"]["errorType"] == "Transient"
    # The recording ends all the same, when its time is used up.
    mail = stack.assert_recorded(stack.wait_end(execution))
    assert "was used up. The spike may still be going on." in mail["words"]
