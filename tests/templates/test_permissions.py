"""Least privilege: each role may do what is listed here, on what it needs it for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.templates.documents import (
    MAIN,
    ROOT,
    STATE_MACHINE,
    TEMPLATES,
    as_list,
    cached_template,
    name_of,
    properties,
    resources,
    strings,
)

OWN_LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}

# The table in README.md says what each is for.
ACTIONS = {
    "CheckQuotaRole": {"dynamodb:UpdateItem"} | OWN_LOGS,
    "StartRecordingRole": {
        "dynamodb:UpdateItem",
        "ec2:CreateFlowLogs",
        "ec2:CreateTags",
        "ec2:DeleteFlowLogs",
        "ec2:DescribeFlowLogs",
        "ec2:DescribeNatGateways",
        "iam:PassRole",
        "logs:CreateLogDelivery",
        "logs:DeleteLogDelivery",
    }
    | OWN_LOGS,
    "StopRecordingRole": {
        "dynamodb:UpdateItem",
        "ec2:DeleteFlowLogs",
        "ec2:DescribeFlowLogs",
        "logs:DeleteLogDelivery",
    }
    | OWN_LOGS,
    "ResumeRecordingRole": {"dynamodb:UpdateItem", "sqs:SendMessage", "states:SendTaskSuccess"}
    | OWN_LOGS,
    "ReportRecordingRole": {
        "cloudwatch:GetMetricData",
        "ec2:DescribeNatGateways",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeTags",
        "ec2:DescribeVpcEndpoints",
        "logs:GetQueryResults",
        "logs:StartQuery",
        "logs:StopQuery",
    }
    | OWN_LOGS,
    "RecorderRole": {
        "dynamodb:UpdateItem",
        "lambda:InvokeFunction",
        "logs:CreateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:DescribeLogGroups",
        "logs:DescribeResourcePolicies",
        "logs:GetLogDelivery",
        "logs:ListLogDeliveries",
        "logs:PutResourcePolicy",
        "logs:UpdateLogDelivery",
        "sns:Publish",
    },
    "StartExecutionRole": {"states:StartExecution"},
    "FlowLogDeliveryRole": {"logs:DescribeLogGroups", "logs:DescribeLogStreams"} | OWN_LOGS,
    "GenerateNgwAlarmsRole": OWN_LOGS,
    "StringToIntRole": OWN_LOGS,
}

ROLES = {
    role: resource["Properties"]
    for path in TEMPLATES
    for role, resource in resources(cached_template(path), "AWS::IAM::Role").items()
}
FUNCTIONS = {
    function: (path, resource["Properties"])
    for path in TEMPLATES
    for function, resource in resources(cached_template(path), "AWS::Serverless::Function").items()
}


DESTINATIONS = {"RecordsToLogGroup": "cloudwatch-logs", "RecordsToBucket": "s3"}


def _statements(role: str, destination: str | None = None) -> list[dict[str, Any]]:
    """A role's statements for one FlowLogDestination, or for both of them."""
    return [
        found
        for policy in ROLES[role]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        for found in _alternatives(statement, destination)
        if found != {"Ref": "AWS::NoValue"}
    ]


def _alternatives(statement: dict[str, Any], destination: str | None) -> list[dict[str, Any]]:
    if "Fn::If" not in statement:
        return [statement]
    condition, if_so, otherwise = statement["Fn::If"]
    if destination is None:
        return [if_so, otherwise]
    return [if_so if DESTINATIONS[condition] == destination else otherwise]


def _statements_for(role: str, action: str) -> list[dict[str, Any]]:
    return [s for s in _statements(role) if action in as_list(s["Action"])]


def _condition(statement: dict[str, Any], operator: str) -> dict[str, Any]:
    return statement.get("Condition", {}).get(operator, {})


def test_every_role_is_listed() -> None:
    assert ROLES.keys() == ACTIONS.keys()


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_what_is_listed(role: str) -> None:
    assert not ROLES[role].keys() & {"ManagedPolicyArns", "RoleName"}
    assert all(s["Effect"] == "Allow" for s in _statements(role))
    allowed = {action for s in _statements(role) for action in as_list(s["Action"])}
    assert allowed == ACTIONS[role]


