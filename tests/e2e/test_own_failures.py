"""The recorder's own failures are heard: by the alarm about itself, and each of them once."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

from local.local_aws import LocalAws
from tests.e2e import faults
from tests.e2e.conftest import Deploy
from tests.e2e.stack import ADDRESS, LONGEST, RecorderStack

THROTTLED = faults.error(429, "TooManyRequestsException", "said the test")
# A function that nobody waits for is tried three times.
ATTEMPTS = 3


def name_of_the_alarm(stack: RecorderStack) -> str:
    """The alarm about the recorder itself."""
    return f"{stack.name}-events-not-handled"


def set_alarm(stack: RecorderStack, value: str) -> None:
    """The alarm changes its state, and its e-mail is on its way."""
    after = stack.aws.now()
    name = name_of_the_alarm(stack)
    reason = "Threshold Crossed: 1 datapoint [1.0] was greater than the threshold (0.0)."
    stack.aws.client("cloudwatch").set_alarm_state(
        AlarmName=name, StateValue=value, StateReason=reason
    )
    done = stack.aws.wait_for("alarm-action", lambda e: e["alarm"] == name, LONGEST, after)
    assert (done["outcome"], done["action"]) == ("ok", stack.resources["ReportsTopic"])


def troubles(stack: RecorderStack) -> dict[str, float]:
    """What the alarm's metrics say of the last minutes: those that are above 0, by their IDs."""
    cloudwatch = stack.aws.client("cloudwatch")
    [alarm] = cloudwatch.describe_alarms(AlarmNames=[name_of_the_alarm(stack)])["MetricAlarms"]
    # moto computes no expressions; what this one does is tested in tests/templates.
    metrics = [query for query in alarm["Metrics"] if "MetricStat" in query]
    now = datetime.now(timezone.utc)
    answer = cloudwatch.get_metric_data(
        MetricDataQueries=[query | {"ReturnData": True} for query in metrics],
        StartTime=now - timedelta(minutes=10),
        EndTime=now + timedelta(minutes=1),
    )
    values = {result["Id"]: result["Values"] for result in answer["MetricDataResults"]}
    return {name: max(found) for name, found in values.items() if any(found)}


def test_its_alarm_is_an_email_and_starts_no_recording(stack: RecorderStack) -> None:
    set_alarm(stack, "ALARM")
    set_alarm(stack, "OK")
    mails = stack.mails()
    assert {mail["to"] for mail in mails} == {ADDRESS}
    name = name_of_the_alarm(stack)
    assert [mail["subject"] for mail in mails] == [
        f'ALARM: "{name}" in US East (N. Virginia)',
        f'OK: "{name}" in US East (N. Virginia)',
    ]
    # It says what to do.
    words = " ".join(mails[0]["body"].split())
    assert f"Events of the stack {stack.name} are not handled" in words
    assert "docs/operations.md" in words
    told = [
        entry
        for entry in stack.aws.journal(stack.since)[0]
        if entry["kind"] == "event" and entry["event"]["detail"].get("alarmName") == name
    ]
    changes = [entry for entry in told if "previousState" in entry["event"]["detail"]]
    assert [entry["event"]["detail"]["state"]["value"] for entry in changes] == ["ALARM", "OK"]
    assert [entry["rules"] for entry in told] == [[] for _ in told]
    assert stack.executions() == []


def test_an_event_that_cannot_be_handled_raises_it(stack: RecorderStack) -> None:
    assert troubles(stack) == {}
    after = stack.aws.now()
    event = stack.alarm_event(value="OK")
    event["detail"]["configuration"] = {"alarmRule": "ALARM(another)"}
    stack.aws.put_event(event)
    function = stack.resources["ResumeRecordingFunction"]
    kept = stack.aws.wait_for(
        "destination", lambda e: e["function"] == function, LONGEST, after=after
    )
    assert kept["outcome"] == "ok"
    assert troubles(stack) == {"letters": 1, "resumeErrors": ATTEMPTS}


