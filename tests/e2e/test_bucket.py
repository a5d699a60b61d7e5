"""Recordings in a bucket: delivered, told of, read by natflow and by the Athena queries."""

from __future__ import annotations

import gzip
import json
import re
import shlex
from pathlib import Path
from typing import Any

import duckdb
import pytest
from botocore.exceptions import ClientError

from local.local_aws import ACCOUNT_ID, LocalAws
from local.template import DeploymentError
from tests.e2e.athena import Athena
from tests.e2e.conftest import Deploy
from tests.e2e.stack import RecorderStack
from tests.e2e.test_natflow import Natflow
from tests.e2e.test_recording import CLIENT, FLOW, FORMAT, PEER, REGIONAL_FORMAT, fields

TO_BUCKET = {"FlowLogDestination": "s3"}
FORMATS = {"text": ".log.gz", "parquet": ".log.parquet"}


def record(stack: RecorderStack) -> tuple[str, dict[str, Any]]:
    """A whole recording with records: the flow log, and the e-mail."""
    after = stack.aws.now()
    stack.aws.set_traffic(stack.gateway, [FLOW], every_ms=100)
    execution = stack.raise_alarm()
    flow_log = stack.wait_recording(execution)
    stack.wait_records(flow_log, after)
    stack.wait_until_waiting(after=after)
    stack.clear_alarm()
    mail = stack.assert_recorded(stack.wait_end(execution))
    stack.aws.set_traffic(stack.gateway, [])
    return flow_log, mail


def bucket(stack: RecorderStack) -> str:
    return stack.resources["FlowLogBucket"]


def keys(aws: LocalAws, name: str, prefix: str = "") -> list[str]:
    """The keys in a bucket."""
    pages = aws.client("s3").get_paginator("list_objects_v2").paginate(Bucket=name, Prefix=prefix)
    return [found["Key"] for page in pages for found in page.get("Contents", [])]


def download(aws: LocalAws, name: str, prefix: str, folder: Path) -> dict[str, Path]:
    """The objects of a folder as files, by their keys."""
    files = {}
    for number, key in enumerate(keys(aws, name, prefix)):
        files[key] = folder / f"{number}-{key.rsplit('/', 1)[1]}"
        aws.client("s3").download_file(name, key, str(files[key]))
    return files


def folders(body: str) -> list[str]:
    """The folders that an e-mail names on lines of their own."""
    return re.findall(r"^(s3://\S+/)$", body, re.MULTILINE)


def natflow_command(body: str) -> list[str]:
    """The arguments of the command that an e-mail gives, from its line to the next empty one."""
    _, command = body.split("\nnatflow ", 1)
    return shlex.split(command.split("\n\n", 1)[0].replace("\\\n", " "))


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_recording_is_read_by_natflow_and_by_athenas_queries(
    deploy: Deploy, tmp_path: Path, file_format: str
) -> None:
    stack = deploy(**TO_BUCKET, FlowLogFileFormat=file_format)
    flow_log, mail = record(stack)

    (folder,) = set(folders(mail["body"]))
    prefix = f"{stack.name}/{file_format}/AWSLogs/{ACCOUNT_ID}/vpcflowlogs/us-east-1/"
    assert folder.startswith(f"s3://{bucket(stack)}/{prefix}")
    files = download(stack.aws, bucket(stack), folder.split("/", 3)[3], tmp_path)
    assert len(files) > 0
    name = rf"{ACCOUNT_ID}_vpcflowlogs_us-east-1_{flow_log}_\d{{8}}T\d{{4}}Z_[0-9a-f]{{8}}"
    for key in files:
        assert re.fullmatch(name + re.escape(FORMATS[file_format]), key.rsplit("/", 1)[1])

    athena = the_athena(stack, files)
    (row,) = athena.rows(narrowed(athena.saved_query(f"{stack.name}/Top pairs"), mail["body"]))
    delivered = [e["object"] for e in stack.journal_of_records(flow_log)]
    assert sorted(delivered) == sorted(f"s3://{bucket(stack)}/{key}" for key in files)
    assert (row["client"], row["peer"]) == (CLIENT, PEER)
    assert row["records"] == 2 * len(files)
    assert row["upload_bytes"] * 50 == pytest.approx(row["download_bytes"], rel=0.01)

    command = [*natflow_command(mail["body"]), "--output", "json"]
    (top,) = json.loads(Natflow(stack.aws, tmp_path).succeed(*command))
    assert (top["client"], top["peer"]) == (CLIENT, PEER)
    assert top["bytes"] == row["total_bytes"]
    # The report does not read a bucket; a page of it does.
    page = Natflow(stack.aws, tmp_path).succeed("report", "--html", "--stack", stack.name)
    assert '<svg viewBox="0 0 800' in page
    assert f"{CLIENT} downloaded" in page
    assert "is in the records in the bucket" not in page

    decoded = athena.rows(athena.saved_query(f"{stack.name}/Decoded records"))
    assert len(decoded) == 4 * len(files)
    assert {record["recorded_on"] for record in decoded} == {stack.gateway.interface_id}


