"""The forwarders' stack as it is deployed: every record reaches every sink, with the same sums."""

from __future__ import annotations

import base64
import gzip
import json
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest

from local.collectors import DatadogIntake, IpfixCollector, OpenSearchDomain
from local.local_aws import LocalAws
from local.template import DeploymentError
from tests.e2e.customer_key import assert_alarms, assert_log_groups, create_key, policy_for
from tests.e2e.permissions import Permissions, done
from tests.templates.documents import FORWARDERS
from tests.templates.linters import cfn_lint_expanded

FIELDS = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start "
    "end action log-status"
)
COUNT = 200
STACK = "forwarders"


@dataclass(frozen=True)
class Sinks:
    """The collectors, and the parameters that lead to them."""

    netflow: IpfixCollector
    datadog: DatadogIntake
    opensearch: OpenSearchDomain
    parameters: dict[str, str]


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    with LocalAws() as aws:
        aws.client("logs").create_log_group(logGroupName="flows")
        aws.client("logs").create_log_stream(logGroupName="flows", logStreamName="eni-1")
        aws.client("logs").create_log_group(logGroupName="rare", logGroupClass="INFREQUENT_ACCESS")
        for bucket in ("records", "silent"):
            aws.client("s3").create_bucket(Bucket=bucket)
        aws.client("s3").put_bucket_notification_configuration(
            Bucket="records", NotificationConfiguration={"EventBridgeConfiguration": {}}
        )
        yield aws


@pytest.fixture(scope="module")
def sinks(aws: LocalAws) -> Iterator[Sinks]:
    with (
        closing(IpfixCollector()) as netflow,
        closing(DatadogIntake()) as datadog,
        closing(OpenSearchDomain()) as opensearch,
    ):
        options = {"CustomEndpointEnabled": True, "CustomEndpoint": opensearch.address}
        domain = aws.client("opensearch").create_domain(
            DomainName="documents", DomainEndpointOptions=options
        )
        secret = aws.client("secretsmanager").create_secret(Name="datadog", SecretString="a" * 32)
        parameters = {
            "EmailAddress": "network@example.com",
            "Collectors": netflow.address,
            "DatadogApiKeySecretArn": secret["ARN"],
            "DatadogUrl": f"http://{datadog.address}",
            "OpenSearchDomainArn": domain["DomainStatus"]["ARN"],
            "PrometheusStream": "true",
        }
        yield Sinks(netflow, datadog, opensearch, parameters)


def records() -> list[str]:
    """Records of the last minutes, each of its own connection."""
    now = int(time.time()) // 60 * 60
    return [
        f"2 123456789012 eni-0a{number % 3} 10.0.1.{number % 250} 203.0.113.5 {1024 + number} 443 6 "
        f"{number + 1} {1000 + number} {now - 120} {now - 60} ACCEPT OK"
        for number in range(COUNT)
    ]


def sum_of_bytes() -> int:
    return sum(1000 + number for number in range(COUNT))


# What Lambda does for a function that reads a stream.
READS_A_STREAM = {
    "kinesis:DescribeStream",
    "kinesis:DescribeStreamSummary",
    "kinesis:GetRecords",
    "kinesis:GetShardIterator",
    "kinesis:ListShards",
    "sqs:SendMessage",
    "kms:GenerateDataKey",
    "kms:Decrypt",
}
# What Lambda, Firehose and CloudWatch Logs do in a role's name, which no call shows here; and what
# only a database, a failure or a deletion shows.
NOT_SHOWN = {
    "CheckSourcesRole": {"sqs:SendMessage", "kms:GenerateDataKey", "kms:Decrypt"},
    "SubscriptionRole": {"kinesis:PutRecord", "kms:GenerateDataKey"},
    "ForwardNetflowRole": {"sqs:SendMessage", "kms:GenerateDataKey", "kms:Decrypt"},
    "ForwardDatadogRole": READS_A_STREAM,
    "IngestRecordsRole": READS_A_STREAM,
    # What does not fit into its answer; the names of instances.
    "EnrichRecordsRole": {"firehose:PutRecordBatch", "ec2:DescribeTags", "kms:Decrypt"},
    "DocumentsStreamRole": {
        "lambda:GetFunctionConfiguration",
        "lambda:InvokeFunction",
        "es:DescribeDomain",
        "es:DescribeDomainConfig",
        "es:DescribeDomains",
        "es:ESHttpGet",
        "es:ESHttpPost",
        "es:ESHttpPut",
        "s3:AbortMultipartUpload",
        "s3:GetBucketLocation",
        "s3:GetObject",
        "s3:ListBucket",
        "s3:ListBucketMultipartUploads",
        "s3:PutObject",
        "logs:PutLogEvents",
        "kms:GenerateDataKey",
        "kms:Decrypt",
    },
}
# Operations whose action has another name.
ACTIONS = {
    "s3:HeadObject": "s3:GetObject",
    "s3:GetBucketNotificationConfiguration": "s3:GetBucketNotification",
}


