"""What the macros and SAM make of the main template is a template that CloudFormation takes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from local.local_aws import LocalAws
from local.network import Network
from tests.templates.documents import MAIN
from tests.templates.linters import cfn_lint_expanded, cfn_lint_text


@pytest.fixture(scope="module")
def expanded(aws: LocalAws, network: Network) -> Iterator[dict[str, Any]]:
    """The template that was deployed with two gateways, as CloudFormation has it."""
    gateways = [network.create_gateway(name).id for name in ("nat-a", "nat-b")]
    given = {"NatGatewayIDs": ", ".join(gateways) + ",", "EmailAddress": "a@example.com"}
    aws.deploy("expanded", MAIN, given)
    body = aws.client("cloudformation").get_template(StackName="expanded")["TemplateBody"]
    yield json.loads(body) if isinstance(body, str) else body
    aws.delete("expanded")


def test_nothing_is_left_to_expand(expanded: dict[str, Any]) -> None:
    assert "Transform" not in expanded
    assert "Fn::Transform" not in json.dumps(expanded)
    kinds = {name: resource["Type"] for name, resource in expanded["Resources"].items()}
    assert [kind for kind in kinds.values() if kind.startswith("AWS::Serverless::")] == []
    alarms = [name for name, kind in kinds.items() if kind == "AWS::CloudWatch::Alarm"]
    assert sum(name.startswith("NatSpikeAlarm") for name in alarms) == 2


def test_cfn_lint_finds_nothing(expanded: dict[str, Any]) -> None:
    assert cfn_lint_expanded(json.dumps(expanded)) == []


def test_cfn_lint_sees_what_the_macro_adds(expanded: dict[str, Any]) -> None:
    broken = json.loads(json.dumps(expanded))
    for resource in broken["Resources"].values():
        if resource["Type"] == "AWS::CloudWatch::Alarm":
            resource["Properties"]["Dimensions"] = [{"Name": "NatGatewayId", "Value": "nat-1"}]
    assert cfn_lint_text(json.dumps(broken), ignored=["W", "I"]) != []
