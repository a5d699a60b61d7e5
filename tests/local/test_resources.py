"""What the providers make of each resource's properties, which stock moto drops or skips."""

from __future__ import annotations

import json
import zipfile
from io import BytesIO

import pytest

from local import sam
from local.template import DeploymentError, read

STACK = "stack"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
ROLE = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}}
ROLE_ARN = {"Fn::GetAtt": ["Role", "Arn"]}
TOPIC = {"Type": "AWS::SNS::Topic"}
GROUP = {"Type": "AWS::Logs::LogGroup"}
STATEMENT = {"Effect": "Allow", "Action": "sns:Publish", "Resource": "*"}
POLICY = {"Version": "2012-10-17", "Statement": [STATEMENT]}


def deploy(deployer, resources, **parts):
    """The physical IDs of these resources."""
    template = {"Transform": sam.TRANSFORM, "Resources": resources} | parts
    deployer.deploy(STACK, template)
    return deployer.resources(STACK)


def test_log_groups_keep_their_class_and_retention(deployer, client):
    properties = {"LogGroupClass": "INFREQUENT_ACCESS", "RetentionInDays": "7"}
    made = deploy(deployer, {"Group": GROUP | {"Properties": properties}})
    found = client("logs").describe_log_groups(logGroupNamePrefix=made["Group"])["logGroups"][0]
    assert (found["logGroupClass"], found["retentionInDays"]) == ("INFREQUENT_ACCESS", 7)


def test_an_unknown_log_group_class_is_refused(deployer):
    with pytest.raises(DeploymentError, match="enum value set"):
        deploy(deployer, {"Group": GROUP | {"Properties": {"LogGroupClass": "CHEAP"}}})


def test_saved_queries_are_kept(deployer, client):
    properties = {
        "Name": {"Fn::Sub": "${AWS::StackName}/top"},
        "QueryString": "fields @message\n| limit 5",
        "LogGroupNames": [{"Ref": "Group"}],
    }
    query = {"Type": "AWS::Logs::QueryDefinition", "Properties": properties}
    made = deploy(deployer, {"Group": GROUP, "Query": query})
    found = client("logs").describe_query_definitions(queryDefinitionNamePrefix=f"{STACK}/")
    assert found["queryDefinitions"][0]["logGroupNames"] == [made["Group"]]
    assert found["queryDefinitions"][0]["queryDefinitionId"] == made["Query"]


def test_alarms_have_metric_math_and_a_threshold_of_numbers(deployer, client):
    def metric(metric_id, name):
        dimensions = [{"Name": "NatGatewayId", "Value": "nat-1"}]
        of = {"Namespace": "AWS/NATGateway", "MetricName": name, "Dimensions": dimensions}
        stat = {"Metric": of, "Period": "60", "Stat": "Sum"}
        return {"Id": metric_id, "MetricStat": stat, "ReturnData": False}

    properties = {
        "AlarmName": {"Fn::Sub": "${AWS::StackName}/nat-1"},
        "Metrics": [
            {"Id": "sum", "Expression": "m1 + m2", "ReturnData": True},
            metric("m1", "BytesInFromSource"),
            metric("m2", "BytesInFromDestination"),
        ],
        "ComparisonOperator": "GreaterThanThreshold",
        "EvaluationPeriods": "3",
        "DatapointsToAlarm": "1",
        "Threshold": "100000000",
        "TreatMissingData": "notBreaching",
    }
    alarm = {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}
    made = deploy(deployer, {"Alarm": alarm})
    found = client("cloudwatch").describe_alarms(AlarmNames=[made["Alarm"]])["MetricAlarms"][0]
    assert found["StateValue"] == "INSUFFICIENT_DATA"
    assert (found["Threshold"], found["DatapointsToAlarm"]) == (100_000_000, 1)
    assert [metric["Id"] for metric in found["Metrics"]] == ["sum", "m1", "m2"]
    assert found["Metrics"][1]["MetricStat"]["Period"] == 60
    with pytest.raises(DeploymentError, match="mutually exclusive"):
        properties["Dimensions"] = [{"Name": "NatGatewayId", "Value": "nat-1"}]
        deploy(deployer, {"Alarm": alarm})


def test_an_alarm_keeps_its_state_when_it_is_changed(deployer, client):
    def alarm(threshold):
        properties = {"AlarmName": "a", "Namespace": "N", "MetricName": "M", "Statistic": "Sum"}
        properties |= {"Period": 60, "EvaluationPeriods": 1, "Threshold": threshold}
        properties |= {"ComparisonOperator": "GreaterThanThreshold"}
        return {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}

    deploy(deployer, {"Alarm": alarm(1)})
    cloudwatch = client("cloudwatch")
    cloudwatch.set_alarm_state(AlarmName="a", StateValue="ALARM", StateReason="r")
    deploy(deployer, {"Alarm": alarm(2)})
    found = cloudwatch.describe_alarms(AlarmNames=["a"])["MetricAlarms"][0]
    assert (found["StateValue"], found["Threshold"]) == ("ALARM", 2)