def test_every_sink_gets_every_record(aws: LocalAws, sinks: Sinks) -> None:
    given = {**sinks.parameters, "LogGroupName": "flows", "BucketName": "records"}
    since = aws.now()
    aws.deploy(STACK, FORWARDERS, {**given, "KmsKeyArn": create_key(aws)})
    policy = policy_for(aws)
    assert_log_groups(aws, policy, STACK)
    assert_alarms(aws, policy, STACK)
    permissions = Permissions()
    permissions.add(aws, STACK)
    body = aws.client("cloudformation").get_template(StackName=STACK)["TemplateBody"]
    expanded = body if isinstance(body, str) else json.dumps(body)
    assert cfn_lint_expanded(expanded) == []
    filters = aws.client("logs").describe_subscription_filters(logGroupName="flows")
    assert len(filters["subscriptionFilters"]) == 1
    write(aws)
    assert sinks.netflow.wait_for(lambda: sinks.netflow.flows >= COUNT)
    assert sinks.opensearch.wait_for(lambda: len(sinks.opensearch.documents) >= COUNT)
    total = "aws.vpc.flowlogs.bytes.total"
    assert sinks.datadog.wait_for(lambda: sinks.datadog.sums().get(total, 0) >= sum_of_bytes())
    assert (sinks.netflow.flows, sinks.netflow.bytes) == (COUNT, sum_of_bytes())
    assert sinks.datadog.sums()[total] == sum_of_bytes()
    assert len(sinks.opensearch.documents) == COUNT
    assert dead_letters(aws) == 0
    assert_least_privilege(aws, permissions, since)
    aws.delete(STACK)


def test_datadogs_key_may_be_what_kms_has_encrypted(aws: LocalAws) -> None:
    kms = aws.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    ciphertext = kms.encrypt(KeyId=key, Plaintext=b"a" * 32)["CiphertextBlob"]
    since = aws.now()
    with closing(DatadogIntake()) as datadog:
        given = {
            "EmailAddress": "network@example.com",
            "LogGroupName": "flows",
            "DatadogApiKeyCiphertext": base64.b64encode(ciphertext).decode(),
            "DatadogApiKeyKmsKeyArn": key,
            "DatadogUrl": f"http://{datadog.address}",
        }
        aws.deploy(STACK, FORWARDERS, given)
        permissions = Permissions()
        permissions.add(aws, STACK)
        write(aws)
        total = "aws.vpc.flowlogs.bytes.total"
        assert datadog.wait_for(lambda: datadog.sums().get(total, 0) >= sum_of_bytes())
    assert_least_privilege(aws, permissions, since)
    aws.delete(STACK)


def assert_least_privilege(aws: LocalAws, permissions: Permissions, since: int) -> None:
    """Each role may do what it did and what cannot be seen, and nothing else."""
    shown = done(permissions, aws.journal(since)[0])
    did = {role: {ACTIONS.get(one, one) for one in actions} for role, actions in shown.items()}
    allowed = permissions.allowed
    lacking = {role: sorted(actions - allowed[role]) for role, actions in did.items()}
    unused = {
        role: sorted(actions - did.get(role, set()) - NOT_SHOWN[role])
        for role, actions in allowed.items()
    }
    assert {role: actions for role, actions in lacking.items() if actions} == {}
    assert {role: actions for role, actions in unused.items() if actions} == {}


def write(aws: LocalAws) -> None:
    """The same records to the log group and, as an object, to the bucket."""
    now = int(time.time() * 1000)
    events = [{"timestamp": now, "message": record} for record in records()]
    aws.client("logs").put_log_events(logGroupName="flows", logStreamName="eni-1", logEvents=events)
    text = "\n".join([FIELDS, *records()]) + "\n"
    key = "AWSLogs/123456789012/vpcflowlogs/us-east-1/2026/01/01/some file.log.gz"
    body = gzip.compress(text.encode(), mtime=0)
    aws.client("s3").put_object(Bucket="records", Key=key, Body=body)


def dead_letters(aws: LocalAws) -> int:
    name = "ApproximateNumberOfMessages"
    queue = aws.outputs(STACK)["DeadLetterQueueUrl"]
    asked = aws.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=[name])
    return int(asked["Attributes"][name])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"LogGroupName": "rare"}, "of class INFREQUENT_ACCESS"),
        ({"LogGroupName": "missing"}, "there is no such log group"),
        (
            {"LogGroupName": "flows", "BucketName": "silent"},
            "put-bucket-notification-configuration",
        ),
        ({"LogGroupName": "flows"}, "BucketName must be given"),
        ({}, "LogGroupName or BucketName must say"),
    ],
)
def test_a_source_that_cannot_feed_fails_in_a_sentence(
    aws: LocalAws, sinks: Sinks, changes: dict[str, str], said: str
) -> None:
    given = dict(sinks.parameters)
    if "BucketName" not in changes and changes.get("LogGroupName") in ("rare", "missing"):
        # Of the log group alone.
        del given["Collectors"]
    with pytest.raises(DeploymentError, match=said):
        aws.deploy("refused", FORWARDERS, {**given, **changes})
    stacks = aws.client("cloudformation").describe_stacks()["Stacks"]
    assert "refused" not in {stack["StackName"] for stack in stacks}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"DatadogApiKeyParameterName": "/datadog/key"}, "one at most must be given"),
        ({"DatadogApiKeyCiphertext": "A" * 60}, "one at most must be given"),
        (
            {"DatadogApiKeySecretArn": "", "DatadogApiKeyCiphertext": "A" * 60},
            "DatadogApiKeyCiphertext and DatadogApiKeyKmsKeyArn must be given together",
        ),
        ({"SubnetIds": "subnet-0a"}, "SubnetIds and SecurityGroupIds must be given together"),
        (
            {"OpenSearchSecurityGroupIds": "sg-0a,sg-0b"},
            "OpenSearchSubnetIds and OpenSearchSecurityGroupIds must be given together",
        ),
    ],
)
def test_parameters_that_do_not_go_together_fail_in_a_sentence(
    aws: LocalAws, sinks: Sinks, changes: dict[str, str], said: str
) -> None:
    given = {**sinks.parameters, "LogGroupName": "flows", "BucketName": "records", **changes}
    with pytest.raises(DeploymentError, match=said):
        aws.deploy("refused", FORWARDERS, given)
