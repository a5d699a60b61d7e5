"""Stacks: created, changed, replaced, rolled back and deleted as CloudFormation does."""

from __future__ import annotations

import uuid

import pytest
from botocore.exceptions import ClientError

from local.template import DeploymentError


@pytest.fixture
def stack():
    return f"stack-{uuid.uuid4().hex[:8]}"


def topic(name=None, **more):
    properties = {} if name is None else {"TopicName": name}
    return {"Type": "AWS::SNS::Topic", "Properties": properties} | more


def group(name=None, **properties):
    named = {} if name is None else {"LogGroupName": name}
    return {"Type": "AWS::Logs::LogGroup", "Properties": named | properties}


def alarm(name, **properties):
    base = {
        "AlarmName": name,
        "Namespace": "AWS/NATGateway",
        "MetricName": "BytesInFromSource",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 3,
        "Threshold": "100000000",
        "ComparisonOperator": "GreaterThanThreshold",
    }
    return {"Type": "AWS::CloudWatch::Alarm", "Properties": base | properties}


def group_names(client):
    return {g["logGroupName"] for g in client("logs").describe_log_groups()["logGroups"]}


def alarm_names(client):
    return {a["AlarmName"] for a in client("cloudwatch").describe_alarms()["MetricAlarms"]}


@pytest.mark.parametrize("kind", ["AWS::S3::AccessPoint", "AWS::Nonsense::Thing"])
def test_a_resource_that_would_be_neither_created_nor_supplied_fails(deployer, client, stack, kind):
    before = group_names(client)
    template = {"Resources": {"Group": group(), "Thing": {"Type": kind, "DependsOn": "Group"}}}
    with pytest.raises(DeploymentError, match=f"{kind} would be neither created nor supplied"):
        deployer.deploy(stack, template)
    assert group_names(client) == before
    with pytest.raises(ClientError):
        client("cloudformation").describe_stacks(StackName=stack)


def test_a_misspelt_property_fails_and_everything_is_rolled_back(deployer, client, stack):
    resources = {
        "Group": group(f"{stack}-a"),
        "Alarm": alarm("a", Treshold=1) | {"DependsOn": "Group"},
    }
    with pytest.raises(DeploymentError, match="(?s)Alarm: .*Treshold"):
        deployer.deploy(stack, {"Resources": resources})
    assert f"{stack}-a" not in group_names(client)


def test_a_condition_that_is_false_leaves_its_resource_and_output_out(deployer, stack):
    template = {
        "Parameters": {"With": {"Type": "String", "Default": "no"}},
        "Conditions": {
            "With": {"Fn::Equals": [{"Ref": "With"}, "yes"]},
            "Without": {"Fn::Not": [{"Condition": "With"}]},
        },
        "Resources": {
            "Always": topic(),
            "Sometimes": topic(Condition="With"),
            "Otherwise": topic(Condition="Without"),
        },
        "Outputs": {
            "Which": {"Value": {"Fn::If": ["With", "yes", "no"]}},
            "Sometimes": {"Condition": "With", "Value": {"Ref": "Sometimes"}},
        },
    }
    assert deployer.deploy(stack, template) == {"Which": "no"}
    assert deployer.resources(stack).keys() == {"Always", "Otherwise"}
    assert deployer.deploy(stack, template, {"With": "yes"}).keys() == {"Which", "Sometimes"}
    assert deployer.resources(stack).keys() == {"Always", "Sometimes"}


def test_a_reference_to_a_resource_that_is_left_out_fails(deployer, stack):
    template = {
        "Conditions": {"Never": {"Fn::Equals": ["a", "b"]}},
        "Resources": {
            "Out": topic(Condition="Never"),
            "In": alarm("a", AlarmActions=[{"Ref": "Out"}]),
        },
    }
    with pytest.raises(DeploymentError, match=r"Unresolved resource dependencies \[Out\]"):
        deployer.deploy(stack, template)