def test_topics_have_subscriptions_and_a_policy(deployer, client):
    subscription = {"TopicArn": {"Ref": "Topic"}, "Protocol": "email", "Endpoint": "a@b.example"}
    resources = {
        "Topic": TOPIC | {"Properties": {"DisplayName": "Reports"}},
        "Mail": {"Type": "AWS::SNS::Subscription", "Properties": subscription},
        "Policy": {
            "Type": "AWS::SNS::TopicPolicy",
            "Properties": {"Topics": [{"Ref": "Topic"}], "PolicyDocument": POLICY},
        },
    }
    made = deploy(deployer, resources)
    sns = client("sns")
    attributes = sns.get_topic_attributes(TopicArn=made["Topic"])["Attributes"]
    assert json.loads(attributes["Policy"]) == POLICY
    assert attributes["DisplayName"] == "Reports"
    found = sns.list_subscriptions_by_topic(TopicArn=made["Topic"])["Subscriptions"]
    assert [(s["Protocol"], s["Endpoint"]) for s in found] == [("email", "a@b.example")]


def test_queues_have_attributes_and_a_policy(deployer, client):
    queue = {"SqsManagedSseEnabled": True, "MessageRetentionPeriod": 1209600}
    resources = {
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": queue},
        "Policy": {
            "Type": "AWS::SQS::QueuePolicy",
            "Properties": {"Queues": [{"Ref": "Queue"}], "PolicyDocument": POLICY},
        },
    }
    made = deploy(deployer, resources)
    found = client("sqs").get_queue_attributes(QueueUrl=made["Queue"], AttributeNames=["All"])
    assert json.loads(found["Attributes"]["Policy"]) == POLICY
    assert found["Attributes"]["MessageRetentionPeriod"] == "1209600"


def test_tables_are_encrypted_backed_up_and_forget(deployer, client):
    properties = {
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
        "SSESpecification": {"SSEEnabled": True},
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        "TimeToLiveSpecification": {"AttributeName": "forgetAt", "Enabled": True},
    }
    made = deploy(deployer, {"T": {"Type": "AWS::DynamoDB::Table", "Properties": properties}})
    dynamodb, name = client("dynamodb"), made["T"]
    table = dynamodb.describe_table(TableName=name)["Table"]
    assert table["SSEDescription"]["Status"] == "ENABLED"
    ttl = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert ttl["AttributeName"] == "forgetAt"
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    recovery = backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]
    assert recovery == "ENABLED"


def target(target_id, **more):
    arn = "arn:aws:sqs:us-east-1:123456789012:q"
    return {"Id": target_id, "Arn": arn} | more


def test_rule_targets_keep_role_retries_and_dead_letters(deployer, client):
    more = {
        "RoleArn": ROLE_ARN,
        "RetryPolicy": {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 60},
        "DeadLetterConfig": {"Arn": "arn:aws:sqs:us-east-1:123456789012:dead"},
    }
    pattern = {"source": ["aws.cloudwatch"], "detail": {"alarmName": [{"prefix": "stack/nat-"}]}}
    properties = {"EventPattern": pattern, "Targets": [target("a", **more), target("b")]}
    rule = {"Type": "AWS::Events::Rule", "Properties": properties}
    made = deploy(deployer, {"Role": ROLE, "Rule": rule})
    events = client("events")
    found = events.list_targets_by_rule(Rule=made["Rule"])["Targets"]
    assert [t["Id"] for t in found] == ["a", "b"]
    assert found[0]["RetryPolicy"]["MaximumRetryAttempts"] == 3
    assert found[0]["DeadLetterConfig"]["Arn"].endswith(":dead")
    assert made["Role"] in found[0]["RoleArn"]
    assert json.loads(events.describe_rule(Name=made["Rule"])["EventPattern"]) == pattern
    properties["Targets"] = [target("b")]
    deploy(deployer, {"Role": ROLE, "Rule": rule})
    found = events.list_targets_by_rule(Rule=made["Rule"])["Targets"]
    assert [t["Id"] for t in found] == ["b"]


