"""Buckets, flow logs to them, and the catalog and work groups that read them."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

from local.moto_patches.flow_log_buckets import allows, bucket_and_folder
from local.template import DeploymentError
from tests.local.test_resources import deploy

ACCOUNT = "123456789012"
DELIVERY = {"Service": "delivery.logs.amazonaws.com"}
BUCKET = {"Type": "AWS::S3::Bucket"}


def statement(**changes):
    """A statement that lets AWS's log delivery put objects into the folder f of the bucket b."""
    own = {"Effect": "Allow", "Principal": DELIVERY, "Action": "s3:PutObject"}
    return own | {"Resource": "arn:aws:s3:::b/f/*"} | changes


def may_put(*statements):
    request = {"aws:SourceAccount": ACCOUNT, "aws:SecureTransport": "true"}
    resource = "arn:aws:s3:::b/f/AWSLogs/123456789012/any-file"
    return allows({"Statement": list(statements)}, "s3:PutObject", resource, request)


def test_a_policy_must_allow_the_delivery_this_action_on_this_object():
    assert may_put(statement())
    assert may_put(statement(Action=["s3:GetBucketAcl", "s3:Put*"]))
    assert not may_put()
    assert not may_put(statement(Principal={"AWS": "arn:aws:iam::123456789012:root"}))
    assert not may_put(statement(Action="s3:GetObject"))
    assert not may_put(statement(Resource="arn:aws:s3:::b/g/*"))


def test_a_policys_conditions_must_hold():
    def given(condition):
        return may_put(statement(Condition=condition))

    assert given({"StringEquals": {"aws:SourceAccount": ["1", ACCOUNT]}})
    assert not given({"StringEquals": {"aws:SourceAccount": "1"}})
    assert not given({"StringEquals": {"aws:SourceAccount": ACCOUNT, "s3:x-amz-acl": "private"}})
    with pytest.raises(KeyError):
        given({"NumericEquals": {"aws:SourceAccount": 1}})


def test_a_denial_counts_when_its_condition_holds():
    clear_text = {"Bool": {"aws:SecureTransport": "false"}}
    everybody = {"Effect": "Deny", "Principal": "*", "Action": "s3:*"}
    assert may_put(statement(), statement(**everybody, Condition=clear_text))
    assert not may_put(statement(), statement(**everybody))


@pytest.mark.parametrize(
    ("arn", "parts"),
    [
        ("arn:aws:s3:::b", ("b", "")),
        ("arn:aws:s3:::b/", ("b", "")),
        ("arn:aws:s3:::b/f/g", ("b", "f/g/")),
        ("arn:aws-cn:s3:::b/f/g/", ("b", "f/g/")),
    ],
)
def test_a_destination_is_a_bucket_and_a_folder(arn, parts):
    assert bucket_and_folder(arn) == parts


