"""Lambda."""

from __future__ import annotations

from typing import Any

from local.resource_providers.provider import Context, Created, Properties, ResourceProvider


class Function(ResourceProvider):
    type = "AWS::Lambda::Function"
    replaced_by = frozenset({"FunctionName", "PackageType"})

    def create(self, context: Context, properties: Properties) -> Created:
        name = properties.get("FunctionName") or context.generated_name(64)
        reserved = properties.pop("ReservedConcurrentExecutions", None)
        made = context.call("lambda", "CreateFunction", **{**properties, "FunctionName": name})
        self._reserve(context, name, reserved)
        return Created(name, {"Arn": made["FunctionArn"]})

    def update(
        self, context: Context, physical_id: str, properties: Properties, old: Properties
    ) -> dict[str, Any]:
        code = properties.pop("Code")
        reserved = properties.pop("ReservedConcurrentExecutions", None)
        architectures = properties.pop("Architectures", None)
        properties.pop("Tags", None)
        properties["FunctionName"] = physical_id
        context.call(
            "lambda",
            "UpdateFunctionCode",
            FunctionName=physical_id,
            Architectures=architectures,
            **code,
        )
        made = context.call("lambda", "UpdateFunctionConfiguration", **properties)
        self._reserve(context, physical_id, reserved)
        return {"Arn": made["FunctionArn"]}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.call("lambda", "DeleteFunction", FunctionName=physical_id)

    @staticmethod
    def _reserve(context: Context, name: str, reserved: Any) -> None:
        if reserved is not None:
            context.call(
                "lambda",
                "PutFunctionConcurrency",
                FunctionName=name,
                ReservedConcurrentExecutions=reserved,
            )


class Permission(ResourceProvider):
    type = "AWS::Lambda::Permission"
    replaced_by = frozenset(
        {"Action", "FunctionName", "Principal", "SourceAccount", "SourceArn", "PrincipalOrgID"}
    )

    def create(self, context: Context, properties: Properties) -> Created:
        statement_id = context.generated_name(100)
        context.call("lambda", "AddPermission", StatementId=statement_id, **properties)
        return Created(statement_id, {"Id": statement_id})

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.call(
            "lambda",
            "RemovePermission",
            FunctionName=properties["FunctionName"],
            StatementId=physical_id,
        )


class EventInvokeConfig(ResourceProvider):
    type = "AWS::Lambda::EventInvokeConfig"
    replaced_by = frozenset({"FunctionName", "Qualifier"})

    def create(self, context: Context, properties: Properties) -> Created:
        context.call("lambda", "PutFunctionEventInvokeConfig", **self._request(properties))
        return Created(f"{properties['FunctionName']}|{properties['Qualifier']}")

    def update(
        self, context: Context, physical_id: str, properties: Properties, old: Properties
    ) -> dict[str, Any]:
        # moto appends to the configurations that it has.
        self.delete(context, physical_id, old)
        self.create(context, properties)
        return {}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        name = properties["FunctionName"]
        context.call("lambda", "DeleteFunctionEventInvokeConfig", FunctionName=name)

    @staticmethod
    def _request(properties: Properties) -> Properties:
        # Destinations have no Type in the API; SAM's come without one.
        return {name: value for name, value in properties.items() if name != "Qualifier"}


class EventSourceMapping(ResourceProvider):
    type = "AWS::Lambda::EventSourceMapping"
    replaced_by = frozenset({"EventSourceArn", "StartingPosition"})

    def create(self, context: Context, properties: Properties) -> Created:
        made = context.call("lambda", "CreateEventSourceMapping", **properties)["UUID"]
        return Created(made, {"Id": made})

    def update(
        self, context: Context, physical_id: str, properties: Properties, old: Properties
    ) -> dict[str, Any]:
        request = {key: properties[key] for key in properties.keys() - self.replaced_by}
        context.call("lambda", "UpdateEventSourceMapping", UUID=physical_id, **request)
        return {"Id": physical_id}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.call("lambda", "DeleteEventSourceMapping", UUID=physical_id)


PROVIDERS = (Function, Permission, EventInvokeConfig, EventSourceMapping)
