"""What the resources of the main template promise."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.templates.documents import (
    MAIN,
    ROOT,
    TEMPLATES,
    as_list,
    cached_template,
    name_of,
    properties,
    resources,
)

# Properties that name a resource for the whole account and region.
NAMES = {
    "AlarmName",
    "DashboardName",
    "FunctionName",
    "LogGroupName",
    "Name",
    "QueueName",
    "RoleName",
    "StateMachineName",
    "TableName",
    "TopicName",
}
# They are names of other resources there, or must be written out.
NAMES_OF_OTHERS = {
    ("AWS::Lambda::EventSourceMapping", "FunctionName"),
    ("AWS::Lambda::Permission", "FunctionName"),
    ("AWS::Logs::LogStream", "LogGroupName"),
    ("AWS::Logs::SubscriptionFilter", "LogGroupName"),
    ("Custom::Sources", "LogGroupName"),
}
MACRO = "AWS::CloudFormation::Macro"
CUSTOMER_KEY = {"Fn::If": ["HasKmsKey", {"Ref": "KmsKeyArn"}, {"Ref": "AWS::NoValue"}]}


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_no_two_stacks_fight_over_a_name(path: Path) -> None:
    fixed = [
        f"{logical_id}.{name}"
        for logical_id, resource in cached_template(path)["Resources"].items()
        for name, value in resource.get("Properties", {}).items()
        if name in NAMES
        and resource["Type"] != MACRO
        and (resource["Type"], name) not in NAMES_OF_OTHERS
        and "${AWS::StackName}" not in str(value)
    ]
    assert fixed == []


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_what_holds_data_says_what_becomes_of_it(path: Path) -> None:
    kinds = {"AWS::Logs::LogGroup", "AWS::DynamoDB::Table", "AWS::SQS::Queue", "AWS::S3::Bucket"}
    records = {"FlowLogGroup", "FlowLogBucket", "UndeliveredBucket"}
    for logical_id, resource in cached_template(path)["Resources"].items():
        if resource["Type"] in kinds:
            kept = "Retain" if logical_id in records else "Delete"
            policies = (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy"))
            if logical_id == "UndeliveredBucket":
                # It may be created before the deployment fails.
                assert policies == ("RetainExceptOnCreate", "Retain")
                continue
            assert policies == (kept, kept), logical_id


def test_the_flow_log_group_is_as_its_parameters_say() -> None:
    assert properties("FlowLogGroup") == {
        "LogGroupClass": {"Ref": "LogGroupClass"},
        "RetentionInDays": {"Ref": "VPCFlowLogRetentionTimeDays"},
        "KmsKeyId": CUSTOMER_KEY,
    }


def test_the_bucket_is_private_and_forgets() -> None:
    own = properties("FlowLogBucket")
    assert set(own["PublicAccessBlockConfiguration"].values()) == {True}
    [encryption] = own["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption["ServerSideEncryptionByDefault"] == {
        "Fn::If": [
            "HasKmsKey",
            {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": {"Ref": "KmsKeyArn"}},
            {"SSEAlgorithm": "AES256"},
        ]
    }
    [rule] = own["LifecycleConfiguration"]["Rules"]
    assert rule["Status"] == "Enabled"
    assert rule["ExpirationInDays"] == {"Ref": "VPCFlowLogRetentionTimeDays"}
    # Its policy goes on refusing clear text, and lets the last objects in.
    policy = cached_template(MAIN)["Resources"]["FlowLogBucketPolicy"]
    assert policy["DeletionPolicy"] == policy["UpdateReplacePolicy"] == "Retain"


def test_a_resource_exists_for_its_destination_only() -> None:
    """What the default destination creates is what it created before there was another."""
    to_bucket = {"AWS::S3::Bucket", "AWS::S3::BucketPolicy", "AWS::Glue::Database"}
    to_bucket |= {"AWS::Glue::Table", "AWS::Athena::WorkGroup", "AWS::Athena::NamedQuery"}
    to_group = {"AWS::Logs::QueryDefinition"}
    for logical_id, resource in cached_template(MAIN)["Resources"].items():
        expected = None
        if resource["Type"] in to_bucket:
            own = logical_id.startswith("FlowLogBucket")
            expected = "CreatesBucket" if own else "RecordsToBucket"
        elif resource["Type"] in to_group or logical_id.startswith(("FlowLogGroup", "FlowLogDel")):
            expected = "RecordsToLogGroup"
        elif resource["Type"] == "AWS::CloudWatch::Dashboard":
            expected = "HasDashboard"
        assert resource.get("Condition") == expected, logical_id


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_every_log_group_forgets(path: Path) -> None:
    for logical_id, group in resources(cached_template(path), "AWS::Logs::LogGroup").items():
        assert "RetentionInDays" in group["Properties"], logical_id


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_nothing_secret_and_no_account_is_in_a_template(path: Path) -> None:
    # Queries have round numbers of as many digits as an account.
    found = re.findall(r"\bA[KS]IA[A-Z0-9]{16}\b|\b(?!10+\b)\d{12}\b", path.read_text())
    assert found == []


FUNCTIONS = resources(cached_template(MAIN), "AWS::Serverless::Function")
# Settings that several functions read.
STACK_PLACE = ROOT / "crates" / "lambda-kit" / "src" / "place.rs"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_is_built_from_its_package(function: str) -> None:
    resource = FUNCTIONS[function]
    assert resource["Metadata"] == {"BuildMethod": "rust-cargolambda"}
    package = re.sub(r"(?<!^)(?=[A-Z])", "-", function.removesuffix("Function")).lower()
    assert resource["Properties"]["CodeUri"] == f"./functions/{package}"
    assert (ROOT / "functions" / package / "Cargo.toml").is_file()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_gets_the_settings_that_it_reads(function: str) -> None:
    own = FUNCTIONS[function]["Properties"]
    text = "".join(path.read_text() for path in (ROOT / own["CodeUri"]).rglob("*.rs"))
    if "StackPlace" in text:
        text += STACK_PLACE.read_text()
    read = set(re.findall(r'settings::\w+\(\s*"([A-Z_]+)"', text))
    assert set(own["Environment"]["Variables"]) == read


def test_functions_run_on_the_chosen_architecture() -> None:
    shared = cached_template(MAIN)["Globals"]["Function"]
    assert shared["Runtime"] == "provided.al2023"
    assert shared["Architectures"] == [{"Ref": "Architecture"}]
    assert shared["Environment"]["Variables"] == {"RUST_LOG": "info"}


@pytest.mark.parametrize("function", ["ResumeRecordingFunction", "SweepRecordingsFunction"])
def test_what_a_function_cannot_handle_ends_in_the_queue(function: str) -> None:
    config = properties(function)["EventInvokeConfig"]
    assert config["MaximumRetryAttempts"] == 2
    queue = {"Fn::GetAtt": ["DeadLetterQueue", "Arn"]}
    assert config["DestinationConfig"]["OnFailure"] == {"Type": "SQS", "Destination": queue}


def test_every_asynchronous_function_has_a_destination_for_failures() -> None:
    targets = {
        target["Arn"]["Fn::GetAtt"][0]
        for rule in resources(cached_template(MAIN), "AWS::Events::Rule").values()
        for target in rule["Properties"]["Targets"]
        if "Fn::GetAtt" in target["Arn"]
    }
    targets.add(properties("Recordings")["ServiceToken"]["Fn::GetAtt"][0])
    for function in targets:
        assert "OnFailure" in properties(function)["EventInvokeConfig"]["DestinationConfig"]


def test_the_state_machine_logs_errors_without_their_data() -> None:
    logging = properties("Recorder")["Logging"]
    assert (logging["Level"], logging["IncludeExecutionData"]) == ("ERROR", False)


def test_reports_go_to_the_address_that_was_given() -> None:
    assert properties("ReportsSubscription") == {
        "TopicArn": {"Ref": "ReportsTopic"},
        "Protocol": "email",
        "Endpoint": {"Ref": "EmailAddress"},
        "FilterPolicy": {"format": [{"anything-but": ["json"]}, {"exists": False}]},
    }


def test_the_topic_takes_messages_from_alarms() -> None:
    """A topic encrypted with alias/aws/sns would not, and a customer's key has a policy for them."""
    assert properties("ReportsTopic")["KmsMasterKeyId"] == CUSTOMER_KEY


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_every_log_group_is_encrypted_with_the_customers_key(path: Path) -> None:
    for logical_id, group in resources(cached_template(path), "AWS::Logs::LogGroup").items():
        assert group["Properties"].get("KmsKeyId") == CUSTOMER_KEY, logical_id


