"""CloudWatch."""

from __future__ import annotations

from typing import Any

from local.resource_providers.provider import Context, Created, Properties, ResourceProvider


class Alarm(ResourceProvider):
    type = "AWS::CloudWatch::Alarm"
    replaced_by = frozenset({"AlarmName"})

    def create(self, context: Context, properties: Properties) -> Created:
        name = properties.get("AlarmName") or context.generated_name(255)
        return Created(name, self._put(context, name, properties))

    def update(
        self, context: Context, physical_id: str, properties: Properties, old: Properties
    ) -> dict[str, Any]:
        return self._put(context, physical_id, properties)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.call("cloudwatch", "DeleteAlarms", AlarmNames=[physical_id])

    @staticmethod
    def _put(context: Context, name: str, properties: Properties) -> dict[str, Any]:
        if properties.get("Metrics") and properties.get("Dimensions"):
            raise ValueError("Metrics and Dimensions are mutually exclusive")
        context.call("cloudwatch", "PutMetricAlarm", **{**properties, "AlarmName": name})
        return {"Arn": context.arn("cloudwatch", f"alarm:{name}")}


class Dashboard(ResourceProvider):
    type = "AWS::CloudWatch::Dashboard"
    replaced_by = frozenset({"DashboardName"})

    def create(self, context: Context, properties: Properties) -> Created:
        name = properties.get("DashboardName") or context.generated_name(255)
        self.update(context, name, properties, {})
        return Created(name)

    def update(
        self, context: Context, physical_id: str, properties: Properties, old: Properties
    ) -> dict[str, Any]:
        context.call(
            "cloudwatch",
            "PutDashboard",
            DashboardName=physical_id,
            DashboardBody=properties["DashboardBody"],
        )
        return {}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.call("cloudwatch", "DeleteDashboards", DashboardNames=[physical_id])


PROVIDERS = (Alarm, Dashboard)
