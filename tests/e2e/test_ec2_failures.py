"""Whatever EC2 does, no flow log is left, the lease is released, and one e-mail says what failed."""

from __future__ import annotations

import pytest

from local.local_aws import LocalAws
from tests.e2e import faults
from tests.e2e.conftest import Deploy
from tests.e2e.stack import RecorderStack

UNKNOWN = "nat-0123456789abcdef0"


def create_flow_log(stack: RecorderStack, tags: dict[str, str]) -> str:
    """A flow log on the gateway that sends to the stack's log group, as somebody else makes it."""
    role = f"arn:aws:iam::123456789012:role/{stack.resources['FlowLogDeliveryRole']}"
    answer = stack.aws.client("ec2").create_flow_logs(
        ResourceType="NetworkInterface",
        ResourceIds=[stack.gateway.interface_id],
        TrafficType="ALL",
        LogGroupName=stack.resources["FlowLogGroup"],
        DeliverLogsPermissionArn=role,
        TagSpecifications=[
            {
                "ResourceType": "vpc-flow-log",
                "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
            }
        ]
        if tags
        else [],
    )
    return answer["FlowLogIds"][0]


def assert_nothing_counts(stack: RecorderStack) -> None:
    stack.assert_nothing_is_left()
    assert stack.counted() == 0, "the quota was not given back"


def test_a_gateway_that_is_gone_is_named(stack: RecorderStack) -> None:
    stack.aws.client("ec2").delete_nat_gateway(NatGatewayId=stack.gateway.id)
    ended = stack.wait_end(stack.raise_alarm())
    mail = stack.assert_failed(
        ended,
        "GatewayNotFound",
        f"The recording of {stack.gateway.id} failed.",
        "expected an available gateway of this account and region",
        "Nothing was recorded, so this recording does not count.",
        "No flow log of this recording is left.",
    )
    assert mail["subject"] == f"{stack.gateway.id}: the recording failed, GatewayNotFound"
    assert_nothing_counts(stack)


def test_a_gateway_that_never_was_is_named(stack: RecorderStack) -> None:
    ended = stack.wait_end(stack.start({"natGatewayId": UNKNOWN}))
    stack.assert_failed(ended, "GatewayNotFound", UNKNOWN, "EC2 knows none of this ID")
    assert_nothing_counts(stack)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("LogDestinationPermissionIssueException", "The role may not write to the log group"),
        ("FlowLogsLimitExceeded", "There are too many flow logs"),
    ],
)
def test_a_flow_log_refused_with_status_200_is_a_failure(
    stack: RecorderStack, code: str, message: str
) -> None:
    with faults.ec2(stack.aws, "CreateFlowLogs", faults.unsuccessful(code, message)):
        ended = stack.wait_end(stack.raise_alarm())
    stack.assert_failed(ended, "FlowLogRefused", stack.gateway.interface_id, code, message)
    assert_nothing_counts(stack)
    stack.clear_and_handle()
    stack.assert_recorded(stack.record_once())


def test_a_call_that_is_not_allowed_is_a_failure_at_once(stack: RecorderStack) -> None:
    refused = faults.error(403, "UnauthorizedOperation", "You are not authorized")
    with faults.ec2(stack.aws, "CreateFlowLogs", refused):
        ended = stack.wait_end(stack.raise_alarm())
    stack.assert_failed(
        ended, "AwsRefused", "ec2:CreateFlowLogs was refused: UnauthorizedOperation"
    )
    assert len(stack.calls("CreateFlowLogs")) == 1
    assert_nothing_counts(stack)


@pytest.mark.parametrize(
    ("operation", "times"),
    [("CreateFlowLogs", 2), ("CreateFlowLogs", 4), ("DescribeNatGateways", 4)],
)
def test_throttling_for_a_moment_is_waited_out(
    stack: RecorderStack, operation: str, times: int
) -> None:
    # Three attempts are the SDK's own; from the fourth on it takes the state machine's.
    with faults.ec2(stack.aws, operation, faults.THROTTLED, times=times):
        ended = stack.record_once()
    stack.assert_recorded(ended)
    created = [call for call in stack.calls("CreateFlowLogs") if call["status"] == 200]
    assert len(created) == 1
    stack.assert_nothing_is_left()
    assert stack.counted() == 1


def test_throttling_inside_an_answer_with_status_200_is_waited_out(stack: RecorderStack) -> None:
    throttled = faults.unsuccessful("RequestLimitExceeded", "Request limit exceeded.")
    with faults.ec2(stack.aws, "CreateFlowLogs", throttled, times=2):
        ended = stack.record_once()
    stack.assert_recorded(ended)
    stack.assert_nothing_is_left()


def test_throttling_without_end_is_a_failure(stack: RecorderStack) -> None:
    with faults.ec2(stack.aws, "DescribeNatGateways", faults.THROTTLED):
        ended = stack.wait_end(stack.raise_alarm())
    stack.assert_failed(ended, "Transient", "ec2:DescribeNatGateways failed for the moment")
    assert_nothing_counts(stack)


