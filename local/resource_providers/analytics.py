"""Athena, and the Glue catalog that it reads."""

from __future__ import annotations

from typing import Any

from local.resource_providers.provider import Context, Created, Properties, ResourceProvider


class Database(ResourceProvider):
    type = "AWS::Glue::Database"
    replaced_by = frozenset({"CatalogId"})

    def is_replaced_by(self, old: Properties, new: Properties) -> bool:
        return super().is_replaced_by(old, new) or _name(old, "Database") != _name(new, "Database")

    def create(self, context: Context, properties: Properties) -> Created:
        context.call("glue", "CreateDatabase", **properties)
        return Created(_name(properties, "Database"))

    def update(
        self, context: Context, physical_id: str, properties: Properties, old: Properties
    ) -> dict[str, Any]:
        context.call("glue", "UpdateDatabase", Name=physical_id, **properties)
        return {}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.call("glue", "DeleteDatabase", Name=physical_id)


class Table(ResourceProvider):
    type = "AWS::Glue::Table"
    replaced_by = frozenset({"CatalogId", "DatabaseName"})

    def is_replaced_by(self, old: Properties, new: Properties) -> bool:
        return super().is_replaced_by(old, new) or _name(old, "Table") != _name(new, "Table")

    def create(self, context: Context, properties: Properties) -> Created:
        context.call("glue", "CreateTable", **properties)
        return Created(_name(properties, "Table"))

    def update(
        self, context: Context, physical_id: str, properties: Properties, old: Properties
    ) -> dict[str, Any]:
        context.call("glue", "UpdateTable", **properties)
        return {}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        database = properties["DatabaseName"]
        context.call("glue", "DeleteTable", DatabaseName=database, Name=physical_id)


def _name(properties: Properties, kind: str) -> str:
    return properties[f"{kind}Input"]["Name"]


class WorkGroup(ResourceProvider):
    type = "AWS::Athena::WorkGroup"
    replaced_by = frozenset({"Name"})

    def create(self, context: Context, properties: Properties) -> Created:
        name = properties["Name"]
        context.call(
            "athena",
            "CreateWorkGroup",
            Name=name,
            Description=properties.get("Description"),
            Configuration=properties.get("WorkGroupConfiguration"),
        )
        return Created(name)

    def update(
        self, context: Context, physical_id: str, properties: Properties, old: Properties
    ) -> dict[str, Any]:
        context.call(
            "athena",
            "UpdateWorkGroup",
            WorkGroup=physical_id,
            Description=properties.get("Description"),
            ConfigurationUpdates=_updates(properties.get("WorkGroupConfiguration")),
        )
        return {}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        recursive = properties.get("RecursiveDeleteOption", False)
        context.call(
            "athena", "DeleteWorkGroup", WorkGroup=physical_id, RecursiveDeleteOption=recursive
        )


def _updates(configuration: Properties | None) -> Properties | None:
    """A work group's configuration as UpdateWorkGroup calls it."""
    if configuration is None:
        return None
    renamed = {"ResultConfiguration": "ResultConfigurationUpdates"}
    return {renamed.get(name, name): value for name, value in configuration.items()}


class NamedQuery(ResourceProvider):
    type = "AWS::Athena::NamedQuery"
    replaced_by = frozenset({"Database", "Description", "Name", "QueryString", "WorkGroup"})

    def create(self, context: Context, properties: Properties) -> Created:
        made = context.call("athena", "CreateNamedQuery", **properties)["NamedQueryId"]
        return Created(made, {"NamedQueryId": made})

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.call("athena", "DeleteNamedQuery", NamedQueryId=physical_id)


PROVIDERS = (Database, Table, WorkGroup, NamedQuery)
