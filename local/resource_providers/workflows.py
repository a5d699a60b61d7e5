"""Step Functions."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from local.resource_providers.provider import Context, Created, Properties, ResourceProvider
from local.template import PlainLoader

PLACEHOLDER = re.compile(r"\$\{([A-Za-z0-9_]+)\}")


class StateMachine(ResourceProvider):
    type = "AWS::StepFunctions::StateMachine"
    replaced_by = frozenset({"StateMachineName", "StateMachineType"})

    def create(self, context: Context, properties: Properties) -> Created:
        name = properties.get("StateMachineName") or context.generated_name(80)
        arn = context.call(
            "stepfunctions",
            "CreateStateMachine",
            name=name,
            type=properties.get("StateMachineType"),
            tags=properties.get("Tags"),
            **self._changeable(context, properties),
        )["stateMachineArn"]
        return Created(arn, {"Arn": arn, "Name": name})

    def update(
        self, context: Context, physical_id: str, properties: Properties, old: Properties
    ) -> dict[str, Any]:
        context.call(
            "stepfunctions",
            "UpdateStateMachine",
            stateMachineArn=physical_id,
            **self._changeable(context, properties),
        )
        return {"Arn": physical_id, "Name": physical_id.rsplit(":", 1)[1]}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.call("stepfunctions", "DeleteStateMachine", stateMachineArn=physical_id)

    @staticmethod
    def _changeable(context: Context, properties: Properties) -> Properties:
        logging = properties.get("LoggingConfiguration")
        return {
            "definition": definition(context, properties),
            "roleArn": properties["RoleArn"],
            "loggingConfiguration": logging,
            "tracingConfiguration": properties.get("TracingConfiguration"),
        }


def definition(context: Context, properties: Properties) -> str:
    """The definition as JSON: its text with the substitutions made, then parsed.

    Made in the text, as AWS's provider does, so that an unquoted `${Seconds}` is a number.
    """
    text = PLACEHOLDER.sub(
        lambda match: _substitute(match, properties.get("DefinitionSubstitutions") or {}),
        _text(context, properties),
    )
    return json.dumps(yaml.load(text, Loader=PlainLoader))


def _substitute(match: re.Match[str], substitutions: dict[str, Any]) -> str:
    name = match.group(1)
    if name not in substitutions:
        return match.group(0)
    value = substitutions[name]
    return str(value).lower() if isinstance(value, bool) else str(value)


def _text(context: Context, properties: Properties) -> str:
    if "DefinitionS3Location" in properties:
        location = properties["DefinitionS3Location"]
        answer = context.call("s3", "GetObject", Bucket=location["Bucket"], Key=location["Key"])
        return answer["Body"].read().decode()
    if "Definition" in properties:
        return json.dumps(properties["Definition"])
    return properties["DefinitionString"]


PROVIDERS = (StateMachine,)