def test_a_delete_that_is_refused_is_tried_again(stack: RecorderStack) -> None:
    refused = faults.unsuccessful("InternalError", "not now")
    with faults.ec2(stack.aws, "DeleteFlowLogs", refused, times=2):
        ended = stack.record_once()
    mail = stack.assert_recorded(ended)
    assert "deleted" in mail["words"]
    stack.assert_nothing_is_left()
    assert stack.counted() == 1


def test_a_delete_that_is_refused_for_good_is_told_with_the_flow_log(
    stack: RecorderStack,
) -> None:
    execution = stack.raise_alarm()
    flow_log = stack.wait_recording(execution)
    stack.wait_until_waiting()
    refused = faults.unsuccessful("OperationNotPermitted", "The flow log is protected")
    with faults.ec2(stack.aws, "DeleteFlowLogs", refused):
        stack.clear_alarm()
        ended = stack.wait_end(execution)
    stack.assert_failed(
        ended,
        "DeleteRefused",
        "NOT cleaned up",
        f"EC2 did not delete the flow log {flow_log}: OperationNotPermitted, "
        "The flow log is protected",
        f"aws ec2 delete-flow-logs --flow-log-ids {flow_log}",
        "A flow log may still be running and costing money",
    )
    # The lease is free: the next spike is recorded, and takes the old flow log away.
    assert "execution" not in stack.item()
    assert stack.counted() == 1
    stack.assert_recorded(stack.record_once())
    stack.assert_nothing_is_left()


def test_a_flow_log_that_is_gone_already_is_fine(stack: RecorderStack) -> None:
    execution = stack.raise_alarm()
    stack.wait_until_waiting()
    stack.delete_flow_logs()
    stack.clear_alarm()
    stack.assert_recorded(stack.wait_end(execution))
    stack.assert_nothing_is_left()


@pytest.mark.parametrize("tags", [{}, {"nat-flow-recorder:stack": "another-stack"}])
def test_a_flow_log_of_somebody_else_is_left_alone(
    stack: RecorderStack, tags: dict[str, str]
) -> None:
    theirs = create_flow_log(stack, tags)
    ended = stack.wait_end(stack.raise_alarm())
    stack.assert_failed(
        ended,
        "FlowLogTaken",
        f"{stack.gateway.interface_id} already has the flow log {theirs}, which this stack did "
        "not create",
        "Nothing was recorded, so this recording does not count.",
    )
    assert [found["FlowLogId"] for found in stack.flow_logs_on_gateways()] == [theirs]
    assert_nothing_counts(stack)


def test_a_flow_log_of_a_dead_execution_makes_way(stack: RecorderStack) -> None:
    dead = create_flow_log(
        stack,
        {
            "nat-flow-recorder:stack": stack.name,
            "nat-flow-recorder:execution": "arn:aws:states:us-east-1:123456789012:execution:r:dead",
        },
    )
    execution = stack.raise_alarm()
    flow_log = stack.wait_recording(execution)
    assert flow_log != dead
    assert [found["FlowLogId"] for found in stack.flow_logs_on_gateways()] == [flow_log]
    stack.wait_until_waiting()
    stack.clear_alarm()
    stack.assert_recorded(stack.wait_end(execution))
    stack.assert_nothing_is_left()


def test_a_lost_answer_of_create_flow_logs_creates_nothing_twice(stack: RecorderStack) -> None:
    with faults.ec2(stack.aws, "CreateFlowLogs", faults.LOSE_ANSWER, times=1):
        ended = stack.record_once()
    first, second = stack.calls("CreateFlowLogs")
    assert first["flow_log_ids"] == second["flow_log_ids"]
    stack.assert_recorded(ended)
    stack.assert_nothing_is_left()


def test_a_flow_log_whose_answer_was_lost_is_adopted(stack: RecorderStack) -> None:
    exists = faults.error(400, "FlowLogAlreadyExists", "There is one already")
    # EC2 may have forgotten the token when the call is repeated.
    with (
        faults.ec2(stack.aws, "CreateFlowLogs", faults.LOSE_ANSWER, times=1),
        faults.ec2(stack.aws, "CreateFlowLogs", exists),
    ):
        execution = stack.raise_alarm()
        flow_log = stack.wait_recording(execution)
    assert stack.calls("CreateFlowLogs")[0]["flow_log_ids"] == [flow_log]
    assert [found["FlowLogId"] for found in stack.flow_logs()] == [flow_log]
    stack.wait_until_waiting()
    stack.clear_alarm()
    stack.assert_recorded(stack.wait_end(execution))
    stack.assert_nothing_is_left()


def test_a_gateway_with_a_flow_log_elsewhere_is_recorded_all_the_same(
    deploy: Deploy, aws: LocalAws
) -> None:
    stack, other = deploy(), deploy()
    aws.client("ec2").create_flow_logs(
        ResourceType="NetworkInterface",
        ResourceIds=[stack.gateway.interface_id],
        TrafficType="ALL",
        LogGroupName=other.resources["FlowLogGroup"],
        DeliverLogsPermissionArn="arn:aws:iam::123456789012:role/"
        + other.resources["FlowLogDeliveryRole"],
    )
    stack.assert_recorded(stack.record_once())
    assert len(stack.flow_logs_on_gateways()) == 1
