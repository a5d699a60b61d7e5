"""A recording that somebody starts by hand."""

from __future__ import annotations

from typing import Any

import pytest

from local.network import Network
from tests.e2e.conftest import Deploy
from tests.e2e.stack import RecorderStack
from tests.e2e.test_recording import milliseconds


def test_a_recording_by_hand_lasts_as_long_as_asked(stack: RecorderStack) -> None:
    ended = stack.wait_end(stack.start({"natGatewayId": stack.gateway.id, "recordingSeconds": 2}))
    mail = stack.assert_recorded(ended)
    assert "Somebody started it by hand." in mail["words"]
    assert "The 2 s that were asked for are over." in mail["words"]
    lasted = milliseconds(ended.output["stop"]["at"]) - milliseconds(ended.output["started"]["at"])
    assert 2000 <= lasted < 10_000
    stack.assert_nothing_is_left()


def test_a_recording_by_hand_is_outside_the_quota(deploy: Deploy) -> None:
    stack = deploy(NumOfRecordings=1)
    stack.record_once()
    by_hand = {"natGatewayId": stack.gateway.id, "recordingSeconds": 1}
    mail = stack.assert_recorded(stack.wait_end(stack.start(by_hand)))
    assert "Quota" not in mail["words"]
    assert stack.counted() == 1
    stack.assert_nothing_is_left()


def test_an_ok_does_not_end_a_recording_by_hand(stack: RecorderStack) -> None:
    by_hand = stack.start({"natGatewayId": stack.gateway.id, "recordingSeconds": 5})
    flow_log = stack.wait_recording(by_hand)
    stack.wait_until_waiting()
    assert stack.wait_end(stack.raise_alarm()).decision == "alreadyRecording"
    stack.clear_and_handle()
    assert stack.calls("SendTaskSuccess") == []
    assert [found["FlowLogId"] for found in stack.flow_logs()] == [flow_log]
    ended = stack.wait_end(by_hand)
    assert ended.output["ended"]["Error"] == "States.Timeout"
    stack.assert_recorded(ended)


def test_any_gateway_of_the_account_can_be_recorded_by_hand(
    stack: RecorderStack, network: Network
) -> None:
    other = network.create_gateway("other")
    execution = stack.start({"natGatewayId": other.id, "recordingSeconds": 2})
    stack.wait_recording(execution)
    (flow_log,) = stack.flow_logs()
    assert flow_log["ResourceId"] == other.interface_id
    stack.assert_recorded(stack.wait_end(execution))
    stack.assert_nothing_is_left(other)


def test_without_a_time_a_recording_by_hand_takes_the_stacks(deploy: Deploy) -> None:
    stack = deploy(RecordingTime=1)
    ended = stack.wait_end(stack.start({"natGatewayId": stack.gateway.id}))
    stack.assert_recorded(ended)
    assert ended.output["recording"]["recordingSeconds"] == 1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"recordingSecond": 5}, "unknown field `recordingSecond`"),
        ({"recordingSeconds": "5"}, "expected i64"),
        ({"recordingSeconds": -1}, "recordingSeconds is -1: expected 1 to 86400, or 0"),
        ({"recordingSeconds": 86_401}, "recordingSeconds is 86401: expected 1 to 86400, or 0"),
        ({"natGatewayId": "nat-1"}, '"nat-1" is no NAT gateway ID'),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_start_by_hand_is_refused_in_words(
    stack: RecorderStack, given: dict[str, Any], words: str
) -> None:
    ended = stack.wait_end(stack.start({"natGatewayId": stack.gateway.id, **given}))
    stack.assert_failed(ended, "EventRefused", words)
    stack.assert_nothing_is_left()
    assert stack.counted() == 0
