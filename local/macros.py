"""Macros: each a Lambda, called with the request that CloudFormation makes."""

from __future__ import annotations

import copy
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.client import BaseClient

from local import parameters, sam
from local.template import DeploymentError, Template

MACRO_TYPE = "AWS::CloudFormation::Macro"


@dataclass(frozen=True)
class Expansion:
    """What macros are given besides their fragment.

    `client` makes a client by service name; `values` are the parameters' values as text.
    """

    client: Callable[[str], BaseClient]
    region: str
    account_id: str
    values: parameters.Values
    _functions: dict[str, str] = field(default_factory=dict)

    def expand(self, template: Template) -> Template:
        """The template after all its transforms: the deepest first, then its own list in order."""
        seen_by_macros = parameters.as_macros_see_them(template, self.values)
        template = self._expand_inner(copy.deepcopy(template), seen_by_macros)
        transforms = template.pop("Transform", [])
        for name in [transforms] if isinstance(transforms, (str, dict)) else transforms:
            template = self._expand_whole(template, name, seen_by_macros)
        return template

    def _expand_whole(self, template: Template, transform: Any, seen: dict[str, Any]) -> Template:
        name = transform if isinstance(transform, str) else transform["Name"]
        given = {} if isinstance(transform, str) else transform.get("Parameters") or {}
        if name == sam.TRANSFORM:
            return sam.translate(template, self.values, self.region)
        return self._invoke(name, template, given, seen)

    def _expand_inner(self, value: Any, seen: dict[str, Any]) -> Any:
        if isinstance(value, list):
            return [self._expand_inner(item, seen) for item in value]
        if not isinstance(value, dict):
            return value
        value = {key: self._expand_inner(item, seen) for key, item in value.items()}
        transform = value.pop("Fn::Transform", None)
        if transform is None:
            return value
        return self._invoke(transform["Name"], value, transform.get("Parameters") or {}, seen)

    def _invoke(self, name: str, fragment: Any, given: dict[str, Any], seen: dict[str, Any]) -> Any:
        """Call the macro; `given` goes to it unevaluated, as CloudFormation sends it."""
        transform_id = f"{self.account_id}::{name}"
        request = {
            "region": self.region,
            "accountId": self.account_id,
            "fragment": fragment,
            "transformId": transform_id,
            "params": given,
            "requestId": str(uuid.uuid4()),
            "templateParameterValues": seen,
        }
        if name not in self._functions:
            self._functions[name] = self._function(name)
        answer = self.client("lambda").invoke(
            FunctionName=self._functions[name], Payload=json.dumps(request).encode()
        )
        payload = json.loads(answer["Payload"].read())
        if answer.get("FunctionError"):
            raise DeploymentError(f"Transform {transform_id} failed: {json.dumps(payload)}")
        return _fragment(transform_id, request["requestId"], payload)

    def _function(self, macro: str) -> str:
        cloudformation = self.client("cloudformation")
        for stack in cloudformation.describe_stacks()["Stacks"]:
            listed = cloudformation.describe_stack_resources(StackName=stack["StackName"])
            physical = {
                resource["LogicalResourceId"]: resource for resource in listed["StackResources"]
            }
            for resource in physical.values():
                if (resource["ResourceType"], resource["PhysicalResourceId"]) == (
                    MACRO_TYPE,
                    macro,
                ):
                    return _function_of(cloudformation, stack["StackName"], resource, physical)
        raise DeploymentError(f"No transform named {self.account_id}::{macro} found.")


def _function_of(
    cloudformation: BaseClient,
    stack: str,
    macro: dict[str, Any],
    physical: dict[str, dict[str, Any]],
) -> str:
    """The name of a macro's function, which its stack's template refers to."""
    body = cloudformation.get_template(StackName=stack)["TemplateBody"]
    template = body if isinstance(body, dict) else json.loads(body)
    function = template["Resources"][macro["LogicalResourceId"]]["Properties"]["FunctionName"]
    if isinstance(function, str):
        return function
    target = function.get("Ref") or function["Fn::GetAtt"][0]
    return physical[target]["PhysicalResourceId"]


def _fragment(transform_id: str, request_id: str, answer: Any) -> Any:
    if not isinstance(answer, dict) or answer.get("requestId") != request_id:
        raise DeploymentError(f"Received malformed response from transform {transform_id}")
    if answer.get("status") != "success":
        message = answer.get("errorMessage")
        raise DeploymentError(
            f"Transform {transform_id} failed with: {message}. Rollback requested by user."
            if message
            else f"Transform {transform_id} failed without an error message."
        )
    if "fragment" not in answer:
        raise DeploymentError(f"Received malformed response from transform {transform_id}")
    return answer["fragment"]
