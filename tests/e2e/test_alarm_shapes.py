"""Alarms of every shape are understood, or refused with a sentence."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.events import metric, nat_metrics
from tests.e2e.stack import RecorderStack

OTHER = "nat-0123456789abcdef0"


def with_metrics(stack: RecorderStack, metrics: list[dict[str, Any]]) -> dict[str, Any]:
    """The event of an alarm with these metrics."""
    event = stack.alarm_event()
    event["detail"]["configuration"] = {"metrics": metrics}
    return event


def composite(stack: RecorderStack) -> dict[str, Any]:
    """The event of a composite alarm: it has a rule and no metrics."""
    event = stack.alarm_event()
    event["detail"]["configuration"] = {
        "alarmRule": f"ALARM({stack.name}-a) OR ALARM({stack.name}-b)",
        "actionsSuppressor": "maintenance",
    }
    event["detail"]["state"]["actionsSuppressedBy"] = "WaitPeriod"
    return event


def anomaly(stack: RecorderStack) -> dict[str, Any]:
    """The event of an anomaly detector on a gateway's metric."""
    band = {"id": "ad1", "expression": "ANOMALY_DETECTION_BAND(m1, 2)", "returnData": True}
    return with_metrics(stack, [metric("m1", "BytesInFromSource", stack.gateway.id), band])


def test_the_order_of_metrics_does_not_matter(stack: RecorderStack) -> None:
    execution = stack.start(with_metrics(stack, nat_metrics(stack.gateway.id)[::-1]))
    stack.wait_until_waiting()
    stack.put_ok()
    stack.assert_recorded(stack.wait_end(execution))


def test_an_alarm_on_one_metric_is_understood(stack: RecorderStack) -> None:
    one = metric("m1", "PacketsOutToDestination", stack.gateway.id)
    execution = stack.start(with_metrics(stack, [one]))
    stack.wait_until_waiting()
    stack.put_ok()
    stack.assert_recorded(stack.wait_end(execution))


def test_an_anomaly_detector_is_understood(stack: RecorderStack) -> None:
    execution = stack.start(anomaly(stack))
    stack.wait_until_waiting()
    stack.put_ok()
    stack.assert_recorded(stack.wait_end(execution))


def test_every_other_event_is_refused_with_a_sentence(stack: RecorderStack) -> None:
    ec2 = with_metrics(stack, [metric("m1", "NetworkIn", stack.gateway.id, "AWS/EC2")])
    two = with_metrics(stack, [metric("m1", "x", stack.gateway.id), metric("m2", "x", OTHER)])
    cleared = stack.alarm_event(value="OK")
    no_time = stack.alarm_event()
    no_time["detail"]["state"]["timestamp"] = "yesterday"
    no_state = stack.alarm_event()
    del no_state["detail"]["state"]
    deleted = stack.alarm_event()
    deleted["detail-type"] = "CloudWatch Alarm Configuration Change"
    deleted["detail"]["operation"] = "delete"
    refused = {
        stack.start(event): words
        for event, words in (
            (composite(stack), "it watches no metric of a NAT gateway"),
            (ec2, "it watches no metric of a NAT gateway"),
            (two, "it watches several NAT gateways"),
            (cleared, "its state is OK, expected ALARM"),
            (no_time, 'its state.timestamp "yesterday" is no time'),
            (no_state, "it has no state"),
            (deleted, "expected ALARM"),
            ({"detail-type": "Scheduled Event"}, "the input is no CloudWatch alarm event"),
            ({}, "the input is no CloudWatch alarm event"),
        )
    }
    for execution, words in refused.items():
        stack.assert_failed(stack.wait_end(execution), "EventRefused", words)
    assert len(stack.mails()) == len(refused)
    assert stack.item() == {}


@pytest.mark.parametrize("shape", [composite, anomaly])
def test_an_ok_of_another_shape_ends_nothing_it_should_not(
    stack: RecorderStack, shape: Any
) -> None:
    execution = stack.raise_alarm()
    stack.wait_until_waiting()
    event = shape(stack)
    event["detail"]["state"]["value"] = "OK"
    after = stack.aws.now()
    stack.aws.put_event(event)
    answered = stack.invoked("ResumeRecordingFunction", after)
    if shape is composite:
        # It names no gateway: refused, and kept in the dead-letter queue.
        assert (answered["outcome"], answered["error_type"]) == ("error", "EventRefused")
        assert stack.flow_logs() != []
        stack.clear_alarm()
    stack.assert_recorded(stack.wait_end(execution))
