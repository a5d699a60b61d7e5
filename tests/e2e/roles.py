"""The roles of a stack as they are deployed: documents without anything left to resolve."""

from __future__ import annotations

import copy
import json
from typing import Any

from local.local_aws import LocalAws
from tests.templates.documents import as_list

Statement = dict[str, Any]


def roles(aws: LocalAws, stack: str) -> dict[str, dict[str, Any]]:
    """The stack's roles by logical ID, as GetAccountAuthorizationDetails gives them."""
    pages = aws.client("iam").get_paginator("get_account_authorization_details")
    details = {
        role["RoleName"]: role
        for page in pages.paginate(Filter=["Role"])
        for role in page["RoleDetailList"]
    }
    physical = aws.resources(stack).items()
    return {logical: details[name] for logical, name in physical if name in details}


def statements(role: dict[str, Any]) -> list[Statement]:
    """The statements of all policies of a role."""
    assert role["AttachedManagedPolicies"] == [], role["RoleName"]
    return [
        statement
        for policy in role["RolePolicyList"]
        for statement in as_list(policy["PolicyDocument"]["Statement"])
    ]


def allowed_actions(role: dict[str, Any]) -> set[str]:
    """All that a role may do."""
    return {action for s in statements(role) for action in as_list(s["Action"])}


def as_deployed(aws: LocalAws, stack: str) -> dict[str, Any]:
    """A stack's expanded template, its roles' policies as they are deployed."""
    body = aws.client("cloudformation").get_template(StackName=stack)["TemplateBody"]
    template = copy.deepcopy(json.loads(body) if isinstance(body, str) else body)
    for logical_id, role in roles(aws, stack).items():
        own = template["Resources"][logical_id]["Properties"]
        own["AssumeRolePolicyDocument"] = role["AssumeRolePolicyDocument"]
        own["Policies"] = role["RolePolicyList"]
    return template
