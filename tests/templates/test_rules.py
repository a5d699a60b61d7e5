"""Which events start a recording, which end one, and where they go."""

from __future__ import annotations

import json
from typing import Any

import pytest
from moto.events.models import EventPattern

from tests.templates.documents import MAIN, cached_template, properties, resources

RULES = resources(cached_template(MAIN), "AWS::Events::Rule")
STACK = "recorder"
MACHINE = "arn:aws:states:us-east-1:111122223333:stateMachine:recorder"
OURS = f"{STACK}/nat-0123456789abcdef0"
QUEUE = {"Fn::GetAtt": ["DeadLetterQueue", "Arn"]}


def _state_change(alarm: str, state: str) -> dict[str, Any]:
    return _event("CloudWatch Alarm State Change", {"alarmName": alarm, "state": {"value": state}})


def _configuration_change(alarm: str, operation: str) -> dict[str, Any]:
    detail = {"alarmName": alarm, "operation": operation, "state": {"value": "OK"}}
    return _event("CloudWatch Alarm Configuration Change", detail)


def _execution(status: str, machine: str = MACHINE) -> dict[str, Any]:
    detail = {"stateMachineArn": machine, "status": status}
    return _event("Step Functions Execution Status Change", detail, "aws.states")


def _event(kind: str, detail: dict[str, Any], source: str = "aws.cloudwatch") -> dict[str, Any]:
    return {"version": "0", "source": source, "detail-type": kind, "detail": detail}


def _matching(event: dict[str, Any]) -> list[str]:
    """The rules that match, with `recorder` as the stack's name."""
    return [rule for rule in RULES if _pattern(rule).matches_event(event)]


def _pattern(rule: str) -> EventPattern:
    pattern = _substituted(RULES[rule]["Properties"]["EventPattern"])
    return EventPattern.load(json.dumps(pattern))


def _substituted(value: Any) -> Any:
    if isinstance(value, list):
        return [_substituted(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "Fn::Sub" in value:
        return value["Fn::Sub"].replace("${AWS::StackName}", STACK)
    if value == {"Ref": "Recorder"}:
        return MACHINE
    return {key: _substituted(item) for key, item in value.items()}


@pytest.mark.parametrize(
    ("event", "rules"),
    [
        (_state_change(OURS, "ALARM"), ["AlarmRaisedRule"]),
        (_state_change(OURS, "OK"), ["AlarmClearedRule"]),
        (_state_change(OURS, "INSUFFICIENT_DATA"), ["AlarmClearedRule"]),
        (_configuration_change(OURS, "delete"), ["AlarmDeletedRule"]),
        (_configuration_change(OURS, "create"), []),
        (_configuration_change(OURS, "update"), []),
        (_state_change(OURS, "ALARM") | {"source": "aws.partner"}, []),
        (_execution("ABORTED"), ["ExecutionEndedBadlyRule"]),
        (_execution("FAILED"), ["ExecutionEndedBadlyRule"]),
        (_execution("TIMED_OUT"), ["ExecutionEndedBadlyRule"]),
        (_execution("SUCCEEDED"), []),
        (_execution("RUNNING"), []),
        (_execution("FAILED", f"{MACHINE}-2"), []),
    ],
)
def test_an_event_matches_one_rule_or_none(event: dict[str, Any], rules: list[str]) -> None:
    assert _matching(event) == rules


@pytest.mark.parametrize(
    "alarm",
    [
        f"{STACK}-executions-failed",
        f"{STACK}-nat-0123456789abcdef0",
        f"{STACK}/executions-failed",
        f"{STACK}-2/nat-0123456789abcdef0",
        f"{STACK}2/nat-0123456789abcdef0",
        f"my-{STACK}/nat-0123456789abcdef0",
        "nat-0123456789abcdef0",
    ],
)
def test_alarms_about_the_stack_itself_and_of_others_match_none(alarm: str) -> None:
    events = [_state_change(alarm, state) for state in ("ALARM", "OK", "INSUFFICIENT_DATA")]
    events.append(_configuration_change(alarm, "delete"))
    assert [_matching(event) for event in events] == [[], [], [], []]


def test_alarms_of_the_template_itself_are_none_of_a_gateway() -> None:
    for alarm in resources(cached_template(MAIN), "AWS::CloudWatch::Alarm").values():
        name = alarm["Properties"]["AlarmName"]["Fn::Sub"]
        assert name.startswith("${AWS::StackName}-")


def test_an_alarm_starts_the_state_machine() -> None:
    [target] = RULES["AlarmRaisedRule"]["Properties"]["Targets"]
    assert target["Arn"] == {"Ref": "Recorder"}
    assert target["RoleArn"] == {"Fn::GetAtt": ["StartExecutionRole", "Arn"]}
    # The whole event: nothing selects a part of it.
    assert not target.keys() & {"Input", "InputPath", "InputTransformer"}


@pytest.mark.parametrize(
    ("rule", "function"),
    [
        ("AlarmClearedRule", "ResumeRecordingFunction"),
        ("AlarmDeletedRule", "ResumeRecordingFunction"),
        ("ExecutionEndedBadlyRule", "SweepRecordingsFunction"),
    ],
)
def test_a_function_is_told_by_a_rule_that_may_call_it(rule: str, function: str) -> None:
    [target] = RULES[rule]["Properties"]["Targets"]
    assert target["Arn"] == {"Fn::GetAtt": [function, "Arn"]}
    permissions = resources(cached_template(MAIN), "AWS::Lambda::Permission").values()
    allowed = [(p["Properties"]["FunctionName"], p["Properties"]["SourceArn"]) for p in permissions]
    assert ({"Ref": function}, {"Fn::GetAtt": [rule, "Arn"]}) in allowed


def test_every_permission_is_a_rules_of_this_stack() -> None:
    permissions = resources(cached_template(MAIN), "AWS::Lambda::Permission").values()
    for permission in permissions:
        own = permission["Properties"]
        assert own["Principal"] == "events.amazonaws.com"
        assert own["SourceArn"]["Fn::GetAtt"][0] in RULES


def test_a_sweep_is_due_every_hour() -> None:
    own = properties("SweepSchedule")
    assert own["ScheduleExpression"] == "rate(1 hour)"
    # Not all stacks of a region at once.
    assert own["FlexibleTimeWindow"]["Mode"] == "FLEXIBLE"
    target = own["Target"]
    assert target["Arn"] == {"Fn::GetAtt": ["SweepRecordingsFunction", "Arn"]}
    assert target["RoleArn"] == {"Fn::GetAtt": ["SweepScheduleRole", "Arn"]}
    assert target["DeadLetterConfig"] == {"Arn": QUEUE}
    assert "Name" not in own


@pytest.mark.parametrize("rule", RULES)
def test_what_cannot_be_delivered_is_retried_and_kept(rule: str) -> None:
    for target in RULES[rule]["Properties"]["Targets"]:
        assert target["DeadLetterConfig"] == {"Arn": QUEUE}
        assert target["RetryPolicy"]["MaximumRetryAttempts"] > 0
        assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] >= 3600
