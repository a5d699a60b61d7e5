"""An execution that is stopped does nothing any more."""

from __future__ import annotations

import threading
from types import SimpleNamespace

from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.asl.eval.callback.callback import CallbackPoolManager
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_manager import (
    EventHistoryContext,
    EventManager,
)
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker

from local.moto_patches import aborts
from tests.local.stand_in import FunctionError


def invoke(function, **more):
    parameters = {"FunctionName": function, "Payload.$": "$"}
    task = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": parameters}
    return task | more


def types(machines, arn):
    return [event["type"] for event in machines.history(arn)]


def test_a_task_that_runs_when_its_execution_is_stopped_leads_nowhere(machines, door):
    may_end, ended = threading.Event(), threading.Event()

    def slow(_):
        assert may_end.wait(20)
        ended.set()
        raise FunctionError("Unlucky", "too late")

    door.functions |= {"slow": slow, "after": lambda _: None}
    states = {
        "Slow": invoke("slow", Next="After", Catch=[{"ErrorEquals": ["Other"], "Next": "After"}]),
        "After": invoke("after", End=True),
    }
    arn = machines.start(states)
    door.await_call("Invoke slow")
    machines.client.stop_execution(executionArn=arn, error="E", cause="c")
    assert types(machines, arn)[-1] == "ExecutionAborted"
    may_end.set()
    assert ended.wait(20)
    # Whatever the first one would do now, another one does later.
    machines.run(states | {"Slow": {"Type": "Pass", "Next": "After"}})
    described = machines.client.describe_execution(executionArn=arn)
    assert (described["status"], described["error"], described["cause"]) == ("ABORTED", "E", "c")
    assert types(machines, arn)[-1] == "ExecutionAborted"
    assert [name for name, _ in door.requests] == ["slow", "after"]
    statuses = [
        e["detail"]["status"] for e in door.events if e["detail"].get("executionArn") == arn
    ]
    assert statuses == ["RUNNING", "ABORTED"]


def test_an_execution_is_stopped_before_its_first_state(monkeypatch):
    """Without the server: between its start and its first state lie milliseconds."""
    for owner, name in (
        (ExecutionWorker, "_get_evaluation_environment"),
        (Environment, "next_state_name"),
    ):
        monkeypatch.setattr(owner, name, getattr(owner, name))
    aborts._patch_beginning()
    env = Environment.__new__(Environment)
    env._program_state, env._frames = None, []
    env._state_mutex, env.program_state_event = threading.Lock(), threading.Event()
    env.event_manager = EventManager()
    env.event_history_context = EventHistoryContext.of_program_start()
    env.callback_pool_manager = CallbackPoolManager(activity_store={})
    env.execution = SimpleNamespace(
        exec_status=ExecutionStatus.ABORTED, stop_date=None, error=None, cause=None
    )
    env.next_state_name = "First"
    assert not env.is_running()
    assert [e["type"] for e in env.event_manager.get_event_history()] == ["ExecutionAborted"]


def test_a_task_that_waits_for_its_token_is_let_go(machines, door):
    door.functions["never"] = lambda _: None
    parameters = {"FunctionName": "never", "Payload": {"token.$": "$$.Task.Token"}}
    resource = "arn:aws:states:::lambda:invoke.waitForTaskToken"
    wait = {"Type": "Task", "Resource": resource, "Parameters": parameters, "End": True}
    arn = machines.start({"Wait": wait})
    door.await_call("Invoke never")
    machines.client.stop_execution(executionArn=arn)
    machines.run({"Pass": {"Type": "Pass", "End": True}})
    history = types(machines, arn)
    assert history[-1] == "ExecutionAborted"
    assert "TaskTimedOut" not in history


def test_what_has_ended_is_not_stopped(machines, door):
    arn = machines.start({"Pass": {"Type": "Pass", "End": True}})
    machines.ended(arn)
    machines.client.stop_execution(executionArn=arn)
    assert machines.client.describe_execution(executionArn=arn)["status"] == "SUCCEEDED"
    statuses = [
        e["detail"]["status"] for e in door.events if e["detail"].get("executionArn") == arn
    ]
    assert statuses == ["RUNNING", "SUCCEEDED"]
