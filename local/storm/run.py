"""A storm from its beginning to the verdict: deploy, let it happen, settle, sweep, judge."""

from __future__ import annotations

import logging
import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from local.local_aws import ROOT, LocalAws
from local.network import Gateway
from local.storm import bystanders, evidence, plan, weather
from local.storm.deletion import DoomedStack, impatient
from local.storm.evidence import Evidence, resource_of
from local.storm.invariants import Violation, violations
from local.storm.journal import Entry, is_call
from local.storm.plan import Action, Kind, Settings
from local.storm.progress import Progress

TEMPLATE = ROOT / "template.yaml"
MACROS = ROOT / "cf-assistive-macros" / "template.yaml"
# The longest pause before a retry of the state machine, in seconds, as its definition has it.
LONGEST_PAUSE = 60
# What a machine that is busy may take for a step on top.
PATIENCE = 40
# How often somebody who waits is told how far it is, in seconds.
SAY_EVERY = 20
# How many things are done at once.
HANDS = 4
# The first wave's calls of CreateFlowLogs are let go after so many seconds at the latest.
LONGEST_HOLD = 40
# Every so many gateways has traffic, so that reports have something to tell; a record each so
# many milliseconds, because each of them costs four calls.
ONE_WITH_TRAFFIC_IN = 10
TRAFFIC_EVERY_MS = 3000
FLOW = {
    "client": "10.0.1.10",
    "client_port": 40001,
    "peer": "93.184.216.34",
    "peer_port": 443,
    "protocol": 6,
    "upload_bytes_per_second": 1000,
    "download_bytes_per_second": 100_000,
}


@dataclass(frozen=True)
class Outcome:
    """What came of a storm."""

    settings: Settings
    evidence: Evidence
    violations: list[Violation]
    # Whether everything that began has ended.
    settled: bool
    # How often each thing of the plan happened.
    happened: Counter[Kind]
    # From the first alarm until all had settled, in seconds.
    seconds: float


class Hands:
    """Those who do what is planned, a few at a time; what one gateway gets keeps its order."""

    def __init__(self) -> None:
        self._pools = [ThreadPoolExecutor(1) for _ in range(HANDS)]
        self._jobs: list[Future[None]] = []

    def __enter__(self) -> Hands:
        return self

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        for pool in self._pools:
            pool.shutdown(cancel_futures=failure is not None)
        for job in self._jobs if failure is None else ():
            job.result()

    @property
    def are_full(self) -> bool:
        """Whether there is enough to do."""
        self._jobs = [job for job in self._jobs if not job.done() or job.exception()]
        return len(self._jobs) >= 2 * HANDS

    def do(self, gateway: int, job: Callable[[Action], None], action: Action) -> None:
        """Have it done soon."""
        self._jobs.append(self._pools[gateway % HANDS].submit(job, action))


