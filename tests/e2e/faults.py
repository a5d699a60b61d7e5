"""What tests let go wrong in the front door: actions of LocalAws.fault, and writes to find."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from local.local_aws import LocalAws

HOLD = {"hold": True}
LOSE_ANSWER = {"lose_answer": True}

# A part of the request of each write to the table; see crates/recording/src/protocol.rs.
RESERVE = "SET #execution"
STORE_TOKEN = "SET #taskToken"
NOTE_FLOW_LOGS = "#flowLogIds = :flowLogIds"
# Also the other writes that set a phase: of an execution that has its flow logs, only this.
BEGIN_STOP = "SET #phase"
RELEASE = "REMOVE #execution"


def error(status: int, code: str, message: str = "said the test") -> dict[str, Any]:
    """The call is answered with an error."""
    return {"error": {"status": status, "code": code, "message": message}}


def unsuccessful(code: str, message: str) -> dict[str, Any]:
    """EC2 answers with status 200 that nothing was done."""
    return {"unsuccessful": {"code": code, "message": message}}


# DynamoDB is down.
DOWN = error(500, "InternalServerError")
# The same, under a code that the SDK does not try again itself, so that its pauses are saved.
DOWN_WITHOUT_PAUSES = error(400, "InternalError")
THROTTLED = error(503, "RequestLimitExceeded")


def table(
    aws: LocalAws, action: dict[str, Any], contains: str | None = None, times: int | None = None
) -> AbstractContextManager[str]:
    """A fault in writes to the table."""
    return aws.fault("dynamodb", "UpdateItem", action, contains, times)


def ec2(
    aws: LocalAws, operation: str, action: dict[str, Any], times: int | None = None
) -> AbstractContextManager[str]:
    """A fault in calls of EC2."""
    return aws.fault("ec2", operation, action, times=times)
