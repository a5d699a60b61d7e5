"""The forwarders' stack: each sink off until it is asked for, one subscription, and its alarms."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.templates.documents import FORWARDERS, ROOT, cached_template, resources

TEMPLATE = cached_template(FORWARDERS)
FUNCTIONS = resources(TEMPLATE, "AWS::Serverless::Function")
ALARMS = resources(TEMPLATE, "AWS::CloudWatch::Alarm")
ALWAYS = {
    "AlarmsSubscription",
    "AlarmsTopic",
    "AlarmsTopicPolicy",
    "CheckSourcesFunction",
    "CheckSourcesLogGroup",
    "CheckSourcesRole",
    "DeadLetterQueue",
    "DeadLetterQueuePolicy",
    "NotForwardedAlarm",
    "Sources",
}
each_function = pytest.mark.parametrize("function", FUNCTIONS)
QUEUE = {"Fn::GetAtt": ["DeadLetterQueue", "Arn"]}


def own(logical_id: str) -> dict[str, Any]:
    return TEMPLATE["Resources"][logical_id]["Properties"]


def test_a_sink_is_off_until_it_is_asked_for() -> None:
    unconditional = {name for name, one in TEMPLATE["Resources"].items() if "Condition" not in one}
    assert unconditional == ALWAYS
    for name, parameter in TEMPLATE["Parameters"].items():
        assert name == "EmailAddress" or "Default" in parameter


@each_function
def test_a_function_is_built_from_its_package(function: str) -> None:
    folder = ROOT / "forwarders" / own(function)["CodeUri"]
    binary = TEMPLATE["Resources"][function]["Metadata"]["BuildProperties"]["Binary"]
    assert re.sub(r"(?<!^)(?=[A-Z])", "-", function.removesuffix("Function")).lower() == binary
    assert f'name = "{binary}"' in (folder / "Cargo.toml").read_text()


@each_function
def test_a_function_knows_the_settings_that_it_gets(function: str) -> None:
    folder = ROOT / "forwarders" / own(function)["CodeUri"]
    crates = re.findall(r"^([a-z-]+)\.workspace", (folder / "Cargo.toml").read_text(), re.MULTILINE)
    sources = [folder, *(ROOT / "crates" / crate for crate in crates)]
    text = "".join(path.read_text() for source in sources for path in source.glob("src/**/*.rs"))
    for variable in own(function).get("Environment", {}).get("Variables", {}):
        assert f'"{variable}"' in text, variable


def test_nothing_is_subscribed_before_the_sources_are_looked_at() -> None:
    for logical_id in ("Subscription", "ObjectCreatedRule"):
        assert TEMPLATE["Resources"][logical_id]["DependsOn"] == "Sources"
    assert len(resources(TEMPLATE, "AWS::Logs::SubscriptionFilter")) == 1
    assert own("Sources")["FilterName"] == own("Subscription")["FilterName"]


MAPPINGS = resources(TEMPLATE, "AWS::Lambda::EventSourceMapping")


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_what_a_stream_holds_is_tried_in_parts_and_never_lost_in_silence(mapping: str) -> None:
    settings = own(mapping)
    assert settings["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert settings["BisectBatchOnFunctionError"] is True
    assert settings["DestinationConfig"]["OnFailure"]["Destination"] == QUEUE
    # The stream must still hold what the queue names.
    assert (
        settings["MaximumRecordAgeInSeconds"] < own("RecordsStream")["RetentionPeriodHours"] * 3600
    )


@each_function
def test_what_a_function_cannot_handle_ends_in_the_queue(function: str) -> None:
    if function == "EnrichRecordsFunction":
        # Firehose waits for its answer, and backs up what it fails to handle.
        return
    settings = own(function)["EventInvokeConfig"]
    assert settings["DestinationConfig"]["OnFailure"] == {"Type": "SQS", "Destination": QUEUE}


def test_every_function_but_that_of_the_deployment_is_watched() -> None:
    metrics = own("NotForwardedAlarm")["Metrics"][1:]
    stats = [metric["Fn::If"][1] if "Fn::If" in metric else metric for metric in metrics]
    assert {one["ReturnData"] for one in stats} == {False}
    watched = [one["MetricStat"]["Metric"] for one in stats]
    errors = {
        one["Dimensions"][0]["Value"]["Ref"] for one in watched if one["MetricName"] == "Errors"
    }
    assert errors == FUNCTIONS.keys() - {"CheckSourcesFunction"}


@pytest.mark.parametrize("alarm", ALARMS)
def test_an_alarm_is_explained(alarm: str) -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    section = text.split("\n## Alarms about the forwarders\n", 1)[1].split("\n## ", 1)[0]
    name = own(alarm)["AlarmName"]["Fn::Sub"].replace("${AWS::StackName}", "<stack name>")
    assert f"`{name}`" in section
    description = " ".join(own(alarm)["AlarmDescription"]["Fn::Sub"].split())
    assert (
        "docs/operations.md says" in description and '"Alarms about the forwarders"' in description
    )
    outputs = re.findall(r"output (\w+)", description)
    assert set(outputs) <= TEMPLATE["Outputs"].keys()
    assert own(alarm)["TreatMissingData"] == "notBreaching"


def test_the_bucket_of_the_undelivered_is_private_and_forgets() -> None:
    settings = own("UndeliveredBucket")
    assert set(settings["PublicAccessBlockConfiguration"].values()) == {True}
    [rule] = settings["LifecycleConfiguration"]["Rules"]
    assert rule["ExpirationInDays"] == {"Ref": "BackupRetentionTimeDays"}
    [denied] = own("UndeliveredBucketPolicy")["PolicyDocument"]["Statement"]
    assert (denied["Effect"], denied["Action"]) == ("Deny", "s3:*")
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_the_recorders_bucket_tells_of_its_objects() -> None:
    bucket = cached_template(Path(ROOT / "template.yaml"))["Resources"]["FlowLogBucket"]
    told = bucket["Properties"]["NotificationConfiguration"]
    assert told == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}


@pytest.mark.parametrize("output", TEMPLATE["Outputs"])
def test_an_output_is_described(output: str) -> None:
    assert TEMPLATE["Outputs"][output]["Description"]


def test_every_parameter_has_its_row() -> None:
    text = (ROOT / "docs" / "forwarders.md").read_text()
    section = text.split("\n## The stack\n", 1)[1].split("\n## ", 1)[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| .+ \| (.+) \|$", section, re.MULTILINE))
    defaults = {
        name: f"`{parameter['Default']}`" if parameter.get("Default", "") != "" else "–"
        for name, parameter in TEMPLATE["Parameters"].items()
    }
    assert rows == defaults
