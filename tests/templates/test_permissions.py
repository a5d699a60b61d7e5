"""Least privilege: each role may do what is listed here, on what it needs it for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.templates.documents import (
    MAIN,
    STATE_MACHINE,
    TEMPLATES,
    as_list,
    cached_template,
    name_of,
    properties,
    resources,
    strings,
)
from tests.templates.roles import (
    ROLES,
    Row,
    actions,
    deployed,
    documented,
    statements,
    statements_for,
)

OWN_LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}

FUNCTIONS = {
    function: (path, resource["Properties"])
    for path in TEMPLATES
    for function, resource in resources(cached_template(path), "AWS::Serverless::Function").items()
}


def _condition(statement: dict[str, Any], operator: str) -> dict[str, Any]:
    return statement.get("Condition", {}).get(operator, {})


def test_each_statement_has_its_row_in_the_documentation() -> None:
    rows = Counter(row.key for row in documented())
    assert rows == Counter(row.key for row in deployed())


@pytest.mark.parametrize("row", documented(), ids=lambda row: f"{row.role}-{row.actions[0]}")
def test_a_row_says_on_what_and_what_for(row: Row) -> None:
    assert row.purpose
    on_all = [s["Resource"] == "*" for s, _ in statements(row.role) if _is_of(s, row)]
    # With the reason why there is nothing to choose.
    assert row.on.startswith("`*`: ") in on_all


def _is_of(statement: dict[str, Any], row: Row) -> bool:
    return tuple(sorted(as_list(statement["Action"]))) == row.actions


@pytest.mark.parametrize("role", ROLES)
def test_a_role_has_nothing_but_its_own_statements(role: str) -> None:
    assert not ROLES[role]["Properties"].keys() & {"ManagedPolicyArns", "RoleName"}
    assert all(statement["Effect"] == "Allow" for statement, _ in statements(role))


def test_a_policy_beside_the_roles_would_be_overlooked() -> None:
    kinds = {resource["Type"] for path in TEMPLATES for resource in _resources_of(path)}
    assert not kinds & {"AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy"}


def _resources_of(path: Path) -> Iterable[dict[str, Any]]:
    return cached_template(path)["Resources"].values()


# The services that encrypt in their caller's name, and what for:
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
# https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
# https://docs.aws.amazon.com/streams/latest/dev/permissions-user-key-KMS.html
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
# https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
# https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-access.html
NEEDED_OF_THE_KEY = {
    "dynamodb": {"kms:Decrypt"},
    "kinesis:GetRecords": {"kms:Decrypt"},
    "kinesis:PutRecord": {"kms:GenerateDataKey"},
    "s3:GetObject": {"kms:Decrypt"},
    "s3:PutObject": {"kms:GenerateDataKey", "kms:Decrypt"},
    "secretsmanager": {"kms:Decrypt"},
    "sns": {"kms:GenerateDataKey*", "kms:Decrypt"},
    "sqs": {"kms:GenerateDataKey", "kms:Decrypt"},
    "ssm": {"kms:Decrypt"},
}


def needed_of_the_key(role: str) -> dict[str, set[str]]:
    """What a role needs the customer's key for, by the service that it is used through."""
    needed: dict[str, set[str]] = {}
    for action in actions(role):
        service = action.split(":")[0]
        of_key = NEEDED_OF_THE_KEY.get(service, set()) | NEEDED_OF_THE_KEY.get(action, set())
        if of_key:
            needed[service] = needed.get(service, set()) | of_key
    return needed


@pytest.mark.parametrize("role", ROLES)
def test_a_role_uses_the_key_through_the_services_that_it_calls(role: str) -> None:
    through = {}
    for statement, choice in statements(role):
        done = set(as_list(statement["Action"]))
        if statement["Resource"] == {"Ref": "DatadogApiKeyKmsKeyArn"}:
            # Another key, for what the function decrypts by itself.
            assert (role, done) == ("ForwardDatadogRole", {"kms:Decrypt"})
        elif any(action.startswith("kms:") for action in done):
            assert choice == "KmsKeyArn"
            assert statement["Resource"] == {"Ref": "KmsKeyArn"}
            [(key, services)] = _condition(statement, "StringLike").items()
            assert key == "kms:ViaService"
            for listed in as_list(services):
                service, rest = listed["Fn::Sub"].split(".", 1)
                assert rest == "${AWS::Region}.amazonaws.*"
                through[service] = done
    assert through == needed_of_the_key(role)


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
        allowed = [s["Resource"] for s in statements_for(role, action)]
        assert allowed == [{"Fn::GetAtt": [group, "Arn"]}]


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_assumed_by_one_service(role: str) -> None:
    [statement] = ROLES[role]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
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
        for statement in statements_for("StartRecordingRole", "ec2:CreateFlowLogs")
        for resource in _kinds_of_resource(statement)
    }
    assert on == {"vpc-flow-log": own_tag, "natgateway": {}, "network-interface": {}}
    [tagging] = statements_for("StartRecordingRole", "ec2:CreateTags")
    assert _condition(tagging, "StringEquals") == {"ec2:CreateAction": "CreateFlowLogs"}
    assert _kinds_of_resource(tagging) == ["vpc-flow-log"]


