"""Step Functions' interpreter: limits, timeouts, waits and the context as AWS has them."""

from __future__ import annotations

import datetime
import json
import math
import os
import time
import uuid
from types import SimpleNamespace
from typing import Any

import moto.stepfunctions.parser.asl.component.common.timeouts.timeout as timeouts
import moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service as task_service
from moto.stepfunctions.parser.api import (
    ExecutionFailedEventDetails,
    HistoryEventType,
    InvalidExecutionInput,
)
from moto.stepfunctions.parser.asl.component.common.error_name.error_equals_decl import (
    ErrorEqualsDecl,
)
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import (
    StatesErrorName,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state import state
from moto.stepfunctions.parser.asl.component.state.wait.wait_function import (
    timestamp,
    wait_function,
)
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.backend import execution_worker
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

# A state's input or output, and an execution's input, in bytes of UTF-8.
MAX_PAYLOAD_BYTES = 262_144
MAX_TIMEOUT_SECONDS = 99_999_999
# Neither Retry nor Catch sees these, not even with States.ALL.
UNCATCHABLE = {
    StatesErrorNameType.StatesRuntime,
    StatesErrorNameType.StatesStatesDataLimitExceeded,
}


def apply() -> None:
    """Apply this module's patches."""
    _patch_payload_limit()
    _patch_uncatchable_errors()
    _patch_timeouts()
    _patch_retry_pauses()
    _patch_waits()
    _patch_context()
    _patch_start_execution()


def is_within_size_quota(value: Any) -> bool:
    """Whether a payload is at most 262,144 bytes of UTF-8.

    moto counts spaces and escapes that are not in what is passed on, and refuses exactly as many.
    """
    if isinstance(value, str):
        return len(value.encode()) <= MAX_PAYLOAD_BYTES
    plain = json.loads(to_json_str(value))
    text = json.dumps(plain, ensure_ascii=False, separators=(",", ":"))
    return len(text.encode()) <= MAX_PAYLOAD_BYTES


def _patch_payload_limit() -> None:
    state.is_within_size_quota = is_within_size_quota
    task_service.is_within_size_quota = is_within_size_quota
    stock = task_service.StateTaskService._before_eval_execution

    def before(self, env, resource_runtime_part, raw_parameters, state_credentials):
        self._verify_size_quota(env=env, value=raw_parameters)
        stock(self, env, resource_runtime_part, raw_parameters, state_credentials)

    task_service.StateTaskService._before_eval_execution = before


def _patch_uncatchable_errors() -> None:
    stock = ErrorEqualsDecl._eval_body

    def evaluate(self: ErrorEqualsDecl, env: Any) -> None:
        error = env.stack[-1]
        if error in [StatesErrorName(typ=typ) for typ in UNCATCHABLE]:
            env.stack[-1] = False
        else:
            stock(self, env)

    ErrorEqualsDecl._eval_body = evaluate


def _is_timeout(seconds: Any) -> bool:
    is_whole = isinstance(seconds, int) and not isinstance(seconds, bool)
    return is_whole and 1 <= seconds <= MAX_TIMEOUT_SECONDS


def _runtime_failure(env: Any, cause: str) -> FailureEventException:
    error = StatesErrorNameType.StatesRuntime
    details = ExecutionFailedEventDetails(error=error.to_name(), cause=cause)
    return FailureEventException(
        failure_event=FailureEvent(
            env=env,
            error_name=StatesErrorName(typ=error),
            event_type=HistoryEventType.ExecutionFailed,
            event_details=EventDetails(executionFailedEventDetails=details),
        )
    )


def _patch_timeouts() -> None:
    stock_init = timeouts.TimeoutSeconds.__init__
    stock_path = timeouts.TimeoutSecondsPath._eval_seconds

    def init(self, timeout_seconds, is_default=None):
        if not _is_timeout(timeout_seconds):
            raise ValueError(
                f"TimeoutSeconds must be between 1 and {MAX_TIMEOUT_SECONDS}, not {timeout_seconds}"
            )
        stock_init(self, timeout_seconds, is_default)

    def eval_path(self, env):
        # stock compares with < and raises TypeError for anything that is no number.
        try:
            seconds = stock_path(self, env)
        except (TypeError, ValueError):
            seconds = None
        if not _is_timeout(seconds):
            raise _runtime_failure(
                env, f"The TimeoutSecondsPath must reference a positive integer, not {seconds}"
            )
        return seconds

    timeouts.TimeoutSeconds.__init__ = init
    timeouts.TimeoutSecondsPath._eval_seconds = eval_path


def _patch_retry_pauses() -> None:
    """Shorten the pauses before retries; LOCAL_AWS_RETRY_SCALE=1 keeps them as written."""
    scale = float(os.environ.get("LOCAL_AWS_RETRY_SCALE", "0.02"))
    retrier_decl.time = SimpleNamespace(sleep=lambda seconds: time.sleep(seconds * scale))


def _patch_waits() -> None:
    """Wait until the moment itself: moto cuts off fractions and so ends up to 2 s early."""
    wait_function.WaitFunction._wait_interval = _wait_interval
    timestamp.Timestamp._get_wait_seconds = _seconds_until_timestamp
    timestamp.Timestamp._from_timestamp_string = staticmethod(_moment)


def _wait_interval(self: Any, env: Any, wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    while env.is_running() and (left := deadline - time.monotonic()) > 0:
        # A bound, because a stop that comes between the check and the wait would be missed.
        env.program_state_event.wait(min(left, 1.0))


def _seconds_until_timestamp(self: Any, env: Any) -> float:
    self.string.eval(env=env)
    text = env.stack.pop()
    moment = _moment(text)
    if moment is None:
        raise FailureEventException(self._create_failure_event(env, text))
    return (moment - datetime.datetime.now(datetime.timezone.utc)).total_seconds()


def _moment(text: Any) -> datetime.datetime | None:
    """The moment of a timestamp in the one form that Step Functions takes, ending in Z."""
    if not isinstance(text, str) or not timestamp.Timestamp._is_valid_timestamp_pattern(text):
        return None
    whole, _, fraction = text.removesuffix("Z").partition(".")
    try:
        moment = datetime.datetime.strptime(whole, "%Y-%m-%dT%H:%M:%S")
    except ValueError:
        return None
    microseconds = math.floor(float(f"0.{fraction or 0}") * 1_000_000)
    return moment.replace(microsecond=microseconds, tzinfo=datetime.timezone.utc)


def in_context(moment: datetime.datetime) -> str:
    """A moment as the context object has it: 2026-01-02T03:04:05.678Z."""
    return moment.astimezone(datetime.timezone.utc).isoformat(timespec="milliseconds")[:-6] + "Z"


def _patch_context() -> None:
    stock_state, stock_execution = state.StateData, execution_worker.ExecutionData

    def state_data(EnteredTime: str, Name: str) -> Any:
        entered = in_context(datetime.datetime.fromisoformat(EnteredTime))
        return stock_state(EnteredTime=entered, Name=Name)

    def execution_data(StartTime: datetime.datetime, **members: Any) -> Any:
        return stock_execution(StartTime=in_context(StartTime), **members)

    state.StateData = state_data
    execution_worker.ExecutionData = execution_data


def _patch_start_execution() -> None:
    """An execution without a name gets one (moto calls it None), and its input has a limit."""
    stock = StepFunctionsParserBackend.start_execution

    def start(self, state_machine_arn, name=None, execution_input=None, trace_header=None):
        if execution_input and len(execution_input.encode()) > MAX_PAYLOAD_BYTES:
            raise InvalidExecutionInput(
                f"The execution's input exceeds the maximum of {MAX_PAYLOAD_BYTES} bytes"
            )
        name = name or str(uuid.uuid4())
        return stock(self, state_machine_arn, name, execution_input, trace_header)

    StepFunctionsParserBackend.start_execution = start
