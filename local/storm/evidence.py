"""What a stack did and what it left: the services' own answers, and the front door's journal.

The recorder's table is read, too, but only to be compared with the rest.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import cached_property
from typing import Any

from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import ClientError

from local.local_aws import LocalAws
from local.network import Gateway
from local.storm.journal import (
    CLIENT,
    INTERPRETER,
    Entry,
    is_call,
    is_status_change,
    moment_of,
)

TAG = "nat-flow-recorder:"
RESERVE = "Reserve a recording"
CLEAN_UP = "Clean up after the failure"
# How many histories are read at once: moto writes one while another one is read.
READERS = 3
# The states in which an execution holds its gateway and lets it be recorded.
RECORDING = ("Wait for the alarm to clear", "Wait until enough is recorded")
_ARN = re.compile(r"arn:[\w-]+:states:[\w-]*:\d*:execution:[^\s\"',/\\]+")
_to_python = TypeDeserializer().deserialize


@dataclass(frozen=True)
class Visit:
    """A state that an execution was in; `left` is None while it is there."""

    state: str
    entered: datetime
    left: datetime | None


@dataclass(frozen=True)
class Execution:
    """An execution of the recorder, by its history."""

    arn: str
    status: str
    gateway: str | None
    by_hand: bool
    started: datetime
    ended: datetime | None
    visits: tuple[Visit, ...]
    # What check-quota answered; empty when it never did.
    reservation: dict[str, Any]
    # Whether *Clean up after the failure* failed, too: then its sweep gives the quota back.
    left_uncleaned: bool
    # How many state transitions AWS would bill.
    transitions: int
    # Calls that may have sent an e-mail, of which the execution was told nothing.
    unanswered_mails: int

    @property
    def decision(self) -> str | None:
        """`record`, or why not."""
        return self.reservation.get("decision")

    @property
    def is_running(self) -> bool:
        """Whether it has yet to end."""
        return self.status == "RUNNING"

    @property
    def ended_without_recording(self) -> bool:
        """Whether it ended well because there was nothing to record."""
        return self.status == "SUCCEEDED" and self.decision != "record"

    @property
    def counter(self) -> str | None:
        """The attribute that counts it; None of one by hand, or one that was not counted."""
        quota = self.reservation.get("recording", {}).get("quota") or {}
        return quota.get("counter")

    @property
    def lease_ends(self) -> datetime | None:
        """Until when it may record."""
        text = self.reservation.get("recording", {}).get("leaseEndsAt")
        return moment_of(text) if text else None

    def recording_spans(self, now: datetime) -> Iterator[tuple[datetime, datetime]]:
        """When its gateway was its own."""
        for visit in self.visits:
            if visit.state in RECORDING:
                yield visit.entered, visit.left or now


@dataclass(frozen=True)
class FlowLog:
    """A flow log that bears a stack's tag, by the calls that created and deleted it."""

    id: str
    gateway: str
    execution: str
    lease_ends: datetime
    created: Entry
    deleted: Entry | None

    @property
    def certainly_from(self) -> datetime:
        """It existed at this time at the latest."""
        return moment_of(self.created["at"])

    def certainly_until(self, now: datetime) -> datetime:
        """It existed until this time at least."""
        if self.deleted is None:
            return now
        return moment_of(self.deleted["at"]) - timedelta(milliseconds=self.deleted["took_ms"])


@dataclass(frozen=True)
class Mail:
    """An e-mail and the executions that it is about."""

    entry: Entry
    executions: frozenset[str]


@dataclass(frozen=True)
class Deletion:
    """What there is of a stack after its deletion."""

    stack: str
    is_gone: bool
    # Its flow logs, as DescribeFlowLogs has them, and the executions that have not ended.
    left: list[dict[str, Any]]
    running: list[str]
    # How many flow logs it ever created.
    recorded: int
    # The executions that did, of which no e-mail tells although nothing kept the sweeper from it.
    unannounced: list[str]
    # How long it took with all attempts, and why those failed that did.
    seconds: float
    refusals: tuple[str, ...]


