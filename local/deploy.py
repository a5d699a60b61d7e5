"""Deploys stacks as `sam deploy` and CloudFormation do: package, macros, SAM, create or update.

A deployment fails loudly, with CloudFormation's reasons, and also when a resource of the expanded
template is neither created nor supplied by the local AWS.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.client import BaseClient
from botocore.exceptions import ClientError

from local import parameters, rules, sam
from local.macros import Expansion
from local.template import DeploymentError, Template, as_json, read

SUCCEEDED = ("CREATE_COMPLETE", "UPDATE_COMPLETE")


@dataclass(frozen=True)
class Deployer:
    """Deploys to the AWS that `client(service)` reaches; function binaries are in `binaries`."""

    client: Callable[[str], BaseClient]
    region: str
    account_id: str
    binaries: Path

    def deploy(
        self, stack: str, template: Path | Template, given: dict[str, Any] | None = None
    ) -> dict[str, str]:
        """Create the stack, or update it if it exists; returns its Outputs.

        `given` are parameters; on an update, those left out keep their values. Raises
        DeploymentError with the reasons; a failed creation leaves nothing behind.
        """
        base = template.parent if isinstance(template, Path) else Path()
        source = read(template) if isinstance(template, Path) else template
        previous = self._parameters_of(stack)
        values = parameters.resolve(source, given or {}, previous)
        rules.check(source, values)
        packaged = sam.package(source, base, self.binaries, self.client("s3"))
        expansion = Expansion(self.client, self.region, self.account_id, values)
        expanded = expansion.expand(packaged)
        self._submit(stack, expanded, values, exists=previous is not None)
        self._check_complete(stack, expanded)
        return self.outputs(stack)

    def delete(self, stack: str, retained: Sequence[str] = ()) -> None:
        """Delete the stack; raises DeploymentError when a resource could not be deleted.

        After that, the resources in `retained` (logical IDs) can be given up.
        """
        given_up = {"RetainResources": list(retained)} if retained else {}
        try:
            self.client("cloudformation").delete_stack(StackName=stack, **given_up)
        except ClientError as error:
            raise DeploymentError(error.response["Error"]["Message"]) from error

    def outputs(self, stack: str) -> dict[str, str]:
        """The stack's Outputs by key."""
        described = self._describe(stack) or {}
        return {o["OutputKey"]: o["OutputValue"] for o in described.get("Outputs", [])}

    def resources(self, stack: str) -> dict[str, str]:
        """Physical IDs of the stack's resources by logical ID."""
        listed = self.client("cloudformation").describe_stack_resources(StackName=stack)
        return {
            resource["LogicalResourceId"]: resource["PhysicalResourceId"]
            for resource in listed["StackResources"]
        }

    def _describe(self, stack: str) -> dict[str, Any] | None:
        try:
            return self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
        except ClientError:
            return None

    def _parameters_of(self, stack: str) -> parameters.Values | None:
        described = self._describe(stack)
        if described is None:
            return None
        return {
            parameter["ParameterKey"]: parameter["ParameterValue"]
            for parameter in described.get("Parameters", [])
        }

    def _submit(
        self, stack: str, template: Template, values: parameters.Values, exists: bool
    ) -> None:
        client = self.client("cloudformation")
        request = {
            "StackName": stack,
            "TemplateBody": as_json(template),
            "Parameters": [
                {"ParameterKey": name, "ParameterValue": value} for name, value in values.items()
            ],
            "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        }
        seen = len(self._events(stack)) if exists else 0
        try:
            (client.update_stack if exists else client.create_stack)(**request)
        except ClientError as error:
            raise DeploymentError(error.response["Error"]["Message"]) from error
        self._raise_failures(stack, seen, exists)

    def _events(self, stack: str) -> list[dict[str, Any]]:
        paginator = self.client("cloudformation").get_paginator("describe_stack_events")
        return [
            event for page in paginator.paginate(StackName=stack) for event in page["StackEvents"]
        ]

    def _raise_failures(self, stack: str, seen: int, exists: bool) -> None:
        described = self._describe(stack) or {}
        if described.get("StackStatus") in SUCCEEDED:
            return
        events = self._events(stack)
        new = events[: len(events) - seen]
        failed = [e for e in new if e["ResourceStatus"].endswith("_FAILED")] or [
            e for e in new if "ROLLBACK_IN_PROGRESS" in e["ResourceStatus"]
        ]
        reasons = "; ".join(
            f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}"
            for event in reversed(failed)
        )
        if not exists:
            # As `sam deploy` asks one to: a stack in ROLLBACK_COMPLETE can only be deleted.
            self.client("cloudformation").delete_stack(StackName=stack)
        raise DeploymentError(f"{stack} {described.get('StackStatus')}: {reasons}")

    def _check_complete(self, stack: str, template: Template) -> None:
        """Raise when a resource whose condition holds is not in the stack."""
        present = self.resources(stack)
        missing = [
            logical_id
            for logical_id, resource in template["Resources"].items()
            if not present.get(logical_id) and not resource.get("Condition")
        ]
        if missing:
            raise DeploymentError(f"{stack}: neither created nor supplied: {', '.join(missing)}")