def test_the_queue_is_encrypted_with_one_key_or_the_other() -> None:
    own = properties("DeadLetterQueue")
    assert own["SqsManagedSseEnabled"] == {"Fn::If": ["HasKmsKey", False, True]}
    assert own["KmsMasterKeyId"] == CUSTOMER_KEY


def test_every_table_is_encrypted_with_a_key_of_the_account() -> None:
    for table in resources(cached_template(MAIN), "AWS::DynamoDB::Table").values():
        assert table["Properties"]["SSESpecification"] == {
            "SSEEnabled": True,
            "SSEType": "KMS",
            "KMSMasterKeyId": CUSTOMER_KEY,
        }


QUERIES = resources(cached_template(MAIN), "AWS::Logs::QueryDefinition")


def test_there_are_saved_queries() -> None:
    assert "DecodeQuery" in QUERIES


@pytest.mark.parametrize("query", QUERIES)
def test_a_saved_query_is_in_the_stacks_folder(query: str) -> None:
    own = QUERIES[query]["Properties"]
    assert own["Name"]["Fn::Sub"].startswith("${AWS::StackName}/")
    assert own["LogGroupNames"] == [{"Ref": "FlowLogGroup"}]
    # What a query definition holds.
    assert len(own["QueryString"]) <= 10_000


