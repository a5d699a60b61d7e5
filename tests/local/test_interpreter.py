"""Step Functions' interpreter: limits, timeouts, waits, retries and the context object."""

from __future__ import annotations

import datetime
import json
import re
import time

import pytest
from botocore.exceptions import ClientError

from tests.local.stand_in import FunctionError

END = {"Type": "Succeed"}
INVOKE = "arn:aws:states:::lambda:invoke"


def invoke(name, **more):
    """A state that calls a function with its whole input."""
    call = {"FunctionName": name, "Payload.$": "$"}
    state = {"Type": "Task", "Resource": INVOKE, "Parameters": call, "OutputPath": "$.Payload"}
    return state | {"End": True} | more


def catch(*errors, then="Caught"):
    """A Catch that puts the error below `failure`."""
    return [{"ErrorEquals": list(errors), "ResultPath": "$.failure", "Next": then}]


def failing(error_type, message="because"):
    def function(_):
        raise FunctionError(error_type, message)

    return function


@pytest.mark.parametrize("seconds", [0, -1, 100_000_000])
def test_a_timeout_out_of_range_is_refused_at_creation(machines, seconds):
    with pytest.raises(ClientError) as refused:
        machines.create({"Call": invoke("f", TimeoutSeconds=seconds)})
    assert refused.value.response["Error"]["Code"] == "InvalidDefinition"


@pytest.mark.parametrize("seconds", [0, -1, "60", 1.5, None, True])
def test_a_timeout_path_to_anything_but_a_positive_integer_ends_the_execution(machines, seconds):
    states = {
        "Call": invoke("f", TimeoutSecondsPath="$.seconds", Catch=catch("States.ALL")),
        "Caught": END,
    }
    ended = machines.run(states, {"seconds": seconds})
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Runtime")


def test_a_timeout_path_takes_seconds(machines, door):
    door.functions["f"] = lambda payload: payload
    states = {"Call": invoke("f", TimeoutSecondsPath="$.seconds")}
    assert machines.output(states, {"seconds": 5}) == {"seconds": 5}


@pytest.mark.parametrize(("more", "status"), [("", "SUCCEEDED"), ("y", "FAILED")])
def test_a_state_may_put_out_262144_bytes_of_utf_8_and_no_more(machines, more, status):
    half = "ü" + "x" * (131_072 - len('{"t":""}') // 2 - 2)
    twice = {"t.$": f"States.Format('{{}}{{}}{more}', $.half, $.half)"}
    states = {"Twice": {"Type": "Pass", "Parameters": twice, "End": True}}
    assert machines.run(states, {"half": half})["status"] == status


@pytest.mark.parametrize("errors", [["States.ALL"], ["States.DataLimitExceeded"]])
def test_a_result_over_262144_bytes_ends_the_execution_and_nothing_catches_it(
    machines, door, errors
):
    door.functions["f"] = lambda _: "x" * 262_144
    retry = [{"ErrorEquals": errors, "MaxAttempts": 2, "IntervalSeconds": 1}]
    states = {"Call": invoke("f", Retry=retry, Catch=catch(*errors)), "Caught": END}
    ended = machines.run(states)
    assert (ended["status"], ended["error"]) == ("FAILED", "States.DataLimitExceeded")
    assert len(door.requests) == 1


def test_parameters_over_262144_bytes_never_reach_the_function(machines, door):
    door.functions["f"] = lambda _: "short"
    call = invoke("f", Catch=catch("States.ALL"))
    call["Parameters"] = {"FunctionName": "f", "Payload": {"one.$": "$.a", "two.$": "$.a"}}
    ended = machines.run({"Call": call, "Caught": END}, {"a": "x" * 140_000})
    assert (ended["status"], ended["error"]) == ("FAILED", "States.DataLimitExceeded")
    assert door.requests == []


def test_an_input_over_262144_bytes_starts_nothing(machines):
    arn = machines.create({"End": END})
    with pytest.raises(ClientError) as refused:
        machines.client.start_execution(stateMachineArn=arn, input=json.dumps("x" * 262_144))
    assert refused.value.response["Error"]["Code"] == "InvalidExecutionInput"


def test_states_all_does_not_catch_states_runtime(machines, door):
    door.functions["f"] = lambda payload: payload
    broken = invoke("f", Catch=catch("States.ALL"))
    broken["Parameters"] = {"FunctionName": "f", "Payload.$": "$.missing"}
    ended = machines.run({"Call": broken, "Caught": END})
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Runtime")


def test_a_function_error_is_caught_by_its_type_with_its_cause(machines, door):
    door.functions["f"] = failing("GatewayUnknown", "nat-1 does not exist")
    states = {"Call": invoke("f", Catch=catch("GatewayUnknown")), "Caught": END}
    failure = machines.output(states)["failure"]
    assert failure["Error"] == "GatewayUnknown"
    assert json.loads(failure["Cause"])["errorMessage"] == "nat-1 does not exist"


def test_fail_takes_error_and_cause_by_path(machines, door):
    door.functions["f"] = failing("Refused", "no")
    fail = {"Type": "Fail", "ErrorPath": "$.failure.Error", "CausePath": "$.failure.Cause"}
    ended = machines.run({"Call": invoke("f", Catch=catch("States.ALL")), "Caught": fail})
    assert (ended["status"], ended["error"]) == ("FAILED", "Refused")
    assert json.loads(ended["cause"])["errorMessage"] == "no"


def test_retries_are_counted_as_written_and_their_pauses_are_shortened(machines, door):
    door.functions["f"] = failing("Transient")
    retry = {"ErrorEquals": ["Transient"], "IntervalSeconds": 30, "BackoffRate": 2}
    retry |= {"MaxDelaySeconds": 60, "MaxAttempts": 2, "JitterStrategy": "FULL"}
    began = time.monotonic()
    states = {"Call": invoke("f", Retry=[retry], Catch=catch("States.ALL")), "Caught": END}
    assert machines.output(states)["failure"]["Error"] == "Transient"
    assert len(door.requests) == 3
    # At most 30 s and 60 s as written; a fiftieth of it here.
    assert time.monotonic() - began < 5


def test_a_task_that_takes_too_long_is_caught_as_states_timeout(machines, door, network):
    states = {"Call": wait_for_token(machines) | {"TimeoutSeconds": 1}, "Caught": END}
    assert machines.output(states)["failure"]["Error"] == "States.Timeout"


def wait_for_token(machines):
    """A state that gives its token to the function `f`, and waits."""
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "Parameters": {"FunctionName": "f", "Payload": {"token.$": "$$.Task.Token"}},
        "Catch": catch("States.Timeout"),
        "End": True,
    }


