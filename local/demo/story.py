"""Tells what happens to each gateway, line by line, and remembers it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from local.demo.scene import Site
from local.demo.terminal import Terminal, in_lines
from local.demo.watch import ENDS, STATUS_CHANGE, Moment
from local.local_aws import LocalAws

ALARM_CHANGE = "CloudWatch Alarm State Change"
# The start of the flow log's tag keys; the key after it says what is meant.
TAG_PREFIX = "nat-flow-recorder:"


@dataclass
class Recording:
    """What was seen of the recording of one gateway."""

    site: Site
    executions: list[str] = field(default_factory=list)
    # How the execution ended, as its history says: ExecutionSucceeded.
    end: str = ""
    error: str = ""
    states: list[str] = field(default_factory=list)
    # As DescribeFlowLogs showed them while they ran, by ID.
    flow_logs: dict[str, dict[str, Any]] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    # The journal's entries about records delivered.
    deliveries: list[dict[str, Any]] = field(default_factory=list)
    emails: list[dict[str, Any]] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        """Whether the execution has ended; nothing comes after that."""
        return bool(self.end)

    @property
    def records(self) -> int:
        """How many records were delivered."""
        return sum(delivery["count"] for delivery in self.deliveries)


class Story:
    """Turns moments into lines; `recordings` has what they said, in the order of the sites."""

    def __init__(self, aws: LocalAws, terminal: Terminal, sites: list[Site]):
        self._aws = aws
        self._terminal = terminal
        self._format = ""
        self.recordings = [Recording(site) for site in sites]

    def tell(self, moment: Moment) -> None:
        """Write the lines about a moment; most moments have none."""
        tellers: dict[str, Callable[[Moment], None]] = {
            "event": self._event,
            "history": self._history,
            "api-call": self._call,
            "records": self._records,
            "log": self._log,
            "email": self._email,
            "invocation-end": self._trouble,
            "delivery": self._trouble,
        }
        if teller := tellers.get(moment.kind):
            teller(moment)

    def _line(self, moment: Moment, recording: Recording | None, text: str, *details: str) -> None:
        subject = recording.site.name if recording else "local AWS"
        self._terminal.event(subject, text, details, moment.at)

    def _find(self, accepts: Callable[[Recording], bool]) -> Recording | None:
        return next((recording for recording in self.recordings if accepts(recording)), None)

    # -- EventBridge and Step Functions ---------------------------------------------------------

    def _event(self, moment: Moment) -> None:
        event, rules = moment.entry["event"], moment.entry["rules"]
        if event.get("detail-type") == ALARM_CHANGE:
            self._alarm(moment, event["detail"], rules)
        elif event.get("detail-type") == STATUS_CHANGE and event["detail"]["status"] == "RUNNING":
            self._started(moment, event["detail"])

    def _alarm(self, moment: Moment, detail: dict[str, Any], rules: list[str]) -> None:
        recording = self._find(lambda r: r.site.alarm == detail["alarmName"])
        change = f"{detail['previousState']['value']} -> {detail['state']['value']}"
        text = f"alarm {detail['alarmName']}: {change}"
        rule = f"EventBridge rule {', '.join(rules)} matches" if rules else "no rule matches"
        self._line(moment, recording, text, detail["state"]["reason"], rule)

    def _started(self, moment: Moment, detail: dict[str, Any]) -> None:
        alarm = json.loads(detail["input"])["detail"]["alarmName"]
        recording = self._find(lambda r: r.site.alarm == alarm)
        if recording:
            recording.executions.append(detail["executionArn"])
        self._line(moment, recording, f"execution {detail['name']} started")

    def _history(self, moment: Moment) -> None:
        event = moment.entry
        recording = self._find(lambda r: event["execution"] in r.executions)
        if recording is None:
            return
        if "stateEnteredEventDetails" in event:
            self._state(moment, recording, event["stateEnteredEventDetails"]["name"])
        elif event["type"] in ENDS:
            self._ended(moment, recording, event)
        elif event["type"].endswith(("Failed", "TimedOut")):
            details = _details(event)
            cause = f", {details['cause']}" if details.get("cause") else ""
            self._line(moment, recording, f"{event['type']}: {details.get('error')}{cause}")

    def _state(self, moment: Moment, recording: Recording, name: str) -> None:
        recording.states.append(name)
        self._line(moment, recording, f"state {len(recording.states):>2} {name}")

    def _ended(self, moment: Moment, recording: Recording, event: dict[str, Any]) -> None:
        recording.end = event["type"]
        details = _details(event)
        recording.error = " ".join(filter(None, [details.get("error"), details.get("cause")]))
        how = event["type"].removeprefix("Execution").upper()
        entered = f"after {len(recording.states)} states"
        self._line(moment, recording, f"execution {how} {entered} {recording.error}".rstrip())

    # -- Flow logs ------------------------------------------------------------------------------

    def _call(self, moment: Moment) -> None:
        if moment.entry["operation"] == "CreateFlowLogs":
            self._created(moment)
        elif moment.entry["operation"] == "DeleteFlowLogs":
            self._deleted(moment)

    def _created(self, moment: Moment) -> None:
        entry = moment.entry
        resources = entry["resource_ids"]
        recording = self._find(lambda r: r.site.gateway.interface_id in resources)
        asked = f"CreateFlowLogs on {', '.join(resources)}"
        if not entry["flow_log_ids"]:
            problem = entry.get("error") or f"unsuccessful: {', '.join(entry['unsuccessful'])}"
            self._line(moment, recording, f"{asked}: {entry['status']}, {problem}")
            return
        found = self._describe(entry["flow_log_ids"])
        if recording:
            recording.flow_logs |= {flow_log["FlowLogId"]: flow_log for flow_log in found}
        text = f"{asked}: {', '.join(entry['flow_log_ids'])} created"
        arn = recording.executions[-1] if recording and recording.executions else ""
        details = [line for flow_log in found for line in self._flow_log(flow_log, arn)]
        self._line(moment, recording, text, *details)

    def _deleted(self, moment: Moment) -> None:
        ids = moment.entry["flow_log_ids"]
        recording = self._find(lambda r: any(flow_log in r.flow_logs for flow_log in ids))
        left = [flow_log["FlowLogId"] for flow_log in self._describe(ids)]
        if recording:
            recording.deleted += [flow_log for flow_log in ids if flow_log not in left]
        finds = f"still finds {', '.join(left)}" if left else "finds it no more"
        text = f"DeleteFlowLogs {', '.join(ids)}: {moment.entry['status']}"
        self._line(moment, recording, text, f"DescribeFlowLogs {finds}")

    def _describe(self, flow_log_ids: list[str]) -> list[dict[str, Any]]:
        return self._aws.client("ec2").describe_flow_logs(FlowLogIds=flow_log_ids)["FlowLogs"]

    def _flow_log(self, flow_log: dict[str, Any], execution: str) -> Iterator[str]:
        """What DescribeFlowLogs shows of a flow log; `execution` is the ARN of the one above."""
        traffic = f"{flow_log['TrafficType']} traffic"
        interval = f"aggregated over {flow_log['MaxAggregationInterval']} s"
        yield f"DescribeFlowLogs: {flow_log['FlowLogStatus']}, {traffic}, {interval}"
        yield f"  on   {flow_log['ResourceId']}"
        yield f"  to   {flow_log['LogGroupName']}"
        yield f"  as   {flow_log['DeliverLogsPermissionArn'].split(':')[-1]}"
        for tag in flow_log["Tags"]:
            value = "the ARN of the execution above" if tag["Value"] == execution else tag["Value"]
            yield f"  tag  {tag['Key']} = {value}"
        if flow_log["LogFormat"] == self._format:
            yield "  records in the same format as above"
            return
        self._format = flow_log["LogFormat"]
        yield "  records in the format"
        yield from (f"    {line}" for line in in_lines(self._format.split(" "), " "))

    def _records(self, moment: Moment) -> None:
        entry = moment.entry
        recording = self._find(lambda r: r.site.gateway.id == entry["nat_gateway_id"])
        if recording is None:
            return
        recording.deliveries.append(entry)
        count, size = entry["count"], f"{entry['bytes']:,} bytes of text"
        lasted = f"{entry['interval_ms'] / 1000:.3f} s of traffic"
        text = f"{count} records of {lasted} delivered ({size}), {recording.records} so far"
        self._line(moment, recording, text)

    # -- Functions and mail ---------------------------------------------------------------------

    def _log(self, moment: Moment) -> None:
        """What resume-recording says, as no state shows it, and everybody's warnings."""
        said = _json(moment.entry["line"])
        is_warning = said.get("level") in ("WARN", "ERROR")
        if "ResumeRecording" not in moment.entry["function"] and not is_warning:
            return
        gateway = said.get("span", {}).get("gateway")
        recording = self._find(lambda r: r.site.gateway.id == gateway)
        if said.get("message"):
            name = moment.entry["function"].split("-")[1]
            self._line(moment, recording, f"{name} logs: {said['message']}")

    def _trouble(self, moment: Moment) -> None:
        entry = moment.entry
        if entry["outcome"] != "ok":
            whose = entry.get("function") or entry.get("target")
            what = json.dumps({k: v for k, v in entry.items() if k not in ("seq", "at", "kind")})
            self._line(moment, None, f"{entry['kind']} of {whose}: {entry['outcome']}", what)

    def _email(self, moment: Moment) -> None:
        entry = moment.entry
        recording = self._find(lambda r: r.site.gateway.id in entry["subject"] + entry["body"])
        if recording:
            recording.emails.append(entry)
        self._line(moment, recording, f"e-mail to {entry['to']}: {entry['subject']}")


def _details(event: dict[str, Any]) -> dict[str, Any]:
    """The details of a history's event, whose member is named after its type."""
    return next((value for name, value in event.items() if name.endswith("Details")), {})


def _json(line: str) -> dict[str, Any]:
    try:
        said = json.loads(line)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
