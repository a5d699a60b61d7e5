"""Step Functions tells EventBridge of every execution's status; moto tells nobody."""

from __future__ import annotations

import datetime
import http.client
import json
import os
from typing import Any

from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.backend.execution import (
    BaseExecutionWorkerCommunication,
    Execution,
)

DETAIL_TYPE = "Step Functions Execution Status Change"


def apply() -> None:
    """Apply this module's patches."""
    stock_start = Execution.start
    stock_terminated = BaseExecutionWorkerCommunication.terminated
    stock_stop = Execution.stop

    def start(self: Execution) -> None:
        # Before the execution can end: readers see the two in this order.
        tell(self, "RUNNING")
        stock_start(self)

    def terminated(self: BaseExecutionWorkerCommunication) -> None:
        already_told = self.execution.stop_date is not None
        stock_terminated(self)
        if not already_told:
            tell(self.execution)

    def stop(self: Execution, stop_date: Any, error: Any, cause: Any) -> None:
        running = self.stop_date is None
        stock_stop(self, stop_date=stop_date, error=error, cause=cause)
        if running:
            tell(self)

    Execution.start = start
    Execution.stop = stop
    BaseExecutionWorkerCommunication.terminated = terminated


def tell(execution: Execution, status: str | None = None) -> None:
    """Put the event of an execution's status on the bus, through the front door's control API.

    moto's PutEvents would need an account's permission to say `aws.states`. Without a front door
    (tests of moto alone) nobody listens, and that is no failure of the execution.
    """
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ["MOTO_PORT"]), timeout=10)
    try:
        body = json.dumps({"event": event_of(execution, status or execution.status)})
        connection.request("POST", "/_local/events", body, {"Content-Type": "application/json"})
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return
    finally:
        connection.close()


def event_of(execution: Execution, status: str) -> dict[str, Any]:
    """The event as Step Functions puts it; times in the detail are epoch milliseconds."""
    described = execution.to_describe_output()
    now = datetime.datetime.now(datetime.timezone.utc)
    detail = {
        "executionArn": execution.exec_arn,
        "stateMachineArn": execution.state_machine_arn,
        "name": execution.name,
        "status": status,
        "startDate": _milliseconds(execution.start_date),
        "stopDate": _milliseconds(execution.stop_date),
        "input": described["input"],
        "inputDetails": {"included": True},
        "output": described.get("output"),
        "outputDetails": {"included": True} if "output" in described else None,
        "error": execution.error,
        "cause": execution.cause,
    }
    return {
        "version": "0",
        "detail-type": DETAIL_TYPE,
        "source": "aws.states",
        "account": execution.account_id,
        "time": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": execution.region_name,
        "resources": [execution.exec_arn],
        "detail": json.loads(to_json_str(detail)),
    }


def _milliseconds(moment: datetime.datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1000)