NAMED_QUERIES = resources(cached_template(MAIN), "AWS::Athena::NamedQuery")


def test_every_question_is_saved_for_both_destinations() -> None:
    names = {query: own["Properties"]["Name"] for query, own in QUERIES.items()}
    for query, own in NAMED_QUERIES.items():
        assert own["Properties"]["Name"] == names.pop(query.replace("AthenaQuery", "Query"))
        assert own["Properties"]["Database"] == {"Ref": "RecordedFlowsDatabase"}
        assert own["Properties"]["WorkGroup"] == {"Ref": "AthenaWorkGroup"}
        table = properties("RecordedFlowsTable")["TableInput"]["Name"]
        assert f"FROM {table}\n" in own["Properties"]["QueryString"]
    assert names == {}


def test_the_tables_days_are_the_folders_that_aws_writes() -> None:
    own = properties("RecordedFlowsTable")["TableInput"]
    days = own["Parameters"]
    assert [key["Name"] for key in own["PartitionKeys"]] == ["day"]
    assert days["projection.day.format"] == "yyyy/MM/dd"
    assert days["projection.day.range"] == {"Fn::Sub": "NOW-${VPCFlowLogRetentionTimeDays}DAYS,NOW"}
    template = days["storage.location.template"]["Fn::Sub"][0]
    folder = properties("ReportRecordingFunction")["Environment"]["Variables"]["FOLDER"]
    in_region = "AWSLogs/${AWS::AccountId}/vpcflowlogs/${AWS::Region}/"
    assert template == folder["Fn::If"][1]["Fn::Sub"][0] + in_region + "${!day}"
    assert own["StorageDescriptor"]["Location"]["Fn::Sub"][0] + "${!day}" == template


OUTPUTS = cached_template(MAIN)["Outputs"]


@pytest.mark.parametrize("output", OUTPUTS)
def test_an_output_is_described(output: str) -> None:
    assert OUTPUTS[output]["Description"]


def test_the_recorded_format_is_shown() -> None:
    fields = OUTPUTS["RecordedLogFormat"]["Value"]
    assert fields.startswith("${action} ${flow-direction} ${traffic-path} ${srcaddr} ")


CONSOLES = [name for name in OUTPUTS if name.endswith("Console")]


def test_there_is_a_link_to_each_place() -> None:
    assert {
        "AthenaWorkGroupConsole",
        "FlowLogFolderConsole",
        "FlowLogGroupConsole",
        "LogsInsightsConsole",
        "RecorderConsole",
        "RecordingsTableConsole",
        "ReportsTopicConsole",
    } <= set(CONSOLES)


@pytest.mark.parametrize(
    ("partition", "region", "host"),
    [
        ("aws", "eu-central-1", "https://eu-central-1.console.aws.amazon.com/"),
        ("aws-cn", "cn-north-1", "https://cn-north-1.console.amazonaws.cn/"),
        ("aws-us-gov", "us-gov-west-1", "https://us-gov-west-1.console.amazonaws-us-gov.com/"),
    ],
)
@pytest.mark.parametrize("output", CONSOLES)
def test_a_link_leads_to_the_partitions_console(
    output: str, partition: str, region: str, host: str
) -> None:
    link = _resolved(OUTPUTS[output]["Value"]["Fn::Sub"], partition, region)
    assert link.startswith(host)
    assert re.search(rf"\?region={region}[#&]", link)
    assert re.search(r"physical-\w+", link)
    assert "${" not in link


def _resolved(sub: list[Any], partition: str, region: str) -> str:
    """The address, with `physical-X` for the resource X."""
    text, variables = sub
    mapping, _, key = variables["Host"]["Fn::FindInMap"]
    known = {
        "Host": cached_template(MAIN)["Mappings"][mapping][partition][key],
        "AWS::Region": region,
    }
    return re.sub(r"\$\{([\w:]+)\}", lambda m: known.get(m[1], f"physical-{m[1]}"), text)


def test_references_lead_somewhere_in_the_template() -> None:
    """SAM and macros could hide a misspelt reference from the linters."""
    template = cached_template(MAIN)
    known = template["Resources"].keys() | template["Parameters"].keys()
    referred = {
        name
        for value in _intrinsics([template["Resources"], template["Outputs"]])
        for name in as_list(value)[:1]
        if not name.startswith("AWS::")
    }
    assert referred - known == set()


def _intrinsics(value: Any) -> list[Any]:
    if isinstance(value, list):
        return [found for item in value for found in _intrinsics(item)]
    if not isinstance(value, dict):
        return []
    own = [value[key] for key in ("Ref", "Fn::GetAtt") if key in value]
    text, *variables = as_list(value.get("Fn::Sub", ""))
    known = {name for given in variables for name in given}
    own += [name for name in re.findall(r"\$\{([A-Za-z]\w*)\}", text) if name not in known]
    return own + [found for item in value.values() for found in _intrinsics(item)]
