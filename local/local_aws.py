"""Starts the local AWS, and works with it as tests and the demo do.

with LocalAws() as aws:
    aws.deploy("macros", Path("cf-assistive-macros/template.yaml"))
    gateway = aws.network().create_gateway("nat-a")
"""

from __future__ import annotations

import json
import shutil
import signal
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import boto3
from botocore.client import BaseClient
from botocore.config import Config

from local.deploy import Deployer
from local.network import Gateway, Network
from local.processes import Child, free_port
from local.template import Template

ROOT = Path(__file__).resolve().parent.parent
BINARIES = ROOT / "target" / "debug"
REGION = "us-east-1"
ACCOUNT_ID = "123456789012"
# How long the journal's reader waits at a time, in seconds.
_POLL_SECONDS = 20.0

Entry = dict[str, Any]


class NothingHappened(AssertionError):
    """What was awaited did not come in time."""


class LocalAws:
    """moto behind the front door, on free loopback ports, until the `with` block ends.

    `binaries` has the functions' host binaries; `front_door` is the front door's (by default the
    one among them); `retry_scale` multiplies the pauses before a state machine's retries.
    """

    region = REGION
    account_id = ACCOUNT_ID

    def __init__(
        self,
        binaries: Path = BINARIES,
        front_door: Path | None = None,
        retry_scale: float = 0.02,
    ):
        self.binaries = binaries
        self.front_door = front_door or binaries / "front-door"
        self.retry_scale = retry_scale
        self.url = ""
        self._journal_end = 0
        self._stack = ExitStack()
        self._clients: dict[str, BaseClient] = {}
        self._clients_lock = threading.Lock()
        self._session = boto3.session.Session()
        self._deployer = Deployer(self.client, REGION, ACCOUNT_ID, binaries)

    # -- Life ---------------------------------------------------------------------------------

    def __enter__(self) -> LocalAws:
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop both processes. The front door goes first, with the functions it runs."""
        self._stack.close()

    def _start(self) -> None:
        _end_on_sigterm()
        logs = Path(tempfile.mkdtemp(prefix="local-aws-"))
        self._stack.callback(shutil.rmtree, logs, ignore_errors=True)
        moto_port, door_port = free_port(), free_port()
        moto_command = [sys.executable, "-m", "local.moto_server"]
        moto_command += ["--port", str(moto_port), "--calls-port", str(door_port)]
        environment = {
            "LOCAL_AWS_RETRY_SCALE": str(self.retry_scale),
            "PYTHONPATH": str(ROOT),
            "TZ": "UTC",
        }
        moto = self._child(moto_command, logs / "moto.log", environment)
        door_command = [str(self.front_door), "--listen", f"127.0.0.1:{door_port}"]
        door_command += ["--moto", f"http://127.0.0.1:{moto_port}"]
        door = self._child(door_command, logs / "front-door.log", {})
        for child in (moto, door):
            child.await_ready()
        self.url = f"http://127.0.0.1:{door_port}"

    def _child(self, command: list[str], log: Path, environment: dict[str, str]) -> Child:
        child = Child(command, log, environment)
        self._stack.callback(child.stop)
        return child

    # -- AWS ----------------------------------------------------------------------------------

    def client(self, service: str) -> BaseClient:
        """A boto3 client of this AWS, as `service` is called in boto3."""
        with self._clients_lock:
            if service not in self._clients:
                self._clients[service] = self._session.client(
                    service,
                    region_name=REGION,
                    endpoint_url=self.url,
                    aws_access_key_id="client",
                    aws_secret_access_key="local",
                    config=Config(
                        retries={"total_max_attempts": 1},
                        # A stack's deletion is answered when it is over.
                        read_timeout=600,
                        max_pool_connections=50,
                        s3={"addressing_style": "path"},
                    ),
                )
            return self._clients[service]

    def deploy(
        self,
        stack: str,
        template: Path | Template,
        parameters: dict[str, Any] | None = None,
    ) -> dict[str, str]:
        """Create or update a stack; returns its Outputs. See local.deploy.Deployer."""
        return self._deployer.deploy(stack, template, parameters)

    update = deploy

    def delete(self, stack: str, retained: Sequence[str] = ()) -> None:
        """Delete a stack. See local.deploy.Deployer."""
        self._deployer.delete(stack, retained)

    def outputs(self, stack: str) -> dict[str, str]:
        """A stack's Outputs by key."""
        return self._deployer.outputs(stack)

    def resources(self, stack: str) -> dict[str, str]:
        """Physical IDs of a stack's resources by logical ID."""
        return self._deployer.resources(stack)

    def network(self) -> Network:
        """A new VPC with a subnet for gateways and one for clients."""
        return Network.create(self.client("ec2"))

    # -- What the front door saw, and is told to do --------------------------------------------

    def journal(self, after: int = 0, wait: float = 0) -> tuple[list[Entry], int]:
        """Entries of the front door's journal after `after`, and where to go on reading.

        Waits up to `wait` seconds for one.
        """
        answer = self._control("GET", f"/_local/events?after={after}&wait={wait}")
        return answer["events"], answer["next"]

    def follow(self, timeout: float, after: int = 0) -> Iterator[Entry]:
        """The journal's entries after `after` as they come, for `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0:
            entries, after = self.journal(after, min(left, _POLL_SECONDS))
            yield from entries

    def wait_for(
        self,
        kind: str,
        predicate: Callable[[Entry], bool] = lambda entry: True,
        timeout: float = 30,
        after: int = 0,
    ) -> Entry:
        """The first entry of `kind` after `after` that `predicate` accepts.

        Raises NothingHappened after `timeout` seconds, with what happened instead.
        """
        seen = []
        for entry in self.follow(timeout, after):
            if entry["kind"] == kind and predicate(entry):
                return entry
            seen.append(entry)
        last = "\n".join(json.dumps(entry)[:300] for entry in seen[-15:])
        raise NothingHappened(f"no such {kind} within {timeout} s; the last entries:\n{last}")

    def now(self) -> int:
        """The journal's end: what to pass as `after` to see only what comes next."""
        # Only what is new: the journal of a long run has many thousands of entries.
        self._journal_end = self.journal(self._journal_end)[1]
        return self._journal_end

    def mailbox(self) -> list[dict[str, Any]]:
        """The e-mails delivered so far: {to, subject, body, at}."""
        return self._control("GET", "/_local/mailbox")

    @contextmanager
    def fault(
        self,
        service: str,
        operation: str,
        action: dict[str, Any],
        contains: str | None = None,
        times: int | None = None,
        **chance: Any,
    ) -> Iterator[str]:
        """A fault in every such call (or the first `times`) while the block runs.

        `action` is one of those in local/front-door/README.md: {"error": {"status", "code",
        "message"}}, {"hold": True}, {"lose_answer": True}, {"kill": "during"}, ...; `contains` is
        a part of the request; `chance` is `probability`, `seed` and `except_callers`. The block's
        end releases what the fault holds.
        """
        fault = {"service": service, "operation": operation, "action": action, "times": times}
        fault |= chance
        if contains is not None:
            fault["contains"] = contains
        fault_id = self._control("POST", "/_local/faults", fault)["id"]
        try:
            yield fault_id
        finally:
            self.release(fault_id)

    def release(self, fault_id: str) -> None:
        """Remove a fault and let the calls that it holds go on; again is no error."""
        try:
            self._control("DELETE", f"/_local/faults/{fault_id}")
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise

    def set_traffic(
        self, gateway: Gateway, flows: list[dict[str, Any]], every_ms: int = 1000
    ) -> None:
        """The flows that pass through a gateway, recorded while a flow log exists."""
        traffic = {"nat_gateway_id": gateway.id, "flows": flows, "every_ms": every_ms}
        self._control("POST", "/_local/traffic", traffic)

    def put_event(self, event: dict[str, Any]) -> None:
        """Put an event on the bus as an AWS service does, duplicates and old ones included."""
        self._control("POST", "/_local/events", {"event": event})

    def fire_schedule(self, name: str) -> None:
        """A schedule is due: its target is called. Nothing else makes it so."""
        self._control("POST", "/_local/schedules", {"name": name, "region": REGION})

    def allow_queries(self, standard: int, infrequent_access: int) -> None:
        """How many Logs Insights queries may run at once in log groups of each class."""
        quota = {"STANDARD": standard, "INFREQUENT_ACCESS": infrequent_access}
        self._control("POST", "/_local/concurrent-queries", quota)

    def throttle_ec2(self, on: bool) -> None:
        """Whether EC2's calls are throttled as its documentation says; full buckets to begin."""
        self._control("POST", "/_local/throttling", {"ec2": on})

    def skew_alarms(self, milliseconds: int) -> None:
        """Put CloudWatch's clock ahead of everybody else's, or back."""
        self._control("POST", "/_local/clock-skew", {"alarms_ms": milliseconds})

    def query(
        self, log_group: str, query: str, start: int = 0, end: int | None = None
    ) -> list[dict[str, str]]:
        """The rows that Logs Insights answers, by field; `start` and `end` are epoch seconds."""
        logs = self.client("logs")
        # Records of this second have yet to come.
        end = int(time.time()) + 1 if end is None else end
        query_id = logs.start_query(
            logGroupName=log_group, queryString=query, startTime=start, endTime=end
        )["queryId"]
        ended = self.wait_for("query", lambda entry: entry["query_id"] == query_id)
        if ended["status"] != "Complete":
            raise NothingHappened(f"the query is {ended['status']}: {query}")
        results = logs.get_query_results(queryId=query_id)["results"]
        return [{cell["field"]: cell["value"] for cell in row} for row in results]

    def _control(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.url + path, data, {"Content-Type": "application/json"}, method=method
        )
        with urllib.request.urlopen(request, timeout=_POLL_SECONDS + 40) as answer:
            content = answer.read()
        return json.loads(content) if content else None

    # -- Alarms and executions ------------------------------------------------------------------

    def raise_alarm(self, stack: str, gateway: Gateway | str) -> None:
        """The gateway's traffic goes above the threshold."""
        self._set_alarm(stack, gateway, "ALARM")

    def clear_alarm(self, stack: str, gateway: Gateway | str) -> None:
        """The gateway's traffic is normal again."""
        self._set_alarm(stack, gateway, "OK")

    def _set_alarm(self, stack: str, gateway: Gateway | str, value: str) -> None:
        gateway_id = gateway if isinstance(gateway, str) else gateway.id
        above = "greater" if value == "ALARM" else "not greater"
        self.client("cloudwatch").set_alarm_state(
            AlarmName=f"{stack}/{gateway_id}",
            StateValue=value,
            StateReason=f"Threshold Crossed: 1 datapoint was {above} than the threshold.",
        )

    def executions(self, stack: str, machine: str = "Recorder") -> list[dict[str, Any]]:
        """The executions of the stack's state machine, the oldest first."""
        client = self.client("stepfunctions")
        arn = self.resources(stack)[machine]
        pages = client.get_paginator("list_executions").paginate(stateMachineArn=arn)
        found = [execution for page in pages for execution in page["executions"]]
        return sorted(found, key=lambda execution: execution["startDate"])

    def wait_execution(self, execution_arn: str, timeout: float = 60) -> dict[str, Any]:
        """The description of an execution once it has ended, well or not."""

        def has_ended(entry: Entry) -> bool:
            return execution_arn in json.dumps(entry) and not self._is_running(execution_arn)

        if self._is_running(execution_arn):
            self.wait_for("event", has_ended, timeout)
        return self.client("stepfunctions").describe_execution(executionArn=execution_arn)

    def _is_running(self, execution_arn: str) -> bool:
        described = self.client("stepfunctions").describe_execution(executionArn=execution_arn)
        return described["status"] == "RUNNING"

    def history(self, execution_arn: str) -> list[dict[str, Any]]:
        """Every event of an execution, the oldest first."""
        client = self.client("stepfunctions")
        pages = client.get_paginator("get_execution_history").paginate(executionArn=execution_arn)
        return [event for page in pages for event in page["events"]]

    def states_entered(self, execution_arn: str) -> list[str]:
        """The names of the states that an execution has entered, in order."""
        return [
            event["stateEnteredEventDetails"]["name"]
            for event in self.history(execution_arn)
            if "stateEnteredEventDetails" in event
        ]

    def flow_logs(self, stack: str | None = None) -> list[dict[str, Any]]:
        """The flow logs that exist: those with the stack's tag, or all of them."""
        mine = {"Name": "tag:nat-flow-recorder:stack", "Values": [stack]}
        filters = [] if stack is None else [mine]
        return self.client("ec2").describe_flow_logs(Filters=filters)["FlowLogs"]


def _end_on_sigterm() -> None:
    """Let SIGTERM end the `with` block as Ctrl-C does, where nobody else handles it."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        return
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, interrupt)
