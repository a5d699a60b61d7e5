"""The alarms about the recorder itself: what they watch, who hears them, what they cost."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.templates.documents import MAIN, ROOT, cached_template, properties, resources

ALARMS = resources(cached_template(MAIN), "AWS::CloudWatch::Alarm")
FUNCTIONS = resources(cached_template(MAIN), "AWS::Serverless::Function")
TOPIC = {"Ref": "ReportsTopic"}
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
# CloudWatch's limits for an alarm on an expression, and the price of one metric a month.
MOST_METRICS = 10
DOLLARS = 0.10

each_alarm = pytest.mark.parametrize("alarm", ALARMS)


def metrics(alarm: str) -> list[dict[str, Any]]:
    """The metrics of an alarm, without its expression."""
    queries = ALARMS[alarm]["Properties"]["Metrics"]
    return [query for query in queries if "MetricStat" in query]


def watched(alarm: str) -> list[tuple[str, str, Any]]:
    """Namespace, name and resource of each metric."""
    stats = [query["MetricStat"]["Metric"] for query in metrics(alarm)]
    return [(own["Namespace"], own["MetricName"], own["Dimensions"][0]["Value"]) for own in stats]


def test_every_function_that_no_execution_waits_for_is_watched() -> None:
    """The others' failures are those of their executions, which send an e-mail."""
    waited_for = set(properties("Recorder")["DefinitionSubstitutions"])
    alone = sorted(FUNCTIONS.keys() - waited_for)
    assert alone
    assert sorted(watched("EventsNotHandledAlarm"), key=str) == sorted(
        [
            ("AWS/SQS", "ApproximateNumberOfMessagesVisible", _name_of_the_queue()),
            *(("AWS/Lambda", "Errors", {"Ref": function}) for function in alone),
            *(("AWS/Lambda", "Throttles", {"Ref": function}) for function in alone),
        ],
        key=str,
    )


def _name_of_the_queue() -> dict[str, Any]:
    return {"Fn::GetAtt": ["DeadLetterQueue", "QueueName"]}


@each_alarm
def test_the_sum_has_every_metric_and_none_makes_it_vanish(alarm: str) -> None:
    [sum_of_all] = [
        query for query in ALARMS[alarm]["Properties"]["Metrics"] if "Expression" in query
    ]
    filled = re.findall(r"FILL\((\w+), 0\)", sum_of_all["Expression"])
    assert filled == [query["Id"] for query in metrics(alarm)]
    assert sum_of_all["ReturnData"] is True
    assert {query["ReturnData"] for query in metrics(alarm)} == {False}
    assert len({query["MetricStat"]["Period"] for query in metrics(alarm)}) == 1
    assert len(filled) <= MOST_METRICS


@each_alarm
def test_silence_is_no_failure_and_its_end_is_told(alarm: str) -> None:
    own = ALARMS[alarm]["Properties"]
    assert own["TreatMissingData"] == "notBreaching"
    assert own["AlarmActions"] == own["OKActions"] == [TOPIC]
    assert (own["ComparisonOperator"], own["Threshold"]) == ("GreaterThanThreshold", 0)


def test_it_is_raised_for_longer_than_a_function_is_tried() -> None:
    """Lambda waits a minute and two between the three tries: then comes the dead letter."""
    own = ALARMS["EventsNotHandledAlarm"]["Properties"]
    [period] = {query["MetricStat"]["Period"] for query in metrics("EventsNotHandledAlarm")}
    alone = [query["Value"]["Ref"] for query in _dimensions() if "Ref" in query["Value"]]
    longest = max(properties(function)["Timeout"] for function in alone)
    assert period * own["EvaluationPeriods"] > 3 * longest + 60 + 120
    assert own["DatapointsToAlarm"] == 1


def _dimensions() -> list[dict[str, Any]]:
    stats = [query["MetricStat"]["Metric"] for query in metrics("EventsNotHandledAlarm")]
    return [dimension for own in stats for dimension in own["Dimensions"]]


def test_the_topic_takes_messages_from_these_alarms_alone() -> None:
    statements = properties("ReportsTopicPolicy")["PolicyDocument"]["Statement"]
    [alarms] = [own for own in statements if own["Sid"] == "Alarms"]
    assert alarms["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert alarms["Action"] == "sns:Publish"
    sources = alarms["Condition"]["ArnEquals"]["aws:SourceArn"]
    sources = sources if isinstance(sources, list) else [sources]
    assert sources == [{"Fn::GetAtt": [alarm, "Arn"]} for alarm in ALARMS]
    account = {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    assert alarms["Condition"]["StringEquals"] == account


@each_alarm
def test_an_alarm_says_what_to_do_and_where_that_is_explained(alarm: str) -> None:
    own = ALARMS[alarm]["Properties"]
    description = " ".join(own["AlarmDescription"]["Fn::Sub"].split())
    # CloudWatch's limit, with a stack's longest name.
    assert len(description.replace("${AWS::StackName}", "x" * 128)) <= 1024
    [section] = re.findall(r'docs/operations.md says under "([^"]+)"', description)
    assert f"\n## {section}\n" in OPERATIONS
    name = own["AlarmName"]["Fn::Sub"].replace("${AWS::StackName}", "<stack name>")
    assert f"`{name}`" in OPERATIONS.split(f"\n## {section}\n", 1)[1].split("\n## ", 1)[0]
    outputs = re.findall(r"output (\w+)", description)
    assert set(outputs) <= cached_template(MAIN)["Outputs"].keys()


def test_the_readme_says_what_they_cost() -> None:
    count = sum(len(metrics(alarm)) for alarm in ALARMS)
    text = " ".join((ROOT / "README.md").read_text().split())
    assert f"{count} × $0.10 = **${count * DOLLARS:.2f} a month**" in text