def the_athena(stack: RecorderStack, files: dict[str, Path]) -> Athena:
    database = stack.resources["RecordedFlowsDatabase"]
    name = stack.resources["RecordedFlowsTable"]
    table = stack.aws.client("glue").get_table(DatabaseName=database, Name=name)["Table"]
    return Athena(stack.aws, stack.resources["AthenaWorkGroup"], table, files)


def narrowed(text: str, body: str) -> str:
    """A saved query with the conditions of an e-mail in the place that it names."""
    conditions = "\n".join(re.findall(r"^AND .*$", body, re.MULTILINE))
    assert conditions
    text, replaced = re.subn(r"-- To look at one recording, .*", lambda _: conditions, text)
    assert replaced == 1
    return text


def test_the_conditions_of_an_email_pick_its_recording(deploy: Deploy, tmp_path: Path) -> None:
    stack = deploy(**TO_BUCKET)
    _, mail = record(stack)
    files = download(stack.aws, bucket(stack), stack.name, tmp_path)
    athena = the_athena(stack, files)
    decode = athena.saved_query(f"{stack.name}/Decoded records")
    assert len(athena.rows(narrowed(decode, mail["body"]))) == 4 * len(files)
    for wrong in (
        mail["body"].replace(stack.gateway.interface_id, "eni-0"),
        re.sub(r"BETWEEN (\d+) AND \d+", r"BETWEEN 0 AND \1 - 3600", mail["body"]),
        re.sub(r"BETWEEN '.*'", "BETWEEN '2020/01/01' AND '2020/01/02'", mail["body"]),
    ):
        assert athena.rows(narrowed(decode, wrong)) == []


def test_the_email_says_which_query_to_run(deploy: Deploy) -> None:
    stack = deploy(**TO_BUCKET)
    _, mail = record(stack)
    for words in (
        f'the saved query "{stack.name}/Top pairs"',
        f"Choose the work group {stack.name} in Athena",
        "in the bucket, the last by about ",
        "natflow top --by pair",
        f"--gateway {stack.gateway.private_ip}",
    ):
        assert words in mail["words"]
    assert "/athena/home?region=us-east-1#/query-editor/saved-queries\n" in mail["body"]
    assert "Logs Insights" not in mail["body"]


def test_the_flow_log_sends_to_the_stacks_folder_in_the_chosen_format(deploy: Deploy) -> None:
    stack = deploy(**TO_BUCKET, FlowLogFileFormat="parquet")
    stack.wait_recording(stack.raise_alarm())
    (flow_log,) = stack.flow_logs()
    assert flow_log["LogDestinationType"] == "s3"
    assert flow_log["LogDestination"] == f"arn:aws:s3:::{bucket(stack)}/{stack.name}/parquet/"
    assert flow_log["DestinationOptions"] == {
        "FileFormat": "parquet",
        "HiveCompatiblePartitions": False,
        "PerHourPartition": False,
    }
    assert not flow_log.keys() & {"LogGroupName", "DeliverLogsPermissionArn"}
    assert fields(flow_log) == FORMAT
    assert flow_log["MaxAggregationInterval"] == 60


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_regional_gateway_is_named_in_the_same_column(
    deploy: Deploy, tmp_path: Path, file_format: str
) -> None:
    """No traffic passes regional gateways here: a file such as AWS would write."""
    stack = deploy(**TO_BUCKET, FlowLogFileFormat=file_format)
    gateway = "nat-0123456789abcdef0"
    values = ["ACCEPT", "ingress", "-", CLIENT, "40000", PEER, "443", "6", "1000", "IPv4", CLIENT]
    values += ["-", PEER, "S3", "1", "1795240500", "1795240560", "2", "OK", gateway]
    file = tmp_path / f"records{FORMATS[file_format]}"
    write(file, dict(zip(REGIONAL_FORMAT, values, strict=True)))
    key = f"{stack.name}/{file_format}/AWSLogs/{ACCOUNT_ID}/vpcflowlogs/us-east-1/2026/11/21/x"
    athena = the_athena(stack, {key: file})
    (record,) = athena.rows(athena.saved_query(f"{stack.name}/Decoded records"))
    assert record["recorded_on"] == gateway
    assert (record["bytes"], record["path"]) == (1000, None)


