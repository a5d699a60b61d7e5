"""Each role may do what it does, and nothing else.

The local AWS does not enforce IAM: here everything is done that a stack ever does, and what the
journal shows is compared with the roles as they are deployed. That no end-to-end test makes a call
which its role does not allow is seen to by the fixture `deploy`.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest

from local.local_aws import LocalAws
from local.network import Network
from tests.e2e import faults
from tests.e2e.conftest import Deploy
from tests.e2e.customer_key import create_key
from tests.e2e.permissions import done
from tests.e2e.stack import RecorderStack
from tests.e2e.test_recording import FLOW

LOGS, S3 = "cloudwatch-logs", "s3"


class Needed(NamedTuple):
    """Actions that no call shows by its own name, and the action that needs them."""

    by: str
    actions: set[str]
    because: str
    destinations: tuple[str, ...] = (LOGS, S3)
    # The one role that it is about; of any role otherwise.
    role: str | None = None


NEEDED = (
    Needed(
        "ec2:CreateFlowLogs",
        {"ec2:CreateTags"},
        "it is called with tags: "
        "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html",
    ),
    Needed(
        "ec2:CreateFlowLogs",
        {"iam:PassRole"},
        "it is called with the role that writes the records: "
        "https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html",
        destinations=(LOGS,),
    ),
    Needed(
        "ec2:CreateFlowLogs",
        {"logs:CreateLogDelivery", "logs:DeleteLogDelivery"},
        "EC2 makes a delivery in its caller's name: "
        "https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-permissions.html",
        destinations=(S3,),
    ),
    Needed(
        "ec2:DeleteFlowLogs",
        {"logs:DeleteLogDelivery"},
        "EC2 ends the delivery in its caller's name, as above",
        destinations=(S3,),
    ),
    Needed(
        "logs:StartQuery",
        {"logs:StopQuery"},
        "the report gives a query 140 seconds, which is too long for this test; "
        "crates/recording/tests/report.rs shows that it is stopped then",
    ),
    Needed(
        "logs:PutLogEvents",
        {"logs:DescribeLogGroups", "logs:DescribeLogStreams"},
        "VPC Flow Logs looks for what it writes to: "
        "https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html",
        role="FlowLogDeliveryRole",
    ),
    Needed(
        "lambda:InvokeFunction",
        {
            "logs:CreateLogDelivery",
            "logs:DeleteLogDelivery",
            "logs:DescribeLogGroups",
            "logs:DescribeResourcePolicies",
            "logs:GetLogDelivery",
            "logs:ListLogDeliveries",
            "logs:PutResourcePolicy",
            "logs:UpdateLogDelivery",
        },
        "the state machine that invokes has a log: "
        "https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html",
        role="RecorderRole",
    ),
    *(
        Needed(action, {"kms:Decrypt"}, "the table is encrypted with the customer's key")
        for action in ("dynamodb:UpdateItem", "dynamodb:Scan")
    ),
    Needed(
        "sns:Publish",
        {"kms:GenerateDataKey*", "kms:Decrypt"},
        "the topic is encrypted with the customer's key",
    ),
    Needed(
        "sqs:SendMessage",
        {"kms:GenerateDataKey", "kms:Decrypt"},
        "the queue is encrypted with the customer's key",
    ),
)


def with_what_they_need(shown: dict[str, set[str]], destination: str) -> dict[str, set[str]]:
    """The actions that were shown, by role, with those that they need."""
    return {
        role: actions.union(
            *(
                needed.actions
                for needed in NEEDED
                if needed.by in actions
                and destination in needed.destinations
                and needed.role in (None, role)
            )
        )
        for role, actions in shown.items()
    }


@pytest.fixture(params=[LOGS, S3])
def stack(request: pytest.FixtureRequest, aws: LocalAws, deploy: Deploy) -> RecorderStack:
    """A stack with everything switched on."""
    return deploy(FlowLogDestination=request.param, KmsKeyArn=create_key(aws))


def test_each_role_may_do_what_it_does_and_nothing_else(
    stack: RecorderStack, network: Network, request: pytest.FixtureRequest
) -> None:
    destination = request.node.callspec.params["stack"]
    record_after_somebody_died(stack, network, destination)
    lose_an_event(stack)
    sweep(stack)
    delete_during_a_recording(stack)
    journal, _ = stack.aws.journal(stack.since)
    shown = with_what_they_need(done(stack.permissions, journal), destination)
    allowed = stack.permissions.allowed
    missing = {role: shown[role] - allowed[role] for role in shown}
    unused = {role: allowed[role] - shown.get(role, set()) for role in allowed}
    assert {role: actions for role, actions in missing.items() if actions} == {}
    assert {role: actions for role, actions in unused.items() if actions} == {}


def record_after_somebody_died(stack: RecorderStack, network: Network, destination: str) -> None:
    """A recording with records, of a gateway on which a dead recording's flow log is left."""
    # An instance, whose name the report looks for.
    [client] = network.create_clients("client")
    flow = FLOW | {"client": client.private_ip}
    stack.aws.set_traffic(stack.gateway, [flow], every_ms=100)
    leave_flow_log(stack, destination)
    after = stack.aws.now()
    execution = stack.raise_alarm()
    stack.wait_records(stack.wait_recording(execution), after)
    stack.wait_until_waiting(after=after)
    stack.clear_alarm()
    stack.assert_recorded(stack.wait_end(execution))


