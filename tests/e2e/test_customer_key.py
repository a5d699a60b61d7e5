"""A recorder whose data is encrypted with a customer's KMS key.

The local KMS encrypts nothing: this is about what is told to use the key, and about the policy in
docs/operations.md letting in whoever needs it.
"""

from __future__ import annotations

from typing import Any

import pytest

from local.local_aws import LocalAws
from local.template import DeploymentError
from tests.e2e.conftest import Deploy
from tests.e2e.customer_key import (
    assert_alarms,
    assert_log_groups,
    create_key,
    policy_for,
    statements_of_services,
)
from tests.e2e.stack import RecorderStack


def log_groups(stack: RecorderStack) -> list[dict[str, Any]]:
    """The stack's log groups."""
    names = set(stack.resources.values())
    pages = stack.aws.client("logs").get_paginator("describe_log_groups").paginate()
    return [g for page in pages for g in page["logGroups"] if g["logGroupName"] in names]


def encryption(stack: RecorderStack) -> dict[str, Any]:
    """The keys of all that holds data."""
    aws, resources = stack.aws, stack.resources
    topic = aws.client("sns").get_topic_attributes(TopicArn=resources["ReportsTopic"])
    queue = aws.client("sqs").get_queue_attributes(
        QueueUrl=resources["DeadLetterQueue"], AttributeNames=["All"]
    )["Attributes"]
    table = aws.client("dynamodb").describe_table(TableName=resources["RecordingsTable"])
    return {
        "topic": topic["Attributes"].get("KmsMasterKeyId"),
        "queue": queue.get("KmsMasterKeyId"),
        "queue's own": queue["SqsManagedSseEnabled"],
        "table": table["Table"]["SSEDescription"]["KMSMasterKeyArn"],
        "logs": {group.get("kmsKeyId") for group in log_groups(stack)},
    }


def test_a_recording_is_encrypted_with_the_key(aws: LocalAws, deploy: Deploy) -> None:
    key = create_key(aws)
    stack = deploy(KmsKeyArn=key)
    assert encryption(stack) == {
        "topic": key,
        "queue": key,
        "queue's own": "false",
        "table": key,
        "logs": {key},
    }
    stack.assert_recorded(stack.record_once())


def test_without_a_key_all_but_the_topic_is_encrypted_with_keys_of_aws(
    stack: RecorderStack,
) -> None:
    found = encryption(stack)
    # DynamoDB's own key in this account, which the local AWS makes.
    assert found.pop("table").startswith("arn:aws:kms:")
    assert found == {"topic": None, "queue": None, "queue's own": "true", "logs": {None}}


@pytest.mark.parametrize("key", ["given", ""])
def test_the_bucket_is_encrypted_with_the_key(aws: LocalAws, deploy: Deploy, key: str) -> None:
    key = key and create_key(aws)
    stack = deploy(FlowLogDestination="s3", KmsKeyArn=key)
    answer = aws.client("s3").get_bucket_encryption(Bucket=stack.resources["FlowLogBucket"])
    [rule] = answer["ServerSideEncryptionConfiguration"]["Rules"]
    default = (
        {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key} if key else {"SSEAlgorithm": "AES256"}
    )
    assert rule["ApplyServerSideEncryptionByDefault"] == default
    group = aws.client("athena").get_work_group(WorkGroup=stack.resources["AthenaWorkGroup"])
    results = group["WorkGroup"]["Configuration"]["ResultConfiguration"]["EncryptionConfiguration"]
    of_key = {"EncryptionOption": "SSE_KMS", "KmsKey": key}
    assert results == (of_key if key else {"EncryptionOption": "SSE_S3"})


def test_what_is_no_key_is_refused(deploy: Deploy) -> None:
    with pytest.raises(DeploymentError, match="KmsKeyArn must be empty or the ARN of a KMS key"):
        deploy(KmsKeyArn="alias/recorder")


def test_the_documented_policy_lets_in_whoever_needs_the_key(stack: RecorderStack) -> None:
    aws = stack.aws
    policy = policy_for(aws, stack.name)
    assert statements_of_services(policy).keys() == {
        f"logs.{aws.region}.amazonaws.com",
        "cloudwatch.amazonaws.com",
        "events.amazonaws.com",
        "delivery.logs.amazonaws.com",
    }
    assert_log_groups(aws, policy, stack.name)
    assert_log_groups(aws, policy, "macros")
    assert_alarms(aws, policy, stack.name)
    # The rest are the account's own principals.
    [own, through_logs] = [s for s in policy["Statement"] if "Service" not in s["Principal"]]
    assert own["Principal"] == {"AWS": f"arn:aws:iam::{aws.account_id}:root"}
    assert through_logs["Condition"]["StringEquals"] == {
        "kms:CallerAccount": aws.account_id,
        "kms:ViaService": f"logs.{aws.region}.amazonaws.com",
    }
