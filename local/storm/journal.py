"""Reading the front door's journal: who was told what, and when."""

from __future__ import annotations

from datetime import datetime
from typing import Any

Entry = dict[str, Any]

STATUS_CHANGE = "Step Functions Execution Status Change"
CLIENT = "client"
INTERPRETER = "state-machine"


def moment_of(text: str) -> datetime:
    """The journal's times: RFC 3339 with Z, which Python reads only from 3.11 on."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def is_call(entry: Entry, service: str, operation: str) -> bool:
    """Whether it is a call of this operation, answered or not."""
    if entry["kind"] != "api-call":
        return False
    return (entry["service"], entry["operation"]) == (service, operation)


def is_status_change(entry: Entry) -> bool:
    """Whether Step Functions tells of an execution that began or ended."""
    return entry["kind"] == "event" and entry["event"]["detail-type"] == STATUS_CHANGE


def shown(entry: Entry, most: int = 240) -> str:
    """An entry in one line of at most so many characters, its number first."""
    rest = {key: value for key, value in entry.items() if key not in ("seq", "at", "kind")}
    line = f"#{entry['seq']} {entry['at']} {entry['kind']} {rest}"
    return line if len(line) <= most else line[: most - 1] + "…"
