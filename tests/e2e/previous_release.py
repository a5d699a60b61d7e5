"""The definition and the payloads of the release before this one, and how they are written down.

They have one home, `tests/previous_release`; docs/operations.md says when they are renewed:

    python -m tests.e2e.previous_release
"""

from __future__ import annotations

import json
from typing import Any

from local.local_aws import ROOT, LocalAws
from local.network import Gateway
from tests.e2e.stack import RecorderStack

FOLDER = ROOT / "tests" / "previous_release"
DEFINITION = FOLDER / "recorder.asl.yaml"
PAYLOADS = FOLDER / "payloads.json"
CURRENT_DEFINITION = ROOT / "statemachine" / "recorder.asl.yaml"

# What stands in the payloads for what is another one in every run.
GATEWAY = "nat-0123456789abcdef0"
INTERFACE = "eni-0123456789abcdef0"
FLOW_LOG = "fl-0123456789abcdef0"
EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:recorder:0123"
# An e-mail need not be kept for its words.
LONGEST_TEXT = 300

Payload = dict[str, Any]


def payloads() -> Payload:
    """What functions got and answered, by course (`recorded`, `failed`) and state."""
    return json.loads(PAYLOADS.read_text())


def renamed(payload: Any, names: dict[str, str]) -> Any:
    """A payload with other IDs: each key of `names` becomes its value, wherever it stands."""
    text = json.dumps(payload)
    for old, new in names.items():
        text = text.replace(old, new)
    return json.loads(text)


def course(stack: RecorderStack, execution: str) -> Payload:
    """What each state of an execution sent to its function, and the answer; and its last data."""
    functions = {physical: logical for logical, physical in stack.resources.items()}
    steps: dict[str, Payload] = {}
    state, data = "", "{}"
    for event in stack.aws.history(execution):
        if entered := event.get("stateEnteredEventDetails"):
            state, data = entered["name"], entered["input"]
        elif exited := event.get("stateExitedEventDetails"):
            data = exited["output"]
        elif (task := _of_function(event, "taskScheduled")) is not None:
            sent = json.loads(task["parameters"])
            function = functions[sent["FunctionName"].rsplit(":", 1)[1]]
            steps[state] = {"function": function, "request": sent["Payload"]}
        elif (task := _of_function(event, "taskSucceeded")) is not None:
            steps[state]["answer"] = json.loads(task["output"])["Payload"]
    return {"steps": steps, "data": json.loads(data)}


def _of_function(event: Payload, kind: str) -> Payload | None:
    """The details of an event of this kind, if it is about a function."""
    details = event.get(f"{kind}EventDetails", {})
    return details if details.get("resourceType") == "lambda" else None


def record(stack: RecorderStack) -> Payload:
    """The payloads of a recording that goes well, with its item in the table while it waits."""
    execution = stack.raise_alarm()
    stack.wait_until_waiting()
    flow_log = stack.wait_recording(execution)
    item = stack.aws.client("dynamodb").get_item(
        TableName=stack.resources["RecordingsTable"],
        Key={"natGatewayId": {"S": stack.gateway.id}},
    )["Item"]
    stack.clear_alarm()
    stack.wait_end(execution)
    return _written(course(stack, execution) | {"item": item}, stack.gateway, execution, flow_log)


def fail(stack: RecorderStack) -> Payload:
    """The payloads of an execution whose gateway does not exist."""
    stack.aws.client("ec2").delete_nat_gateway(NatGatewayId=stack.gateway.id)
    execution = stack.raise_alarm()
    stack.wait_end(execution)
    return _written(course(stack, execution), stack.gateway, execution, FLOW_LOG)


def _written(payload: Payload, gateway: Gateway, execution: str, flow_log: str) -> Payload:
    names = {gateway.id: GATEWAY, execution: EXECUTION, flow_log: FLOW_LOG}
    if gateway.interface_id:
        names[gateway.interface_id] = INTERFACE
    return _shortened(renamed(payload, names))


def _shortened(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _shortened(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_shortened(item) for item in value]
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        return value[:LONGEST_TEXT] + "…"
    return value


def main() -> None:
    """Make this release the previous one: write down its definition and its payloads."""
    with LocalAws() as aws:
        aws.deploy("macros", ROOT / "cf-assistive-macros" / "template.yaml")
        stacks = []
        for name in ("recorded", "failed"):
            gateway = aws.network().create_gateway("egress")
            stacks.append(RecorderStack(aws, f"recorder-{name}", (gateway,)))
            stacks[-1].deploy()
        found = {"recorded": record(stacks[0]), "failed": fail(stacks[1])}
    PAYLOADS.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    DEFINITION.write_text(CURRENT_DEFINITION.read_text())


if __name__ == "__main__":
    main()
