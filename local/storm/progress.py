"""What is under way, by the journal: so that the end of a run is an event and not a pause."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

from local.local_aws import LocalAws
from local.storm.journal import Entry, is_call, is_status_change

# An asynchronous invocation is tried so often; the templates say so.
ATTEMPTS = 3


class Progress:
    """Follows the journal from its end on, and knows what has begun and not ended."""

    def __init__(self, aws: LocalAws):
        self._aws = aws
        self.since = self._after = aws.now()
        self.journal: list[Entry] = []
        # The executions: the details of those that run, and how many have ended.
        self.running: dict[str, dict] = {}
        self.ended = 0
        # Invocations that run, by function: what the machine has to do right now.
        self.busy: Counter[str] = Counter()
        # Deliveries that are still to come, by event or schedule.
        self._deliveries: Counter[str] = Counter()
        # Asynchronous invocations by request, and those that ended before it was told who asked.
        self._invocations: set[str] = set()
        self._ended: set[str] = set()
        self._last_entry = time.monotonic()

    def read(self, wait: float) -> list[Entry]:
        """What is new, within `wait` seconds."""
        entries, self._after = self._aws.journal(self._after, max(0.0, wait))
        for entry in entries:
            self._take(entry)
        self.journal += entries
        return entries

    @property
    def has_settled(self) -> bool:
        """Whether nothing is under way."""
        return not (self.running or self._invocations or +self._deliveries)

    def settle(self, patience: float, watch: Callable[[Entry], None] = lambda entry: None) -> bool:
        """Wait until nothing is under way; give up when for `patience` seconds nothing happens."""
        news = self.read(0)
        while news or not self.has_settled:
            for entry in news:
                watch(entry)
            left = self._last_entry + patience - time.monotonic()
            if left <= 0:
                return False
            news = [] if self.has_settled else self.read(left)
        return True

    def _take(self, entry: Entry) -> None:
        if entry["kind"] not in ("records", "log"):
            self._last_entry = time.monotonic()
        if entry["kind"] in ("invocation-start", "invocation-end"):
            self.busy[entry["function"]] += 1 if entry["kind"] == "invocation-start" else -1
        if entry["kind"] == "event":
            self._deliveries[entry["event"]["id"]] += len(entry["rules"])
        elif entry["kind"] == "schedule":
            self._deliveries[entry["schedule"]] += 1
        if is_status_change(entry):
            self._take_status(entry["event"]["detail"])
        elif entry["kind"] == "fault" and entry["action"] == "duplicate":
            self._deliveries[entry["event_id"]] += 1
        elif entry["kind"] == "delivery":
            self._deliveries[entry.get("schedule") or entry["event_id"]] -= 1
        elif _begins_invocation(entry):
            self._begin(entry["request_id"])
        elif entry["kind"] == "invocation-end" and entry["type"] == "Event":
            self._end(entry)

    def _take_status(self, detail: dict) -> None:
        if detail["status"] == "RUNNING":
            self.running[detail["executionArn"]] = detail
        elif self.running.pop(detail["executionArn"], None) is not None:
            self.ended += 1

    def _begin(self, request: str) -> None:
        if request not in self._ended:
            self._invocations.add(request)

    def _end(self, entry: Entry) -> None:
        if entry["outcome"] == "ok" or entry["attempt"] >= ATTEMPTS:
            self._ended.add(entry["request_id"])
            self._invocations.discard(entry["request_id"])


def _begins_invocation(entry: Entry) -> bool:
    """Whether an asynchronous invocation was accepted, or has begun: either may be told first."""
    if is_call(entry, "lambda", "Invoke"):
        return entry["status"] == 202
    return entry["kind"] == "invocation-start" and entry["type"] == "Event"