def test_an_attribute_that_does_not_exist_fails(deployer, stack):
    actions = [{"Fn::GetAtt": ["Topic", "Nothing"]}]
    template = {"Resources": {"Topic": topic(), "Alarm": alarm("a", AlarmActions=actions)}}
    with pytest.raises(DeploymentError, match="does not support attribute type Nothing"):
        deployer.deploy(stack, template)


def test_a_circle_of_references_fails(deployer, stack):
    resources = {"A": topic(DependsOn="B"), "B": topic(DependsOn="A")}
    with pytest.raises(DeploymentError, match="Circular dependency"):
        deployer.deploy(stack, {"Resources": resources})


def test_an_update_adds_changes_and_removes(deployer, client, stack):
    first = {"Resources": {"Kept": group(f"{stack}-kept"), "Gone": alarm(f"{stack}/gone")}}
    deployer.deploy(stack, first)
    second = {
        "Resources": {
            "Kept": group(f"{stack}-kept", RetentionInDays=7),
            "Added": alarm(f"{stack}/added"),
        }
    }
    deployer.deploy(stack, second)
    kept = client("logs").describe_log_groups(logGroupNamePrefix=f"{stack}-kept")["logGroups"]
    assert kept[0]["retentionInDays"] == 7
    assert {n for n in alarm_names(client) if n.startswith(stack)} == {f"{stack}/added"}


def test_a_new_logical_id_replaces_the_resource(deployer, client, stack):
    deployer.deploy(stack, {"Resources": {"Old": alarm(f"{stack}/old")}})
    deployer.deploy(stack, {"Resources": {"New": alarm(f"{stack}/new")}})
    assert deployer.resources(stack) == {"New": f"{stack}/new"}
    assert f"{stack}/old" not in alarm_names(client)


def test_a_new_name_replaces_the_resource_and_what_refers_to_it_follows(deployer, client, stack):
    def template(name):
        actions = [{"Ref": "Topic"}]
        return {
            "Resources": {
                "Topic": topic(name),
                "Alarm": alarm(f"{stack}/a", AlarmActions=actions),
            }
        }

    deployer.deploy(stack, template(f"{stack}-old"))
    deployer.deploy(stack, template(f"{stack}-new"))
    found = client("cloudwatch").describe_alarms(AlarmNames=[f"{stack}/a"])["MetricAlarms"][0]
    assert found["AlarmActions"] == [f"arn:aws:sns:us-east-1:123456789012:{stack}-new"]
    topics = {t["TopicArn"] for t in client("sns").list_topics()["Topics"]}
    assert f"arn:aws:sns:us-east-1:123456789012:{stack}-old" not in topics


def test_a_change_of_a_parameter_alone_is_an_update(deployer, client, stack):
    template = {
        "Parameters": {"Threshold": {"Type": "Number", "Default": 5}},
        "Resources": {"Alarm": alarm(f"{stack}/a", Threshold={"Ref": "Threshold"})},
    }
    deployer.deploy(stack, template)
    deployer.deploy(stack, template, {"Threshold": 7})
    found = client("cloudwatch").describe_alarms(AlarmNames=[f"{stack}/a"])["MetricAlarms"][0]
    assert found["Threshold"] == 7


def test_an_update_that_fails_is_undone(deployer, client, stack):
    first = {"Resources": {"Group": group(f"{stack}-a", RetentionInDays=7)}}
    deployer.deploy(stack, first)
    second = {
        "Resources": {
            "Group": group(f"{stack}-a", RetentionInDays=30),
            "Added": group(f"{stack}-b") | {"DependsOn": "Group"},
            "Bad": alarm("a", Treshold=1) | {"DependsOn": "Added"},
        }
    }
    with pytest.raises(DeploymentError, match="UPDATE_ROLLBACK_COMPLETE: (?s:Bad: .*Treshold)"):
        deployer.deploy(stack, second)
    groups = client("logs").describe_log_groups(logGroupNamePrefix=stack)["logGroups"]
    assert [(g["logGroupName"], g["retentionInDays"]) for g in groups] == [(f"{stack}-a", 7)]
    assert deployer.resources(stack) == {"Group": f"{stack}-a"}
    deployer.deploy(stack, first)


