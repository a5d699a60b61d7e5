"""The local AWS refuses what AWS refuses: a recorder that works here works there."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.local_aws import LocalAws
from tests.e2e.stack import RecorderStack

FORMAT = "${srcaddr} ${dstaddr} ${bytes}"
LIMIT = 262_144


def create_flow_log(stack: RecorderStack, **changes: Any) -> str:
    """A flow log on the stack's gateway."""
    role = f"arn:aws:iam::123456789012:role/{stack.resources['FlowLogDeliveryRole']}"
    request = {
        "ResourceType": "NetworkInterface",
        "ResourceIds": [stack.gateway.interface_id],
        "TrafficType": "ALL",
        "LogGroupName": stack.resources["FlowLogGroup"],
        "DeliverLogsPermissionArn": role,
        "LogFormat": FORMAT,
        **changes,
    }
    return stack.aws.client("ec2").create_flow_logs(**request)["FlowLogIds"][0]


def refused(call: Any, *args: Any, **given: Any) -> tuple[str, str]:
    """The code and message of a call that is refused."""
    with pytest.raises(ClientError) as error:
        call(*args, **given)
    details = error.value.response["Error"]
    return details["Code"], details["Message"]


def test_a_client_token_has_at_most_64_characters(stack: RecorderStack) -> None:
    code, message = refused(create_flow_log, stack, ClientToken="x" * 65)
    assert code == "InvalidParameterValue"
    assert "ClientToken" in message
    assert create_flow_log(stack, ClientToken="x" * 64).startswith("fl-")


def test_a_client_token_stands_for_one_request(stack: RecorderStack) -> None:
    token = stack.name
    first = create_flow_log(stack, ClientToken=token)
    assert create_flow_log(stack, ClientToken=token) == first
    code, message = refused(create_flow_log, stack, ClientToken=token, MaxAggregationInterval=60)
    assert code == "IdempotentParameterMismatch"
    assert "MaxAggregationInterval" in message
    assert len(stack.flow_logs_on_gateways()) == 1


def test_a_log_format_has_known_fields_only(stack: RecorderStack) -> None:
    code, message = refused(create_flow_log, stack, LogFormat=FORMAT + " ${no-such-field}")
    assert code == "InvalidParameter"
    assert "no-such-field" in message
    assert stack.flow_logs_on_gateways() == []


@pytest.mark.parametrize("subject", ["x" * 100, "two\nlines", "Grüße"])
def test_a_subject_is_short_printable_ascii(stack: RecorderStack, subject: str) -> None:
    topic = stack.resources["ReportsTopic"]
    publish = stack.aws.client("sns").publish
    code, message = refused(publish, TopicArn=topic, Subject=subject, Message="m")
    assert code == "InvalidParameter"
    assert "Subject" in message
    assert stack.mails() == []
    publish(TopicArn=topic, Subject="x" * 99, Message="m")
    assert len(stack.mails()) == 1


def machine(aws: LocalAws, name: str, **state: Any) -> str:
    """A state machine with one state."""
    definition = {"StartAt": "S", "States": {"S": {"End": True, **state}}}
    created = aws.client("stepfunctions").create_state_machine(
        name=name, definition=json.dumps(definition), roleArn="arn:aws:iam::123456789012:role/r"
    )
    return created["stateMachineArn"]


def wait_on(stack: RecorderStack, **timeout: Any) -> dict[str, Any]:
    """A task that waits for a callback."""
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:dynamodb:updateItem.waitForTaskToken",
        "Parameters": {
            "TableName": stack.resources["RecordingsTable"],
            "Key": {"natGatewayId": {"S": stack.gateway.id}},
            "UpdateExpression": "SET taskToken = :token",
            "ExpressionAttributeValues": {":token": {"S.$": "$$.Task.Token"}},
        },
        **timeout,
    }


def test_a_task_without_time_is_no_definition(stack: RecorderStack) -> None:
    with pytest.raises(ClientError, match="InvalidDefinition.*TimeoutSeconds"):
        machine(stack.aws, f"{stack.name}-timeout", **wait_on(stack, TimeoutSeconds=0))


def run(stack: RecorderStack, arn: str, given: Any) -> tuple[str, str | None]:
    """Status and error of an execution."""
    started = stack.aws.client("stepfunctions").start_execution(
        stateMachineArn=arn, input=json.dumps(given)
    )
    ended = stack.wait_end(started["executionArn"])
    return ended.status, ended.error


def test_a_task_whose_input_gives_it_no_time_fails(stack: RecorderStack) -> None:
    waiting = wait_on(stack, TimeoutSecondsPath="$.seconds")
    arn = machine(stack.aws, f"{stack.name}-path", **waiting)
    assert run(stack, arn, {"seconds": 0}) == ("FAILED", "States.Runtime")
    assert run(stack, arn, {"seconds": 1}) == ("FAILED", "States.Timeout")


def test_a_payload_has_at_most_256_kib(stack: RecorderStack) -> None:
    doubled = {"Type": "Pass", "Parameters": {"a.$": "$.a", "b.$": "$.a"}}
    arn = machine(stack.aws, f"{stack.name}-payload", **doubled)
    assert run(stack, arn, {"a": "x" * (LIMIT // 2 - 100)}) == ("SUCCEEDED", None)
    assert run(stack, arn, {"a": "x" * (LIMIT // 2)}) == (
        "FAILED",
        "States.DataLimitExceeded",
    )
    start = stack.aws.client("stepfunctions").start_execution
    code, _ = refused(start, stateMachineArn=arn, input=json.dumps("x" * LIMIT))
    assert code == "InvalidExecutionInput"


def test_an_unknown_alarm_has_no_state(stack: RecorderStack) -> None:
    code, _ = refused(
        stack.aws.client("cloudwatch").set_alarm_state,
        AlarmName=f"{stack.name}/nat-none",
        StateValue="OK",
        StateReason="r",
    )
    assert code == "ResourceNotFound"
