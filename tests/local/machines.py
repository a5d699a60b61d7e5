"""State machines of the tests."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any

from botocore.client import BaseClient

from tests.local.stand_in import StandIn

ENDED = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")


@dataclass(frozen=True)
class Machines:
    """Creates and runs state machines, and tells how they ended."""

    client: BaseClient
    door: StandIn

    def create(self, states: dict[str, Any], start: str | None = None) -> str:
        """The ARN of a new machine; it starts with the first state."""
        definition = {"StartAt": start or next(iter(states)), "States": states}
        return self.client.create_state_machine(
            name=f"machine-{uuid.uuid4()}",
            definition=json.dumps(definition),
            roleArn="arn:aws:iam::123456789012:role/states",
        )["stateMachineArn"]

    def start(self, states: dict[str, Any], given: Any = None) -> str:
        """The ARN of a running execution."""
        return self.client.start_execution(
            stateMachineArn=self.create(states), input=json.dumps(given or {})
        )["executionArn"]

    def ended(self, execution_arn: str) -> dict[str, Any]:
        """The description of an execution after its end."""

        def has_ended(event: dict[str, Any]) -> bool:
            detail = event["detail"]
            return detail.get("executionArn") == execution_arn and detail["status"] in ENDED

        self.door.await_event(has_ended)
        return self.client.describe_execution(executionArn=execution_arn)

    def run(self, states: dict[str, Any], given: Any = None) -> dict[str, Any]:
        """The description of an execution of these states."""
        return self.ended(self.start(states, given))

    def output(self, states: dict[str, Any], given: Any = None) -> Any:
        """What an execution that succeeds puts out."""
        ended = self.run(states, given)
        assert ended["status"] == "SUCCEEDED", ended
        return json.loads(ended["output"])

    def history(self, execution_arn: str) -> list[dict[str, Any]]:
        """Every event of an execution."""
        return self.client.get_execution_history(executionArn=execution_arn)["events"]
