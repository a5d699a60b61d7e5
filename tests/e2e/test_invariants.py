"""Each invariant catches its bug: recorders that are broken on purpose, and who says so.

docs/testing.md lists them.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from local.local_aws import LocalAws
from local.network import Gateway, Network
from local.storm import bystanders, evidence, invariants
from local.storm.deletion import DoomedStack, impatient
from local.storm.evidence import Deletion
from local.storm.invariants import Violation, violations
from local.storm.progress import Progress
from tests.e2e import faults
from tests.e2e.events import alarm_event
from tests.e2e.stack import LONGEST, TEMPLATE, RecorderStack
from tests.e2e.test_sweep_deletion import without_an_end

States = dict[str, Any]
# Of an execution that will not go on.
PATIENCE = 3.0
MOST_TESTS = 20


class Broken:
    """One gateway of a stack, and what happens to it in one test."""

    def __init__(self, stack: RecorderStack, gateway: Gateway):
        self.stack, self.aws, self.gateway = stack, stack.aws, gateway
        self.progress = Progress(stack.aws)

    def raise_alarm(self) -> str:
        """The execution that an alarm starts."""
        return self.stack.raise_alarm(self.gateway)

    def raise_and_wait(self) -> str:
        """The execution that records, and waits for the alarm to clear."""
        after = self.aws.now()
        execution = self.raise_alarm()
        self.stack.wait_until_waiting(self.gateway, after)
        return execution

    def record(self) -> str:
        """A whole recording, or what the break made of it."""
        execution = self.raise_and_wait()
        self.stack.clear_alarm(self.gateway)
        self.stack.wait_end(execution)
        return execution

    def violations(
        self, foreign: set[str] | None = None, deletions: Sequence[Deletion] = ()
    ) -> list[Violation]:
        """What the invariants say of the gateway, once all has settled or nothing happens."""
        self.progress.settle(PATIENCE)
        stack = self.stack
        found = evidence.gather(self.aws, stack.name, stack.resources, self.progress.journal)
        found.foreign, found.deletions = foreign or set(), list(deletions)
        return [v for v in violations(found) if v.gateway in (self.gateway.id, None)]

    @contextmanager
    def definition(self, change: Callable[[States], None]) -> Iterator[None]:
        """The state machine with other states, for executions that start in the block."""
        client, arn = self.aws.client("stepfunctions"), self.stack.resources["Recorder"]
        good = client.describe_state_machine(stateMachineArn=arn)["definition"]
        bad = json.loads(good)
        change(bad["States"])
        client.update_state_machine(stateMachineArn=arn, definition=json.dumps(bad))
        try:
            yield
        finally:
            client.update_state_machine(stateMachineArn=arn, definition=good)


@pytest.fixture(scope="module")
def watched(aws: LocalAws, network: Network) -> Iterator[RecorderStack]:
    """A stack of which each test has a gateway of its own; two recordings are allowed."""
    gateways = tuple(network.create_gateway("broken") for _ in range(MOST_TESTS))
    stack = RecorderStack(aws, "broken", gateways)
    stack.deploy(NumOfRecordings=2)
    yield stack
    stack.remove()


_numbers = itertools.count()


@pytest.fixture
def broken(watched: RecorderStack) -> Broken:
    """A gateway that no other test has."""
    return Broken(watched, watched.gateways[next(_numbers)])


def test_a_recorder_that_is_not_broken_is_not_blamed(broken: Broken) -> None:
    foreign = bystanders.create(broken.aws, broken.stack.name, [broken.gateway])
    for _ in range(3):
        broken.raise_alarm()
        broken.stack.clear_alarm(broken.gateway)
        broken.progress.settle(LONGEST)
    assert broken.violations(foreign) == []


def test_a_recording_that_is_not_stopped_is_caught(broken: Broken) -> None:
    def without_stop(states: States) -> None:
        states["Wait until enough is recorded"]["Next"] = "Wait for late records"

    with broken.definition(without_stop):
        execution = broken.record()
    (left,) = [v for v in broken.violations() if v.invariant == invariants.NOTHING_LEFT]
    assert left.execution == execution
    assert [entry["operation"] for entry in left.entries] == ["CreateFlowLogs"]
    assert broken.gateway.id in str(left)


def test_a_deletion_that_only_seems_to_succeed_is_caught(broken: Broken) -> None:
    with faults.ec2(broken.aws, "DeleteFlowLogs", {"pretend": True}):
        execution = broken.record()
    (left,) = broken.violations()
    assert (left.invariant, left.execution) == (invariants.NOTHING_LEFT, execution)
    assert "its execution is SUCCEEDED" in left.what


def test_a_lease_that_ends_too_early_is_caught(broken: Broken) -> None:
    first = broken.raise_and_wait()
    end_the_lease(broken)
    second = record_by_event(broken)
    stop(broken, first)
    found = [v for v in broken.violations() if v.invariant == invariants.ONE_AT_A_TIME]
    assert {v.execution for v in found} == {first}
    assert second in found[0].what


def test_two_flow_logs_at_once_are_caught(broken: Broken, watched: RecorderStack) -> None:
    first = broken.raise_and_wait()
    end_the_lease(broken)
    # EC2 takes a second flow log, since it sends somewhere else.
    with start_function(broken, LOG_GROUP_NAME=f"{watched.name}-elsewhere"):
        record_by_event(broken)
    stop(broken, first)
    found = [v for v in broken.violations() if v.invariant == invariants.ONE_AT_A_TIME]
    assert any("existed at once" in v.what for v in found)


def end_the_lease(broken: Broken) -> None:
    """As a recorder does whose leases are too short."""
    broken.aws.client("dynamodb").update_item(
        TableName=broken.stack.resources["RecordingsTable"],
        Key={"natGatewayId": {"S": broken.gateway.id}},
        UpdateExpression="SET leaseEndsAt = :past",
        ExpressionAttributeValues={":past": {"N": "1"}},
    )


def record_by_event(broken: Broken) -> str:
    """A recording that an event starts and another ends, whatever the alarm says."""
    stack, after = broken.stack, broken.aws.now()
    execution = stack.start(alarm_event(stack.name, broken.gateway.id))
    stack.wait_until_waiting(broken.gateway, after)
    broken.aws.put_event(alarm_event(stack.name, broken.gateway.id, value="OK"))
    stack.wait_end(execution)
    return execution


def stop(broken: Broken, execution: str) -> None:
    """End an execution that waits for an OK that others have used up."""
    broken.aws.client("stepfunctions").stop_execution(executionArn=execution)


@contextmanager
def start_function(broken: Broken, **changed: str) -> Iterator[None]:
    """start-recording with other variables in its environment."""
    client, name = broken.aws.client("lambda"), broken.stack.resources["StartRecordingFunction"]
    good = client.get_function_configuration(FunctionName=name)["Environment"]
    bad = {"Variables": good["Variables"] | changed}
    client.update_function_configuration(FunctionName=name, Environment=bad)
    try:
        yield
    finally:
        client.update_function_configuration(FunctionName=name, Environment=good)


def test_a_quota_that_does_not_hold_is_caught(broken: Broken) -> None:
    def without_limit(states: States) -> None:
        settings = states["Reserve a recording"]["Parameters"]["Payload"]["settings"]
        settings["recordingsAllowed"] = 0

    with broken.definition(without_limit):
        executions = [broken.record() for _ in range(3)]
    (found,) = [v for v in broken.violations() if v.invariant == invariants.QUOTA_HOLDS]
    assert found.execution == executions[-1]
    assert found.what == "3 recordings in recordings-forever, 2 are allowed"


def test_a_failure_that_uses_up_the_quota_is_caught(broken: Broken) -> None:
    def without_clean_up(states: States) -> None:
        states["Start recording"]["Catch"] = [
            {"ErrorEquals": ["States.ALL"], "Next": "Nothing to record"}
        ]

    with broken.definition(without_clean_up), no_flow_logs(broken):
        broken.stack.wait_end(broken.raise_alarm())
    found = [v for v in broken.violations() if v.invariant == invariants.NO_QUOTA_LOST]
    assert [v.what for v in found] == ["recordings-forever is 1, but there were 0 recordings"]


def test_a_refusal_without_a_reason_is_caught(broken: Broken) -> None:
    broken.aws.client("dynamodb").put_item(
        TableName=broken.stack.resources["RecordingsTable"],
        Item={"natGatewayId": {"S": broken.gateway.id}, "recordings-forever": {"N": "2"}},
    )
    refused = broken.raise_alarm()
    broken.stack.wait_end(refused)
    found = [v for v in broken.violations() if v.invariant == invariants.NO_QUOTA_LOST]
    assert (refused, "refused after 0 of 2 recordings") in [(v.execution, v.what) for v in found]


def no_flow_logs(broken: Broken) -> AbstractContextManager[str]:
    """EC2 creates none."""
    refused = faults.unsuccessful("FlowLogsLimitExceeded", "There are too many")
    return faults.ec2(broken.aws, "CreateFlowLogs", refused)


def test_a_recording_without_an_email_is_caught(broken: Broken) -> None:
    def without_notify(states: States) -> None:
        del states["Report"]["Next"]
        states["Report"]["End"] = True

    with broken.definition(without_notify):
        execution = broken.record()
    (found,) = broken.violations()
    assert (found.invariant, found.execution) == (invariants.MAILED, execution)
    assert "SUCCEEDED in “Report”" in found.what


def test_a_second_email_is_caught(broken: Broken) -> None:
    def notify_twice(states: States) -> None:
        states["Notify again"] = states["Notify"] | {"Next": "Notify programs"}
        states["Notify"] = states["Notify"] | {"Next": "Notify again"}

    with broken.definition(notify_twice):
        execution = broken.record()
    (found,) = broken.violations()
    assert (found.invariant, found.execution) == (invariants.MAILED_ONCE, execution)
    assert len(found.entries) == 2


def test_a_second_email_after_a_lost_answer_is_none(broken: Broken) -> None:
    with broken.aws.fault("sns", "Publish", faults.LOSE_ANSWER, times=1):
        execution = broken.record()
    assert len(broken.stack.mails(execution)) == 2
    assert broken.violations() == []


def test_somebodys_flow_log_that_is_gone_is_caught(broken: Broken) -> None:
    foreign = bystanders.create(broken.aws, broken.stack.name, [broken.gateway])
    broken.aws.client("ec2").delete_flow_logs(FlowLogIds=[min(foreign)])
    (found,) = broken.violations(foreign)
    assert (found.invariant, found.what) == (
        invariants.NOBODY_ELSES,
        f"{min(foreign)} of somebody else is gone",
    )


def test_a_deletion_by_tags_that_anybody_may_write_is_caught(broken: Broken) -> None:
    foreign = bystanders.create(broken.aws, broken.stack.name, [broken.gateway])
    execution = broken.raise_and_wait()
    tags = {"stack": broken.stack.name, "execution": execution}
    broken.aws.client("ec2").create_tags(
        Resources=[min(foreign)],
        Tags=[{"Key": f"nat-flow-recorder:{key}", "Value": value} for key, value in tags.items()],
    )
    broken.stack.clear_alarm(broken.gateway)
    broken.stack.wait_end(execution)
    found = [v for v in broken.violations(foreign) if v.invariant == invariants.NOBODY_ELSES]
    assert any("asked for the deletion of" in v.what and min(foreign) in v.what for v in found)


def test_an_execution_that_does_not_end_is_caught(broken: Broken) -> None:
    def wait_for_ever(states: States) -> None:
        states["Wait for late records"] = {"Type": "Wait", "Seconds": 86_400, "Next": "Report"}

    with broken.definition(wait_for_ever):
        execution = broken.raise_and_wait()
        broken.stack.clear_alarm(broken.gateway)
    (found,) = broken.violations()
    assert (found.invariant, found.execution) == (invariants.WITHIN_LIMITS, execution)
    assert "in “Wait for late records” since" in found.what
    stop(broken, execution)


def test_an_alarm_that_is_lost_is_caught(broken: Broken) -> None:
    rule = broken.stack.resources["AlarmRaisedRule"]
    events = broken.aws.client("events")
    (good,) = events.list_targets_by_rule(Rule=rule)["Targets"]
    bad = {key: value for key, value in good.items() if key != "DeadLetterConfig"}
    events.put_targets(Rule=rule, Targets=[bad])
    refused = faults.error(400, "AccessDeniedException")
    try:
        with broken.aws.fault("stepfunctions", "StartExecution", refused):
            broken.aws.raise_alarm(broken.stack.name, broken.gateway)
            broken.progress.settle(LONGEST)
    finally:
        events.put_targets(Rule=rule, Targets=[good])
    (found,) = broken.violations()
    assert found.invariant == invariants.HEARD
    assert found.entries[0]["kind"] == "delivery"


def deleted(broken: Broken, gateway: Gateway, template: dict[str, Any]) -> Deletion:
    """A stack of this template that was deleted while it recorded a gateway."""
    doomed = DoomedStack(broken.aws, f"{gateway.id}-doomed", [gateway])
    doomed.deploy(template, {"EmailAddress": "network@example.com", "RecordingTime": 300})
    progress = Progress(broken.aws)
    doomed.strike()
    while doomed.is_due:
        for entry in progress.read(LONGEST):
            doomed.notice(entry)
    doomed.end()
    progress.settle(PATIENCE)
    return doomed.evidence(progress.journal)


def test_a_deleted_stack_that_leaves_its_recording_is_caught(
    broken: Broken, network: Network
) -> None:
    gateway = network.create_gateway("doomed")
    deletion = deleted(broken, gateway, without_an_end())
    assert deletion.is_gone
    (flow_log,) = [one["FlowLogId"] for one in deletion.left]
    broken.aws.client("ec2").delete_flow_logs(FlowLogIds=[flow_log])
    found = broken.violations(deletions=[deletion])
    gone = [v.what for v in found if v.invariant == invariants.GONE]
    assert f"{deletion.stack}: {flow_log} still exists" in gone
    unmailed = [v.execution for v in found if v.invariant == invariants.MAILED]
    assert unmailed == deletion.unannounced != []


def test_a_stack_that_is_deleted_is_not_blamed(broken: Broken, network: Network) -> None:
    gateway = network.create_gateway("doomed")
    deletion = deleted(broken, gateway, impatient(TEMPLATE))
    assert deletion.recorded == 1
    assert broken.violations(deletions=[deletion]) == []
