"""When a second e-mail about an execution is one too many."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from local.storm.evidence import Evidence, Execution
from local.storm.invariants import MAILED_ONCE, violations
from local.storm.journal import CLIENT, Entry

AT = "2026-01-02T03:04:05.678Z"
NOW = datetime(2026, 1, 2, 4, tzinfo=timezone.utc)
ARN = "arn:aws:states:us-east-1:123456789012:execution:recorder:one"
RESOURCES = {
    "DeadLetterQueue": "queue",
    "Recorder": "recorder",
    "ReportsTopic": "topic",
    "StopRecordingFunction": "stop",
    "SweepRecordingsFunction": "sweep",
}
SWEEPER_NOTES = {"operation": "UpdateItem", "service": "dynamodb", "caller": "sweep"}


def key(gateway: str) -> dict[str, Any]:
    """An item's key, as the journal has it."""
    return {"natGatewayId": {"S": gateway}}


def mail(number: int) -> Entry:
    """An e-mail about the execution."""
    return {"kind": "email", "topic": "topic", "body": ARN, "request_id": f"publish-{number}"}


def fault(**members: Any) -> Entry:
    """What kept the sweeper from noting that it had sent an e-mail."""
    about = {"kind": "fault", "action": "kill", "request_id": "update", "key": key("nat-1")}
    return SWEEPER_NOTES | about | members


def second_mails(*between: Entry) -> list[str]:
    """What is said against two e-mails between which this happened."""
    entries = [mail(1), *between, mail(2)]
    journal = [entry | {"seq": seq, "at": AT} for seq, entry in enumerate(entries, 1)]
    execution = Execution(
        arn=ARN,
        status="ABORTED",
        gateway="nat-1",
        by_hand=False,
        started=NOW,
        ended=NOW,
        visits=(),
        reservation={},
        left_uncleaned=False,
        transitions=1,
        unanswered_mails=0,
    )
    evidence = Evidence("stack", NOW, RESOURCES, 0, journal, [execution], [], set(), {})
    return [found.what for found in violations(evidence) if found.invariant == MAILED_ONCE]


def test_two_are_one_too_many() -> None:
    assert second_mails() == ["2 e-mails, 0 answers were lost or could not be noted"]


@pytest.mark.parametrize("action", ["error", "kill", "lose_answer"])
def test_a_sweeper_that_could_not_note_the_first_sends_a_second(action: str) -> None:
    assert second_mails(fault(action=action)) == []


def test_without_its_item_the_first_is_forgotten() -> None:
    by_hand = {"kind": "api-call", "service": "dynamodb", "operation": "DeleteItem"}
    assert second_mails(by_hand | {"caller": CLIENT, "key": key("nat-1")}) == []
    assert second_mails(by_hand | {"caller": CLIENT, "key": key("nat-2")}) != []


@pytest.mark.parametrize(
    "other",
    [
        {"action": "delay_ms"},
        {"key": key("nat-2")},
        {"caller": "stop"},
        {"operation": "Scan"},
    ],
)
def test_other_faults_excuse_nothing(other: dict[str, Any]) -> None:
    assert second_mails(fault(**other)) != []
