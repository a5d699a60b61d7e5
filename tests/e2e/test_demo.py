"""The demo as somebody runs it: what it says, in which order, and how it ends."""

from __future__ import annotations

import io
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.demo.play import play
from local.demo.terminal import Terminal
from local.local_aws import ROOT, LocalAws

STATES = [
    "Reserve a recording",
    "Should we record?",
    "Start recording",
    "Wait for the alarm to clear",
    "Wait until enough is recorded",
    "Stop recording",
    "Has the spike come back?",
    "Wait for late records",
    "Report",
    "Notify",
    "Notify programs",
]
# A whole run takes half a minute, and more when the machine has other things to do.
pytestmark = pytest.mark.timeout(300)

LINE = re.compile(r"(?P<at>\d\d:\d\d:\d\d\.\d{3})  (?P<subject>\S.{7,}?)  (?P<text>\S.*)")


def demo(*arguments: str, **options) -> subprocess.Popen:
    command = [sys.executable, "-m", "local.demo", *arguments]
    return subprocess.Popen(command, cwd=ROOT, **options)


def run(*arguments: str) -> str:
    """What a demo that succeeds says, to no terminal."""
    process = demo(*arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    said, errors = process.communicate()
    assert process.returncode == 0, said + errors
    assert errors == ""
    assert not re.search(r"[\x1b\r]", said)
    return said


def part(said: str, heading: str) -> str:
    """The lines below the heading that starts so."""
    return next(part for part in said.split("\n\n") if part.startswith(heading))


def events(text: str) -> list[tuple[str, str, str]]:
    """Time, subject and text of the lines about what happened."""
    found = [LINE.fullmatch(line) for line in text.splitlines()]
    return [(m["at"], m["subject"].strip(), m["text"]) for m in found if m]


def after_one_another(text: str, *patterns: str) -> list[re.Match]:
    """The matches of the patterns, each searched for after the one before."""
    matches, position = [], 0
    for pattern in patterns:
        match = re.compile(pattern).search(text, position)
        assert match, f"no {pattern} after {text[:position][-200:]}"
        matches.append(match)
        position = match.end()
    return matches


def told_of(spike: str, gateway: str) -> str:
    return "\n".join(text for _, subject, text in events(spike) if subject == gateway)


def assert_in_order_of_time(spike: str) -> None:
    times = [at for at, _, _ in events(spike)]
    # Midnight may come in between.
    assert len(times) > 15
    assert times == sorted(times) or times[0] > times[-1]


def assert_nothing_is_left(said: str, gateways: int) -> None:
    left = part(said, "What is left")
    assert "DescribeStacks finds 0 of the two stacks" in left
    assert "DescribeFlowLogs, without any filter, finds 0 flow logs" in left
    assert re.search(r"ListStateMachines 0, ListFunctions 0", left)
    delivered = re.findall(r": (\d+) records delivered, (\d+) read back", said)
    kept = re.findall(r"(\d+) records of egress-\d \(eni-", left)
    assert len(delivered) == len(kept) == gateways
    assert [(n, n) for n in kept] == delivered
    assert all(int(n) > 0 for n in kept)


def test_a_spike_that_ends_is_told_from_the_alarm_to_the_deletion():
    said = run("--spike", "ends")
    spike = part(said, "A spike that ends")
    assert_in_order_of_time(spike)
    told = told_of(spike, "egress-1")
    after_one_another(told, *(rf"state +{n} {re.escape(s)}\n" for n, s in enumerate(STATES, 1)))
    created, deleted = after_one_another(
        told,
        r"alarm recorder/nat-\w+: \w+ -> ALARM",
        r"execution \S+ started",
        r"CreateFlowLogs on (eni-\w+): (fl-\w+) created",
        r"\d+ records of [\d.]+ s of traffic delivered",
        r"alarm recorder/nat-\w+: ALARM -> OK",
        r"state +5 Wait until enough is recorded",
        r"DeleteFlowLogs (fl-\w+): 200",
        r"e-mail to network@example.com: nat-\w+ \(egress-1\)",
        r"execution SUCCEEDED after 11 states",
    )[2:7:4]
    assert created[2] == deleted[1]
    assert_is_consistent(said, created[1], created[2])
    assert_nothing_is_left(said, gateways=1)
    assert "Everything happened as it should" in said


def assert_is_consistent(said: str, interface: str, flow_log: str) -> None:
    """The scene, the flow log, the e-mail and the records speak of the same things."""
    gateway = re.search(rf"NAT gateway (nat-\w+), interface {interface} ", said)[1]
    assert f"tag  nat-flow-recorder:gateway = {gateway}" in said
    assert f"Flow log        {flow_log} on {interface}, deleted" in said
    assert f"{flow_log}: " in part(said, "What was recorded")
    sums = dict(re.findall(r"leg (\w) .* records +([\d,]+) B", said))
    assert sums["A"] == sums["B"] != sums["C"] == sums["D"]
    equal = re.findall(r"(?:up|down) +([\d,]+) B = ([\d,]+) B", said)
    # Six flows, up and down.
    assert len(equal) == 12
    assert all(recorded == passed != "0" for recorded, passed in equal)


def test_spikes_that_do_not_end_are_recorded_for_their_time():
    said = run("--gateways", "2", "--spike", "timeout")
    spike = part(said, "A spike that does not end")
    assert_in_order_of_time(spike)
    assert "-> OK" not in spike
    for gateway in ("egress-1", "egress-2"):
        after_one_another(
            told_of(spike, gateway),
            r"-> ALARM",
            r"state +4 Wait for the alarm to clear",
            r"TaskTimedOut: States.Timeout",
            r"state +5 Wait until enough is recorded",
            r"DeleteFlowLogs fl-\w+: 200",
            r"batch-\d downloads from S3",
            r"execution SUCCEEDED",
        )
        assert f"The e-mail about {gateway}, " in said
    assert said.count("The recording time of 6 s was used up.") == 2
    assert_nothing_is_left(said, gateways=2)


def test_an_e_mail_that_does_not_come_is_said():
    out = io.StringIO()
    refused = {"error": {"status": 403, "code": "AuthorizationError", "message": "not you"}}
    with LocalAws() as aws, aws.fault("sns", "Publish", refused):
        unmet = play(aws, Terminal(out, io.StringIO()), gateways=1, spike="ends").unmet
    assert "egress-1: 0 e-mails came, not one." in unmet
    assert any("the execution did not succeed: ExecutionFailed" in said for said in unmet)
    assert "DescribeFlowLogs, without any filter, finds 0 flow logs" in out.getvalue()


def test_a_terminal_sees_progress_and_ctrl_c_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    ours, theirs = pty.openpty()
    process = demo(stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    try:
        seen = read_until(ours, "Start recording")
        children = descendants(process.pid)
        process.send_signal(signal.SIGINT)
        rest = read_until(ours, None)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    assert re.search(r"\r\x1b\[K\S +\d+ s  Deploying the recorder", seen)
    assert "\x1b[1mA spike that ends\x1b[0m" in seen
    assert "Interrupted; the local AWS has been stopped." in rest
    assert "Traceback" not in rest
    assert process.returncode == 130
    # moto, the front door and the functions that it runs.
    assert len(children) >= 3
    assert [pid for pid in children if is_running(pid)] == []


def test_colour_is_not_used_where_it_is_not_wanted():
    class Screen(io.StringIO):
        encoding = "utf-8"

        def isatty(self) -> bool:
            return True

    out = Screen()
    Terminal(out, Screen(), {"TERM": "xterm", "NO_COLOR": "1"}).event("egress-1", "text")
    assert "\x1b" not in out.getvalue()
    Terminal(out, Screen(), {"TERM": "xterm"}).event("egress-1", "text")
    assert "\x1b[" in out.getvalue()


def read_until(terminal: int, text: str | None, seconds: float = 120) -> str:
    """What the terminal shows until `text`, or until it is closed."""
    seen, deadline = "", time.monotonic() + seconds
    while text is None or text not in seen:
        readable, _, _ = select.select([terminal], [], [], max(0, deadline - time.monotonic()))
        assert readable, seen
        try:
            read = os.read(terminal, 65536)
        except OSError:
            # Linux's way to say that nobody has the other end open.
            read = b""
        if not read:
            assert text is None, seen
            return seen
        seen += read.decode(errors="replace")
    return seen


def descendants(pid: int) -> list[int]:
    """The processes that it started, and those that they did."""
    parents: dict[int, list[int]] = {}
    for process, parent in all_processes():
        parents.setdefault(parent, []).append(process)
    found, pending = [], [pid]
    while pending:
        children = parents.get(pending.pop(), [])
        found += children
        pending += children
    return found


def all_processes() -> Iterator[tuple[int, int]]:
    """Every process and its parent, zombies left out."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name between parentheses may hold anything.
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if state != "Z":
            yield int(stat.parent.name), int(parent)


def is_running(pid: int) -> bool:
    return pid in {process for process, _ in all_processes()}


def test_the_forwarders_reach_every_sink() -> None:
    said = run("--forward", "all")
    got = part(said, "What the collectors have got")
    flows = re.search(r"(\d+) flows of ([\d,]+) B; legs A and D: (\d+) of ([\d,]+) B", got)
    assert flows and flows[1] == flows[3] != "0" and flows[2] == flows[4]
    total = re.search(r"bytes\.total adds up to ([\d,]+), all legs to ([\d,]+)", got)
    assert total and total[1] == total[2] != "0"
    documents = re.search(r"(\d+) documents in flow-logs-[\d-]+; (\d+) records", got)
    assert documents and documents[1] == documents[2] != "0"
    assert "interface_type nat_gateway" in got
    assert "natflow exporter, scraped: as recorded" in got
    assert "ListQueues 0" in said