class Storm:
    """One storm over one stack of its own."""

    def __init__(
        self,
        aws: LocalAws,
        settings: Settings,
        stack: str = "storm",
        say: Callable[[str], None] = lambda line: None,
    ):
        self.aws = aws
        self.settings = settings
        self.stack = stack
        self._say = say
        self._said_at = time.monotonic()
        self.happened: Counter[Kind] = Counter()
        self._gateways: list[Gateway] = []
        self._numbers: dict[str, int] = {}
        self._resources: dict[str, str] = {}
        self._foreign: set[str] = set()
        self._returning: set[str] = set()
        self._last_events: dict[str, dict[str, Any]] = {}
        self._held: set[str] = set()
        self._hold: str | None = None
        self._doomed: DoomedStack
        self._progress: Progress

    def run(self) -> Outcome:
        """Everything, from the deployment to the verdict."""
        self._say(f"creating {self.settings.gateways} gateways and the stack")
        self._deploy()
        self._progress = Progress(self.aws)
        began = time.monotonic()
        with ExitStack() as bad:
            self.aws.throttle_ec2(True)
            bad.callback(self.aws.throttle_ec2, False)
            bad.enter_context(weather.storm(self.aws, self.settings.seed, self.settings.faults))
            self._play(bad)
            self._say("all has happened; waiting until it has settled")
            settled = self._settle()
        seconds = time.monotonic() - began
        self._say("sweeping, and reading what there is to see")
        self._doomed.end()
        self._sweep()
        return self._judge(settled and self._settle(), seconds)

    # -- The scene ----------------------------------------------------------------------------

    def _deploy(self) -> None:
        # The SAM translator warns of metrics that it does not send.
        logging.getLogger("samtranslator").setLevel(logging.ERROR)
        network = self.aws.network()
        self._gateways = [
            network.create_gateway(f"{self.stack}-{number}")
            for number in range(self.settings.gateways)
        ]
        self._numbers = {gateway.id: n for n, gateway in enumerate(self._gateways)}
        self.aws.deploy(self.stack, TEMPLATE, self._parameters())
        self._resources = self.aws.resources(self.stack)
        self._deploy_doomed(network.create_gateway(f"{self.stack}-doomed"))
        self._foreign = bystanders.create(self.aws, self.stack, self._gateways)
        group = self._resources["FlowLogGroup"]
        self._foreign |= bystanders.occupy(self.aws, self._gateways[-1], group)
        for gateway in self._gateways[::ONE_WITH_TRAFFIC_IN]:
            self.aws.set_traffic(gateway, [FLOW], TRAFFIC_EVERY_MS)

    def _deploy_doomed(self, own: Gateway) -> None:
        """The other stack's name begins with this one's, and a large storm's watches one of its
        gateways, too."""
        shared = [] if self.settings.is_small else self._gateways[:1]
        self._doomed = DoomedStack(self.aws, f"{self.stack}-doomed", [own, *shared])
        self._doomed.deploy(impatient(TEMPLATE), self._parameters())

    def _parameters(self) -> dict[str, Any]:
        return {
            "NatGatewayIDs": ",".join(gateway.id for gateway in self._gateways),
            "EmailAddress": "network@example.com",
            "RecordingTime": self.settings.recording_seconds,
            "MinimumRecordingTime": self.settings.minimum_seconds,
            "ReportDelay": self.settings.report_delay,
            "NumOfRecordings": self.settings.quota,
        }

    # -- What happens -------------------------------------------------------------------------

    def _play(self, bad: ExitStack) -> None:
        if not self.settings.is_small:
            self._hold = bad.enter_context(self.aws.fault("ec2", "CreateFlowLogs", {"hold": True}))
        todo = deque(plan.draw(self.settings))
        began = time.monotonic()
        with Hands() as hands:
            while todo:
                now = time.monotonic() - began
                self._say_how_far(len(todo))
                self._let_go(now)
                if todo[0].at <= now and not hands.are_full and not self._is_busy():
                    action = todo.popleft()
                    hands.do(action.gateway, self._do, action)
                    self._look(0)
                else:
                    self._look(max(0.02, min(todo[0].at - now, 1.0)))
        self._let_go(LONGEST_HOLD)

    def _is_busy(self) -> bool:
        """Whether the machine has more to do than it can, but for those who are held back."""
        busy = self._progress.busy
        held = busy[self._resources["StartRecordingFunction"]] if self._hold else 0
        return busy.total() - held >= self.settings.most_busy

    def _say_how_far(self, left: int) -> None:
        if time.monotonic() - self._said_at >= SAY_EVERY:
            self._said_at = time.monotonic()
            running, ended = len(self._progress.running), self._progress.ended
            self._say(f"{left} of the plan left, {running} executions running, {ended} ended")

    def _look(self, wait: float) -> None:
        for entry in self._progress.read(wait):
            self._notice(entry)

    def _notice(self, entry: Entry) -> None:
        self._doomed.notice(entry)
        if entry["kind"] == "held" and entry["fault"] == self._hold:
            self._held.add(entry["request_id"])
        if entry["kind"] == "event" and self._resources["AlarmRaisedRule"] in entry["rules"]:
            alarm = entry["event"]["detail"]["alarmName"]
            self._last_events[alarm.partition("/")[2]] = entry["event"]
        if self._returning and self._is_stop(entry):
            gateway = entry["key"]["natGatewayId"]["S"]
            if gateway in self._returning:
                self._returning.discard(gateway)
                self._raise(gateway)

    def _is_stop(self, entry: Entry) -> bool:
        """Whether stop-recording has marked a recording as stopping, or tried to."""
        stop = self._resources["StopRecordingFunction"]
        return is_call(entry, "dynamodb", "UpdateItem") and entry["caller"] == stop

    def _let_go(self, now: float) -> None:
        if self._hold and (len(self._held) >= self.settings.burst or now >= LONGEST_HOLD):
            self.aws.release(self._hold)
            self._hold = None

    def _do(self, action: Action) -> None:
        gateway = self._gateways[action.gateway]
        try:
            done = ACTIONS[action.kind](self, gateway.id, gateway)
        except ClientError as error:
            # What somebody does by hand may come too late, and nothing of it may be in the way.
            logging.getLogger(__name__).debug("%s: %s", action, error)
            return
        if done is not False:
            self.happened[action.kind] += 1

    def _raise(self, gateway_id: str, *_: Gateway) -> None:
        self.aws.raise_alarm(self.stack, gateway_id)

    def _clear(self, gateway_id: str, *_: Gateway) -> None:
        # A spike that was to come back and found no stop comes now.
        if gateway_id in self._returning:
            self._returning.discard(gateway_id)
            self._raise(gateway_id)
        self.aws.clear_alarm(self.stack, gateway_id)

    def _return(self, gateway_id: str, *_: Gateway) -> None:
        self._returning.add(gateway_id)

    def _replay(self, gateway_id: str, *_: Gateway) -> bool:
        event = self._last_events.get(gateway_id)
        if event is not None:
            self.aws.put_event(event)
        return event is not None

    def _start_by_hand(self, gateway_id: str, *_: Gateway) -> None:
        self.aws.client("stepfunctions").start_execution(
            stateMachineArn=self._resources["Recorder"],
            input=f'{{"natGatewayId": "{gateway_id}", "recordingSeconds": 2}}',
        )

    def _abort(self, gateway_id: str, *_: Gateway) -> bool:
        """The gateway's execution, or, if none runs, the one that runs for the longest."""
        running = list(self._progress.running.values())
        of_gateway = [detail for detail in running if gateway_id in str(detail["input"])]
        for detail in (of_gateway or running)[:1]:
            arn = detail["executionArn"]
            self.aws.client("stepfunctions").stop_execution(executionArn=arn)
        return bool(running)

    def _delete_flow_log(self, _: str, gateway: Gateway) -> bool:
        """The gateway's flow log, or, if it has none, the stack's oldest."""
        found = self.aws.flow_logs(self.stack)
        of_gateway = [one for one in found if one["ResourceId"] == resource_of(gateway)]
        for flow_log in (of_gateway or found)[:1]:
            self.aws.client("ec2").delete_flow_logs(FlowLogIds=[flow_log["FlowLogId"]])
        return bool(found)

    def _delete_item(self, gateway_id: str, *_: Gateway) -> None:
        self.aws.client("dynamodb").delete_item(
            TableName=self._resources["RecordingsTable"], Key={"natGatewayId": {"S": gateway_id}}
        )

    def _delete_gateway(self, gateway_id: str, *_: Gateway) -> None:
        self.aws.client("ec2").delete_nat_gateway(NatGatewayId=gateway_id)

    def _lose_log_group(self, *_: Any) -> None:
        logs, name = self.aws.client("logs"), self._resources["FlowLogGroup"]
        logs.delete_log_group(logGroupName=name)
        logs.create_log_group(logGroupName=name, logGroupClass="INFREQUENT_ACCESS")

    def _delete_stack(self, *_: Any) -> None:
        self._doomed.strike()

    # -- The end ------------------------------------------------------------------------------

    def _settle(self) -> bool:
        patience = LONGEST_PAUSE * self.aws.retry_scale + PATIENCE
        return self._progress.settle(patience + self.settings.recording_seconds, self._notice)

    def _sweep(self) -> None:
        """An hour has passed: whatever nobody else has cleaned up is due."""
        self.aws.fire_schedule(self._resources["SweepSchedule"])

    def _judge(self, settled: bool, seconds: float) -> Outcome:
        found = evidence.gather(self.aws, self.stack, self._resources, self._progress.journal)
        found.foreign, found.seed = self._foreign, self.settings.seed
        found.deletions = [self._doomed.evidence(self._progress.journal)]
        return Outcome(self.settings, found, violations(found), settled, self.happened, seconds)


ACTIONS = {
    Kind.RAISE: Storm._raise,
    Kind.CLEAR: Storm._clear,
    Kind.RETURN: Storm._return,
    Kind.REPLAY: Storm._replay,
    Kind.START_BY_HAND: Storm._start_by_hand,
    Kind.ABORT: Storm._abort,
    Kind.DELETE_FLOW_LOG: Storm._delete_flow_log,
    Kind.DELETE_ITEM: Storm._delete_item,
    Kind.DELETE_GATEWAY: Storm._delete_gateway,
    Kind.LOSE_LOG_GROUP: Storm._lose_log_group,
    Kind.DELETE_STACK: Storm._delete_stack,
}
