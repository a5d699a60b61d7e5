"""A deployed recorder, as its user and its tests see it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import ClientError

from local.local_aws import ROOT, Entry, LocalAws
from local.network import Gateway
from local.template import DeploymentError
from tests.e2e.events import alarm_event
from tests.e2e.permissions import Permissions, done

TEMPLATE = ROOT / "template.yaml"
ADDRESS = "network@example.com"
# Nothing waits for a test that does not ask for it; no recording runs out of time by chance.
QUICK = {
    "EmailAddress": ADDRESS,
    "RecordingTime": 600,
    "MinimumRecordingTime": 0,
    "ReportDelay": 0,
}
# What a gateway's item has while an execution holds its lease.
LEASE = {
    "execution",
    "phase",
    "startedBy",
    "reservedAt",
    "leaseEndsAt",
    "countedIn",
    "flowLogIds",
    "taskToken",
}
# Seconds that anything may take on a busy machine.
LONGEST = 60.0
STATUS_CHANGE = "Step Functions Execution Status Change"
_to_python = TypeDeserializer().deserialize


@dataclass(frozen=True)
class Ended:
    """An execution that has ended."""

    arn: str
    status: str
    error: str | None
    cause: str
    output: dict[str, Any]

    @property
    def decision(self) -> str:
        """What check-quota decided, of an execution that ended well."""
        return self.output["decision"]


@dataclass
class RecorderStack:
    """One stack of template.yaml, on gateways that only it watches."""

    aws: LocalAws
    name: str
    gateways: tuple[Gateway, ...]
    # Where the stack's story begins in the journal.
    since: int = 0
    resources: dict[str, str] = field(default_factory=dict)
    # What its roles allow, with each template that it has had.
    permissions: Permissions = field(default_factory=Permissions)

    # -- Deploying ----------------------------------------------------------------------------

    def deploy(self, template: Path | dict[str, Any] = TEMPLATE, **parameters: Any) -> None:
        """Create or update the stack; parameters that are left out keep their values."""
        if not self.resources:
            parameters = {**QUICK, "NatGatewayIDs": ids(self.gateways), **parameters}
            self.since = self.aws.now()
        self.aws.deploy(self.name, template, parameters)
        self.resources = self.aws.resources(self.name)
        self.permissions.add(self.aws, self.name)

    def remove(self) -> None:
        """Leave nothing behind, whatever the test did."""
        if not self.resources:
            return
        with self._without_sweeps():
            with contextlib.suppress(ClientError):
                for execution in self.executions("RUNNING"):
                    self.aws.client("stepfunctions").stop_execution(executionArn=execution)
            # It fails at the recordings, which are then given up.
            with contextlib.suppress(DeploymentError):
                self.aws.delete(self.name)
        with contextlib.suppress(DeploymentError):
            self.aws.delete(self.name, retained=["Recordings"])
        self.delete_flow_logs()

    @contextlib.contextmanager
    def _without_sweeps(self) -> Iterator[None]:
        """Nobody reaches sweep-recordings: a test's end need not wait for it."""
        sweeper = self.resources.get("SweepRecordingsFunction")
        if sweeper is None:
            yield
            return
        gone = {"error": {"status": 404, "code": "ResourceNotFoundException", "message": "gone"}}
        with self.aws.fault("lambda", "Invoke", gone, contains=sweeper):
            yield

    def delete_flow_logs(self) -> None:
        """Delete every flow log on the stack's gateways."""
        left = [flow_log["FlowLogId"] for flow_log in self.flow_logs_on_gateways()]
        if left:
            self.aws.client("ec2").delete_flow_logs(FlowLogIds=left)

    # -- Making things happen -----------------------------------------------------------------

    @property
    def gateway(self) -> Gateway:
        """The first gateway, of most tests the only one."""
        return self.gateways[0]

    def raise_alarm(self, gateway: Gateway | None = None) -> str:
        """The gateway's traffic goes above the threshold; returns the execution that starts."""
        after = self.aws.now()
        self.aws.raise_alarm(self.name, gateway or self.gateway)
        return self.delivered("AlarmRaisedRule", after)["execution_arn"]

    def clear_alarm(self, gateway: Gateway | None = None) -> None:
        """The gateway's traffic is normal again."""
        self.aws.clear_alarm(self.name, gateway or self.gateway)

    def clear_and_handle(self, gateway: Gateway | None = None) -> Entry:
        """The gateway's traffic is normal again, and resume-recording has dealt with it."""
        after = self.aws.now()
        self.clear_alarm(gateway)
        return self.invoked("ResumeRecordingFunction", after)

    def put_ok(self) -> None:
        """An event says that the first gateway's alarm has cleared, whatever the alarm says."""
        self.aws.put_event(self.alarm_event(value="OK"))

    def put_twice(self, event: dict[str, Any]) -> list[str]:
        """EventBridge delivers an event that raises the alarm twice; returns what starts."""
        executions = []
        for _ in range(2):
            after = self.aws.now()
            self.aws.put_event(event)
            executions.append(self.delivered("AlarmRaisedRule", after)["execution_arn"])
        return executions

    def stop(self, execution: str) -> None:
        """Somebody stops an execution."""
        self.aws.client("stepfunctions").stop_execution(
            executionArn=execution, cause="said the test"
        )

    def sweep(self) -> Entry:
        """The hourly sweep; returns the end of the function's invocation."""
        after = self.aws.now()
        self.aws.fire_schedule(self.resources["SweepSchedule"])
        return self.invoked("SweepRecordingsFunction", after)

    def start(self, given: dict[str, Any]) -> str:
        """Start an execution with this input."""
        started = self.aws.client("stepfunctions").start_execution(
            stateMachineArn=self.resources["Recorder"], input=json.dumps(given)
        )
        return started["executionArn"]

    def alarm_event(self, at: datetime | None = None, **changes: Any) -> dict[str, Any]:
        """The event of this stack's first alarm; see tests.e2e.events.alarm_event."""
        return alarm_event(self.name, self.gateway.id, at, **changes)

    def record_once(self) -> Ended:
        """A whole recording: the alarm rises and clears."""
        after = self.aws.now()
        execution = self.raise_alarm()
        self.wait_until_waiting(after=after)
        self.clear_alarm()
        return self.wait_end(execution)

    def record_by_event(self) -> Ended:
        """As record_once, by events alone: the alarm itself stays as it is."""
        after = self.aws.now()
        execution = self.start(self.alarm_event())
        self.wait_until_waiting(after=after)
        self.put_ok()
        return self.wait_end(execution)

    # -- Waiting ------------------------------------------------------------------------------

    def delivered(self, rule: str, after: int) -> Entry:
        """EventBridge's delivery to the target of this rule, which went well."""
        name = self.resources[rule]
        return self.aws.wait_for(
            "delivery", lambda e: e["rule"] == name and e["outcome"] == "ok", LONGEST, after
        )

    def invoked(self, function: str, after: int, timeout: float = LONGEST) -> Entry:
        """The end of an invocation of this function."""
        name = self.resources[function]
        return self.aws.wait_for(
            "invocation-end", lambda e: e["function"] == name, timeout, after=after
        )

    def wait_until_waiting(self, gateway: Gateway | None = None, after: int | None = None) -> None:
        """Until the gateway's execution has stored its token: it records and waits for an OK."""
        key = {"natGatewayId": {"S": (gateway or self.gateway).id}}
        self.aws.wait_for(
            "api-call",
            lambda e: (
                e["operation"] == "UpdateItem"
                and e["caller"] == "state-machine"
                and e["status"] == 200
                and e["key"] == key
            ),
            LONGEST,
            self.since if after is None else after,
        )

    def wait_recording(self, execution: str) -> str:
        """Until this execution has a flow log; returns its ID."""
        entry = self.aws.wait_for(
            "log",
            lambda e: (
                e["function"] == self.resources["StartRecordingFunction"]
                and (line := json.loads(e["line"]))["message"] == "records"
                and line["span"]["execution"] == execution
            ),
            LONGEST,
            self.since,
        )
        return json.loads(entry["line"])["flowLog"]

    def wait_records(self, flow_log: str, after: int | None = None) -> Entry:
        """Until records of this flow log are delivered."""
        return self.aws.wait_for(
            "records",
            lambda e: e["flow_log_id"] == flow_log,
            LONGEST,
            self.since if after is None else after,
        )

    def wait_end(self, execution: str, timeout: float = LONGEST) -> Ended:
        """Until the execution has ended, well or not."""

        def ended(entry: Entry) -> bool:
            event = entry["event"]
            return (
                event["detail-type"] == STATUS_CHANGE
                and event["detail"]["executionArn"] == execution
                and event["detail"]["status"] != "RUNNING"
            )

        entry = self.aws.wait_for("event", ended, timeout, after=self.since)
        detail = entry["event"]["detail"]
        return Ended(
            execution,
            detail["status"],
            detail["error"],
            detail["cause"] or "",
            json.loads(detail["output"] or "{}"),
        )

    def wait_held(self, fault: str, calls: int = 1) -> None:
        """Until the fault holds so many calls."""
        held: set[str] = set()

        def enough(entry: Entry) -> bool:
            if entry["fault"] == fault:
                held.add(entry["request_id"])
            return len(held) >= calls

        self.aws.wait_for("held", enough, LONGEST, self.since)

    # -- Looking ------------------------------------------------------------------------------

    def item(self, gateway: Gateway | None = None) -> dict[str, Any]:
        """The gateway's item in the table; empty when there is none."""
        answer = self.aws.client("dynamodb").get_item(
            TableName=self.resources["RecordingsTable"],
            Key={"natGatewayId": {"S": (gateway or self.gateway).id}},
            ConsistentRead=True,
        )
        return {name: _to_python(value) for name, value in answer.get("Item", {}).items()}

    def counted(self, gateway: Gateway | None = None) -> int:
        """How many recordings of the gateway count against the quota that never renews."""
        return int(self.item(gateway).get("recordings-forever", 0))

    def let_the_lease_pass(self) -> None:
        """Move the end of the first gateway's lease into the past."""
        self.aws.client("dynamodb").update_item(
            TableName=self.resources["RecordingsTable"],
            Key={"natGatewayId": {"S": self.gateway.id}},
            UpdateExpression="SET leaseEndsAt = :past",
            ExpressionAttributeValues={":past": {"N": "1"}},
        )

    def flow_logs(self) -> list[dict[str, Any]]:
        """The flow logs with this stack's tag."""
        return self.aws.flow_logs(self.name)

    def flow_logs_on_gateways(self) -> list[dict[str, Any]]:
        """The flow logs on the stack's gateways, whoever created them."""
        resources = [gateway.interface_id or gateway.id for gateway in self.gateways]
        filters = [{"Name": "resource-id", "Values": resources}]
        return self.aws.client("ec2").describe_flow_logs(Filters=filters)["FlowLogs"]

    def executions(self, status: str | None = None) -> list[str]:
        """The ARNs of the executions, the oldest first."""
        return [
            execution["executionArn"]
            for execution in self.aws.executions(self.name)
            if status in (None, execution["status"])
        ]

    def mails(self, execution: str | None = None) -> list[dict[str, Any]]:
        """The e-mails that this stack sent: all, or those about one execution."""
        topic = self.resources["ReportsTopic"]
        return [
            mail
            for mail in self.aws.mailbox()
            if mail["topic"] == topic and (execution is None or _is_about(mail["body"], execution))
        ]

    def the_mail(self, execution: str) -> dict[str, Any]:
        """The one e-mail about an execution, its body in one line."""
        mails = self.mails(execution)
        assert len(mails) == 1, f"{len(mails)} e-mails about {execution}"
        return mails[0] | {"words": " ".join(mails[0]["body"].split())}

    def journal(self, kind: str) -> Iterator[Entry]:
        """This stack's part of the journal, of one kind."""
        names = set(self.resources.values())
        for entry in self.aws.journal(self.since)[0]:
            if entry["kind"] == kind and _name_in(entry) in names:
                yield entry

    def journal_of_records(self, flow_log: str) -> list[Entry]:
        """The deliveries of a flow log's records."""
        entries = self.aws.journal(self.since)[0]
        return [e for e in entries if e["kind"] == "records" and e["flow_log_id"] == flow_log]

    def calls(self, operation: str) -> list[Entry]:
        """The calls of this operation that functions and state machines made."""
        since = self.aws.journal(self.since)[0]
        return [
            entry
            for entry in since
            if entry["kind"] == "api-call"
            and entry["operation"] == operation
            and entry["caller"] != "client"
        ]

    def dead_letters(self) -> list[dict[str, Any]]:
        """The messages in the dead-letter queue: their bodies."""
        answer = self.aws.client("sqs").receive_message(
            QueueUrl=self.resources["DeadLetterQueue"],
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
        )
        return [json.loads(message["Body"]) for message in answer.get("Messages", [])]

    # -- Asserting ----------------------------------------------------------------------------

    def assert_nothing_was_done_without_permission(self) -> None:
        """Each call that was made with a role of this stack is one that the role allows."""
        journal, _ = self.aws.journal(self.since)
        allowed = self.permissions.allowed
        for role, actions in done(self.permissions, journal).items():
            assert actions <= allowed[role], f"{role} lacks {sorted(actions - allowed[role])}"

    def assert_nothing_is_left(self, gateway: Gateway | None = None) -> None:
        """No flow log runs and nobody holds the gateway's lease."""
        assert self.flow_logs() == []
        left = LEASE & self.item(gateway).keys()
        assert not left, f"the lease is not released: {sorted(left)}"

    def assert_recorded(self, ended: Ended) -> dict[str, Any]:
        """A recording that ended well, with one e-mail about it, which is returned."""
        assert (ended.status, ended.error) == ("SUCCEEDED", None), ended
        assert ended.decision == "record"
        return self.the_mail(ended.arn)

    def assert_failed(self, ended: Ended, error: str, *words: str) -> dict[str, Any]:
        """An execution that failed with this error and one e-mail with these words."""
        assert (ended.status, ended.error) == ("FAILED", error), ended
        mail = self.the_mail(ended.arn)
        for said in words:
            assert said in mail["words"], mail["body"]
        return mail


def ids(gateways: Iterable[Gateway]) -> str:
    """The parameter NatGatewayIDs."""
    return ",".join(gateway.id for gateway in gateways)


def _name_in(entry: Entry) -> str | None:
    return entry.get("function") or entry.get("topic")


def _is_about(body: str, execution: str) -> bool:
    """Whether an e-mail links to this execution; it may well name others."""
    if "/executions/details/" in body:
        return f"/executions/details/{execution}\n" in f"{body}\n"
    return execution in body
