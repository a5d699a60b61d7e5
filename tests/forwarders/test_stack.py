"""The forwarders' stack as it is deployed: every record reaches every sink, with the same sums."""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest

from local.collectors import DatadogIntake, IpfixCollector, OpenSearchDomain
from local.local_aws import LocalAws
from local.template import DeploymentError
from tests.templates.documents import FORWARDERS

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


def test_every_sink_gets_every_record(aws: LocalAws, sinks: Sinks) -> None:
    given = {**sinks.parameters, "LogGroupName": "flows", "BucketName": "records"}
    aws.deploy(STACK, FORWARDERS, given)
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
    aws.delete(STACK)


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