def schedule(**more):
    target = {"Arn": "arn:aws:lambda:us-east-1:123456789012:function:f", "RoleArn": ROLE_ARN}
    target |= {"Input": "{}", "RetryPolicy": {"MaximumRetryAttempts": "3"}}
    window = {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": "15"}
    properties = {"ScheduleExpression": "rate(1 hour)", "FlexibleTimeWindow": window}
    properties |= {"Target": target} | more
    return {"Type": "AWS::Scheduler::Schedule", "Properties": properties}


def test_schedules_are_created_changed_and_deleted(deployer, client):
    resources = {"Role": ROLE, "Schedule": schedule()}
    outputs = {"Arn": {"Value": {"Fn::GetAtt": ["Schedule", "Arn"]}}}
    name = deploy(deployer, resources, Outputs=outputs)["Schedule"]
    scheduler = client("scheduler")
    found = scheduler.get_schedule(Name=name)
    assert found["Arn"] == deployer.outputs(STACK)["Arn"]
    assert found["FlexibleTimeWindow"] == {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15}
    assert found["Target"]["RetryPolicy"] == {"MaximumRetryAttempts": 3}
    resources["Schedule"] = schedule(ScheduleExpression="rate(2 hours)")
    assert deploy(deployer, resources)["Schedule"] == name
    assert scheduler.get_schedule(Name=name)["ScheduleExpression"] == "rate(2 hours)"
    deployer.delete(STACK)
    assert scheduler.list_schedules()["Schedules"] == []


def function(**more):
    properties = {
        "CodeUri": "./functions/some-function",
        "Handler": "bootstrap",
        "Runtime": "provided.al2023",
        "Role": ROLE_ARN,
        "Timeout": 20,
        "LoggingConfig": {"LogGroup": {"Ref": "Group"}, "LogFormat": "JSON"},
        "Environment": {"Variables": {"GROUP": {"Ref": "Group"}, "SECONDS": 5}},
    }
    return {"Type": "AWS::Serverless::Function", "Properties": properties | more}


def invoke_config():
    destination = {
        "OnFailure": {"Type": "SQS", "Destination": "arn:aws:sqs:us-east-1:123456789012:dead"}
    }
    return {"MaximumRetryAttempts": 1, "DestinationConfig": destination}


def test_functions_have_their_binary_settings_and_destinations(deployer, client, binaries):
    resources = {
        "Role": ROLE,
        "Group": GROUP,
        "Function": function(EventInvokeConfig=invoke_config()),
        "Permission": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "Action": "lambda:InvokeFunction",
                "FunctionName": {"Ref": "Function"},
                "Principal": "events.amazonaws.com",
                "SourceArn": "arn:aws:events:us-east-1:123456789012:rule/r",
            },
        },
    }
    made = deploy(deployer, resources)
    functions, name = client("lambda"), made["Function"]
    found = functions.get_function_configuration(FunctionName=name)
    assert found["LoggingConfig"] == {"LogGroup": made["Group"], "LogFormat": "JSON"}
    assert found["Environment"]["Variables"] == {"GROUP": made["Group"], "SECONDS": "5"}
    assert found["Timeout"] == 20
    config = functions.get_function_event_invoke_config(FunctionName=name)
    assert config["DestinationConfig"]["OnFailure"]["Destination"].endswith(":dead")
    policy = json.loads(functions.get_policy(FunctionName=name)["Policy"])
    assert policy["Statement"][0]["Principal"] == {"Service": "events.amazonaws.com"}
    assert bootstrap_of(client, functions.get_function(FunctionName=name)) == b"#!/bin/sh\n"

    (binaries / "some-function").write_bytes(b"#!/bin/sh\n# changed\n")
    resources["Function"]["Properties"]["LoggingConfig"] = {"LogGroup": "another"}
    deploy(deployer, resources)
    found = functions.get_function_configuration(FunctionName=name)
    assert found["LoggingConfig"]["LogGroup"] == "another"
    changed = functions.get_function(FunctionName=name)
    assert bootstrap_of(client, changed) == b"#!/bin/sh\n# changed\n"


def bootstrap_of(client, function):
    key = function["Code"]["Location"].rsplit("/", 1)[1]
    package = client("s3").get_object(Bucket=sam.BUCKET, Key=key)["Body"].read()
    archive = zipfile.ZipFile(BytesIO(package))
    (entry,) = archive.infolist()
    assert (entry.filename, entry.external_attr >> 16) == ("bootstrap", 0o100755)
    assert entry.compress_type == zipfile.ZIP_STORED
    return archive.read(entry)


def test_a_function_without_a_binary_fails(deployer):
    resources = {"Role": ROLE, "Group": GROUP, "F": function(CodeUri="functions/unbuilt")}
    with pytest.raises(DeploymentError, match=r"F: there is no binary .*unbuilt.* build it first"):
        deploy(deployer, resources)