def test_an_alarm_that_cannot_be_delivered_raises_it(stack: RecorderStack) -> None:
    rule = stack.resources["AlarmRaisedRule"]
    refused = faults.error(400, "AccessDeniedException")
    with stack.aws.fault("stepfunctions", "StartExecution", refused):
        stack.aws.raise_alarm(stack.name, stack.gateway)
        stack.aws.wait_for("delivery", lambda e: e["rule"] == rule, LONGEST, stack.since)
    assert troubles(stack) == {"letters": 1}


def test_a_function_that_is_throttled_raises_it(stack: RecorderStack) -> None:
    execution = stack.raise_alarm()
    stack.wait_until_waiting()
    function = stack.resources["ResumeRecordingFunction"]
    with stack.aws.fault("lambda", "Invoke", THROTTLED, function, times=1):
        stack.clear_alarm()
        stack.assert_recorded(stack.wait_end(execution))
    assert troubles(stack) == {"resumeThrottles": 1}


def test_an_execution_that_nobody_can_announce_raises_it(stack: RecorderStack) -> None:
    """Whatever keeps the functions from the topic: CloudWatch has a statement of its own there."""
    function = stack.resources["SweepRecordingsFunction"]
    denied = faults.error(403, "AuthorizationError")
    with stack.aws.fault("sns", "Publish", denied, except_callers=["cloudwatch"]):
        ended = stack.record_once()
        assert ended.status == "FAILED"
        stack.aws.wait_for("destination", lambda e: e["function"] == function, LONGEST, stack.since)
        assert troubles(stack) == {"letters": 1, "sweepErrors": ATTEMPTS}
        set_alarm(stack, "ALARM")
        assert len(stack.mails()) == 1
    [letter] = stack.dead_letters()
    assert letter["requestPayload"]["detail"]["executionArn"] == ended.arn


def test_a_failure_that_was_mailed_does_not_raise_it(stack: RecorderStack) -> None:
    stack.aws.client("ec2").delete_nat_gateway(NatGatewayId=stack.gateway.id)
    ended = stack.wait_end(stack.raise_alarm())
    stack.assert_failed(ended, "GatewayNotFound")
    assert stack.invoked("SweepRecordingsFunction", stack.since)["outcome"] == "ok"
    assert troubles(stack) == {}
    assert len(stack.mails()) == 1


def dashboard(aws: LocalAws, stack: RecorderStack) -> dict[str, Any]:
    """The body of the stack's dashboard."""
    name = stack.resources["RecorderDashboard"]
    text = aws.client("cloudwatch").get_dashboard(DashboardName=name)["DashboardBody"]
    assert "${" not in text
    return json.loads(text)


def test_a_dashboard_shows_what_is_watched(deploy: Deploy, aws: LocalAws) -> None:
    stack = deploy(Dashboard="true", Threshold=5000)
    body = dashboard(aws, stack)
    assert stack.resources["RecorderDashboard"] == f"{stack.name}-{aws.region}"
    chart = next(own for own in body["widgets"] if own["type"] == "metric")["properties"]
    assert chart["annotations"]["horizontal"] == [{"label": "Threshold", "value": 5000}]
    assert chart["region"] == aws.region
    assert [row[3] for row in chart["metrics"] if len(row) > 1] == [stack.gateway.id] * 2
    text = json.dumps(body)
    for shown in ("Recorder", "DeadLetterQueue", "FlowLogGroup", "SweepRecordingsFunction"):
        assert stack.resources[shown].rsplit("/", 1)[-1] in text
    [alarms] = [own["properties"]["alarms"] for own in body["widgets"] if own["type"] == "alarm"]
    assert [arn.rsplit(":", 1)[1] for arn in alarms] == [name_of_the_alarm(stack)]
    stack.deploy(FlowLogDestination="s3")
    body = dashboard(aws, stack)
    assert "AWS/Logs" not in json.dumps(body)
    assert "athena/home" in body["widgets"][0]["properties"]["markdown"]
    stack.deploy(Dashboard="false")
    assert aws.client("cloudwatch").list_dashboards()["DashboardEntries"] == []
