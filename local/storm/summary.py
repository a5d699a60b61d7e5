"""What a storm came to, for whoever reads it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from local.storm.evidence import Deletion, Evidence
from local.storm.invariants import INVARIANTS
from local.storm.journal import moment_of
from local.storm.run import Outcome

# Violations that are shown in full.
MOST_SHOWN = 20


def lines(outcome: Outcome) -> Iterator[str]:
    """The table of invariants, the figures, and every violation with its seed."""
    yield from _invariants(outcome)
    yield ""
    yield from _figures(outcome)
    for violation in outcome.violations[:MOST_SHOWN]:
        yield ""
        yield f"seed {outcome.settings.seed}: {violation}"
    if len(outcome.violations) > MOST_SHOWN:
        yield f"\n… and {len(outcome.violations) - MOST_SHOWN} more"


def _invariants(outcome: Outcome) -> Iterator[str]:
    broken = Counter(violation.invariant for violation in outcome.violations)
    for invariant in INVARIANTS:
        number = broken[invariant.sentence]
        yield f"{'BROKEN' if number else 'holds':6}  {invariant.sentence}" + (
            f": {number} times" if number else ""
        )
    yield f"{'yes' if outcome.settled else 'NO':6}  Everything that began has ended"


def _figures(outcome: Outcome) -> Iterator[str]:
    found, settings = outcome.evidence, outcome.settings
    happened = Counter({kind.value: number for kind, number in outcome.happened.items()})
    recordings = max(1, len(found.flow_logs_of))
    statuses = Counter(execution.status for execution in found.executions)
    decisions = Counter(execution.decision or "unanswered" for execution in found.executions)
    transitions = sum(e.transitions for e in found.executions if e.arn in found.flow_logs_of)
    rows = {
        "seed": f"{settings.seed}: {settings.gateways} gateways, {settings.alarms} alarms, "
        f"{settings.faults} % of calls failing",
        "time": f"{outcome.seconds:.0f} s from the first alarm until all had settled",
        "happened": _counted(happened),
        "executions": f"{len(found.executions)}: {_counted(statuses)}",
        "decisions": _counted(decisions),
        "recordings": f"{len(found.flow_logs_of)} with {len(found.flow_logs)} flow logs, "
        f"{len(found.mails)} e-mails",
        "faults survived": _counted(_faults(found)),
        "EC2's throttling": f"{_throttled(found)} calls refused by its buckets",
        "functions": _counted(_invocations(found)),
        "events": _counted(_deliveries(found)),
        "API calls": f"{len(found.calls)}, {len(found.calls) / recordings:.1f} a recording",
        "other stack": "; ".join(_deletion(one) for one in found.deletions),
        "state transitions": f"{transitions / recordings:.1f} a recording",
        "alarm to recording": _latency(found),
    }
    for name, text in rows.items():
        yield f"{name:19} {text}"


def _deletion(deletion: Deletion) -> str:
    tries = 1 + len(deletion.refusals)
    what = "recording" if deletion.recorded else "without a recording"
    return f"deleted {what} in {deletion.seconds:.0f} s, {tries} tries"


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in counts.most_common()) or "none"


def _faults(found: Evidence) -> Counter[str]:
    return Counter(entry["action"] for entry in found.journal if entry["kind"] == "fault")


def _throttled(found: Evidence) -> int:
    injected = {entry.get("request_id") for entry in found.journal if entry["kind"] == "fault"}
    return sum(
        entry.get("error") == "RequestLimitExceeded" and entry["request_id"] not in injected
        for entry in found.calls
    )


def _invocations(found: Evidence) -> Counter[str]:
    own = set(found.resources.values())
    ends = (e for e in found.journal if e["kind"] == "invocation-end" and e["function"] in own)
    return Counter(entry["outcome"] for entry in ends)


def _deliveries(found: Evidence) -> Counter[str]:
    own = set(found.resources.values())
    ends = (e for e in found.journal if e["kind"] == "delivery" and e["rule"] in own)
    return Counter("delivered" if e["outcome"] == "ok" else "dead-lettered" for e in ends)


def _latency(found: Evidence) -> str:
    """From the alarm's event to the flow log."""
    alarms = {
        delivery["execution_arn"]: delivery["event_id"]
        for delivery in found.journal
        if delivery["kind"] == "delivery" and "execution_arn" in delivery
    }
    events = {
        entry["event"]["id"]: moment_of(entry["at"])
        for entry in found.journal
        if entry["kind"] == "event"
    }
    seconds = sorted(
        (flow_logs[0].certainly_from - events[alarms[arn]]).total_seconds()
        for arn, flow_logs in found.flow_logs_of.items()
        if alarms.get(arn) in events
    )
    if not seconds:
        return "nothing was recorded"
    return f"half within {seconds[len(seconds) // 2]:.1f} s, the slowest after {seconds[-1]:.1f} s"
