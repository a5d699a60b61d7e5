"""Follows the front door's journal and the histories of the executions, in order of time."""

from __future__ import annotations

import heapq
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import count
from typing import Any

from local.local_aws import LocalAws

# How long the journal is waited for, in seconds, before the histories are looked at again: a
# state that only waits calls nobody, so the journal does not know of it.
_HISTORY_SECONDS = 0.25
# An entry this young is held back, as one of another source may turn out to be older.
_SETTLING = timedelta(milliseconds=30)

STATUS_CHANGE = "Step Functions Execution Status Change"
# The last event of an execution's history, by how it ended.
ENDS = {f"Execution{how}" for how in ("Succeeded", "Failed", "TimedOut", "Aborted")}


@dataclass(frozen=True)
class Moment:
    """Something that happened: an entry of the journal, or of an execution's history.

    `kind` is the journal's, or `history`; then `entry` has the event and the execution's ARN.
    """

    at: datetime
    kind: str
    entry: dict[str, Any]


class Watch:
    """What happens from the moment of its creation on."""

    def __init__(self, aws: LocalAws):
        self._aws = aws
        self._after = aws.now()
        self._pending: list[tuple[datetime, int, Moment]] = []
        self._numbers = count()
        # The running executions, and how many events of their histories are known.
        self._known_events: dict[str, int] = {}

    def moments(self, seconds: float) -> Iterator[Moment]:
        """Everything that happens within `seconds`, the oldest first."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            settling = _SETTLING.total_seconds() if self._pending else _HISTORY_SECONDS
            entries, self._after = self._aws.journal(self._after, min(left, settling))
            received = datetime.now(timezone.utc)
            news = [entry for entry in entries if not _is_own(entry)]
            for entry in news:
                self._take(entry)
            if news or not entries:
                self._read_histories()
            yield from self._older_than(received - _SETTLING)

    def _take(self, entry: dict[str, Any]) -> None:
        event = entry.get("event", {})
        if event.get("detail-type") == STATUS_CHANGE and event["detail"]["status"] == "RUNNING":
            self._known_events[event["detail"]["executionArn"]] = 0
        self._push(Moment(moment_of(entry["at"]), entry["kind"], entry))

    def _read_histories(self) -> None:
        for arn, known in list(self._known_events.items()):
            events = self._aws.history(arn)
            for event in events[known:]:
                at = event["timestamp"].astimezone(timezone.utc)
                self._push(Moment(at, "history", {"execution": arn, **event}))
            self._known_events[arn] = len(events)
            if events and events[-1]["type"] in ENDS:
                del self._known_events[arn]

    def _push(self, moment: Moment) -> None:
        heapq.heappush(self._pending, (moment.at, next(self._numbers), moment))

    def _older_than(self, at: datetime) -> Iterator[Moment]:
        while self._pending and self._pending[0][0] <= at:
            yield heapq.heappop(self._pending)[2]


def moment_of(text: str) -> datetime:
    """The journal's times: RFC 3339 with Z, which Python reads only from 3.11 on."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _is_own(entry: dict[str, Any]) -> bool:
    """Whether it is a call of the demo itself, which would wake it forever."""
    return entry["kind"] == "api-call" and entry["caller"] == "client"