def test_readme_says_what_each_action_is_for() -> None:
    readme = (ROOT / "README.md").read_text()
    actions = set().union(*ACTIONS.values())
    assert {action for action in actions if f"`{action}`" not in readme} == set()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_has_a_role_of_its_own(function: str) -> None:
    _, own = FUNCTIONS[function]
    assert not own.keys() & {"Policies", "FunctionName", "AssumeRolePolicyDocument"}
    assert own["Role"] == {"Fn::GetAtt": [function.removesuffix("Function") + "Role", "Arn"]}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_writes_to_its_own_log_group_only(function: str) -> None:
    path, own = FUNCTIONS[function]
    group = function.removesuffix("Function") + "LogGroup"
    assert own["LoggingConfig"]["LogGroup"] == {"Ref": group}
    retention = cached_template(path)["Resources"][group]["Properties"]["RetentionInDays"]
    assert retention == {"Ref": "LambdaLogGroupRetentionTimeDays"}
    role = function.removesuffix("Function") + "Role"
    for action in OWN_LOGS:
        allowed = [s["Resource"] for s in _statements_for(role, action)]
        assert allowed == [{"Fn::GetAtt": [group, "Arn"]}]


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_assumed_by_one_service(role: str) -> None:
    [statement] = ROLES[role]["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Action"] == "sts:AssumeRole"
    [(kind, service)] = statement["Principal"].items()
    assert kind == "Service"
    if service != "lambda.amazonaws.com":
        # Lambda assumes roles with no source; the others could be asked by another account.
        source = _condition(statement, "StringEquals")
        assert source == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}


def test_flow_logs_are_created_with_the_stacks_tag_only() -> None:
    own_tag = {"aws:RequestTag/nat-flow-recorder:stack": {"Ref": "AWS::StackName"}}
    on = {
        resource: _condition(statement, "StringEquals")
        for statement in _statements_for("StartRecordingRole", "ec2:CreateFlowLogs")
        for resource in _kinds_of_resource(statement)
    }
    assert on == {"vpc-flow-log": own_tag, "natgateway": {}, "network-interface": {}}
    [tagging] = _statements_for("StartRecordingRole", "ec2:CreateTags")
    assert _condition(tagging, "StringEquals") == {"ec2:CreateAction": "CreateFlowLogs"}
    assert _kinds_of_resource(tagging) == ["vpc-flow-log"]


def _kinds_of_resource(statement: dict[str, Any]) -> list[str]:
    arns = [resource["Fn::Sub"] for resource in as_list(statement["Resource"])]
    return [arn.rsplit(":", 1)[1].split("/")[0] for arn in arns]


@pytest.mark.parametrize("role", ["StartRecordingRole", "StopRecordingRole"])
def test_flow_logs_are_deleted_with_the_stacks_tag_only(role: str) -> None:
    [statement] = _statements_for(role, "ec2:DeleteFlowLogs")
    own_tag = {"aws:ResourceTag/nat-flow-recorder:stack": {"Ref": "AWS::StackName"}}
    assert _condition(statement, "StringEquals") == own_tag
    assert _kinds_of_resource(statement) == ["vpc-flow-log"]


def test_one_role_is_passed_to_one_service_by_one_function() -> None:
    assert [role for role in ROLES if _statements_for(role, "iam:PassRole")] == [
        "StartRecordingRole"
    ]
    [statement] = _statements_for("StartRecordingRole", "iam:PassRole")
    assert statement["Resource"] == {"Fn::GetAtt": ["FlowLogDeliveryRole", "Arn"]}
    service = "vpc-flow-logs.amazonaws.com"
    assert _condition(statement, "StringEquals") == {"iam:PassedToService": service}


def test_a_bucket_takes_no_role_but_log_deliveries() -> None:
    """AWS delivers to buckets by itself: https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-create-flow-log.html"""
    delivery = {"logs:CreateLogDelivery", "logs:DeleteLogDelivery"}
    assert _allowed("StartRecordingRole", "s3") == ACTIONS["StartRecordingRole"] - {"iam:PassRole"}
    assert _allowed("StartRecordingRole", "cloudwatch-logs") == (
        ACTIONS["StartRecordingRole"] - delivery
    )
    assert _allowed("StopRecordingRole", "s3") == ACTIONS["StopRecordingRole"]
    of_records = {
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeTags",
        "logs:GetQueryResults",
        "logs:StartQuery",
        "logs:StopQuery",
    }
    assert _allowed("ReportRecordingRole", "s3") == ACTIONS["ReportRecordingRole"] - of_records
    assert _allowed("StopRecordingRole", "cloudwatch-logs") & delivery == set()
    roles = cached_template(MAIN)["Resources"]
    assert roles["FlowLogDeliveryRole"]["Condition"] == "RecordsToLogGroup"


def _allowed(role: str, destination: str) -> set[str]:
    return {a for s in _statements(role, destination) for a in as_list(s["Action"])}


def _bucket_statement(sid: str) -> dict[str, Any]:
    statements = properties("FlowLogBucketPolicy")["PolicyDocument"]["Statement"]
    [statement] = [s for s in statements if s["Sid"] == sid]
    return statement


@pytest.mark.parametrize("sid", ["AWSLogDeliveryWrite", "AWSLogDeliveryAclCheck"])
def test_the_bucket_takes_this_accounts_log_deliveries_only(sid: str) -> None:
    statement = _bucket_statement(sid)
    assert statement["Principal"] == {"Service": "delivery.logs.amazonaws.com"}
    account = _condition(statement, "StringEquals")["aws:SourceAccount"]
    assert account == {"Ref": "AWS::AccountId"}
    source = _condition(statement, "ArnLike")["aws:SourceArn"]["Fn::Sub"]
    assert source == "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:*"


