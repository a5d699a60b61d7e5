"""CloudWatch Logs."""

from __future__ import annotations

from typing import Any

from local.resource_providers.provider import Context, Created, Properties, ResourceProvider


class LogGroup(ResourceProvider):
    type = "AWS::Logs::LogGroup"
    replaced_by = frozenset({"LogGroupName", "LogGroupClass"})

    def create(self, context: Context, properties: Properties) -> Created:
        name = properties.get("LogGroupName") or context.generated_name(512)
        retention = properties.pop("RetentionInDays", None)
        context.call("logs", "CreateLogGroup", **{**properties, "LogGroupName": name})
        self._retain(context, name, retention)
        return Created(name, {"Arn": context.arn("logs", f"log-group:{name}:*")})

    def update(
        self, context: Context, physical_id: str, properties: Properties, old: Properties
    ) -> dict[str, Any]:
        self._retain(context, physical_id, properties.get("RetentionInDays"))
        return {"Arn": context.arn("logs", f"log-group:{physical_id}:*")}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.call("logs", "DeleteLogGroup", logGroupName=physical_id)

    @staticmethod
    def _retain(context: Context, name: str, days: Any) -> None:
        if days is None:
            context.call("logs", "DeleteRetentionPolicy", logGroupName=name)
        else:
            context.call("logs", "PutRetentionPolicy", logGroupName=name, retentionInDays=days)


class QueryDefinition(ResourceProvider):
    type = "AWS::Logs::QueryDefinition"

    def create(self, context: Context, properties: Properties) -> Created:
        made = context.call("logs", "PutQueryDefinition", **properties)["queryDefinitionId"]
        return Created(made, {"QueryDefinitionId": made})

    def update(
        self, context: Context, physical_id: str, properties: Properties, old: Properties
    ) -> dict[str, Any]:
        context.call("logs", "PutQueryDefinition", queryDefinitionId=physical_id, **properties)
        return {"QueryDefinitionId": physical_id}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.call("logs", "DeleteQueryDefinition", queryDefinitionId=physical_id)


class LogStream(ResourceProvider):
    type = "AWS::Logs::LogStream"
    replaced_by = frozenset({"LogGroupName", "LogStreamName"})

    def create(self, context: Context, properties: Properties) -> Created:
        name = properties.get("LogStreamName") or context.generated_name(512)
        context.call("logs", "CreateLogStream", **{**properties, "LogStreamName": name})
        return Created(name)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        group = properties["LogGroupName"]
        context.call("logs", "DeleteLogStream", logGroupName=group, logStreamName=physical_id)


class SubscriptionFilter(ResourceProvider):
    type = "AWS::Logs::SubscriptionFilter"
    replaced_by = frozenset({"FilterName", "LogGroupName"})

    def create(self, context: Context, properties: Properties) -> Created:
        name = properties.get("FilterName") or context.generated_name(512)
        self.update(context, name, properties, {})
        return Created(name)

    def update(
        self, context: Context, physical_id: str, properties: Properties, old: Properties
    ) -> dict[str, Any]:
        context.call("logs", "PutSubscriptionFilter", **{**properties, "FilterName": physical_id})
        return {}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        group = properties["LogGroupName"]
        context.call("logs", "DeleteSubscriptionFilter", logGroupName=group, filterName=physical_id)


PROVIDERS = (LogGroup, LogStream, QueryDefinition, SubscriptionFilter)
