"""A table that is down, for a moment or for good."""

from __future__ import annotations

import pytest

from tests.e2e import faults
from tests.e2e.stack import RecorderStack


@pytest.mark.parametrize(
    "write", [faults.RESERVE, faults.NOTE_FLOW_LOGS, faults.STORE_TOKEN, faults.RELEASE]
)
def test_a_table_that_is_down_for_a_moment_is_waited_out(stack: RecorderStack, write: str) -> None:
    with faults.table(stack.aws, faults.DOWN, write, times=4):
        ended = stack.record_once()
    stack.assert_recorded(ended)
    assert len(stack.mails()) == 1
    stack.assert_nothing_is_left()
    assert stack.counted() == 1


def test_a_table_that_is_down_for_good_is_told(stack: RecorderStack) -> None:
    with faults.table(stack.aws, faults.DOWN):
        ended = stack.wait_end(stack.raise_alarm())
    stack.assert_failed(ended, "Transient", "dynamodb:UpdateItem failed for the moment")
    stack.assert_nothing_is_left()
    assert stack.counted() == 0
    stack.clear_and_handle()
    stack.assert_recorded(stack.record_once())


def test_a_reservation_whose_answer_was_lost_is_the_same_one(stack: RecorderStack) -> None:
    with faults.table(stack.aws, faults.LOSE_ANSWER, faults.RESERVE, times=1):
        ended = stack.record_once()
    stack.assert_recorded(ended)
    assert stack.counted() == 1


def test_a_table_that_goes_down_during_the_start_leaves_nothing(stack: RecorderStack) -> None:
    with faults.table(stack.aws, faults.DOWN_WITHOUT_PAUSES, faults.NOTE_FLOW_LOGS):
        ended = stack.wait_end(stack.raise_alarm())
    stack.assert_failed(
        ended,
        "Transient",
        "dynamodb:UpdateItem failed for the moment",
        "No flow log of this recording is left.",
    )
    stack.assert_nothing_is_left()
    # A flow log was active, so the recording counts.
    assert stack.counted() == 1


def test_a_token_that_cannot_be_stored_ends_the_recording(stack: RecorderStack) -> None:
    with faults.table(stack.aws, faults.DOWN, faults.STORE_TOKEN):
        ended = stack.wait_end(stack.raise_alarm())
    stack.assert_failed(ended, "DynamoDb.InternalServerErrorException")
    stack.assert_nothing_is_left()
    assert stack.counted() == 1


def test_a_table_that_goes_down_during_a_recording_leaves_no_flow_log(
    stack: RecorderStack,
) -> None:
    execution = stack.raise_alarm()
    stack.wait_until_waiting()
    with faults.table(stack.aws, faults.DOWN_WITHOUT_PAUSES, faults.BEGIN_STOP):
        stack.clear_alarm()
        ended = stack.wait_end(execution)
    stack.assert_failed(
        ended, "Transient", "NOT cleaned up", "dynamodb:UpdateItem failed for the moment"
    )
    assert stack.flow_logs() == []


def test_a_lease_that_nobody_released_passes(stack: RecorderStack) -> None:
    execution = stack.raise_alarm()
    stack.wait_until_waiting()
    with faults.table(stack.aws, faults.DOWN_WITHOUT_PAUSES, faults.RELEASE):
        stack.clear_alarm()
        ended = stack.wait_end(execution)
    stack.assert_failed(ended, "Transient", "NOT cleaned up")
    assert stack.item()["execution"] == execution
    stack.let_the_lease_pass()
    stack.assert_recorded(stack.record_once())
    stack.assert_nothing_is_left()
