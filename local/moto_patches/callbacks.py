"""Task tokens that have been used or have expired."""

from __future__ import annotations

import json
from typing import Any

from moto.stepfunctions.parser.api import ExecutionStatus, InvalidOutput, TaskTimedOut
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import EvalTimeoutError
from moto.stepfunctions.parser.asl.component.state.exec.execute_state import ExecutionState
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

CLOSED = "Task Timed Out: 'Provided task does not exist anymore'"


def apply() -> None:
    """Apply this module's patches."""
    _patch_send_task()
    _patch_timeout()


def refuse_closed(backend: StepFunctionsParserBackend, task_token: str) -> None:
    """Raise TaskTimedOut for a token whose task has been answered, has timed out or is gone.

    moto takes a second answer in silence, and says InvalidToken after the execution's end.
    """
    for execution in backend._get_executions():
        env = execution.exec_worker and execution.exec_worker.env
        endpoint = env.callback_pool_manager.get(task_token) if env else None
        if endpoint is None:
            continue
        if execution.exec_status != ExecutionStatus.RUNNING or endpoint._notify_event.is_set():
            raise TaskTimedOut(CLOSED)


def _patch_send_task() -> None:
    stock_success = StepFunctionsParserBackend.send_task_success
    stock_failure = StepFunctionsParserBackend.send_task_failure

    def success(self: Any, task_token: str, outcome: str) -> Any:
        try:
            json.loads(outcome)
        except ValueError as error:
            raise InvalidOutput(f"Invalid JSON: {error}") from error
        refuse_closed(self, task_token)
        return stock_success(self, task_token, outcome)

    def failure(self: Any, task_token: str, error: Any = None, cause: Any = None) -> Any:
        refuse_closed(self, task_token)
        return stock_failure(self, task_token, error, cause)

    StepFunctionsParserBackend.send_task_success = success
    StepFunctionsParserBackend.send_task_failure = failure


def _patch_timeout() -> None:
    """A token is closed before the execution goes on from its timeout; moto does so a moment later."""
    stock = ExecutionState._evaluate_with_timeout

    def evaluate(self: ExecutionState, env: Any) -> None:
        try:
            stock(self, env)
        except EvalTimeoutError:
            task = env.states.context_object.context_object_data.get("Task") or {}
            endpoint = env.callback_pool_manager.get(task.get("Token"))
            if endpoint is not None:
                endpoint.interrupt_all()
            raise

    ExecutionState._evaluate_with_timeout = evaluate
