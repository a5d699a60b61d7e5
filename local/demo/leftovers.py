"""What is left in the account and region, as AWS's own calls show it."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from local.local_aws import LocalAws

# boto3's client, its operation, the member with the list and the member with a resource's name.
_LISTS = [
    ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    ("events", "list_rules", "Rules", "Name"),
    ("stepfunctions", "list_state_machines", "stateMachines", "name"),
    ("lambda", "list_functions", "Functions", "FunctionName"),
    ("dynamodb", "list_tables", "TableNames", None),
    ("sns", "list_topics", "Topics", "TopicArn"),
    ("sqs", "list_queues", "QueueUrls", None),
    ("iam", "list_roles", "Roles", "RoleName"),
    ("logs", "describe_query_definitions", "queryDefinitions", "name"),
]


def stacks(aws: LocalAws, *names: str) -> list[str]:
    """Those of the stacks that DescribeStacks still knows."""
    return [name for name in names if _exists(aws, name)]


def _exists(aws: LocalAws, stack: str) -> bool:
    try:
        aws.client("cloudformation").describe_stacks(StackName=stack)
    except ClientError as error:
        if "does not exist" in error.response["Error"]["Message"]:
            return False
        raise
    return True


def others(aws: LocalAws) -> dict[str, list[str]]:
    """The names of what each call still lists, by the call: ListRules."""
    return {
        "".join(word.title() for word in operation.split("_")): _names(aws, *row)
        for row in _LISTS
        for operation in [row[1]]
    }


def _names(aws: LocalAws, service: str, operation: str, member: str, name: str | None) -> list[str]:
    found = getattr(aws.client(service), operation)().get(member, [])
    return [resource[name] if name else resource for resource in found]


def log_groups(aws: LocalAws) -> list[dict[str, Any]]:
    """The log groups, as DescribeLogGroups shows them."""
    return aws.client("logs").describe_log_groups()["logGroups"]