def _kinds_of_resource(statement: dict[str, Any]) -> list[str]:
    arns = [resource["Fn::Sub"] for resource in as_list(statement["Resource"])]
    return [arn.rsplit(":", 1)[1].split("/")[0] for arn in arns]


@pytest.mark.parametrize("role", ["StartRecordingRole", "StopRecordingRole", "SweepRecordingsRole"])
def test_flow_logs_are_deleted_with_the_stacks_tag_only(role: str) -> None:
    [statement] = statements_for(role, "ec2:DeleteFlowLogs")
    own_tag = {"aws:ResourceTag/nat-flow-recorder:stack": {"Ref": "AWS::StackName"}}
    assert _condition(statement, "StringEquals") == own_tag
    assert _kinds_of_resource(statement) == ["vpc-flow-log"]


def test_executions_of_this_state_machine_only_are_looked_at_and_stopped() -> None:
    [listing] = statements_for("SweepRecordingsRole", "states:ListExecutions")
    assert listing["Resource"] == {"Ref": "Recorder"}
    for action in ("states:DescribeExecution", "states:StopExecution"):
        [statement] = statements_for("SweepRecordingsRole", action)
        assert statement["Resource"]["Fn::Sub"].endswith(":execution:${Recorder.Name}:*")


def test_one_role_is_passed_to_one_service_by_one_function() -> None:
    assert [role for role in ROLES if statements_for(role, "iam:PassRole")] == [
        "StartRecordingRole"
    ]
    [statement] = statements_for("StartRecordingRole", "iam:PassRole")
    assert statement["Resource"] == {"Fn::GetAtt": ["FlowLogDeliveryRole", "Arn"]}
    service = "vpc-flow-logs.amazonaws.com"
    assert _condition(statement, "StringEquals") == {"iam:PassedToService": service}


def test_a_bucket_takes_no_role_but_log_deliveries() -> None:
    """AWS delivers to buckets by itself: https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-create-flow-log.html"""
    choices = {
        action: choice
        for role in ("StartRecordingRole", "StopRecordingRole")
        for statement, choice in statements(role)
        for action in as_list(statement["Action"])
    }
    assert choices["iam:PassRole"] == "cloudwatch-logs"
    assert choices["logs:CreateLogDelivery"] == choices["logs:DeleteLogDelivery"] == "s3"
    assert cached_template(MAIN)["Resources"]["FlowLogDeliveryRole"]["Condition"] == (
        "RecordsToLogGroup"
    )


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
        [statement] = statements_for("FlowLogDeliveryRole", action)
        assert statement["Resource"] == {"Fn::GetAtt": ["FlowLogGroup", "Arn"]}
    [trust] = ROLES["FlowLogDeliveryRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    source = _condition(trust, "ArnLike")["aws:SourceArn"]["Fn::Sub"]
    assert source.endswith(":${AWS::AccountId}:vpc-flow-log/*")


def test_the_state_machine_invokes_its_functions_only() -> None:
    [statement] = statements_for("RecorderRole", "lambda:InvokeFunction")
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
def test_no_action_that_is_allowed_has_a_star(path: Path) -> None:
    allowed = [
        action
        for statement in _policy_statements(cached_template(path)["Resources"])
        if statement["Effect"] == "Allow"
        for action in as_list(statement["Action"])
    ]
    assert allowed
    # SNS's guide asks for it.
    assert {action for action in allowed if "*" in action} <= {"kms:GenerateDataKey*"}


def _policy_statements(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "Effect" in value:
            yield value
        else:
            value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _policy_statements(item)


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
def test_queue_and_topic_take_messages_from_here(policy: str, sender: str, action: str) -> None:
    allowed = [
        s for s in properties(policy)["PolicyDocument"]["Statement"] if s["Effect"] == "Allow"
    ]
    [service] = [s for s in allowed if s["Principal"] == {"Service": sender}]
    assert service["Action"] == action
    assert {"aws:SourceArn", "aws:SourceAccount"} & set(strings(service["Condition"]))


@pytest.mark.parametrize(
    ("policy", "resource"),
    [
        ("DeadLetterQueuePolicy", {"Fn::GetAtt": ["DeadLetterQueue", "Arn"]}),
        ("ReportsTopicPolicy", {"Ref": "ReportsTopic"}),
    ],
)
def test_nobody_does_anything_in_clear_text(policy: str, resource: Any) -> None:
    listed = properties(policy)["PolicyDocument"]["Statement"]
    [denied] = [s for s in listed if s["Effect"] == "Deny"]
    assert (denied["Principal"], denied["Resource"]) == ("*", resource)
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    # A topic's policy cannot say sns:*.
    allowed = {a for s in listed if s["Effect"] == "Allow" for a in as_list(s["Action"])}
    assert denied["Action"] == "sqs:*" or set(denied["Action"]) >= allowed


def test_the_queue_takes_undelivered_events_of_the_stacks_rules() -> None:
    statement = properties("DeadLetterQueuePolicy")["PolicyDocument"]["Statement"][0]
    rules = resources(cached_template(MAIN), "AWS::Events::Rule")
    sources = [{"Fn::GetAtt": [rule, "Arn"]} for rule in rules]
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": sources}}
