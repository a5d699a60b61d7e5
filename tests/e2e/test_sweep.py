"""What recordings leave behind is gone after the next sweep, and somebody is told."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from local.local_aws import LocalAws
from tests.e2e import faults
from tests.e2e.conftest import Deploy
from tests.e2e.stack import RecorderStack


def swept_after(stack: RecorderStack, execution: str) -> None:
    """Somebody stops the execution, and the sweep that this causes is over."""
    after = stack.aws.now()
    stack.stop(execution)
    ended = stack.invoked("SweepRecordingsFunction", after)
    assert ended["outcome"] == "ok", ended


def recording(stack: RecorderStack) -> str:
    """The first gateway is being recorded; returns the execution."""
    after = stack.aws.now()
    execution = stack.raise_alarm()
    stack.wait_until_waiting(after=after)
    return execution


def test_a_recording_that_somebody_stops_is_cleaned_up_and_announced_once(
    stack: RecorderStack,
) -> None:
    execution = recording(stack)
    swept_after(stack, execution)
    stack.assert_nothing_is_left()
    mail = stack.the_mail(execution)
    assert stack.gateway.id in mail["subject"]
    assert "said the test" in mail["words"]
    assert stack.sweep()["outcome"] == "ok"
    assert stack.mails() == [stack.mails(execution)[0]]
    # The gateway is free for the next spike, and the sweep leaves that alone.
    stack.clear_and_handle()
    stack.assert_recorded(stack.record_once())


def test_a_recording_that_nothing_was_told_of_is_found_within_the_hour(
    stack: RecorderStack, aws: LocalAws
) -> None:
    execution = recording(stack)
    aws.client("events").disable_rule(Name=stack.resources["ExecutionEndedBadlyRule"])
    stack.stop(execution)
    assert len(stack.flow_logs()) == 1
    assert stack.sweep()["outcome"] == "ok"
    stack.assert_nothing_is_left()
    stack.the_mail(execution)


def test_what_goes_on_is_not_touched(stack: RecorderStack) -> None:
    execution = recording(stack)
    before = (stack.flow_logs(), stack.item())
    assert stack.sweep()["outcome"] == "ok"
    assert (stack.flow_logs(), stack.item()) == before
    assert stack.mails() == []
    stack.clear_alarm()
    stack.assert_recorded(stack.wait_end(execution))


def test_a_failure_that_was_mailed_is_not_mailed_again(stack: RecorderStack, aws: LocalAws) -> None:
    after = aws.now()
    refused = faults.unsuccessful("FlowLogsLimitExceeded", "no more")
    with faults.ec2(aws, "CreateFlowLogs", refused):
        ended = stack.wait_end(stack.raise_alarm())
    stack.assert_failed(ended, "FlowLogRefused")
    assert stack.invoked("SweepRecordingsFunction", after)["outcome"] == "ok"
    assert stack.sweep()["outcome"] == "ok"
    stack.the_mail(ended.arn)
    stack.assert_nothing_is_left()


def test_nothing_recorded_is_given_back_to_the_quota(deploy: Deploy, aws: LocalAws) -> None:
    stack = deploy(NumOfRecordings=1)
    with faults.ec2(aws, "DescribeNatGateways", faults.HOLD) as held:
        execution = stack.raise_alarm()
        stack.wait_held(held)
        assert stack.counted() == 1
        swept_after(stack, execution)
        assert stack.counted() == 0
        after = aws.now()
    # The start goes on, and finds that the gateway is not its any more.
    assert stack.invoked("StartRecordingFunction", after)["error_type"] == "LeaseLost"
    stack.assert_nothing_is_left()
    stack.the_mail(execution)
    stack.clear_and_handle()
    stack.assert_recorded(stack.record_once())


def test_an_item_that_is_deleted_by_hand(deploy: Deploy, aws: LocalAws) -> None:
    """The table knows nothing any more; the flow log's tags do."""
    stack = deploy()
    execution = recording(stack)
    aws.client("dynamodb").delete_item(
        TableName=stack.resources["RecordingsTable"],
        Key={"natGatewayId": {"S": stack.gateway.id}},
    )
    assert stack.sweep()["outcome"] == "ok"
    assert len(stack.flow_logs()) == 1, "its execution runs"
    swept_after(stack, execution)
    stack.assert_nothing_is_left()
    stack.the_mail(execution)


def test_an_item_that_is_deleted_by_hand_while_nobody_stops_the_recording(
    deploy: Deploy, aws: LocalAws
) -> None:
    stack = deploy(RecordingTime=3)
    execution = recording(stack)
    after = aws.now()
    aws.client("dynamodb").delete_item(
        TableName=stack.resources["RecordingsTable"],
        Key={"natGatewayId": {"S": stack.gateway.id}},
    )
    ended = stack.wait_end(execution)
    if ended.status == "FAILED":
        stack.invoked("SweepRecordingsFunction", after)
    assert stack.sweep()["outcome"] == "ok"
    stack.assert_nothing_is_left()
    stack.the_mail(execution)


