"""Whoever holds a task token can end a recording; whoever holds a function's credentials can do
what its role may. Neither is in any log, whatever happens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.e2e import faults
from tests.e2e.conftest import Deploy
from tests.e2e.stack import RecorderStack
from tests.e2e.test_function_failures import processes_of
from tests.e2e.test_logs import events

CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


def record_with_trouble(stack: RecorderStack) -> set[str]:
    """Recordings of all kinds; returns the task tokens that were issued.

    One that stops with trouble; one whose OK cannot be handled, and which is aborted; one whose
    token is refused, and whose e-mail cannot be sent.
    """
    tokens = set()
    execution = raise_and_wait(stack, tokens)
    with stack.aws.fault("ec2", "DeleteFlowLogs", faults.THROTTLED, times=1):
        stack.clear_alarm()
        stack.wait_end(execution)
    execution = raise_and_wait(stack, tokens)
    with stack.aws.fault("dynamodb", "UpdateItem", faults.DOWN_WITHOUT_PAUSES, "SET #lastOkAt"):
        after = stack.aws.now()
        stack.clear_alarm()
        name = stack.resources["ResumeRecordingFunction"]
        stack.aws.wait_for("destination", lambda e: e["function"] == name, after=after)
    after = stack.aws.now()
    stack.aws.client("stepfunctions").stop_execution(executionArn=execution)
    stack.invoked("SweepRecordingsFunction", after)
    execution = raise_and_wait(stack, tokens)
    # Who is careless names the token in the error.
    with stack.aws.fault("stepfunctions", "SendTaskSuccess", faults.error(400, "InvalidToken")):
        stack.clear_and_handle()
    with stack.aws.fault("sns", "Publish", faults.error(403, "AuthorizationError")):
        stack.put_ok()
        assert stack.wait_end(execution).status == "FAILED"
    return tokens


def raise_and_wait(stack: RecorderStack, tokens: set[str]) -> str:
    """An execution that waits for its alarm to clear; its token is added to `tokens`."""
    after = stack.aws.now()
    execution = stack.raise_alarm()
    stack.wait_until_waiting(after=after)
    tokens.add(stack.item()["taskToken"])
    return execution


def credentials(stack: RecorderStack) -> set[str]:
    """What the processes of the stack's functions call AWS with."""
    found = set()
    for name, function in stack.resources.items():
        for process in processes_of(function) if name.endswith("Function") else ():
            variables = Path(f"/proc/{process}/environ").read_text().split("\0")
            environment = dict(variable.partition("=")[::2] for variable in variables)
            found |= {environment[variable] for variable in CREDENTIALS}
    return found


def logs(stack: RecorderStack) -> Iterator[tuple[str, str]]:
    """All that was logged: by functions as they printed it, and what is in each log group."""
    for entry in stack.journal("log"):
        yield entry["function"], entry["line"]
    for name, group in stack.resources.items():
        if name.endswith("LogGroup"):
            for event in events(stack.aws, group):
                yield name, event["message"]


def test_no_log_has_a_task_token_or_credentials(deploy: Deploy) -> None:
    stack = deploy()
    tokens = record_with_trouble(stack)
    assert len(tokens) == 3
    secrets = credentials(stack)
    # Each process has its own.
    assert len(secrets) >= 5 * len(CREDENTIALS)
    logged = list(logs(stack))
    assert {where for where, _ in logged} >= {"CheckQuotaLogGroup", "SweepRecordingsLogGroup"}
    found = {
        (where, secret) for where, line in logged for secret in tokens | secrets if secret in line
    }
    assert found == set()