def leave_flow_log(stack: RecorderStack, destination: str) -> None:
    """A flow log as a recording of this stack left it that nobody ended."""
    resources = stack.resources
    to: dict[str, str] = {"LogDestinationType": "s3"}
    if destination == LOGS:
        role = f"arn:aws:iam::{stack.aws.account_id}:role/{resources['FlowLogDeliveryRole']}"
        to = {"LogGroupName": resources["FlowLogGroup"], "DeliverLogsPermissionArn": role}
    else:
        to["LogDestination"] = f"arn:aws:s3:::{resources['FlowLogBucket']}/{stack.name}/text/"
    tags = {
        "nat-flow-recorder:stack": stack.name,
        "nat-flow-recorder:gateway": stack.gateway.id,
        "nat-flow-recorder:execution": resources["Recorder"].replace("stateMachine", "execution")
        + ":dead",
    }
    stack.aws.client("ec2").create_flow_logs(
        ResourceType="NetworkInterface",
        ResourceIds=[stack.gateway.interface_id],
        TrafficType="ALL",
        TagSpecifications=[
            {
                "ResourceType": "vpc-flow-log",
                "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
            }
        ],
        **to,
    )


def lose_an_event(stack: RecorderStack) -> None:
    """Events that the functions cannot handle, and a schedule that does not reach its own."""
    # A refusal, of which nobody hopes that it passes.
    with stack.aws.fault("dynamodb", "*", faults.error(400, "AccessDeniedException")):
        after = stack.aws.now()
        stack.put_ok()
        wait_destination(stack, "ResumeRecordingFunction", after)
        after = stack.aws.now()
        stack.aws.fire_schedule(stack.resources["SweepSchedule"])
        wait_destination(stack, "SweepRecordingsFunction", after)
    refused = faults.error(404, "ResourceNotFoundException")
    with stack.aws.fault("lambda", "Invoke", refused):
        after = stack.aws.now()
        stack.aws.fire_schedule(stack.resources["SweepSchedule"])
        stack.aws.wait_for("delivery", lambda entry: entry.get("dead_letter"), after=after)


def wait_destination(stack: RecorderStack, function: str, after: int) -> None:
    name = stack.resources[function]
    stack.aws.wait_for("destination", lambda e: e["function"] == name, after=after)


def sweep(stack: RecorderStack) -> None:
    """An execution is aborted, and sweep-recordings cleans up behind it; and the hourly sweep."""
    after = stack.aws.now()
    execution = stack.raise_alarm()
    stack.wait_until_waiting(after=after)
    after = stack.aws.now()
    stack.aws.client("stepfunctions").stop_execution(executionArn=execution)
    stack.invoked("SweepRecordingsFunction", after)
    stack.clear_alarm()
    after = stack.aws.now()
    stack.aws.fire_schedule(stack.resources["SweepSchedule"])
    stack.invoked("SweepRecordingsFunction", after)


def delete_during_a_recording(stack: RecorderStack) -> None:
    """The stack is deleted: its custom resource ends the recording."""
    after = stack.aws.now()
    stack.raise_alarm()
    stack.wait_until_waiting(after=after)
    stack.aws.delete(stack.name)
