"""IAM."""

from __future__ import annotations

from typing import Any

from local.resource_providers.provider import Context, Created, Properties, ResourceProvider


class Role(ResourceProvider):
    type = "AWS::IAM::Role"
    replaced_by = frozenset({"RoleName", "Path"})

    def create(self, context: Context, properties: Properties) -> Created:
        name = properties.get("RoleName") or context.generated_name(64)
        request = {key: properties[key] for key in properties if key not in self._SEPARATE}
        made = context.call("iam", "CreateRole", **{**request, "RoleName": name})["Role"]
        self._put_policies(context, name, properties)
        return Created(name, {"Arn": made["Arn"], "RoleId": made["RoleId"]})

    _SEPARATE = frozenset({"Policies", "ManagedPolicyArns"})

    def update(
        self, context: Context, physical_id: str, properties: Properties, old: Properties
    ) -> dict[str, Any]:
        context.call(
            "iam",
            "UpdateAssumeRolePolicy",
            RoleName=physical_id,
            PolicyDocument=properties["AssumeRolePolicyDocument"],
        )
        self._remove_policies(context, physical_id, old)
        self._put_policies(context, physical_id, properties)
        role = context.call("iam", "GetRole", RoleName=physical_id)["Role"]
        return {"Arn": role["Arn"], "RoleId": role["RoleId"]}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        self._remove_policies(context, physical_id, properties)
        context.call("iam", "DeleteRole", RoleName=physical_id)

    @staticmethod
    def _put_policies(context: Context, name: str, properties: Properties) -> None:
        for policy in properties.get("Policies", []):
            context.call("iam", "PutRolePolicy", RoleName=name, **policy)
        for arn in properties.get("ManagedPolicyArns", []):
            context.call("iam", "AttachRolePolicy", RoleName=name, PolicyArn=arn)

    @staticmethod
    def _remove_policies(context: Context, name: str, properties: Properties) -> None:
        for policy in properties.get("Policies", []):
            policy_name = policy["PolicyName"]
            context.call("iam", "DeleteRolePolicy", RoleName=name, PolicyName=policy_name)
        for arn in properties.get("ManagedPolicyArns", []):
            context.call("iam", "DetachRolePolicy", RoleName=name, PolicyArn=arn)


class InlinePolicy(ResourceProvider):
    """AWS::IAM::Policy: one document put into roles."""

    type = "AWS::IAM::Policy"

    def create(self, context: Context, properties: Properties) -> Created:
        self._put(context, properties)
        return Created(context.generated_name(64))

    def update(
        self, context: Context, physical_id: str, properties: Properties, old: Properties
    ) -> dict[str, Any]:
        self.delete(context, physical_id, old)
        self._put(context, properties)
        return {}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        name = properties["PolicyName"]
        for role in properties["Roles"]:
            context.call("iam", "DeleteRolePolicy", RoleName=role, PolicyName=name)

    @staticmethod
    def _put(context: Context, properties: Properties) -> None:
        for role in properties["Roles"]:
            context.call(
                "iam",
                "PutRolePolicy",
                RoleName=role,
                PolicyName=properties["PolicyName"],
                PolicyDocument=properties["PolicyDocument"],
            )


PROVIDERS = (Role, InlinePolicy)
