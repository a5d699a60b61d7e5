"""StopExecution ends an execution at once and for good.

moto lets the task that runs go on to its end, can let a failure of that task, or the start of the
execution, take the abort back, and holds a task that waits for its token until its time is up.
"""

from __future__ import annotations

from typing import Any

from moto.stepfunctions.parser.api import (
    ExecutionAbortedEventDetails,
    ExecutionStatus,
    HistoryEventType,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventManager
from moto.stepfunctions.parser.asl.eval.program_state import ProgramStopped
from moto.stepfunctions.parser.backend.execution import (
    BaseExecutionWorkerCommunication,
    Execution,
)
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker
from moto.stepfunctions.responses import StepFunctionResponse


def apply() -> None:
    """Apply this module's patches."""
    Execution.stop = stop
    _patch_reason()
    _patch_beginning()
    _patch_end()
    _patch_history()


def stop(execution: Execution, stop_date: Any, error: Any, cause: Any) -> None:
    """StopExecution: what has ended stays as it is."""
    if execution.exec_status != ExecutionStatus.RUNNING:
        return
    execution.exec_status = ExecutionStatus.ABORTED
    execution.stop_date = stop_date
    execution.error, execution.cause = getattr(execution, "stop_reason", (error, cause))
    env = execution.exec_worker.env
    if env is not None:
        _halt(env, execution)


def _halt(env: Environment, execution: Execution) -> None:
    env.set_stop(stop_date=execution.stop_date, error=execution.error, cause=execution.cause)
    _close_history(env, execution)
    for endpoint in list(env.callback_pool_manager._pool.values()):
        endpoint.interrupt_all()


def _close_history(env: Environment, execution: Execution) -> None:
    """Its last event is the abort, although its task may still be running."""
    details = ExecutionAbortedEventDetails(error=execution.error, cause=execution.cause)
    env.event_history_context.source_event_id = 0
    env.event_manager.add_event(
        context=env.event_history_context,
        event_type=HistoryEventType.ExecutionAborted,
        event_details=EventDetails(executionAbortedEventDetails=details),
    )
    env.event_manager.is_closed = True


def _patch_reason() -> None:
    """The request's error and cause, which moto drops."""
    stock = StepFunctionResponse.stop_execution

    def stop_execution(self: StepFunctionResponse) -> Any:
        execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
        execution.stop_reason = self._get_param("error"), self._get_param("cause")
        return stock(self)

    StepFunctionResponse.stop_execution = stop_execution


def _patch_beginning() -> None:
    """An execution that is stopped before its first state does not enter it."""
    stock_environment = ExecutionWorker._get_evaluation_environment
    stock_next = Environment.next_state_name

    def environment(self: ExecutionWorker) -> Environment:
        env = stock_environment(self)
        env.execution = self._execution_communication.execution
        return env

    def set_next(self: Environment, name: str) -> None:
        begins = self._program_state is None
        stock_next.fset(self, name)
        execution = getattr(self, "execution", None)
        if begins and execution and execution.exec_status == ExecutionStatus.ABORTED:
            _halt(self, execution)

    ExecutionWorker._get_evaluation_environment = environment
    Environment.next_state_name = stock_next.setter(set_next)


def _patch_end() -> None:
    """What becomes of the task that was running does not matter any more."""
    stock_error = Environment.set_error
    stock_reflect = BaseExecutionWorkerCommunication._reflect_execution_status

    def set_error(self: Environment, error: Any) -> None:
        if not isinstance(self._program_state, ProgramStopped):
            stock_error(self, error)

    def reflect(self: BaseExecutionWorkerCommunication) -> None:
        if self.execution.exec_status != ExecutionStatus.ABORTED:
            stock_reflect(self)

    Environment.set_error = set_error
    BaseExecutionWorkerCommunication._reflect_execution_status = reflect


def _patch_history() -> None:
    stock = EventManager.add_event

    def add_event(self: EventManager, context: Any, *args: Any, **kwargs: Any) -> int:
        if getattr(self, "is_closed", False):
            return context.source_event_id
        return stock(self, context, *args, **kwargs)

    EventManager.add_event = add_event
