"""EventBridge and its Scheduler."""

from __future__ import annotations

from typing import Any

from local.resource_providers.provider import Context, Created, Properties, ResourceProvider


class Rule(ResourceProvider):
    type = "AWS::Events::Rule"
    replaced_by = frozenset({"Name", "EventBusName"})

    def create(self, context: Context, properties: Properties) -> Created:
        name = properties.get("Name") or context.generated_name(64)
        attributes = self._put(context, name, properties)
        return Created(name, attributes)

    def update(
        self, context: Context, physical_id: str, properties: Properties, old: Properties
    ) -> dict[str, Any]:
        attributes = self._put(context, physical_id, properties)
        kept = {target["Id"] for target in properties.get("Targets", [])}
        self._remove_targets(context, physical_id, old, kept)
        return attributes

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        self._remove_targets(context, physical_id, properties, kept=set())
        bus = properties.get("EventBusName")
        context.call("events", "DeleteRule", Name=physical_id, EventBusName=bus)

    @staticmethod
    def _put(context: Context, name: str, properties: Properties) -> dict[str, Any]:
        targets = properties.pop("Targets", [])
        rule = context.call("events", "PutRule", **{**properties, "Name": name})
        if targets:
            bus = properties.get("EventBusName")
            context.call("events", "PutTargets", Rule=name, EventBusName=bus, Targets=targets)
            properties["Targets"] = targets
        return {"Arn": rule["RuleArn"]}

    @staticmethod
    def _remove_targets(
        context: Context, name: str, properties: Properties, kept: set[str]
    ) -> None:
        gone = [t["Id"] for t in properties.get("Targets", []) if t["Id"] not in kept]
        if gone:
            bus = properties.get("EventBusName")
            context.call("events", "RemoveTargets", Rule=name, EventBusName=bus, Ids=gone)


class Schedule(ResourceProvider):
    type = "AWS::Scheduler::Schedule"
    replaced_by = frozenset({"Name", "GroupName"})

    def create(self, context: Context, properties: Properties) -> Created:
        name = properties.get("Name") or context.generated_name(64)
        made = context.call("scheduler", "CreateSchedule", **{**properties, "Name": name})
        return Created(name, {"Arn": made["ScheduleArn"]})

    def update(
        self, context: Context, physical_id: str, properties: Properties, old: Properties
    ) -> dict[str, Any]:
        # It takes the whole schedule: what is left out becomes the default.
        request = {**properties, "Name": physical_id}
        return {"Arn": context.call("scheduler", "UpdateSchedule", **request)["ScheduleArn"]}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        group = properties.get("GroupName")
        context.call("scheduler", "DeleteSchedule", Name=physical_id, GroupName=group)


PROVIDERS = (Rule, Schedule)