def test_a_flow_log_that_is_deleted_by_hand(stack: RecorderStack) -> None:
    execution = recording(stack)
    stack.delete_flow_logs()
    assert stack.sweep()["outcome"] == "ok"
    stack.clear_alarm()
    stack.assert_recorded(stack.wait_end(execution))
    stack.assert_nothing_is_left()


def test_a_log_group_that_is_deleted_by_hand(stack: RecorderStack, aws: LocalAws) -> None:
    execution = recording(stack)
    aws.client("logs").delete_log_group(logGroupName=stack.resources["FlowLogGroup"])
    assert stack.sweep()["outcome"] == "ok"
    stack.clear_alarm()
    stack.wait_end(execution)
    stack.sweep()
    stack.assert_nothing_is_left()
    stack.the_mail(execution)


def test_a_gateway_that_is_deleted_is_named_once(stack: RecorderStack, aws: LocalAws) -> None:
    execution = recording(stack)
    aws.client("ec2").delete_nat_gateway(NatGatewayId=stack.gateway.id)
    stack.clear_alarm()
    stack.assert_recorded(stack.wait_end(execution))
    stack.assert_nothing_is_left()
    for _ in range(2):
        assert stack.sweep()["outcome"] == "ok"
    gone = [mail["subject"] for mail in stack.mails() if "no longer exists" in mail["subject"]]
    assert len(gone) == 1
    assert stack.gateway.id in gone[0]


def test_ec2_throttles_the_sweep(stack: RecorderStack, aws: LocalAws) -> None:
    execution = recording(stack)
    with (
        faults.ec2(aws, "DescribeFlowLogs", faults.THROTTLED, times=4),
        faults.ec2(aws, "DeleteFlowLogs", faults.THROTTLED, times=4),
    ):
        swept_after(stack, execution)
    stack.assert_nothing_is_left()
    stack.the_mail(execution)


def test_a_sweep_that_fails_is_a_dead_letter_and_the_next_one_makes_up_for_it(
    stack: RecorderStack, aws: LocalAws
) -> None:
    execution = recording(stack)
    denied = faults.error(403, "UnauthorizedOperation")
    after = aws.now()
    with faults.ec2(aws, "DescribeFlowLogs", denied):
        stack.stop(execution)
        aws.wait_for(
            "destination",
            lambda e: e["function"] == stack.resources["SweepRecordingsFunction"],
            after=after,
        )
    [letter] = stack.dead_letters()
    assert letter["requestPayload"]["detail"]["executionArn"] == execution
    assert len(stack.flow_logs()) == 1
    assert stack.sweep()["outcome"] == "ok"
    stack.assert_nothing_is_left()
    stack.the_mail(execution)


def test_a_sweeper_that_dies_between_flow_log_and_e_mail_goes_on(
    stack: RecorderStack, aws: LocalAws
) -> None:
    execution = recording(stack)
    after = aws.now()
    with faults.ec2(aws, "DeleteFlowLogs", {"kill": "during"}, times=1):
        stack.stop(execution)
        sweeper = stack.resources["SweepRecordingsFunction"]
        aws.wait_for(
            "invocation-end",
            lambda e: e["function"] == sweeper and e["outcome"] == "ok",
            after=after,
        )
    stack.assert_nothing_is_left()
    stack.the_mail(execution)


def test_two_stacks_in_one_account_do_not_disturb_each_other(deploy: Deploy, aws: LocalAws) -> None:
    mine, other = deploy(), deploy()
    ours, theirs = recording(mine), recording(other)
    before = (other.flow_logs(), other.item())
    swept_after(mine, ours)
    assert mine.sweep()["outcome"] == "ok"
    mine.assert_nothing_is_left()
    aws.delete(mine.name)
    assert (other.flow_logs(), other.item()) == before
    assert other.executions("RUNNING") == [theirs]
    assert other.mails() == []
    other.clear_alarm()
    other.assert_recorded(other.wait_end(theirs))
    other.assert_nothing_is_left()


@pytest.mark.parametrize("tags", [[], [{"Key": "nat-flow-recorder:stack", "Value": "another"}]])
def test_flow_logs_of_others_are_left_alone(
    stack: RecorderStack, aws: LocalAws, tags: list[dict[str, str]]
) -> None:
    tagged = [{"ResourceType": "vpc-flow-log", "Tags": tags}] if tags else []
    ec2 = aws.client("ec2")
    group = "/somebody/else"
    try:
        aws.client("logs").create_log_group(logGroupName=group)
    except ClientError as error:
        assert error.response["Error"]["Code"] == "ResourceAlreadyExistsException"
    [theirs] = ec2.create_flow_logs(
        ResourceType="NetworkInterface",
        ResourceIds=[stack.gateway.interface_id],
        TrafficType="ALL",
        LogGroupName=group,
        DeliverLogsPermissionArn="arn:aws:iam::123456789012:role/theirs",
        TagSpecifications=tagged,
    )["FlowLogIds"]
    execution = recording(stack)
    swept_after(stack, execution)
    assert stack.sweep()["outcome"] == "ok"
    assert [found["FlowLogId"] for found in stack.flow_logs_on_gateways()] == [theirs]
