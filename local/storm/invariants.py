"""What must hold after any run, whatever failed, and who broke it.

Each check looks at the evidence and tells every violation with the gateway, the execution, the
times and the journal's entries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations, pairwise

from local.storm.evidence import TAG, Evidence, Execution, FlowLog, Mail
from local.storm.journal import CLIENT, Entry, is_call, moment_of, shown

# Two states of two executions are told apart by moto's clock, and by nothing better.
_SAME_MOMENT_SECONDS = 0.005


@dataclass(frozen=True)
class Violation:
    """Something that must not be."""

    invariant: str
    what: str
    gateway: str | None = None
    execution: str | None = None
    times: tuple[datetime, ...] = ()
    entries: tuple[Entry, ...] = ()

    def __str__(self) -> str:
        lines = [f"{self.invariant}: {self.what}"]
        if self.gateway:
            lines.append(f"  gateway    {self.gateway}")
        if self.execution:
            lines.append(f"  execution  {self.execution}")
        if self.times:
            lines.append("  times      " + ", ".join(f"{at:%H:%M:%S.%f}"[:-3] for at in self.times))
        lines += [f"  journal    {shown(entry)}" for entry in self.entries]
        return "\n".join(lines)


@dataclass(frozen=True)
class Invariant:
    """A sentence that must be true, and the check of it."""

    sentence: str
    check: Callable[[Evidence], Iterator[Violation]]


def violations(evidence: Evidence) -> list[Violation]:
    """Everything that the evidence says against the invariants."""
    return [found for invariant in INVARIANTS for found in invariant.check(evidence)]


# -- Flow logs ------------------------------------------------------------------------------------

NOTHING_LEFT = "No flow log is left without a live execution and lease"


def _nothing_left(evidence: Evidence) -> Iterator[Violation]:
    for described in evidence.left:
        tags = {tag["Key"]: tag["Value"] for tag in described["Tags"]}
        arn = tags.get(f"{TAG}execution", "")
        execution = evidence.by_arn.get(arn)
        lease = tags.get(f"{TAG}lease-ends-at")
        is_leased = lease is not None and moment_of(lease) > evidence.at
        if execution is not None and execution.is_running and is_leased:
            continue
        status = execution.status if execution else "unknown"
        flow_log = described["FlowLogId"]
        yield Violation(
            NOTHING_LEFT,
            f"{flow_log} still exists; its execution is {status}, its lease ends at {lease}",
            tags.get(f"{TAG}gateway"),
            arn,
            (evidence.at,),
            tuple(_calls_about(evidence, flow_log)),
        )


NOBODY_ELSES = "Nobody else's flow log is touched"


def _nobody_elses(evidence: Evidence) -> Iterator[Violation]:
    own = {flow_log.id for flow_log in evidence.flow_logs}
    for entry in evidence.calls:
        if not is_call(entry, "ec2", "DeleteFlowLogs"):
            continue
        for flow_log in sorted(set(entry["flow_log_ids"]) - own):
            yield Violation(
                NOBODY_ELSES,
                f"{entry['caller']} asked for the deletion of {flow_log}, which is not this stack's",
                times=(moment_of(entry["at"]),),
                entries=(entry,),
            )
    for flow_log in sorted(evidence.foreign - evidence.existing):
        yield Violation(
            NOBODY_ELSES,
            f"{flow_log} of somebody else is gone",
            times=(evidence.at,),
            entries=tuple(_calls_about(evidence, flow_log)),
        )


ONE_AT_A_TIME = "A gateway has one recording at a time"


def _one_at_a_time(evidence: Evidence) -> Iterator[Violation]:
    for gateway in evidence.gateways:
        flow_logs = [found for found in evidence.flow_logs if found.gateway == gateway]
        for one, other in combinations(flow_logs, 2):
            yield from _both_exist(evidence, one, other)
        # Without its item a gateway counts as free: docs/testing.md says what that costs.
        if gateway in evidence.items_deleted:
            continue
        recorded = [e for e in evidence.executions if e.gateway == gateway]
        for one, other in combinations(recorded, 2):
            yield from _both_record(evidence, one, other)


def _both_exist(evidence: Evidence, one: FlowLog, other: FlowLog) -> Iterator[Violation]:
    if one.execution == other.execution:
        return
    begin = max(one.certainly_from, other.certainly_from)
    end = min(one.certainly_until(evidence.at), other.certainly_until(evidence.at))
    if begin < end:
        entries = [one.created, other.created, one.deleted, other.deleted]
        yield Violation(
            ONE_AT_A_TIME,
            f"{one.id} and {other.id} of {other.execution} existed at once",
            one.gateway,
            one.execution,
            (begin, end),
            tuple(entry for entry in entries if entry),
        )


def _both_record(evidence: Evidence, one: Execution, other: Execution) -> Iterator[Violation]:
    for begin, end in one.recording_spans(evidence.at):
        for other_begin, other_end in other.recording_spans(evidence.at):
            overlap = (min(end, other_end) - max(begin, other_begin)).total_seconds()
            if overlap > _SAME_MOMENT_SECONDS:
                flow_logs = [
                    flow_log
                    for execution in (one, other)
                    for flow_log in evidence.flow_logs_of.get(execution.arn, [])
                ]
                yield Violation(
                    ONE_AT_A_TIME,
                    f"{other.arn} recorded, too",
                    one.gateway,
                    one.arn,
                    (max(begin, other_begin), min(end, other_end)),
                    tuple(flow_log.created for flow_log in flow_logs),
                )


# -- The quota ------------------------------------------------------------------------------------

QUOTA_HOLDS = "No gateway has more recordings than its quota"


def _quota_holds(evidence: Evidence) -> Iterator[Violation]:
    if not evidence.quota:
        return
    for gateway in evidence.gateways:
        # With its item the gateway's count is lost, and begins anew.
        allowed = evidence.quota * (1 + evidence.items_deleted.get(gateway, 0))
        for counter, recorded in _by_counter(evidence.recorded(gateway)).items():
            if len(recorded) > allowed:
                yield Violation(
                    QUOTA_HOLDS,
                    f"{len(recorded)} recordings in {counter}, {allowed} are allowed",
                    gateway,
                    recorded[-1].arn,
                    tuple(execution.started for execution in recorded),
                    tuple(evidence.flow_logs_of[one.arn][0].created for one in recorded),
                )


def _by_counter(recorded: list[Execution]) -> dict[str | None, list[Execution]]:
    found: dict[str | None, list[Execution]] = {}
    for execution in recorded:
        found.setdefault(execution.counter, []).append(execution)
    return found


NO_QUOTA_LOST = "No quota is lost to what recorded nothing"


def _no_quota_lost(evidence: Evidence) -> Iterator[Violation]:
    for gateway in evidence.gateways:
        yield from _counted_for_nothing(evidence, gateway)
        yield from _refused_for_nothing(evidence, gateway)


def _counted_for_nothing(evidence: Evidence, gateway: str) -> Iterator[Violation]:
    """The table counts more recordings than there were."""
    recorded = _by_counter(evidence.recorded(gateway))
    for name, counted in evidence.items.get(gateway, {}).items():
        if not name.startswith("recordings-"):
            continue
        # An execution that has not answered is known by its flow log alone.
        there_were = len(recorded.get(name, [])) + len(recorded.get(None, []))
        under_way = [e for e in evidence.executions if e.gateway == gateway and e.is_running]
        if counted > there_were + len(under_way):
            in_vain = _recorded_nothing(evidence, gateway)
            yield Violation(
                NO_QUOTA_LOST,
                f"{name} is {counted}, but there were {there_were} recordings",
                gateway,
                in_vain[0].arn if in_vain else None,
                tuple(execution.started for execution in in_vain),
            )


def _recorded_nothing(evidence: Evidence, gateway: str) -> list[Execution]:
    """The executions that were to record and have no flow log."""
    return [
        execution
        for execution in evidence.executions
        if execution.gateway == gateway
        and not execution.ended_without_recording
        and execution.arn not in evidence.flow_logs_of
    ]


def _refused_for_nothing(evidence: Evidence, gateway: str) -> Iterator[Violation]:
    """A spike was not recorded for want of a quota, of which there was enough."""
    about = [e for e in evidence.executions if e.gateway == gateway and not e.by_hand]
    for refused in about:
        if refused.decision != "quotaReached":
            continue
        used = [e for e in about if _may_be_counted(evidence, e, refused)]
        if len(used) < evidence.quota:
            yield Violation(
                NO_QUOTA_LOST,
                f"refused after {len(used)} of {evidence.quota} recordings",
                gateway,
                refused.arn,
                (refused.started, *(execution.started for execution in used)),
            )


def _may_be_counted(evidence: Evidence, execution: Execution, refused: Execution) -> bool:
    """Whether the refusal may have counted it: it recorded, or had yet to fail."""
    if execution.ended_without_recording or execution.started > (refused.ended or evidence.at):
        return False
    failed_before = (
        execution.status == "FAILED"
        and not execution.left_uncleaned
        and execution.ended is not None
        and execution.ended < refused.started
    )
    return execution.arn in evidence.flow_logs_of or not failed_before


# -- E-mails --------------------------------------------------------------------------------------

MAILED = "Every recording ends in an e-mail"


def _mailed(evidence: Evidence) -> Iterator[Violation]:
    for execution in evidence.executions:
        if execution.is_running or execution.ended_without_recording:
            continue
        if not evidence.mails_about.get(execution.arn):
            last = execution.visits[-1].state if execution.visits else "no state"
            flow_logs = evidence.flow_logs_of.get(execution.arn, [])
            yield Violation(
                MAILED,
                f"{execution.status} in “{last}”, and no e-mail says so",
                execution.gateway,
                execution.arn,
                (execution.started, execution.ended or evidence.at),
                tuple(flow_log.created for flow_log in flow_logs),
            )
    for deletion in evidence.deletions:
        for arn in deletion.unannounced:
            what = f"{deletion.stack} was deleted, and no e-mail says so"
            yield Violation(MAILED, what, execution=arn, times=(evidence.at,))


MAILED_ONCE = "A second e-mail comes only after a lost answer"


def _mailed_once(evidence: Evidence) -> Iterator[Violation]:
    unanswered = _unanswered(evidence)
    for arn, mails in evidence.mails_about.items():
        execution = evidence.by_arn.get(arn)
        timed_out = execution.unanswered_mails if execution else 0
        lost = sum(
            mail.entry["request_id"] in unanswered
            or _is_forgotten(evidence, execution, mail, again)
            for mail, again in pairwise(mails)
        )
        if len(mails) > 1 + lost + timed_out:
            yield Violation(
                MAILED_ONCE,
                f"{len(mails)} e-mails, {lost + timed_out} answers were lost or could not be noted",
                execution.gateway if execution else None,
                arn,
                tuple(moment_of(mail.entry["at"]) for mail in mails),
                tuple(mail.entry | {"body": "…"} for mail in mails),
            )


def _unanswered(evidence: Evidence) -> dict[str, Entry]:
    """The calls whose answers faults have swallowed, by their request IDs."""
    return {
        entry["request_id"]: entry
        for entry in evidence.journal
        if entry["kind"] == "fault"
        and entry["action"] in ("lose_answer", "kill")
        and entry["operation"] != "Deliver"
    }


def _is_forgotten(evidence: Evidence, execution: Execution | None, mail: Mail, again: Mail) -> bool:
    """Whether the table did not know, when it was sent again, that it had been sent: a fault kept
    the sweeper from noting it, or somebody has deleted the item since."""
    if execution is None:
        return False
    key = {"natGatewayId": {"S": execution.gateway}}
    return any(
        entry.get("key") == key and (_is_unnoted(evidence, entry) or _is_item_deletion(entry))
        for entry in evidence.journal
        if mail.entry["seq"] < entry["seq"] < again.entry["seq"]
    )


def _is_unnoted(evidence: Evidence, entry: Entry) -> bool:
    return (
        entry["kind"] == "fault"
        and entry["operation"] == "UpdateItem"
        and entry["caller"] == evidence.resources["SweepRecordingsFunction"]
        and entry["action"] in ("error", "kill", "lose_answer")
    )


def _is_item_deletion(entry: Entry) -> bool:
    return is_call(entry, "dynamodb", "DeleteItem") and entry["caller"] == CLIENT


# -- Executions and events ------------------------------------------------------------------------

WITHIN_LIMITS = "No execution runs past its limit"


def _within_limits(evidence: Evidence) -> Iterator[Violation]:
    for execution in evidence.executions:
        until = execution.ended or evidence.at
        last = execution.visits[-1] if execution.visits else None
        if execution.is_running and last is not None:
            what = f"in “{last.state}” since {last.entered:%H:%M:%S}, though all else has settled"
        elif execution.lease_ends is not None and until > execution.lease_ends:
            what = f"ended {until - execution.lease_ends} after its lease"
        else:
            continue
        yield Violation(
            WITHIN_LIMITS, what, execution.gateway, execution.arn, (execution.started, until)
        )


HEARD = "No alarm gets lost without a trace"


def _heard(evidence: Evidence) -> Iterator[Violation]:
    own = set(evidence.resources.values())
    queue = evidence.resources["DeadLetterQueue"].rpartition("/")[2]
    for entry in evidence.journal:
        if entry["kind"] != "delivery" or entry["outcome"] == "ok" or entry["rule"] not in own:
            continue
        if not str(entry["dead_letter"]).endswith(f":{queue}"):
            yield Violation(
                HEARD,
                f"an event was neither delivered nor put aside: {entry['message']}",
                times=(moment_of(entry["at"]),),
                entries=(entry,),
            )


GONE = "Nothing is left of a stack that is deleted while it records"


def _gone(evidence: Evidence) -> Iterator[Violation]:
    for deletion in evidence.deletions:
        left = [f"{one['FlowLogId']} still exists" for one in deletion.left]
        left += [f"{execution} still runs" for execution in deletion.running]
        if not deletion.is_gone:
            left.append(f"it is there still: {'; '.join(deletion.refusals)}")
        for what in left:
            yield Violation(GONE, f"{deletion.stack}: {what}", times=(evidence.at,))


def _calls_about(evidence: Evidence, flow_log: str) -> Iterator[Entry]:
    for entry in evidence.journal:
        if entry["kind"] == "api-call" and flow_log in entry.get("flow_log_ids", []):
            yield entry


INVARIANTS = (
    Invariant(NOTHING_LEFT, _nothing_left),
    Invariant(ONE_AT_A_TIME, _one_at_a_time),
    Invariant(QUOTA_HOLDS, _quota_holds),
    Invariant(NO_QUOTA_LOST, _no_quota_lost),
    Invariant(MAILED, _mailed),
    Invariant(MAILED_ONCE, _mailed_once),
    Invariant(NOBODY_ELSES, _nobody_elses),
    Invariant(WITHIN_LIMITS, _within_limits),
    Invariant(HEARD, _heard),
    Invariant(GONE, _gone),
)