def test_log_deliveries_go_where_flow_logs_are_told_to_send() -> None:
    written = _bucket_statement("AWSLogDeliveryWrite")["Resource"]["Fn::Sub"]
    folder = "${AWS::StackName}/${FlowLogFileFormat}/"
    assert written == "${FlowLogBucket.Arn}/" + folder + "AWSLogs/${AWS::AccountId}/*"
    variables = properties("StartRecordingFunction")["Environment"]["Variables"]
    arn = variables["FOLDER_ARN"]["Fn::If"][1]["Fn::Sub"][0]
    assert arn == "arn:${AWS::Partition}:s3:::${Bucket}/" + folder


def test_nobody_reads_the_bucket_in_clear_text() -> None:
    statement = _bucket_statement("TlsOnly")
    assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
    assert statement["Action"] == "s3:*"
    bucket = {"Fn::GetAtt": ["FlowLogBucket", "Arn"]}
    assert statement["Resource"] == [bucket, {"Fn::Sub": "${FlowLogBucket.Arn}/*"}]
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_another_buckets_policy_is_left_to_its_owner() -> None:
    template = cached_template(MAIN)
    assert template["Resources"]["FlowLogBucketPolicy"]["Condition"] == "CreatesBucket"
    assert properties("FlowLogBucketPolicy")["Bucket"] == {"Ref": "FlowLogBucket"}


def test_the_delivery_role_writes_to_one_group_for_this_accounts_flow_logs() -> None:
    for action in OWN_LOGS:
        [statement] = _statements_for("FlowLogDeliveryRole", action)
        assert statement["Resource"] == {"Fn::GetAtt": ["FlowLogGroup", "Arn"]}
    [trust] = ROLES["FlowLogDeliveryRole"]["AssumeRolePolicyDocument"]["Statement"]
    source = _condition(trust, "ArnLike")["aws:SourceArn"]["Fn::Sub"]
    assert source.endswith(":${AWS::AccountId}:vpc-flow-log/*")


def test_the_state_machine_invokes_its_functions_only() -> None:
    [statement] = _statements_for("RecorderRole", "lambda:InvokeFunction")
    substitutions = properties("Recorder")["DefinitionSubstitutions"]
    used = [value for name, value in substitutions.items() if name.endswith("Function")]
    assert statement["Resource"] == used


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_every_star_has_its_reason_beside_it(path: Path) -> None:
    text = path.read_text()
    lines = text.splitlines()
    unexplained = [
        f"line {number + 1}: {lines[number].strip()}"
        for number in _lines_with_stars(yaml.compose(text))
        if "#" not in lines[number] and not lines[number - 1].lstrip().startswith("#")
    ]
    assert unexplained == []


def _lines_with_stars(node: yaml.Node, key: str = "") -> Iterator[int]:
    """The lines (from 0) of every Resource and Principal of a policy that has a `*`."""
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            inside = key if key in ("Resource", "Principal") else name.value
            yield from _lines_with_stars(value, inside)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _lines_with_stars(item, key)
    elif key in ("Resource", "Principal") and "*" in node.value:
        yield node.start_mark.line


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_no_action_has_a_star(path: Path) -> None:
    text = strings(cached_template(path)["Resources"])
    services = ("dynamodb", "ec2", "events", "iam", "lambda", "logs", "sns", "sqs", "states")
    stars = [s for s in text if "*" in s and s.split(":")[0] in services]
    assert stars == []


@pytest.mark.parametrize("path", [*TEMPLATES, STATE_MACHINE], ids=name_of)
def test_no_arn_names_its_partition(path: Path) -> None:
    assert "arn:aws" not in path.read_text()


@pytest.mark.parametrize(
    ("policy", "sender", "action"),
    [
        ("DeadLetterQueuePolicy", "events.amazonaws.com", "sqs:SendMessage"),
        ("ReportsTopicPolicy", "cloudwatch.amazonaws.com", "sns:Publish"),
    ],
)
def test_queue_and_topic_take_messages_over_tls_from_here(
    policy: str, sender: str, action: str
) -> None:
    statements = properties(policy)["PolicyDocument"]["Statement"]
    [clear_text] = [s for s in statements if s["Effect"] == "Deny"]
    assert clear_text["Principal"] == "*"
    assert clear_text["Action"] == action
    assert clear_text["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    [service] = [s for s in statements if s["Principal"] == {"Service": sender}]
    assert service["Action"] == action
    assert {"aws:SourceArn", "aws:SourceAccount"} & set(strings(service["Condition"]))


def test_the_queue_takes_undelivered_events_of_the_stacks_rules() -> None:
    statement = properties("DeadLetterQueuePolicy")["PolicyDocument"]["Statement"][0]
    rules = resources(cached_template(MAIN), "AWS::Events::Rule")
    sources = [{"Fn::GetAtt": [rule, "Arn"]} for rule in rules]
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": sources}}
