"""A wrong parameter fails the deployment with a sentence that names it."""

from __future__ import annotations

from typing import Any

import pytest

from local.local_aws import ROOT, LocalAws
from local.template import DeploymentError, read
from tests.e2e.stack import QUICK, TEMPLATE

GATEWAY = "nat-0123456789abcdef0"
# Short IDs, so that the macro counts them before CloudFormation's limit of 4,096 bytes does.
TOO_MANY = ",".join(f"nat-{n:08x}" for n in range(187))


def refusal(aws: LocalAws, template: Any = TEMPLATE, **parameters: Any) -> str:
    """The message of a deployment that fails; nothing may be left of it."""
    given = {**QUICK, "NatGatewayIDs": GATEWAY, **parameters}
    if template is not TEMPLATE:
        given = parameters
    with pytest.raises(DeploymentError) as refused:
        aws.deploy("refused", template, given)
    stacks = aws.client("cloudformation").describe_stacks()["Stacks"]
    assert [stack["StackName"] for stack in stacks if stack["StackName"] == "refused"] == []
    return str(refused.value)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        (
            {"NatGatewayIDs": ","},
            'NatGatewayIDs is ",", expected at least one NAT gateway',
        ),
        ({"NatGatewayIDs": ""}, "NatGatewayIDs must hold at least one ID of a NAT gateway"),
        ({"NatGatewayIDs": f"{GATEWAY}, eni-1"}, 'NatGatewayIDs has "eni-1", expected nat-'),
        (
            {"NatGatewayIDs": f"{GATEWAY}, {GATEWAY}"},
            f'NatGatewayIDs has "{GATEWAY}" twice, expected each gateway once',
        ),
        (
            {"NatGatewayIDs": TOO_MANY},
            "NatGatewayIDs has 187 gateways, expected at most 186: spread them",
        ),
        (
            {"NatGatewayIDs": ",".join(f"nat-{n:017x}" for n in range(196))},
            "NatGatewayIDs",
        ),
        ({"SamplingPeriod": 90}, "SamplingPeriod is 90, expected a positive multiple of 60"),
        (
            {"EvaluationPeriods": 3, "DatapointsToAlarm": 4},
            "DatapointsToAlarm is 4, expected at most the EvaluationPeriods of 3",
        ),
        (
            {"SamplingPeriod": 120, "EvaluationPeriods": 1440},
            "SamplingPeriod 120 times EvaluationPeriods 1440 is 172800 seconds, expected at most",
        ),
        (
            {"MinimumRecordingTime": 601},
            "MinimumRecordingTime is 601 seconds, expected at most the 600 seconds",
        ),
        ({"RecordingTime": "1.5"}, "1.5"),
        ({"RecordingTime": 86_401}, "RecordingTime must be 0"),
        ({"NumOfRecordings": -1}, "NumOfRecordings must be 0"),
        ({"QuotaPeriod": "year"}, "QuotaPeriod must be forever, day, week or month"),
        ({"EmailAddress": "nobody"}, "EmailAddress must be one e-mail address"),
        ({"Threshold": "much"}, "Threshold must be 0 to"),
        ({"LogGroupClass": "DELIVERY"}, "LogGroupClass must be INFREQUENT_ACCESS or STANDARD"),
        ({"VPCFlowLogRetentionTimeDays": 2}, "VPCFlowLogRetentionTimeDays must be one of"),
        ({"Misspelt": 1}, "Misspelt"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_a_wrong_parameter_is_named(aws: LocalAws, parameters: dict, words: str) -> None:
    assert words in refusal(aws, **parameters)


def to_int(**parameters: Any) -> dict[str, Any]:
    """A template with one StringToInt."""
    return {
        "Resources": {
            "Queue": {
                "Type": "AWS::SQS::Queue",
                "Properties": {
                    "DelaySeconds": {
                        "Fn::Transform": {"Name": "StringToInt", "Parameters": parameters}
                    }
                },
            }
        }
    }


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"Value": "12a"}, 'Value is "12a", expected an integer'),
        ({"Value": "9" * 20}, "expected an integer from"),
        ({"Value": "-1", "Minimum": 0}, "Value is -1, expected at least the Minimum of 0"),
        ({"Value": "11", "Maximum": "10"}, "Value is 11, expected at most the Maximum of 10"),
        ({"Minimum": 0}, "Value is missing, expected an integer"),
        ({"Value": "1", "Min": 0}, "Min"),
        ({"Value": {"Ref": "Missing"}}, "Value refers to"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_string_that_is_no_integer_in_range_is_named(
    aws: LocalAws, parameters: dict, words: str
) -> None:
    message = refusal(aws, to_int(**parameters))
    assert "StringToInt" in message
    assert words in message


def test_a_template_without_resources_is_refused(aws: LocalAws) -> None:
    template = {"Transform": "GenerateNgwAlarms", "Outputs": {}}
    message = refusal(aws, template)
    assert "The template has no Resources, expected some to add the alarms to" in message


def test_spaces_and_a_trailing_comma_do_no_harm(aws: LocalAws) -> None:
    given = {**QUICK, "NatGatewayIDs": " nat-0123456789abcdef0 , nat-0fedcba9876543210, "}
    aws.deploy("spaces", TEMPLATE, given)
    alarms = aws.client("cloudwatch").describe_alarms(AlarmNamePrefix="spaces/")["MetricAlarms"]
    assert sorted(alarm["AlarmName"] for alarm in alarms) == [
        "spaces/nat-0123456789abcdef0",
        "spaces/nat-0fedcba9876543210",
    ]
    aws.delete("spaces")


def test_a_macro_that_is_not_deployed_is_named(aws: LocalAws) -> None:
    message = refusal(aws, {"Transform": "NoSuchMacro", "Resources": {}})
    assert "No transform named 123456789012::NoSuchMacro found." in message


def test_the_main_template_is_read_as_it_is() -> None:
    assert read(TEMPLATE)["Transform"][0] == "GenerateNgwAlarms"
    assert TEMPLATE.parent == ROOT
