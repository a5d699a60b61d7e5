"""Functions that crash, hang, fail, or whose answers are lost."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import faults
from tests.e2e.stack import RecorderStack

# Of a task: the first one and six retries.
ATTEMPTS = 7
INTERNAL = faults.error(500, "ServiceException", "said the test")


def processes_of(function: str) -> Iterator[int]:
    """The processes that run a function."""
    variable = f"AWS_LAMBDA_FUNCTION_NAME={function}".encode()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                environment = (folder / "environ").read_bytes()
            except OSError:
                continue
            if variable in environment.split(b"\0"):
                yield int(folder.name)


def kill(function: str) -> None:
    """Kill a function while it runs."""
    killed = list(processes_of(function))
    assert killed, f"{function} does not run"
    for process in killed:
        os.kill(process, signal.SIGKILL)


def test_a_start_that_is_killed_after_it_created_the_flow_log_is_taken_up(
    stack: RecorderStack,
) -> None:
    function = stack.resources["StartRecordingFunction"]
    with faults.table(stack.aws, faults.HOLD, faults.NOTE_FLOW_LOGS, times=1) as hold:
        execution = stack.raise_alarm()
        stack.wait_held(hold)
        after = stack.aws.now()
        kill(function)
        crashed = stack.invoked("StartRecordingFunction", after)
        assert (crashed["outcome"], crashed["error_type"]) == ("crash", "Runtime.ExitError")
        stack.wait_until_waiting()
    assert len(stack.flow_logs()) == 1
    stack.clear_alarm()
    stack.assert_recorded(stack.wait_end(execution))
    assert len(stack.mails()) == 1
    stack.assert_nothing_is_left()
    assert stack.counted() == 1


@pytest.mark.parametrize("moment", ["before", "during", "after"])
def test_a_start_that_is_killed_around_its_call_creates_one_flow_log(
    stack: RecorderStack, moment: str
) -> None:
    with faults.ec2(stack.aws, "CreateFlowLogs", {"kill": moment}, times=1):
        execution = stack.raise_alarm()
        crashed = stack.aws.wait_for(
            "invocation-end",
            lambda end: end["function"] == stack.resources["StartRecordingFunction"],
        )
        assert (crashed["outcome"], crashed["error_type"]) == ("crash", "Runtime.ExitError")
        stack.wait_until_waiting()
    assert len(stack.flow_logs()) == 1
    stack.clear_alarm()
    stack.assert_recorded(stack.wait_end(execution))
    stack.assert_nothing_is_left()
    assert stack.counted() == 1


def test_a_stop_that_is_killed_is_done_again(stack: RecorderStack) -> None:
    execution = stack.raise_alarm()
    stack.wait_until_waiting()
    with faults.table(stack.aws, faults.HOLD, faults.RELEASE, times=1) as hold:
        stack.clear_alarm()
        stack.wait_held(hold)
        kill(stack.resources["StopRecordingFunction"])
        ended = stack.wait_end(execution)
    stack.assert_recorded(ended)
    stack.assert_nothing_is_left()


def test_a_function_that_hangs_is_ended_and_tried_again(stack: RecorderStack) -> None:
    function = stack.resources["StartRecordingFunction"]
    stack.aws.client("lambda").update_function_configuration(FunctionName=function, Timeout=2)
    with faults.ec2(stack.aws, "DescribeNatGateways", faults.HOLD, times=1):
        execution = stack.raise_alarm()
        assert stack.invoked("StartRecordingFunction", stack.since)["outcome"] == "timeout"
        stack.wait_until_waiting()
    stack.clear_alarm()
    stack.assert_recorded(stack.wait_end(execution))
    stack.assert_nothing_is_left()


def test_a_function_without_its_settings_says_which(stack: RecorderStack) -> None:
    function = stack.resources["StartRecordingFunction"]
    client = stack.aws.client("lambda")
    variables = client.get_function_configuration(FunctionName=function)["Environment"]
    del variables["Variables"]["LOG_GROUP_NAME"]
    client.update_function_configuration(FunctionName=function, Environment=variables)
    ended = stack.wait_end(stack.raise_alarm())
    stack.assert_failed(
        ended, "SettingsWrong", "the environment variable LOG_GROUP_NAME is not set"
    )
    stack.assert_nothing_is_left()
    assert stack.counted() == 0


def test_a_start_whose_answer_is_lost_creates_one_flow_log(stack: RecorderStack) -> None:
    function = stack.resources["StartRecordingFunction"]
    with stack.aws.fault("lambda", "Invoke", faults.LOSE_ANSWER, function, times=1):
        ended = stack.record_once()
    stack.assert_recorded(ended)
    created = {call["flow_log_ids"][0] for call in stack.calls("CreateFlowLogs")}
    assert len(created) == 1
    stack.assert_nothing_is_left()


def test_a_start_that_never_answers_is_cleaned_up_after(stack: RecorderStack) -> None:
    function = stack.resources["StartRecordingFunction"]
    # The function's name is in what later states are told of the failure, too.
    with stack.aws.fault("lambda", "Invoke", faults.LOSE_ANSWER, function, ATTEMPTS):
        ended = stack.wait_end(stack.raise_alarm())
    assert stack.calls("CreateFlowLogs")[0]["flow_log_ids"] != []
    stack.assert_failed(
        ended, "Lambda.SdkClientException", "No flow log of this recording is left."
    )
    stack.assert_nothing_is_left()
    # It did record for a while.
    assert stack.counted() == 1


def test_a_reservation_that_never_answers_is_given_back(stack: RecorderStack) -> None:
    function = stack.resources["CheckQuotaFunction"]
    # The function's name is in what later states are told of the failure, too.
    with stack.aws.fault("lambda", "Invoke", faults.LOSE_ANSWER, function, ATTEMPTS):
        ended = stack.wait_end(stack.raise_alarm())
    stack.assert_failed(ended, "Lambda.SdkClientException", stack.gateway.id)
    stack.assert_nothing_is_left()
    assert stack.counted() == 0


def test_lambda_that_fails_for_a_moment_is_waited_out(stack: RecorderStack) -> None:
    with stack.aws.fault("lambda", "Invoke", INTERNAL, "CheckQuotaFunction", times=3):
        execution = stack.raise_alarm()
        stack.wait_until_waiting()
    stack.clear_alarm()
    stack.assert_recorded(stack.wait_end(execution))


def test_a_report_that_cannot_be_written_is_announced_all_the_same(stack: RecorderStack) -> None:
    function = stack.resources["ReportRecordingFunction"]
    with stack.aws.fault("lambda", "Invoke", INTERNAL, function):
        ended = stack.record_once()
    mail = stack.assert_failed(
        ended,
        "Lambda.ServiceException",
        "A recording has ended, but its report could not be written.",
        ended.arn,
        stack.gateway.id,
    )
    assert mail["subject"] == "NAT Flow Recorder could not write the report of a recording"
    assert len(stack.mails()) == 1
    stack.assert_nothing_is_left()
    assert stack.counted() == 1


def test_a_failure_is_announced_although_its_report_cannot_be_written(
    stack: RecorderStack,
) -> None:
    function = stack.resources["ReportRecordingFunction"]
    stack.aws.client("ec2").delete_nat_gateway(NatGatewayId=stack.gateway.id)
    with stack.aws.fault("lambda", "Invoke", INTERNAL, function):
        ended = stack.wait_end(stack.raise_alarm())
    stack.assert_failed(ended, "GatewayNotFound", "could not be written", "GatewayNotFound")
    assert len(stack.mails()) == 1
    stack.assert_nothing_is_left()
    assert stack.counted() == 0


# The second comes of a topic whose key is asked for too often.
@pytest.mark.parametrize(("status", "code"), [(429, "Throttled"), (400, "KMSThrottling")])
def test_an_email_that_sns_refuses_for_a_moment_is_sent_once(
    stack: RecorderStack, status: int, code: str
) -> None:
    throttled = faults.error(status, code, "said the test")
    with stack.aws.fault("sns", "Publish", throttled, times=2):
        ended = stack.record_once()
    stack.assert_recorded(ended)
    assert len(stack.mails()) == 1


def test_an_email_that_sns_refuses_for_good_fails_the_execution(stack: RecorderStack) -> None:
    refused = faults.error(403, "AuthorizationError", "said the test")
    with stack.aws.fault("sns", "Publish", refused):
        ended = stack.record_once()
    assert ended.status == "FAILED"
    assert ended.error.startswith("SNS.")
    assert stack.mails() == []
    stack.assert_nothing_is_left()