def test_deletion_removes_what_was_created(deployer, client, stack):
    resources = {
        "Topic": topic(f"{stack}-t"),
        "Alarm": alarm(f"{stack}/a", AlarmActions=[{"Ref": "Topic"}]),
        "Query": query(f"{stack}-q"),
    }
    deployer.deploy(stack, {"Resources": resources})
    deployer.delete(stack)
    assert f"{stack}/a" not in alarm_names(client)
    assert query_names(client, stack) == []
    with pytest.raises(ClientError):
        client("cloudformation").describe_stacks(StackName=stack)


def query(name):
    properties = {"Name": name, "QueryString": "fields @message", "LogGroupNames": ["g"]}
    return {"Type": "AWS::Logs::QueryDefinition", "Properties": properties}


def query_names(client, stack):
    found = client("logs").describe_query_definitions(queryDefinitionNamePrefix=stack)
    return [definition["name"] for definition in found["queryDefinitions"]]


def test_dependents_are_deleted_first(deployer, client, door, stack):
    resources = {
        "First": group(f"{stack}-1"),
        "Second": group(f"{stack}-2") | {"DependsOn": "First"},
        "Third": group(f"{stack}-3") | {"DependsOn": "Second"},
    }
    deployer.deploy(stack, {"Resources": resources})
    stack_id = client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["StackId"]
    deployer.delete(stack)
    events = client("cloudformation").describe_stack_events(StackName=stack_id)["StackEvents"]
    deleted = [
        e["LogicalResourceId"] for e in events if e["ResourceStatus"] == "DELETE_IN_PROGRESS"
    ]
    assert deleted == ["First", "Second", "Third", stack]


def test_deletion_policy_retain_keeps_the_resource_when_the_stack_goes(deployer, client, stack):
    kept = group(f"{stack}-kept") | {"DeletionPolicy": "Retain"}
    deployer.deploy(stack, {"Resources": {"Kept": kept, "Gone": group(f"{stack}-gone")}})
    deployer.delete(stack)
    assert {n for n in group_names(client) if n.startswith(stack)} == {f"{stack}-kept"}


def test_deletion_policy_retain_keeps_the_resource_when_an_update_drops_it(deployer, client, stack):
    kept = group(f"{stack}-kept") | {"DeletionPolicy": "Retain"}
    deployer.deploy(stack, {"Resources": {"Kept": kept, "Topic": topic()}})
    deployer.deploy(stack, {"Resources": {"Topic": topic()}})
    assert f"{stack}-kept" in group_names(client)


@pytest.mark.parametrize(("policy", "left"), [("Retain", {"-a", "-b"}), ("Delete", {"-b"})])
def test_update_replace_policy_says_what_becomes_of_the_old_resource(
    deployer, client, stack, policy, left
):
    for name in ("-a", "-b"):
        replaced = group(f"{stack}{name}") | {"UpdateReplacePolicy": policy}
        deployer.deploy(stack, {"Resources": {"Group": replaced}})
    assert {n for n in group_names(client) if n.startswith(stack)} == {stack + n for n in left}


def test_a_resource_that_cannot_be_deleted_fails_the_deletion(deployer, client, stack):
    deployer.deploy(stack, {"Resources": {"Group": group(f"{stack}-a")}})
    client("logs").delete_log_group(logGroupName=f"{stack}-a")
    with pytest.raises(DeploymentError, match="Group"):
        deployer.delete(stack)
    status = client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
    assert status == "DELETE_FAILED"
    client("logs").create_log_group(logGroupName=f"{stack}-a")
    deployer.delete(stack)


def test_generated_names_have_the_stack_and_the_logical_id(deployer, stack):
    deployer.deploy(stack, {"Resources": {"Group": group()}})
    name = deployer.resources(stack)["Group"]
    assert name.startswith(f"{stack}-Group-")
    assert len(name) == len(f"{stack}-Group-") + 12
