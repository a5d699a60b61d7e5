"""Deleting a stack leaves the recorded logs, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.local_aws import ROOT, LocalAws
from tests.e2e.stack import RecorderStack
from tests.e2e.test_recording import FLOW


def log_groups(aws: LocalAws) -> list[str]:
    """The names of all log groups."""
    pages = aws.client("logs").get_paginator("describe_log_groups").paginate()
    return [group["logGroupName"] for page in pages for group in page["logGroups"]]


def everything_of(aws: LocalAws, stack: str) -> Iterator[str]:
    """What in the account bears the stack's name, by the services that the stack uses."""

    def listed(service: str, operation: str, key: str, name: str, **given: Any) -> Iterator[str]:
        for found in getattr(aws.client(service), operation)(**given).get(key, []):
            text = found if isinstance(found, str) else found[name]
            if text.rsplit(":", 1)[-1].rsplit("/", 1)[-1].startswith((f"{stack}-", f"{stack}/")):
                yield f"{service} {text}"

    yield from listed("lambda", "list_functions", "Functions", "FunctionName", MaxItems=1000)
    yield from listed("dynamodb", "list_tables", "TableNames", "")
    yield from listed("sns", "list_topics", "Topics", "TopicArn")
    yield from listed("sns", "list_subscriptions", "Subscriptions", "TopicArn")
    yield from listed("sqs", "list_queues", "QueueUrls", "")
    yield from listed("events", "list_rules", "Rules", "Name")
    yield from listed("scheduler", "list_schedules", "Schedules", "Name")
    yield from listed("stepfunctions", "list_state_machines", "stateMachines", "name")
    yield from listed("iam", "list_roles", "Roles", "RoleName", MaxItems=1000)
    yield from listed("logs", "describe_query_definitions", "queryDefinitions", "name")
    yield from (f"logs {name}" for name in log_groups(aws) if stack in name)
    answer = aws.client("cloudwatch").describe_alarms(AlarmNamePrefix=stack)
    yield from (f"alarm {alarm['AlarmName']}" for alarm in answer["MetricAlarms"])


def test_only_the_recorded_logs_stay(stack: RecorderStack, aws: LocalAws) -> None:
    aws.set_traffic(stack.gateway, [FLOW], every_ms=50)
    execution = stack.raise_alarm()
    stack.wait_records(stack.wait_recording(execution))
    stack.wait_until_waiting()
    stack.clear_alarm()
    stack.wait_end(execution)
    assert len(list(everything_of(aws, stack.name))) > 20
    flow_log_group = stack.resources["FlowLogGroup"]

    aws.delete(stack.name)

    assert list(everything_of(aws, stack.name)) == [f"logs {flow_log_group}"]
    assert aws.query(flow_log_group, "limit 1") != []
    assert stack.flow_logs() == []
    with pytest.raises(ClientError):
        aws.client("cloudformation").describe_stack_resources(StackName=stack.name)


def test_the_macros_stack_goes_too(aws: LocalAws) -> None:
    aws.delete("macros")
    try:
        assert list(everything_of(aws, "macros")) == []
    finally:
        aws.deploy("macros", ROOT / "cf-assistive-macros" / "template.yaml")
