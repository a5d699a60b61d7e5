"""Updating a stack changes what was asked for, and disturbs no recording."""

from __future__ import annotations

from typing import Any

import pytest

from local.local_aws import LocalAws
from local.network import Network
from local.template import DeploymentError
from tests.e2e.conftest import Deploy
from tests.e2e.stack import RecorderStack, ids


def alarms(aws: LocalAws, stack: RecorderStack) -> dict[str, Any]:
    """The stack's alarms by gateway."""
    answer = aws.client("cloudwatch").describe_alarms(AlarmNamePrefix=f"{stack.name}/")
    return {alarm["AlarmName"].split("/")[1]: alarm for alarm in answer["MetricAlarms"]}


def test_gateways_come_and_go_and_a_recording_of_another_goes_on(
    deploy: Deploy, network: Network, aws: LocalAws
) -> None:
    kept, gone, new = (network.create_gateway(name) for name in ("kept", "gone", "new"))
    stack = deploy(kept, gone)
    before = alarms(aws, stack)
    physical = dict(stack.resources)
    execution = stack.raise_alarm(kept)
    flow_log = stack.wait_recording(execution)
    stack.wait_until_waiting(kept)

    after = aws.now()
    # Another order, too: it must not matter.
    stack.deploy(NatGatewayIDs=ids([new, kept]))

    now = alarms(aws, stack)
    assert now.keys() == {kept.id, new.id}
    changed = {
        entry["event"]["detail"]["alarmName"].split("/")[1]: entry["event"]["detail"]["operation"]
        for entry in aws.journal(after)[0]
        if entry["kind"] == "event" and "operation" in entry["event"]["detail"]
    }
    assert changed == {gone.id: "delete", new.id: "create"}
    configured = ("AlarmArn", "Metrics", "Threshold", "EvaluationPeriods", "DatapointsToAlarm")
    assert [now[kept.id][name] for name in configured] == [
        before[kept.id][name] for name in configured
    ]
    assert now[kept.id]["StateValue"] == "ALARM"
    untouched = physical.keys() - {logical for logical in physical if gone.id[4:] in logical}
    assert {name: stack.resources[name] for name in untouched} == {
        name: physical[name] for name in untouched
    }

    assert [found["FlowLogId"] for found in stack.flow_logs()] == [flow_log]
    stack.clear_alarm(kept)
    stack.assert_recorded(stack.wait_end(execution))
    second = stack.raise_alarm(new)
    stack.wait_until_waiting(new)
    stack.clear_alarm(new)
    stack.assert_recorded(stack.wait_end(second))
    stack.assert_nothing_is_left(new)


def test_removing_a_gateway_ends_its_recording(deploy: Deploy, network: Network) -> None:
    kept, gone = (network.create_gateway(name) for name in ("kept", "gone"))
    stack = deploy(kept, gone)
    execution = stack.raise_alarm(gone)
    stack.wait_until_waiting(gone)
    stack.deploy(NatGatewayIDs=kept.id)
    mail = stack.assert_recorded(stack.wait_end(execution))
    assert "The alarm was deleted at " in mail["words"]
    stack.assert_nothing_is_left(gone)


def test_new_settings_are_those_of_the_next_recording(stack: RecorderStack) -> None:
    execution = stack.raise_alarm()
    stack.wait_until_waiting()
    stack.deploy(RecordingTime=1, MinimumRecordingTime=1)
    stack.clear_alarm()
    ended = stack.wait_end(execution)
    stack.assert_recorded(ended)
    assert ended.output["recording"]["recordingSeconds"] == 600
    ended = stack.wait_end(stack.raise_alarm())
    stack.assert_recorded(ended)
    assert ended.output["recording"]["recordingSeconds"] == 1
    assert ended.output["ended"]["Error"] == "States.Timeout"


def test_the_same_again_changes_nothing(stack: RecorderStack, aws: LocalAws) -> None:
    physical = dict(stack.resources)
    after = aws.now()
    stack.deploy()
    assert stack.resources == physical
    written = [
        entry["operation"]
        for entry in aws.journal(after)[0]
        if entry["kind"] == "api-call" and entry["operation"].startswith(("Put", "Create"))
    ]
    assert written == []


def test_an_update_that_fails_leaves_the_stack_as_it_was(
    stack: RecorderStack, aws: LocalAws
) -> None:
    before = alarms(aws, stack)
    with pytest.raises(DeploymentError, match="SamplingPeriod is 90"):
        stack.deploy(SamplingPeriod=90)
    assert alarms(aws, stack) == before
    stack.assert_recorded(stack.record_once())
