"""A customer's KMS key, with the policy that docs/operations.md gives."""

from __future__ import annotations

import fnmatch
import json
import re
from typing import Any

from local.local_aws import LocalAws
from tests.templates.documents import ROOT

HEADING = "A key of your own"


def documented_policy(**names: str) -> dict[str, Any]:
    """The policy in docs/operations.md, its placeholders (`ACCOUNT`) replaced."""
    text = (ROOT / "docs" / "operations.md").read_text()
    section = text.split(f"\n## {HEADING}\n", 1)[1].split("\n## ", 1)[0]
    [policy] = re.findall(r"```json\n(.*?)```", section, re.DOTALL)
    for placeholder, name in names.items():
        policy = re.sub(rf"\b{placeholder}\b", name, policy)
    return json.loads(policy)


def policy_for(aws: LocalAws, stack: str = "recorder") -> dict[str, Any]:
    """The policy for the recorder of this name, its macros and the forwarders."""
    names = {"STACK": stack, "MACROS": "macros", "FORWARDERS": "forwarders"}
    return documented_policy(ACCOUNT=aws.account_id, REGION=aws.region, **names)


def create_key(aws: LocalAws) -> str:
    """A key of the local KMS; returns its ARN."""
    policy = json.dumps(policy_for(aws))
    return aws.client("kms").create_key(Policy=policy)["KeyMetadata"]["Arn"]


def statements_of_services(policy: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """A policy's statements that let AWS's services in, by service."""
    statements = (s for s in policy["Statement"] if "Service" in s["Principal"])
    return {statement["Principal"]["Service"]: statement for statement in statements}


def assert_log_groups(aws: LocalAws, policy: dict[str, Any], stack: str) -> None:
    """CloudWatch Logs may use the key for the log groups of a stack."""
    names = set(aws.resources(stack).values())
    pages = aws.client("logs").get_paginator("describe_log_groups").paginate()
    groups = [g for page in pages for g in page["logGroups"] if g["logGroupName"] in names]
    arns = [group["arn"].removesuffix(":*") for group in groups]
    _assert_let_in(policy, f"logs.{aws.region}.amazonaws.com", arns)


def assert_alarms(aws: LocalAws, policy: dict[str, Any], stack: str) -> None:
    """CloudWatch may use the key for the alarms of a stack that write to its topic."""
    names = set(aws.resources(stack).values())
    alarms = aws.client("cloudwatch").describe_alarms()["MetricAlarms"]
    speaking = [alarm for alarm in alarms if names & set(alarm["AlarmActions"])]
    arns = [alarm["AlarmArn"] for alarm in speaking]
    _assert_let_in(policy, "cloudwatch.amazonaws.com", arns)


def _assert_let_in(policy: dict[str, Any], service: str, arns: list[str]) -> None:
    [patterns] = statements_of_services(policy)[service]["Condition"]["ArnLike"].values()
    assert arns
    for arn in arns:
        assert any(fnmatch.fnmatchcase(arn, pattern) for pattern in patterns), arn