def test_a_bucket_has_the_settings_of_its_properties(deployer, client):
    encryption = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    properties = {
        "BucketEncryption": {"ServerSideEncryptionConfiguration": [encryption]},
        "LifecycleConfiguration": {
            "Rules": [{"Id": "r", "Status": "Enabled", "ExpirationInDays": "7"}]
        },
    }
    name = deploy(deployer, {"Bucket": BUCKET | {"Properties": properties}})["Bucket"]
    assert name.startswith("stack-bucket-")
    (rule,) = client("s3").get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    assert (rule["ID"], rule["Expiration"]) == ("r", {"Days": 7})
    found = client("s3").get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]
    (rule,) = found["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}


def test_a_property_that_buckets_do_not_have_here_fails_the_stack(deployer):
    with pytest.raises(DeploymentError, match="the local AWS's buckets have no Bucketencryption"):
        deploy(deployer, {"Bucket": BUCKET | {"Properties": {"Bucketencryption": {}}}})


def test_a_policy_against_clear_text_refuses_nobody_here(deployer, client):
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*"}
    deny |= {"Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    policy = {"Bucket": {"Ref": "Bucket"}, "PolicyDocument": {"Statement": [deny]}}
    resources = {
        "Bucket": BUCKET,
        "Policy": {"Type": "AWS::S3::BucketPolicy", "Properties": policy},
    }
    name = deploy(deployer, resources)["Bucket"]
    client("s3").put_object(Bucket=name, Key="k", Body=b"x")
    assert client("s3").get_object(Bucket=name, Key="k")["Body"].read() == b"x"
    kept = client("s3").get_bucket_policy(Bucket=name)["Policy"]
    assert json.loads(kept)["Statement"] == [deny]
    client("s3").delete_object(Bucket=name, Key="k")


def test_an_element_that_is_no_value_is_left_out_of_its_list(deployer, client):
    nothing = {"Fn::If": ["No", "arn:aws:s3:::never", {"Ref": "AWS::NoValue"}]}
    allow = statement(Resource=["arn:aws:s3:::b", nothing])
    policy = {"Bucket": {"Ref": "Bucket"}, "PolicyDocument": {"Statement": [allow, nothing]}}
    resources = {
        "Bucket": BUCKET,
        "Policy": {"Type": "AWS::S3::BucketPolicy", "Properties": policy},
    }
    name = deploy(deployer, resources, Conditions={"No": {"Fn::Equals": ["a", "b"]}})["Bucket"]
    kept = json.loads(client("s3").get_bucket_policy(Bucket=name)["Policy"])
    assert [s["Resource"] for s in kept["Statement"]] == [["arn:aws:s3:::b"]]


def work_group(location):
    configuration = {"ResultConfiguration": {"OutputLocation": location}}
    group = {"Name": "g", "WorkGroupConfiguration": configuration, "RecursiveDeleteOption": True}
    query = {"Database": "d", "Name": "q", "QueryString": "SELECT 1", "WorkGroup": {"Ref": "Group"}}
    return {
        "Group": {"Type": "AWS::Athena::WorkGroup", "Properties": group},
        "Query": {"Type": "AWS::Athena::NamedQuery", "Properties": query},
    }


def test_work_groups_and_saved_queries_change_and_go_with_their_stack(deployer, client):
    made = deploy(deployer, work_group("s3://b/one/"))
    deploy(deployer, work_group("s3://b/two/"))
    found = client("athena").get_work_group(WorkGroup="g")["WorkGroup"]["Configuration"]
    assert found["ResultConfiguration"]["OutputLocation"] == "s3://b/two/"
    query = client("athena").get_named_query(NamedQueryId=made["Query"])["NamedQuery"]
    assert (query["Name"], query["WorkGroup"]) == ("q", "g")
    deployer.delete("stack")
    assert client("athena").list_named_queries(WorkGroup="g")["NamedQueryIds"] == []
    assert "g" not in [g["Name"] for g in client("athena").list_work_groups()["WorkGroups"]]


def test_tables_are_in_their_database_and_go_with_it(deployer, client):
    column = {"Name": "bytes", "Type": "bigint"}
    table = {"Name": "t", "StorageDescriptor": {"Columns": [column]}}
    of = {"CatalogId": ACCOUNT, "DatabaseName": {"Ref": "Database"}, "TableInput": table}
    database = {"CatalogId": ACCOUNT, "DatabaseInput": {"Name": "d"}}
    resources = {
        "Database": {"Type": "AWS::Glue::Database", "Properties": database},
        "Table": {"Type": "AWS::Glue::Table", "Properties": of},
    }
    deploy(deployer, resources)
    found = client("glue").get_table(DatabaseName="d", Name="t")["Table"]
    assert found["StorageDescriptor"]["Columns"] == [column]
    deployer.delete("stack")
    with pytest.raises(ClientError, match="EntityNotFoundException"):
        client("glue").get_database(Name="d")


def test_flow_logs_keep_the_options_of_their_destination(network, client):
    name = "flow-logs-with-options"
    client("s3").create_bucket(Bucket=name)
    arns = [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
    policy = {"Statement": [statement(Action="s3:*", Resource=arns)]}
    client("s3").put_bucket_policy(Bucket=name, Policy=json.dumps(policy))
    gateway = network.create_gateway("g")
    request = {
        "ResourceType": "NetworkInterface",
        "ResourceIds": [gateway.interface_id],
        "TrafficType": "ALL",
        "LogDestinationType": "s3",
        "LogDestination": f"arn:aws:s3:::{name}/folder/",
        "DestinationOptions": {"FileFormat": "parquet", "PerHourPartition": True},
    }
    (flow_log_id,) = client("ec2").create_flow_logs(**request)["FlowLogIds"]
    (found,) = client("ec2").describe_flow_logs(FlowLogIds=[flow_log_id])["FlowLogs"]
    assert found["LogDestination"] == request["LogDestination"]
    assert found["DestinationOptions"] == {
        "FileFormat": "parquet",
        "HiveCompatiblePartitions": False,
        "PerHourPartition": True,
    }
    (again,) = client("ec2").create_flow_logs(**request)["Unsuccessful"]
    assert again["Error"]["Code"] == "FlowLogAlreadyExists"
    with pytest.raises(ClientError, match="DeliverLogsPermissionArn is not applicable"):
        client("ec2").create_flow_logs(**request, DeliverLogsPermissionArn="arn:aws:iam::1:role/r")
    client("ec2").delete_flow_logs(FlowLogIds=[flow_log_id])
