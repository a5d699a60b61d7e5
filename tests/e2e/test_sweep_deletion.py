"""The stack's deletion ends what is recorded, and nothing else does so."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.local_aws import LocalAws
from local.template import DeploymentError, read
from tests.e2e import faults
from tests.e2e.conftest import Deploy
from tests.e2e.stack import TEMPLATE, RecorderStack
from tests.e2e.test_sweep import recording


def template(**changes: Any) -> dict[str, Any]:
    """The recorder's template with other properties of some resources."""
    changed = read(TEMPLATE)
    for logical_id, properties in changes.items():
        changed["Resources"][logical_id]["Properties"] |= properties
    return changed


def requests(stack: RecorderStack, after: int) -> int:
    """How often sweep-recordings has been called."""
    name = stack.resources["SweepRecordingsFunction"]
    return sum(
        entry["kind"] == "invocation-start" and entry["function"] == name
        for entry in stack.aws.journal(after)[0]
    )


def assert_gone(stack: RecorderStack, aws: LocalAws, execution: str) -> dict[str, Any]:
    """Nothing is left of the stack and of its recording, which was announced once."""
    assert stack.wait_end(execution).status == "ABORTED"
    assert stack.flow_logs() == []
    assert stack.flow_logs_on_gateways() == []
    with pytest.raises(ClientError, match="does not exist"):
        aws.client("cloudformation").describe_stacks(StackName=stack.name)
    return stack.the_mail(execution)


def test_a_recording_ends_with_its_stack(deploy: Deploy, aws: LocalAws) -> None:
    stack = deploy()
    execution = recording(stack)
    # No later sweep could send the e-mail.
    with aws.fault("sns", "Publish", faults.error(429, "Throttled"), times=1):
        aws.delete(stack.name)
    mail = assert_gone(stack, aws, execution)
    assert "the stack of the recorder is being deleted" in mail["words"]


@contextlib.contextmanager
def deleting(stack: RecorderStack) -> Iterator[Future[None]]:
    """The stack is being deleted while the block runs, and is gone after it."""
    with ThreadPoolExecutor(1) as executor:
        deletion = executor.submit(stack.aws.delete, stack.name)
        yield deletion
        deletion.result()


def wait_for_passes(stack: RecorderStack, count: int) -> None:
    """Until the sweeper has looked for flow logs so many times."""
    name = stack.resources["SweepRecordingsFunction"]
    seen = 0

    def enough(entry: dict[str, Any]) -> bool:
        nonlocal seen
        seen += entry["caller"] == name and entry["operation"] == "DescribeFlowLogs"
        return seen >= count

    stack.aws.wait_for("api-call", enough, timeout=60, after=stack.since)


# It waits until no start can be under way any more: for more than a minute.
@pytest.mark.timeout(300)
def test_a_start_that_outlives_its_execution_leaves_nothing(deploy: Deploy, aws: LocalAws) -> None:
    """StopExecution does not stop a function that is running: EC2 hears of it long afterwards."""
    stack = deploy()
    with faults.ec2(aws, "CreateFlowLogs", faults.HOLD) as held:
        execution = stack.raise_alarm()
        stack.wait_held(held)
        with deleting(stack) as deletion:
            # More than the two that would do if nothing were starting.
            wait_for_passes(stack, 4)
            assert stack.wait_end(execution).status == "ABORTED"
            assert not deletion.done()
            aws.release(held)
    created = [call for call in stack.calls("CreateFlowLogs") if call["status"] == 200]
    assert created, "the start did outlive its execution"
    assert_gone(stack, aws, execution)


def test_an_update_touches_no_recording(stack: RecorderStack, aws: LocalAws) -> None:
    execution = recording(stack)
    before = stack.flow_logs()
    after = aws.now()
    # CloudFormation asks for an update when the resource's properties change.
    stack.deploy(template(Recordings={"ServiceTimeout": 1300}))
    assert requests(stack, after) == 1
    assert stack.flow_logs() == before
    assert stack.executions("RUNNING") == [execution]
    stack.clear_alarm()
    stack.assert_recorded(stack.wait_end(execution))
    stack.assert_nothing_is_left()


def without_an_end() -> dict[str, Any]:
    """The template without the resource that ends recordings, as it was at first."""
    old = read(TEMPLATE)
    del old["Resources"]["Recordings"]
    for resource in old["Resources"].values():
        if resource.get("DependsOn") == "Recordings":
            del resource["DependsOn"]
    return old


def test_the_end_of_recordings_may_come_and_go_with_updates(deploy: Deploy, aws: LocalAws) -> None:
    old = without_an_end()
    stack = deploy(template=old)
    assert "Recordings" not in stack.resources
    execution = recording(stack)
    before = stack.flow_logs()
    stack.deploy()
    assert "Recordings" in stack.resources
    assert stack.flow_logs() == before
    stack.clear_alarm()
    stack.assert_recorded(stack.wait_end(execution))
    # Without the resource nothing would end recordings with the stack: they end now.
    execution = recording(stack)
    stack.deploy(old)
    assert stack.flow_logs() == []
    stack.the_mail(execution)
    # The rules are still there.
    stack.clear_and_handle()
    stack.assert_recorded(stack.record_once())


def test_the_stack_says_what_is_left_when_nothing_works_and_can_be_deleted_again(
    deploy: Deploy, aws: LocalAws
) -> None:
    # The sweeper gives up 50 s before its time.
    stack = deploy(template=template(SweepRecordingsFunction={"Timeout": 53}))
    execution = recording(stack)
    after = aws.now()
    with contextlib.ExitStack() as everything:
        for service in ("ec2", "dynamodb", "stepfunctions", "sns"):
            failing = aws.fault(
                service,
                "*",
                faults.error(500, "InternalFailure"),
                except_callers=["client", "front-door"],
            )
            everything.enter_context(failing)
        with pytest.raises(
            DeploymentError, match=r"\[Recordings\].*status \[FAILED\].*may be left"
        ):
            aws.delete(stack.name)
    described = aws.client("cloudformation").describe_stacks(StackName=stack.name)["Stacks"][0]
    assert described["StackStatus"] == "DELETE_FAILED"
    assert requests(stack, after) == 1, "it answered at once, and Lambda had nothing to repeat"
    assert len(stack.flow_logs()) == 1
    aws.client("lambda").update_function_configuration(
        FunctionName=stack.resources["SweepRecordingsFunction"], Timeout=300
    )
    aws.delete(stack.name)
    assert_gone(stack, aws, execution)