@dataclass
class Evidence:
    """All that the invariants look at, of one stack."""

    stack: str
    at: datetime
    resources: dict[str, str]
    quota: int
    journal: list[Entry]
    executions: list[Execution]
    # Ours, as DescribeFlowLogs has them now, and the IDs of everybody's.
    left: list[dict[str, Any]]
    existing: set[str]
    items: dict[str, dict[str, Any]]
    # Flow logs that somebody else created and still needs.
    foreign: set[str] = field(default_factory=set)
    # Other stacks that were deleted.
    deletions: list[Deletion] = field(default_factory=list)
    seed: int | None = None

    @cached_property
    def by_arn(self) -> dict[str, Execution]:
        """The executions by their ARNs."""
        return {execution.arn: execution for execution in self.executions}

    @cached_property
    def flow_logs(self) -> list[FlowLog]:
        """Every flow log that was created with this stack's tag, the oldest first."""
        deleted = _deletions(self.journal)
        return [
            _flow_log(flow_log_id, call, deleted.get(flow_log_id))
            for flow_log_id, call in _creations(self.journal).items()
            if call["tags"].get(f"{TAG}stack") == self.stack
        ]

    @cached_property
    def flow_logs_of(self) -> dict[str, list[FlowLog]]:
        """The flow logs by their executions' ARNs."""
        found: defaultdict[str, list[FlowLog]] = defaultdict(list)
        for flow_log in self.flow_logs:
            found[flow_log.execution].append(flow_log)
        return dict(found)

    @cached_property
    def mails(self) -> list[Mail]:
        """The e-mails of this stack's topic."""
        return list(_mails(self.journal, self.resources["ReportsTopic"]))

    @cached_property
    def mails_about(self) -> dict[str, list[Mail]]:
        """The e-mails by the ARNs of the executions that they are about."""
        found: defaultdict[str, list[Mail]] = defaultdict(list)
        for mail in self.mails:
            for arn in mail.executions:
                found[arn].append(mail)
        return dict(found)

    @cached_property
    def items_deleted(self) -> dict[str, int]:
        """How often a gateway's item was deleted by hand."""
        found: defaultdict[str, int] = defaultdict(int)
        for entry in self.journal:
            if is_call(entry, "dynamodb", "DeleteItem") and entry["caller"] == CLIENT:
                found[entry["key"]["natGatewayId"]["S"]] += 1
        return dict(found)

    @cached_property
    def calls(self) -> list[Entry]:
        """The API calls of this stack's functions and state machine."""
        own = set(self.resources.values())
        return [e for e in self.journal if e["kind"] == "api-call" and _is_call_of(own, e)]

    def recorded(self, gateway: str) -> list[Execution]:
        """The executions that recorded the gateway and count, the oldest first."""
        return [
            execution
            for execution in self.executions
            if execution.gateway == gateway
            and not execution.by_hand
            and execution.arn in self.flow_logs_of
        ]

    @cached_property
    def gateways(self) -> list[str]:
        """The gateways that any execution was about, in order."""
        return sorted({e.gateway for e in self.executions if e.gateway is not None})


def gather(aws: LocalAws, stack: str, resources: dict[str, str], journal: list[Entry]) -> Evidence:
    """The evidence about a stack as of now; `journal` is all that happened since it was created."""
    return Evidence(
        stack=stack,
        at=datetime.now(timezone.utc),
        resources=resources,
        quota=_quota(aws, stack),
        journal=journal,
        executions=list(_executions(aws, resources["Recorder"])),
        left=aws.flow_logs(stack),
        existing={flow_log["FlowLogId"] for flow_log in aws.flow_logs()},
        items=dict(_items(aws, resources["RecordingsTable"])),
    )


