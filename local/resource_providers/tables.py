"""DynamoDB."""

from __future__ import annotations

from typing import Any

from local.resource_providers.provider import Context, Created, Properties, ResourceProvider


class Table(ResourceProvider):
    type = "AWS::DynamoDB::Table"
    replaced_by = frozenset({"TableName", "KeySchema"})
    _SEPARATE = frozenset({"TimeToLiveSpecification", "PointInTimeRecoverySpecification"})

    def create(self, context: Context, properties: Properties) -> Created:
        name = properties.get("TableName") or context.generated_name(255)
        request = {key: properties[key] for key in properties if key not in self._SEPARATE}
        self._rename_encryption(request)
        made = context.call("dynamodb", "CreateTable", **{**request, "TableName": name})
        self._configure(context, name, properties)
        return Created(name, {"Arn": made["TableDescription"]["TableArn"]})

    def update(
        self, context: Context, physical_id: str, properties: Properties, old: Properties
    ) -> dict[str, Any]:
        changed = ("BillingMode", "ProvisionedThroughput", "DeletionProtectionEnabled")
        request = {key: properties[key] for key in changed if properties.get(key) != old.get(key)}
        if request:
            context.call("dynamodb", "UpdateTable", TableName=physical_id, **request)
        self._configure(context, physical_id, properties)
        return {"Arn": context.arn("dynamodb", f"table/{physical_id}")}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.call("dynamodb", "DeleteTable", TableName=physical_id)

    @staticmethod
    def _rename_encryption(request: Properties) -> None:
        """CloudFormation says SSEEnabled where the API says Enabled."""
        encryption = request.get("SSESpecification")
        if encryption:
            encryption["Enabled"] = encryption.pop("SSEEnabled")

    @staticmethod
    def _configure(context: Context, name: str, properties: Properties) -> None:
        ttl = properties.get("TimeToLiveSpecification")
        if ttl:
            context.call(
                "dynamodb", "UpdateTimeToLive", TableName=name, TimeToLiveSpecification=ttl
            )
        recovery = properties.get("PointInTimeRecoverySpecification")
        if recovery:
            context.call(
                "dynamodb",
                "UpdateContinuousBackups",
                TableName=name,
                PointInTimeRecoverySpecification=recovery,
            )


PROVIDERS = (Table,)
