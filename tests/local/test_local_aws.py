"""The local AWS as a whole: moto, the front door, and what tests and the demo do with them.

Needs the front door's binary: `cargo build -p front-door`, or FRONT_DOOR with its path.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from local.local_aws import BINARIES, LocalAws, NothingHappened

FRONT_DOOR = Path(os.environ.get("FRONT_DOOR", BINARIES / "front-door"))


@pytest.fixture(scope="module")
def aws():
    assert FRONT_DOOR.is_file(), f"build {FRONT_DOOR} first: cargo build -p front-door"
    with LocalAws(front_door=FRONT_DOOR) as aws:
        yield aws


def machine(state):
    """A stack with one state machine of one state, Recorder."""
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "states.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    role = {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]}}
    recorder = {
        "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
        "DefinitionString": json.dumps({"StartAt": "Only", "States": {"Only": state}}),
    }
    return {
        "Resources": {
            "Role": {"Type": "AWS::IAM::Role", "Properties": role},
            "Recorder": {"Type": "AWS::StepFunctions::StateMachine", "Properties": recorder},
        }
    }


def start(aws, stack):
    arn = aws.resources(stack)["Recorder"]
    return aws.client("stepfunctions").start_execution(stateMachineArn=arn)["executionArn"]


def test_an_execution_is_awaited_and_told(aws):
    aws.deploy("one", machine({"Type": "Wait", "Seconds": 1, "End": True}))
    execution = start(aws, "one")
    assert aws.wait_execution(execution)["status"] == "SUCCEEDED"
    assert aws.states_entered(execution) == ["Only"]
    assert [found["executionArn"] for found in aws.executions("one")] == [execution]
    assert aws.history(execution)[-1]["type"] == "ExecutionSucceeded"


def test_a_fault_is_injected_and_taken_back(aws):
    publish = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:ec2:describeVpcs",
        "Parameters": {},
        "End": True,
    }
    aws.deploy("two", machine(publish))
    error = {"status": 503, "code": "RequestLimitExceeded", "message": "slow down"}
    with aws.fault("ec2", "DescribeVpcs", {"error": error}):
        failed = aws.wait_execution(start(aws, "two"))
    assert (failed["status"], failed["error"]) == ("FAILED", "Ec2.Ec2Exception")
    assert "slow down" in failed["cause"]
    assert aws.wait_execution(start(aws, "two"))["status"] == "SUCCEEDED"


def test_a_call_is_held_until_it_is_released(aws):
    describe = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:ec2:describeSubnets",
        "Parameters": {},
        "End": True,
    }
    aws.deploy("three", machine(describe))
    after = aws.now()
    with aws.fault("ec2", "DescribeSubnets", {"hold": True}) as fault:
        execution = start(aws, "three")
        aws.wait_for("held", lambda entry: entry["fault"] == fault, after=after)
        described = aws.client("stepfunctions").describe_execution(executionArn=execution)
        assert described["status"] == "RUNNING"
        aws.release(fault)
        assert aws.wait_execution(execution)["status"] == "SUCCEEDED"


def test_calls_are_in_the_journal_with_their_callers(aws):
    after = aws.now()
    aws.client("ec2").describe_vpcs()
    entry = aws.wait_for(
        "api-call", lambda entry: entry["operation"] == "DescribeVpcs", after=after
    )
    assert (entry["service"], entry["caller"]) == ("ec2", "client")


def test_what_does_not_happen_is_told_with_what_did(aws):
    aws.client("ec2").describe_vpcs()
    with pytest.raises(NothingHappened, match="(?s)no such email within .*DescribeVpcs"):
        aws.wait_for("email", timeout=0.5)


def test_mail_of_a_topic_reaches_the_mailbox(aws):
    subscription = {"Protocol": "email", "Endpoint": "me@example.org"}
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"Subscription": [subscription]}}
    aws.deploy("mail", {"Resources": {"Topic": topic}})
    arn = aws.resources("mail")["Topic"]
    aws.client("sns").publish(TopicArn=arn, Subject="hello", Message="the body")
    aws.wait_for("email", lambda entry: entry["to"] == "me@example.org")
    assert [(mail["subject"], mail["body"]) for mail in aws.mailbox()] == [("hello", "the body")]


def test_an_alarm_is_raised_and_cleared_through_its_rule(aws):
    gateway = aws.network().create_gateway("a")
    metric = {"Namespace": "AWS/NATGateway", "MetricName": "BytesInFromSource"}
    metric |= {"Dimensions": [{"Name": "NatGatewayId", "Value": gateway.id}]}
    alarm = metric | {
        "AlarmName": f"alarms/{gateway.id}",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 1,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    queue = {"Fn::GetAtt": ["Queue", "Arn"]}
    rule = {
        "EventPattern": {"source": ["aws.cloudwatch"]},
        "Targets": [{"Id": "Queue", "Arn": queue}],
    }
    resources = {
        "Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": alarm},
        "Rule": {"Type": "AWS::Events::Rule", "Properties": rule},
        "Queue": {"Type": "AWS::SQS::Queue"},
    }
    aws.deploy("alarms", {"Resources": resources})
    for raise_or_clear, value in ((aws.raise_alarm, "ALARM"), (aws.clear_alarm, "OK")):
        after = aws.now()
        raise_or_clear("alarms", gateway)
        entry = aws.wait_for("event", lambda entry: gateway.id in json.dumps(entry), after=after)
        assert value in json.dumps(entry)
        cloudwatch = aws.client("cloudwatch")
        found = cloudwatch.describe_alarms(AlarmNames=[f"alarms/{gateway.id}"])["MetricAlarms"]
        assert found[0]["StateValue"] == value


def test_flow_logs_are_found_by_their_stack(aws):
    gateway = aws.network().create_gateway("b")
    tags = [{"Key": "nat-flow-recorder:stack", "Value": "mine"}]
    aws.client("logs").create_log_group(logGroupName="records")
    made = aws.client("ec2").create_flow_logs(
        ResourceType="NetworkInterface",
        ResourceIds=[gateway.interface_id],
        TrafficType="ALL",
        LogGroupName="records",
        DeliverLogsPermissionArn="arn:aws:iam::123456789012:role/delivery",
        TagSpecifications=[{"ResourceType": "vpc-flow-log", "Tags": tags}],
    )
    assert [found["FlowLogId"] for found in aws.flow_logs("mine")] == made["FlowLogIds"]
    assert aws.flow_logs("another") == []
    assert len(aws.flow_logs()) == 1