def of_deletion(
    aws: LocalAws,
    stack: str,
    resources: dict[str, str],
    journal: list[Entry],
    seconds: float,
    refusals: tuple[str, ...] = (),
) -> Deletion:
    """The evidence about a stack that was deleted; `resources` are those that it had."""
    tags = [call["tags"] for call in _creations(journal).values()]
    recorded = [own[f"{TAG}execution"] for own in tags if own.get(f"{TAG}stack") == stack]
    mails = _mails(journal, resources["ReportsTopic"])
    told = {execution for mail in mails for execution in mail.executions}
    # Nobody is left who could send an e-mail later: docs/adr/0015.
    denied = _was_denied(journal, resources["SweepRecordingsFunction"])
    return Deletion(
        stack=stack,
        is_gone=not _exists(aws, stack),
        left=aws.flow_logs(stack),
        running=list(_running(resources["Recorder"], journal)),
        recorded=len(recorded),
        unannounced=[] if denied else sorted(set(recorded) - told),
        seconds=seconds,
        refusals=refusals,
    )


def _was_denied(journal: list[Entry], function: str) -> bool:
    """Whether a function was refused what no retry heals."""
    calls = (entry for entry in journal if entry["kind"] == "api-call")
    return any(call["caller"] == function and call["status"] == 403 for call in calls)


def _exists(aws: LocalAws, stack: str) -> bool:
    try:
        aws.client("cloudformation").describe_stacks(StackName=stack)
    except ClientError as error:
        if "does not exist" in str(error):
            return False
        raise
    return True


def _running(machine: str, journal: list[Entry]) -> Iterable[str]:
    """The executions of a state machine of whose end EventBridge has not heard."""
    running: dict[str, None] = {}
    details = (entry["event"]["detail"] for entry in journal if is_status_change(entry))
    for detail in details:
        if detail["stateMachineArn"] == machine:
            running.pop(detail["executionArn"], None)
            if detail["status"] == "RUNNING":
                running[detail["executionArn"]] = None
    return running


def _quota(aws: LocalAws, stack: str) -> int:
    described = aws.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    given = {one["ParameterKey"]: one["ParameterValue"] for one in described["Parameters"]}
    return int(given["NumOfRecordings"])


