"""Step Functions' calls of other services, and the tokens that end their waiting."""

from __future__ import annotations

import json
import uuid
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import EvalTimeoutError
from moto.stepfunctions.parser.asl.component.state.exec.execute_state import ExecutionState
from moto.stepfunctions.parser.asl.eval.callback.callback import CallbackPoolManager

from local.moto_patches import callbacks
from tests.local.test_interpreter import END, catch

SDK = "arn:aws:states:::aws-sdk"


def call(resource, parameters, **more):
    """A task, ending in its output or in the `failure` that it caught."""
    state = {"Type": "Task", "Resource": resource, "Parameters": parameters, "End": True}
    return {"Call": state | {"Catch": catch("States.ALL")} | more, "Caught": END}


@pytest.fixture
def table(client):
    """The name of a table with the key `id`."""
    name = f"table-{uuid.uuid4()}"
    client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


@pytest.mark.parametrize(
    ("resource", "parameters", "error"),
    [
        (
            "ec2:deleteVpc",
            {"VpcId": "vpc-0123456789abcdef0"},
            "Ec2.Ec2Exception",
        ),
        (
            "dynamodb:getItem",
            {"TableName": "none", "Key": {"id": {"S": "a"}}},
            "DynamoDb.ResourceNotFoundException",
        ),
        (
            "cloudwatchlogs:deleteLogGroup",
            {"LogGroupName": "none"},
            "CloudWatchLogs.ResourceNotFoundException",
        ),
        (
            "sns:getTopicAttributes",
            {"TopicArn": "arn:aws:sns:us-east-1:123456789012:none"},
            "Sns.NotFoundException",
        ),
        (
            "lambda:getFunction",
            {"FunctionName": "none"},
            "Lambda.ResourceNotFoundException",
        ),
        (
            "sfn:describeStateMachine",
            {"StateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:none"},
            "Sfn.StateMachineDoesNotExistException",
        ),
    ],
)
def test_sdk_errors_are_named_after_their_service(machines, resource, parameters, error):
    output = machines.output(call(f"{SDK}:{resource}", parameters))
    assert output["failure"]["Error"] == error


def test_sdk_parameters_and_results_are_in_pascal_case_for_every_service(machines, client):
    name = f"group-{uuid.uuid4()}"
    client("logs").create_log_group(logGroupName=name)
    parameters = {"LogGroupNamePrefix": name, "Limit": 5}
    output = machines.output(call(f"{SDK}:cloudwatchlogs:describeLogGroups", parameters))
    assert output["LogGroups"][0]["LogGroupName"] == name


@pytest.mark.parametrize(
    ("broken", "resource", "error"),
    [
        ("GetItem", f"{SDK}:dynamodb:getItem", "DynamoDb.SdkClientException"),
        ("GetItem", "arn:aws:states:::dynamodb:getItem", "DynamoDB.SdkClientException"),
        ("Publish", "arn:aws:states:::sns:publish", "SNS.SdkClientException"),
        ("invocations", "arn:aws:states:::lambda:invoke", "Lambda.SdkClientException"),
    ],
)
def test_a_call_without_an_answer_is_an_sdk_client_exception(
    machines, door, broken, resource, error
):
    door.broken.add(broken)
    parameters = {
        "getItem": {"TableName": "t", "Key": {"id": {"S": "a"}}},
        "publish": {"TopicArn": "arn:aws:sns:us-east-1:123456789012:t", "Message": "m"},
        "invoke": {"FunctionName": "f"},
    }[resource.rsplit(":", 1)[1]]
    assert machines.output(call(resource, parameters))["failure"]["Error"] == error


