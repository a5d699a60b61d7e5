"""A spike that comes back while its recording is stopping goes on being recorded."""

from __future__ import annotations

from tests.e2e import faults
from tests.e2e.conftest import Deploy
from tests.e2e.stack import RecorderStack


def test_an_alarm_before_the_mark_keeps_the_same_recording_going(stack: RecorderStack) -> None:
    execution = stack.raise_alarm()
    flow_log = stack.wait_recording(execution)
    stack.wait_until_waiting()
    with faults.table(stack.aws, faults.HOLD, faults.BEGIN_STOP, times=1) as hold:
        stack.clear_alarm()
        stack.wait_held(hold)
        again = stack.wait_end(stack.raise_alarm())
        assert again.decision == "alreadyRecording"
        assert execution in again.output["reason"]
        after = stack.aws.now()
    stack.wait_until_waiting(after=after)

    assert [found["FlowLogId"] for found in stack.flow_logs()] == [flow_log]
    stack.clear_alarm()
    ended = stack.wait_end(execution)
    mail = stack.assert_recorded(ended)
    assert "In between the spike came back once and went on being recorded." in mail["words"]
    assert ended.output["cameBack"] == 1
    assert len(stack.mails()) == 1
    stack.assert_nothing_is_left()
    assert stack.counted() == 1


def test_a_spike_that_came_back_gets_what_is_left_of_the_recording_time(deploy: Deploy) -> None:
    stack = deploy(RecordingTime=5, MinimumRecordingTime=2)
    execution = stack.raise_alarm()
    stack.wait_until_waiting()
    with faults.table(stack.aws, faults.HOLD, faults.BEGIN_STOP, times=1) as hold:
        stack.clear_alarm()
        stack.wait_held(hold)
        stack.wait_end(stack.raise_alarm())
    ended = stack.wait_end(execution)
    mail = stack.assert_recorded(ended)
    assert "was used up. The spike may still be going on." in mail["words"]
    assert 0 < ended.output["waitSeconds"] <= 3
    stack.assert_nothing_is_left()


def test_an_alarm_after_the_mark_starts_a_recording_of_its_own(stack: RecorderStack) -> None:
    first = stack.raise_alarm()
    old = stack.wait_recording(first)
    stack.wait_until_waiting()
    with faults.ec2(stack.aws, "DeleteFlowLogs", faults.HOLD, times=1) as hold:
        stack.clear_alarm()
        stack.wait_held(hold)
        # The old flow log still stands in the way.
        assert [found["FlowLogId"] for found in stack.flow_logs()] == [old]
        after = stack.aws.now()
        second = stack.raise_alarm()
        new = stack.wait_recording(second)
        stack.wait_until_waiting(after=after)
        assert [found["FlowLogId"] for found in stack.flow_logs()] == [new]
        item = stack.item()
        assert item["execution"] == second
    # The first execution goes on, and takes nothing from the second.
    stack.assert_recorded(stack.wait_end(first))
    assert stack.item() == item
    assert [found["FlowLogId"] for found in stack.flow_logs()] == [new]

    stack.clear_alarm()
    stack.assert_recorded(stack.wait_end(second))
    stack.assert_nothing_is_left()
    assert stack.counted() == 2