@pytest.fixture(autouse=True)
def a_function_that_does_nothing(door):
    door.functions["f"] = lambda _: None


def moment_after(seconds):
    later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return later.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def test_a_wait_lasts_until_its_timestamp_and_not_less(machines):
    states = {"Wait": {"Type": "Wait", "TimestampPath": "$.until", "End": True}}
    until = moment_after(1.9)
    machines.output(states, {"until": until})
    assert moment_after(0) >= until


def test_waits_of_the_past_and_of_0_seconds_are_over_at_once(machines):
    states = {
        "Past": {"Type": "Wait", "TimestampPath": "$.until", "Next": "None"},
        "None": {"Type": "Wait", "SecondsPath": "$.seconds", "End": True},
    }
    given = {"until": "2020-01-01T00:00:00Z", "seconds": 0}
    began = time.monotonic()
    assert machines.output(states, given) == given
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("text", ["2030-01-01T00:00:00+00:00", "2030-01-01", "soon", 7])
def test_a_timestamp_in_another_form_ends_the_execution(machines, text):
    states = {"Wait": {"Type": "Wait", "TimestampPath": "$.until", "End": True}}
    ended = machines.run(states, {"until": text})
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Runtime")


def test_the_context_object_is_as_aws_writes_it(machines):
    names = ("Execution.Id", "Execution.Input", "Execution.Name", "Execution.StartTime")
    names += ("State.EnteredTime", "State.Name")
    fields = {f"{name.replace('.', '')}.$": f"$$.{name}" for name in names}
    arn = machines.start({"Look": {"Type": "Pass", "Parameters": fields, "End": True}}, {"a": 1})
    seen = json.loads(machines.ended(arn)["output"])
    assert seen["ExecutionId"] == arn
    assert seen["ExecutionInput"] == {"a": 1}
    assert seen["StateName"] == "Look"
    for moment in (seen["StateEnteredTime"], seen["ExecutionStartTime"]):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", moment)


def test_an_execution_without_a_name_gets_one(machines):
    arn = machines.start({"End": END})
    name = machines.ended(arn)["name"]
    assert re.fullmatch(r"[0-9a-f-]{36}", name)
    assert arn.endswith(f":{name}")


def test_intrinsic_functions_format_and_print_json(machines):
    text = "States.Format('{} knows {}', $.who, States.JsonToString($.what))"
    states = {"Say": {"Type": "Pass", "Parameters": {"text.$": text}, "End": True}}
    output = machines.output(states, {"who": "it", "what": {"a": 1}})
    assert output == {"text": 'it knows {"a":1}'}


def test_the_status_of_an_execution_is_an_event(machines, door):
    arn = machines.start({"End": END}, {"a": 1})
    machines.ended(arn)
    mine = [event for event in door.events if event["detail"].get("executionArn") == arn]
    assert [event["detail"]["status"] for event in mine] == ["RUNNING", "SUCCEEDED"]
    assert {event["detail-type"] for event in mine} == {"Step Functions Execution Status Change"}
    assert {event["source"] for event in mine} == {"aws.states"}
    assert json.loads(mine[1]["detail"]["output"]) == {"a": 1}
    assert isinstance(mine[1]["detail"]["stopDate"], int)
    details = [event["detail"]["outputDetails"] for event in mine]
    assert details == [None, {"included": True}]