def test_sns_publish_takes_a_subject_and_message_attributes(machines, client):
    topic = client("sns").create_topic(Name=f"topic-{uuid.uuid4()}")["TopicArn"]
    sqs = client("sqs")
    queue = sqs.create_queue(QueueName=f"queue-{uuid.uuid4()}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    arn = arn["Attributes"]["QueueArn"]
    client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    parameters = {
        "TopicArn": topic,
        "Subject.$": "$.subject",
        "Message": "the body",
        "MessageAttributes": {"kind": {"DataType": "String", "StringValue.$": "$.kind"}},
    }
    states = call("arn:aws:states:::sns:publish", parameters)
    output = machines.output(states, {"subject": "hello", "kind": "report"})
    assert output["MessageId"]
    message = json.loads(sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"])
    assert (message["Subject"], message["Message"]) == ("hello", "the body")
    assert message["MessageAttributes"]["kind"]["Value"] == "report"


def test_sns_errors_are_named_as_the_optimised_integration_names_them(machines):
    topic = "arn:aws:sns:us-east-1:123456789012:none"
    parameters = {"TopicArn": topic, "Message": "m"}
    output = machines.output(call("arn:aws:states:::sns:publish", parameters))
    assert output["failure"]["Error"] == "SNS.NotFoundException"


def storing_a_token(table, **more):
    """A state that stores its token by a conditional write, and waits for an answer to it."""
    parameters = {
        "TableName": table,
        "Key": {"id": {"S.$": "$.id"}},
        "UpdateExpression": "SET #token = :token",
        "ConditionExpression": "attribute_not_exists(#closed)",
        "ExpressionAttributeNames": {"#token": "token", "#closed": "closed"},
        "ExpressionAttributeValues": {":token": {"S.$": "$$.Task.Token"}},
    }
    resource = f"{SDK}:dynamodb:updateItem.waitForTaskToken"
    seconds = {"TimeoutSecondsPath": "$.seconds", "ResultPath": "$.ended"}
    return call(resource, parameters, **(seconds | more))


@pytest.fixture
def waiting(machines, door, client, table):
    """An execution that waits, as (its ARN, its token)."""
    arn = machines.start(storing_a_token(table), {"id": "nat-1", "seconds": 60})
    return arn, stored_token(door, client, table)


def stored_token(door, client, table):
    """The token once it is in the table."""
    door.await_call("UpdateItem")
    key = {"id": {"S": "nat-1"}}
    item = client("dynamodb").get_item(TableName=table, Key=key, ConsistentRead=True)["Item"]
    return item["token"]["S"]


def refusal(function, **request):
    with pytest.raises(ClientError) as refused:
        function(**request)
    return refused.value.response["Error"]["Code"]


def test_a_stored_token_resumes_the_execution(machines, waiting):
    arn, token = waiting
    machines.client.send_task_success(taskToken=token, output='{"by":"ok"}')
    assert json.loads(machines.ended(arn)["output"])["ended"] == {"by": "ok"}


def test_a_refused_condition_is_caught_by_name(machines, client, table):
    item = {"id": {"S": "nat-1"}, "closed": {"BOOL": True}}
    client("dynamodb").put_item(TableName=table, Item=item)
    output = machines.output(storing_a_token(table), {"id": "nat-1", "seconds": 60})
    assert output["failure"]["Error"] == "DynamoDb.ConditionalCheckFailedException"


def test_a_token_that_timed_out_is_closed(machines, door, client, table):
    arn = machines.start(storing_a_token(table), {"id": "nat-1", "seconds": 1})
    token = stored_token(door, client, table)
    assert json.loads(machines.ended(arn)["output"])["failure"]["Error"] == "States.Timeout"
    send = machines.client.send_task_success
    assert refusal(send, taskToken=token, output="{}") == "TaskTimedOut"


def test_a_token_that_timed_out_is_closed_while_its_execution_goes_on(
    machines, door, client, table
):
    door.functions["next"] = lambda _: None
    states = storing_a_token(table)
    states["Caught"] = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "Parameters": {"FunctionName": "next", "Payload": {"token.$": "$$.Task.Token"}},
        "End": True,
    }
    arn = machines.start(states, {"id": "nat-1", "seconds": 1})
    token = stored_token(door, client, table)
    door.await_call("Invoke next")
    send = machines.client.send_task_success
    assert refusal(send, taskToken=token, output="{}") == "TaskTimedOut"
    machines.client.stop_execution(executionArn=arn)


def test_a_token_is_closed_before_the_execution_goes_on(monkeypatch):
    """Without the server: between the two lies less than a millisecond."""

    def time_out(self, env):
        raise EvalTimeoutError

    monkeypatch.setattr(ExecutionState, "_evaluate_with_timeout", time_out)
    callbacks._patch_timeout()
    pool = CallbackPoolManager(activity_store={})
    endpoint = pool.add("the-token")
    context = SimpleNamespace(context_object_data={"Task": {"Token": "the-token"}})
    env = SimpleNamespace(
        states=SimpleNamespace(context_object=context), callback_pool_manager=pool
    )
    with pytest.raises(EvalTimeoutError):
        ExecutionState._evaluate_with_timeout(None, env)
    assert endpoint._notify_event.is_set()


def test_a_token_is_answered_once(machines, waiting):
    arn, token = waiting
    machines.client.send_task_success(taskToken=token, output="{}")
    machines.ended(arn)
    for function, request in (
        (machines.client.send_task_success, {"output": "{}"}),
        (machines.client.send_task_failure, {"error": "E", "cause": "c"}),
    ):
        assert refusal(function, taskToken=token, **request) == "TaskTimedOut"


def test_answers_that_make_no_sense_are_refused(machines, waiting):
    _, token = waiting
    send = machines.client.send_task_success
    assert refusal(send, taskToken="nobody's", output="{}") == "InvalidToken"
    assert refusal(send, taskToken=token, output="not JSON") == "InvalidOutput"


def test_a_waiting_execution_stops_at_once(machines, waiting):
    arn, token = waiting
    machines.client.stop_execution(executionArn=arn)
    described = machines.client.describe_execution(executionArn=arn)
    assert described["status"] == "ABORTED"
    assert machines.ended(arn)["stopDate"]
    send = machines.client.send_task_success
    assert refusal(send, taskToken=token, output="{}") == "TaskTimedOut"
