"""CloudFormation's own types."""

from __future__ import annotations

from typing import Any

from moto.cloudformation.models import cloudformation_backends

from local.resource_providers.provider import Context, Created, Properties, ResourceProvider


class Macro(ResourceProvider):
    """A macro is the stack resource itself: the deployer finds it through DescribeStackResources."""

    type = "AWS::CloudFormation::Macro"
    replaced_by = frozenset({"Name"})

    def create(self, context: Context, properties: Properties) -> Created:
        name = properties["Name"]
        if name in self._names(context):
            raise ValueError(f"Transform {context.account_id}::{name} already exists")
        return Created(name, {"FunctionName": properties["FunctionName"]})

    def update(
        self, context: Context, physical_id: str, properties: Properties, old: Properties
    ) -> dict[str, Any]:
        return {"FunctionName": properties["FunctionName"]}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        """The macro goes with the stack's resource."""

    def _names(self, context: Context) -> set[str]:
        stacks = cloudformation_backends[context.account_id][context.region].stacks.values()
        return {
            resource.physical_resource_id
            for stack in stacks
            for resource in stack.stack_resources
            if resource.cf_resource_type == self.type
        }


PROVIDERS = (Macro,)
