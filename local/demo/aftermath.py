"""What a recording leaves: the e-mail, the records, and, once the stacks are gone, little else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from local.demo import leftovers, page, records
from local.demo.expectations import Expectations
from local.demo.scene import MACROS, RECORDER, Flow
from local.demo.story import Recording
from local.demo.terminal import Terminal, in_lines
from local.local_aws import LocalAws

# So many records are shown as they are: one connection's four legs.
_SAMPLES = 4
_LONGEST_LINK = 100


@dataclass(frozen=True)
class Aftermath:
    """Shows what is left of recordings, and expects it to be right."""

    aws: LocalAws
    terminal: Terminal
    expectations: Expectations
    recordings: list[Recording]

    # -- The e-mails ----------------------------------------------------------------------------

    def show_emails(self) -> None:
        """Each e-mail; the links of all but the first recording's are shortened."""
        for number, recording in enumerate(self.recordings):
            for email in recording.emails:
                how = "its long links shortened" if number else "as it was sent"
                self.terminal.heading(f"The e-mail about {recording.site.name}, {how}")
                self.terminal.line(f"To: {email['to']}")
                self.terminal.line(f"Subject: {email['subject']}")
                self.terminal.line()
                for line in email["body"].splitlines():
                    self.terminal.line(_shortened(line) if number else line)

    def check_dead_letters(self) -> None:
        """Nothing may have gone to the dead-letter queue."""
        queue = self.aws.outputs(RECORDER)["DeadLetterQueueUrl"]
        name = "ApproximateNumberOfMessages"
        sqs = self.aws.client("sqs")
        attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=[name])["Attributes"]
        found = int(attributes[name])
        self.expectations.check(found == 0, f"{found} events are in the dead-letter queue.")

    # -- The records ----------------------------------------------------------------------------

    def show_records(self) -> None:
        """The sums of the legs, and of each client and peer against the traffic there was."""
        self.terminal.heading("What was recorded, read back from the log group with GetLogEvents")
        for recording in self.recordings:
            for flow_log in recording.flow_logs.values():
                self._show_records_of(recording, flow_log)

    def _show_records_of(self, recording: Recording, flow_log: dict[str, Any]) -> None:
        name, delivered = recording.site.name, recording.records
        lines = self._messages(flow_log)
        found = records.parse(lines, flow_log["LogFormat"])
        text = f"{flow_log['FlowLogId']}: {delivered} records delivered, {len(found)} read back"
        self.expectations.check(
            len(found) == delivered, f"{name}: {delivered} records delivered, {len(found)} found."
        )
        addresses = self._private_addresses(recording.site.gateway.id)
        details = [*self._legs(name, records.by_leg(found, addresses))]
        details += self._pairs(recording, records.by_pair(found, addresses))
        self.terminal.event(name, text, [*details, f"the first {_SAMPLES}:", *lines[:_SAMPLES]])

    def everything(self) -> tuple[list[str], str, set[str]]:
        """All lines, the format of all of them, and the gateways' private addresses."""
        lines, log_format, addresses = [], "", set()
        for recording in self.recordings:
            addresses |= self._private_addresses(recording.site.gateway.id)
            for flow_log in recording.flow_logs.values():
                lines += self._messages(flow_log)
                log_format = flow_log["LogFormat"]
        return lines, log_format, addresses

    def _messages(self, flow_log: dict[str, Any]) -> list[str]:
        logs = self.aws.client("logs")
        return records.messages(logs, flow_log["LogGroupName"], flow_log["ResourceId"])

    def _private_addresses(self, gateway_id: str) -> set[str]:
        ec2 = self.aws.client("ec2")
        described = ec2.describe_nat_gateways(NatGatewayIds=[gateway_id])["NatGateways"][0]
        return {address["PrivateIp"] for address in described["NatGatewayAddresses"]}

    def _legs(self, name: str, legs: dict[str, records.Sum]) -> list[str]:
        check = self.expectations.check
        check(set(legs) == set(records.LEGS), f"{name}: there are records of legs {set(legs)}.")
        for one, other in [("A", "B"), ("C", "D")]:
            same = legs.get(one) == legs.get(other)
            check(same, f"{name}: legs {one} and {other} tell of different traffic.")
        sums = {leg: legs.get(leg, records.Sum()) for leg in records.LEGS}
        return [
            f"leg {leg}  {ends:<18} {sums[leg].records:>5} records {sums[leg].bytes:>15,} B"
            for leg, ends in records.LEGS.items()
        ]

    def _pairs(self, recording: Recording, pairs: dict[records.Pair, records.UpDown]) -> list[str]:
        passed = records.passed(recording.site, recording.deliveries)
        same = pairs == passed
        sentence = f"{recording.site.name}: recorded {pairs}, but there passed {passed}."
        self.expectations.check(same, sentence)
        seconds = sum(delivery["interval_ms"] for delivery in recording.deliveries) / 1000
        lines = [f"up (leg A) and down (leg D), against what passed (rate x {seconds:.3f} s):"]
        for flow in recording.site.flows:
            pair = (flow.client.private_ip, flow.peer.address)
            lines += _up_and_down(flow, pairs.get(pair, records.UpDown()), passed[pair])
        return lines

    # -- The pages ------------------------------------------------------------------------------

    def write_pages(self) -> None:
        """The report of each recording as a page."""
        self.terminal.heading("The reports as pages for a browser, by natflow")
        for recording in self.recordings:
            for flow_log in recording.flow_logs.values():
                self._write_page(recording, flow_log)

    def _write_page(self, recording: Recording, flow_log: dict[str, Any]) -> None:
        site = recording.site
        path = page.FOLDER / f"{site.name}.html"
        command = page.command(flow_log, self._private_addresses(site.gateway.id), path)
        complaint = page.write(self.aws, command)
        self.expectations.check(not complaint, f"{site.name}: no page. {complaint}")
        self.terminal.event(site.name, f"wrote {path}", [" ".join(command)])

    # -- After the deletion ---------------------------------------------------------------------

    def show_what_is_left(self) -> None:
        """No stack, no flow log, nothing but the log group with the records."""
        self.terminal.heading("What is left, asked of each service")
        self._show_stacks_and_flow_logs()
        others = leftovers.others(self.aws)
        listed = in_lines(f"{call} {len(names)}" for call, names in others.items())
        self.terminal.event("others", "how many each call lists", listed)
        for call, names in others.items():
            self.expectations.check(not names, f"{call} still lists {', '.join(names)}.")
        self._show_log_groups()

    def _show_stacks_and_flow_logs(self) -> None:
        stacks = leftovers.stacks(self.aws, RECORDER, MACROS)
        self.terminal.event("stacks", f"DescribeStacks finds {len(stacks)} of the two stacks")
        self.expectations.check(not stacks, f"Not deleted: {', '.join(stacks)}.")
        flow_logs = [flow_log["FlowLogId"] for flow_log in self.aws.flow_logs()]
        text = f"DescribeFlowLogs, without any filter, finds {len(flow_logs)} flow logs"
        self.terminal.event("flow logs", text)
        self.expectations.check(not flow_logs, f"Flow logs are left: {', '.join(flow_logs)}.")

    def _show_log_groups(self) -> None:
        recorded = {
            flow_log["LogGroupName"]
            for recording in self.recordings
            for flow_log in recording.flow_logs.values()
        }
        groups = {group["logGroupName"]: group for group in leftovers.log_groups(self.aws)}
        for name, group in groups.items():
            days = f"{group['logGroupClass']}, {group.get('retentionInDays')} days"
            kept = "kept by design (DeletionPolicy: Retain), with"
            details = [kept, *self._kept_records()] if name in recorded else []
            self.terminal.event("logs", f"log group {name} ({days})", details)
        self.expectations.check(set(groups) == recorded, f"Log groups left: {', '.join(groups)}.")

    def _kept_records(self) -> list[str]:
        lines = []
        for recording in self.recordings:
            for flow_log in recording.flow_logs.values():
                name, kept = recording.site.name, len(self._messages(flow_log))
                lines.append(f"{kept} records of {name} ({flow_log['ResourceId']})")
                same = kept == recording.records
                self.expectations.check(same, f"{name}: {kept} records were kept.")
        return lines


def _up_and_down(flow: Flow, found: records.UpDown, passed: records.UpDown) -> list[str]:
    ends = f"{flow.client.private_ip} <-> {flow.peer.address}"
    ways = [("up", found.up, passed.up), ("down", found.down, passed.down)]
    return [
        f"  {ends if way == 'up' else '':<26} {way:<4} {recorded:>13,} B"
        f" {'=' if recorded == was else 'but NOT'} {was:,} B"
        for way, recorded, was in ways
    ]


def _shortened(line: str) -> str:
    if not line.startswith("https://") or len(line) <= _LONGEST_LINK:
        return line
    return f"{line[:_LONGEST_LINK]}... ({len(line)} characters)"