def _items(aws: LocalAws, table: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for page in aws.client("dynamodb").get_paginator("scan").paginate(TableName=table):
        for item in page["Items"]:
            found = {name: _to_python(value) for name, value in item.items()}
            yield found["natGatewayId"], found


def _executions(aws: LocalAws, machine: str) -> Iterator[Execution]:
    client = aws.client("stepfunctions")
    pages = client.get_paginator("list_executions").paginate(stateMachineArn=machine)
    found = [execution for page in pages for execution in page["executions"]]
    listed = sorted(found, key=lambda execution: execution["startDate"])
    with ThreadPoolExecutor(READERS) as readers:
        arns = [execution["executionArn"] for execution in listed]
        yield from map(execution_of, listed, readers.map(aws.history, arns))


def execution_of(listed: dict[str, Any], history: list[dict[str, Any]]) -> Execution:
    """What ListExecutions and GetExecutionHistory tell of an execution."""
    given = json.loads(history[0]["executionStartedEventDetails"]["input"])
    entered = [event for event in history if "stateEnteredEventDetails" in event]
    ended = None if listed["status"] == "RUNNING" else listed["stopDate"]
    return Execution(
        arn=listed["executionArn"],
        status=listed["status"],
        gateway=_gateway(given),
        by_hand="natGatewayId" in given,
        started=listed["startDate"],
        ended=ended,
        visits=tuple(_visits(entered, ended)),
        reservation=_output_of(RESERVE, history),
        left_uncleaned=any("cleanUpFailure" in output for output in _cleaned_up(history)),
        # The start counts as one, as on the bill.
        transitions=len(entered) + 1 + _retries(history),
        unanswered_mails=_unanswered_mails(history),
    )


def _gateway(given: dict[str, Any]) -> str | None:
    if "natGatewayId" in given:
        return given["natGatewayId"]
    name = given.get("detail", {}).get("alarmName", "")
    return name.partition("/")[2] or None


def _visits(entered: list[dict[str, Any]], ended: datetime | None) -> Iterator[Visit]:
    ends: list[datetime | None] = [event["timestamp"] for event in entered[1:]]
    # One that was stopped at once has entered no state.
    for event, left in zip(entered, [*ends, ended], strict=False):
        yield Visit(event["stateEnteredEventDetails"]["name"], event["timestamp"], left)


def _cleaned_up(history: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """What *Clean up after the failure* passed on, without what is empty."""
    for event in history:
        left = event.get("stateExitedEventDetails", {})
        if left.get("name") == CLEAN_UP:
            yield {name: value for name, value in json.loads(left["output"]).items() if value}


def _output_of(state: str, history: list[dict[str, Any]]) -> dict[str, Any]:
    for event in history:
        left = event.get("stateExitedEventDetails")
        if left and left["name"] == state and event["type"] == "TaskStateExited":
            output = json.loads(left["output"])
            # A failure that was caught leaves through the state, too.
            return output if "decision" in output else {}
    return {}


def _retries(history: list[dict[str, Any]]) -> int:
    """Each repetition of a task is a transition on the bill."""
    scheduled = sum(event["type"] == "TaskScheduled" for event in history)
    tasks = sum(event["type"] == "TaskStateEntered" for event in history)
    return max(0, scheduled - tasks)


def _unanswered_mails(history: list[dict[str, Any]]) -> int:
    """Calls of SNS that ended with neither success nor failure: the execution was stopped in
    the middle of one, or waited for its answer for too long."""
    count = dict.fromkeys(("Scheduled", "Succeeded", "Failed"), 0)
    for event in history:
        kind = event["type"].removeprefix("Task")
        if kind in count and event[f"task{kind}EventDetails"].get("resourceType") == "sns":
            count[kind] += 1
    return count["Scheduled"] - count["Succeeded"] - count["Failed"]


def _mails(journal: list[Entry], topic: str) -> Iterator[Mail]:
    """The e-mails of a topic."""
    for entry in journal:
        if entry["kind"] == "email" and entry["topic"] == topic:
            yield Mail(entry, frozenset(executions_in(entry["body"])))


def executions_in(body: str) -> Iterable[str]:
    """Those that an e-mail links to; without a link, those that it names."""
    linked = [line for line in body.splitlines() if "/executions/details/" in line]
    return set(_ARN.findall("\n".join(linked) or body))


def _is_call_of(own: set[str], call: Entry) -> bool:
    """Whether a stack of these resources made a call. All state machines call under one name, and
    are told apart by what they call."""
    if call["caller"] != INTERPRETER:
        return call["caller"] in own
    # Functions are called by their ARNs, and known by their names.
    function = call.get("function", "").rpartition(":")[2]
    return not own.isdisjoint({function, call.get("table"), call.get("topic")})


def _creations(journal: list[Entry]) -> dict[str, Entry]:
    """The first call that created each flow log: a repeated token gets the same answer."""
    found: dict[str, Entry] = {}
    for entry in journal:
        if is_call(entry, "ec2", "CreateFlowLogs") and entry["status"] == 200:
            for flow_log_id in entry["flow_log_ids"]:
                found.setdefault(flow_log_id, entry)
    return found


def _deletions(journal: list[Entry]) -> dict[str, Entry]:
    """The call that deleted each flow log."""
    found: dict[str, Entry] = {}
    for entry in journal:
        if is_call(entry, "ec2", "DeleteFlowLogs") and entry["status"] == 200:
            for flow_log_id in set(entry["flow_log_ids"]) - set(entry["unsuccessful"]):
                found.setdefault(flow_log_id, entry)
    return found


def _flow_log(flow_log_id: str, created: Entry, deleted: Entry | None) -> FlowLog:
    tags = created["tags"]
    return FlowLog(
        id=flow_log_id,
        gateway=tags[f"{TAG}gateway"],
        execution=tags[f"{TAG}execution"],
        lease_ends=moment_of(tags[f"{TAG}lease-ends-at"]),
        created=created,
        deleted=deleted,
    )


def resource_of(gateway: Gateway) -> str:
    """What a gateway's flow log is on."""
    return gateway.interface_id or gateway.id