def test_roles_have_their_policies_and_lose_them(deployer, client):
    def role(*names):
        policies = [{"PolicyName": name, "PolicyDocument": POLICY} for name in names]
        return ROLE | {"Properties": ROLE["Properties"] | {"Policies": policies}}

    made = deploy(deployer, {"Role": role("a", "b")})
    deploy(deployer, {"Role": role("b", "c")})
    found = client("iam").list_role_policies(RoleName=made["Role"])["PolicyNames"]
    assert sorted(found) == ["b", "c"]


def test_dashboards_are_created(deployer, client):
    body = {"Fn::Sub": '{"widgets":[],"start":"${AWS::Region}"}'}
    properties = {"DashboardName": {"Ref": "AWS::StackName"}, "DashboardBody": body}
    deploy(deployer, {"D": {"Type": "AWS::CloudWatch::Dashboard", "Properties": properties}})
    found = client("cloudwatch").get_dashboard(DashboardName=STACK)["DashboardBody"]
    assert json.loads(found) == {"widgets": [], "start": "us-east-1"}


MACHINE = """
# ${NotASubstitution} stays, in a comment
StartAt: Wait
States:
  Wait:
    Type: Wait
    Seconds: ${Seconds}
    Next: Done
  Done:
    Type: Pass
    Result:
      topic: ${Topic}
      wanted: ${Wanted}
    End: true
"""


def test_substitutions_are_made_in_the_text_of_a_definition(deployer, machines, tmp_path):
    (tmp_path / "machine.asl.yaml").write_text(MACHINE)
    (tmp_path / "template.yaml").write_text("""
Transform: AWS::Serverless-2016-10-31
Resources:
  Topic:
    Type: AWS::SNS::Topic
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {Version: 2012-10-17, Statement: []}
  Machine:
    Type: AWS::Serverless::StateMachine
    Properties:
      Role: !GetAtt Role.Arn
      DefinitionUri: machine.asl.yaml
      DefinitionSubstitutions: {Seconds: 0, Topic: !Ref Topic, Wanted: true}
Outputs:
  Arn: {Value: !GetAtt Machine.Arn}
  Name: {Value: !GetAtt Machine.Name}
""")
    outputs = deployer.deploy(STACK, tmp_path / "template.yaml")
    started = machines.client.start_execution(stateMachineArn=outputs["Arn"])
    ended = machines.ended(started["executionArn"])
    topic = deployer.resources(STACK)["Topic"]
    assert json.loads(ended["output"]) == {"topic": topic, "wanted": True}
    assert outputs["Arn"].endswith(outputs["Name"])


def test_a_changed_definition_updates_the_machine(deployer, machines, tmp_path):
    def machine(result):
        state = {"Type": "Pass", "Result": {"is": result}, "End": True}
        definition = {"StartAt": "P", "States": {"P": state}}
        properties = {"Role": ROLE_ARN, "Definition": definition}
        return {"Type": "AWS::Serverless::StateMachine", "Properties": properties}

    first = deploy(deployer, {"Role": ROLE, "Machine": machine("one")})["Machine"]
    second = deploy(deployer, {"Role": ROLE, "Machine": machine("two")})["Machine"]
    assert first == second
    started = machines.client.start_execution(stateMachineArn=second)
    assert json.loads(machines.ended(started["executionArn"])["output"]) == {"is": "two"}


def test_a_definition_that_aws_would_refuse_fails_the_deployment(deployer):
    state = {"Type": "Task", "Resource": "arn:aws:states:::sns:publish", "TimeoutSeconds": 0}
    state |= {"Parameters": {"Message": "m"}, "End": True}
    definition = {"StartAt": "P", "States": {"P": state}}
    machine = {"Role": ROLE_ARN, "Definition": definition}
    resources = {
        "Role": ROLE,
        "M": {"Type": "AWS::Serverless::StateMachine", "Properties": machine},
    }
    with pytest.raises(DeploymentError, match="TimeoutSeconds must be between 1 and"):
        deploy(deployer, resources)


def test_templates_are_read_with_short_functions_and_dates_as_text(tmp_path):
    path = tmp_path / "t.yaml"
    path.write_text("A: !GetAtt B.C.D\nE: !Sub [x, {Y: !Ref Z}]\nF: !If [C, !Ref A, 2012-10-17]\n")
    assert read(path) == {
        "A": {"Fn::GetAtt": ["B", "C.D"]},
        "E": {"Fn::Sub": ["x", {"Y": {"Ref": "Z"}}]},
        "F": {"Fn::If": ["C", {"Ref": "A"}, "2012-10-17"]},
    }