def write(file: Path, record: dict[str, str]) -> None:
    """One record as text or as Parquet."""
    if file.suffix == ".gz":
        text = f"{' '.join(record)}\n{' '.join(record.values())}\n"
        file.write_bytes(gzip.compress(text.encode()))
        return
    columns = ", ".join(
        f'{repr(value) if value != "-" else "NULL"} AS "{name.replace("-", "_")}"'
        for name, value in record.items()
    )
    duckdb.execute(f"COPY (SELECT {columns}) TO '{file}' (FORMAT parquet)")


def test_the_default_destination_has_nothing_of_a_bucket(stack: RecorderStack) -> None:
    assert not [name for name in stack.resources if name.startswith(("FlowLogBucket", "Athena"))]
    assert "RecordedFlowsTable" not in stack.resources
    outputs = stack.aws.outputs(stack.name)
    assert "FlowLogGroupName" in outputs
    assert "FlowLogFolder" not in outputs


# -- A bucket that exists already --------------------------------------------------------------


@pytest.fixture
def given(aws: LocalAws, request: pytest.FixtureRequest) -> str:
    """A bucket without a policy."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name)[:55].strip("-")
    aws.client("s3").create_bucket(Bucket=name)
    return name


def delivery_policy(name: str, stack: str, account: str = ACCOUNT_ID) -> dict[str, Any]:
    """The policy that README.md asks the owner of a bucket for."""
    source = {
        "StringEquals": {"aws:SourceAccount": account},
        "ArnLike": {"aws:SourceArn": f"arn:aws:logs:us-east-1:{account}:*"},
    }
    principal = {"Service": "delivery.logs.amazonaws.com"}
    acl = {"s3:x-amz-acl": "bucket-owner-full-control"}
    write = {
        "Effect": "Allow",
        "Principal": principal,
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{name}/{stack}/*",
        "Condition": source | {"StringEquals": source["StringEquals"] | acl},
    }
    look = {
        "Effect": "Allow",
        "Principal": principal,
        "Action": ["s3:GetBucketAcl", "s3:ListBucket"],
        "Resource": f"arn:aws:s3:::{name}",
        "Condition": source,
    }
    return {"Version": "2012-10-17", "Statement": [write, look]}


def put_policy(aws: LocalAws, name: str, policy: dict[str, Any]) -> None:
    aws.client("s3").put_bucket_policy(Bucket=name, Policy=json.dumps(policy))


def test_a_given_bucket_is_used_and_its_policy_left_alone(deploy: Deploy, given: str) -> None:
    stack = deploy(**TO_BUCKET, FlowLogBucketName=given)
    policy = delivery_policy(given, stack.name)
    put_policy(stack.aws, given, policy)
    _, mail = record(stack)
    assert "FlowLogBucket" not in stack.resources
    assert set(folders(mail["body"])) == {
        f"s3://{given}/{key.rsplit('/', 1)[0]}/" for key in keys(stack.aws, given)
    }
    answer = stack.aws.client("s3").get_bucket_policy(Bucket=given)
    assert json.loads(answer["Policy"]) == policy


@pytest.mark.parametrize(
    "wrong", ["no policy", "another account", "another folder", "no ACL check"]
)
def test_a_bucket_that_does_not_let_aws_deliver_fails_the_recording(
    deploy: Deploy, given: str, wrong: str
) -> None:
    stack = deploy(**TO_BUCKET, FlowLogBucketName=given)
    policies = {
        "another account": delivery_policy(given, stack.name, account="210987654321"),
        "another folder": delivery_policy(given, "other"),
        "no ACL check": delivery_policy(given, stack.name),
    }
    policies["no ACL check"]["Statement"].pop()
    if wrong in policies:
        put_policy(stack.aws, given, policies[wrong])
    ended = stack.wait_end(stack.raise_alarm())
    code = "LogDestinationPermissionIssueException"
    stack.assert_failed(ended, "FlowLogRefused", code, f"LogDestination: {given}")
    stack.assert_nothing_is_left()
    assert stack.counted() == 0


def test_a_bucket_that_does_not_exist_fails_the_recording(deploy: Deploy) -> None:
    stack = deploy(**TO_BUCKET, FlowLogBucketName="there-is-no-such-bucket")
    ended = stack.wait_end(stack.raise_alarm())
    stack.assert_failed(ended, "FlowLogRefused", "LogDestinationNotFoundException")


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"FlowLogBucketName": "logs"}, 'FlowLogBucketName is "logs", expected'),
        ({"FlowLogFileFormat": "parquet"}, 'FlowLogFileFormat is "parquet", expected'),
        (TO_BUCKET | {"FlowLogBucketName": "s3://logs"}, "FlowLogBucketName must be empty or"),
        ({"FlowLogDestination": "firehose"}, "FlowLogDestination must be cloudwatch-logs or s3"),
    ],
)
def test_parameters_that_do_not_go_together_fail_the_deployment(
    deploy: Deploy, parameters: dict[str, str], sentence: str
) -> None:
    with pytest.raises(DeploymentError, match=re.escape(sentence)):
        deploy(**parameters)


# -- Other flow logs, other parameters, no stack any more --------------------------------------


def create_flow_log(stack: RecorderStack, arn: str) -> str:
    """Somebody's flow log on the gateway's interface."""
    made = stack.aws.client("ec2").create_flow_logs(
        ResourceType="NetworkInterface",
        ResourceIds=[stack.gateway.interface_id],
        TrafficType="ALL",
        LogDestinationType="s3",
        LogDestination=arn,
        MaxAggregationInterval=60,
    )
    assert made["Unsuccessful"] == []
    return made["FlowLogIds"][0]


def test_another_flow_log_to_the_same_folder_is_in_the_way(deploy: Deploy) -> None:
    stack = deploy(**TO_BUCKET)
    folder = f"arn:aws:s3:::{bucket(stack)}/{stack.name}/text/"
    other = create_flow_log(stack, folder)
    ended = stack.wait_end(stack.raise_alarm())
    stack.assert_failed(ended, "FlowLogTaken", other)


def test_a_flow_log_to_another_folder_is_not_in_the_way(deploy: Deploy, given: str) -> None:
    stack = deploy(**TO_BUCKET, FlowLogBucketName=given)
    put_policy(stack.aws, given, delivery_policy(given, "*"))
    create_flow_log(stack, f"arn:aws:s3:::{given}/others/")
    record(stack)


def test_the_format_can_be_changed_and_mixes_with_none(deploy: Deploy) -> None:
    stack = deploy(**TO_BUCKET)
    record(stack)
    stack.deploy(FlowLogFileFormat="parquet")
    stack.clear_alarm()
    record(stack)
    ends = {key.split("/")[1]: key.rsplit(".", 1)[1] for key in keys(stack.aws, bucket(stack))}
    assert ends == {"text": "gz", "parquet": "parquet"}


def test_the_destination_can_be_changed_and_what_was_recorded_stays(deploy: Deploy) -> None:
    stack = deploy()
    group = stack.resources["FlowLogGroup"]
    stack.deploy(**TO_BUCKET)
    assert "FlowLogGroup" not in stack.resources
    logs = stack.aws.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    assert [found["logGroupName"] for found in logs] == [group]
    record(stack)
    assert keys(stack.aws, bucket(stack))


def test_the_bucket_outlives_the_stack_and_nothing_else_does(deploy: Deploy) -> None:
    stack = deploy(**TO_BUCKET)
    record(stack)
    name, database = bucket(stack), stack.resources["RecordedFlowsDatabase"]
    policy = stack.aws.client("s3").get_bucket_policy(Bucket=name)["Policy"]
    stack.aws.delete(stack.name)
    assert keys(stack.aws, name)
    assert stack.aws.client("s3").get_bucket_policy(Bucket=name)["Policy"] == policy
    groups = stack.aws.client("athena").list_work_groups()["WorkGroups"]
    assert stack.name not in [group["Name"] for group in groups]
    with pytest.raises(ClientError, match="EntityNotFoundException"):
        stack.aws.client("glue").get_database(Name=database)


def test_the_bucket_is_private_encrypted_and_forgets(deploy: Deploy) -> None:
    stack = deploy(**TO_BUCKET, VPCFlowLogRetentionTimeDays=30)
    client = stack.aws.client("s3")
    name = bucket(stack)
    blocked = client.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    assert set(blocked.values()) == {True}
    encryption = client.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]
    (rule,) = encryption["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    (rule,) = client.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    assert (rule["Status"], rule["Expiration"]["Days"]) == ("Enabled", 30)
    table = the_athena(stack, {}).table["Parameters"]
    assert table["projection.day.range"] == "NOW-30DAYS,NOW"
