"""Reads what was recorded, and compares it with the traffic that there was.

They are parsed here: the front door wrote them with the project's own table of fields.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from botocore.client import BaseClient

from local.demo.scene import Site

Record = dict[str, str]

# What each leg of a connection through a NAT gateway is; only A and D name both ends.
LEGS = {
    "A": "client -> gateway",
    "B": "gateway -> peer",
    "C": "peer -> gateway",
    "D": "gateway -> client",
}


def messages(logs: BaseClient, group: str, interface_id: str) -> list[str]:
    """The lines that a flow log wrote about an interface, the oldest first."""
    stream = f"{interface_id}-all"
    found: list[str] = []
    token: dict[str, Any] = {}
    while True:
        page = logs.get_log_events(
            logGroupName=group, logStreamName=stream, startFromHead=True, **token
        )
        found += [event["message"] for event in page["events"]]
        # The end answers with the token that it was asked with.
        if token.get("nextToken") == page["nextForwardToken"]:
            return found
        token = {"nextToken": page["nextForwardToken"]}


def parse(lines: Iterable[str], log_format: str) -> list[Record]:
    """The records by field; `log_format` is `${field} ${field}`. Raises ValueError."""
    fields = re.findall(r"\$\{([^}]+)\}", log_format)
    return [dict(zip(fields, line.split(" "), strict=True)) for line in lines]


def leg_of(record: Record, addresses: set[str]) -> str:
    """Which leg a record is of; `addresses` are the gateway's private ones."""
    if record["dstaddr"] in addresses:
        return "C" if record["pkt-dstaddr"] in addresses else "A"
    if record["srcaddr"] in addresses:
        return "B" if record["pkt-srcaddr"] in addresses else "D"
    return "?"


@dataclass(frozen=True)
class Sum:
    """How many records, and the bytes they tell of."""

    records: int = 0
    bytes: int = 0

    def with_one(self, size: str) -> Sum:
        """And another record of `size` bytes."""
        return Sum(self.records + 1, self.bytes + int(size))


def by_leg(found: list[Record], addresses: set[str]) -> dict[str, Sum]:
    """What the records of each leg come to."""
    sums: defaultdict[str, Sum] = defaultdict(Sum)
    for record in found:
        leg = leg_of(record, addresses)
        sums[leg] = sums[leg].with_one(record["bytes"])
    return dict(sums)


@dataclass(frozen=True)
class UpDown:
    """Bytes from a client to a peer, and back."""

    up: int = 0
    down: int = 0

    def plus(self, up: int, down: int) -> UpDown:
        """And these bytes."""
        return UpDown(self.up + up, self.down + down)


# A client and a peer.
Pair = tuple[str, str]


def by_pair(found: list[Record], addresses: set[str]) -> dict[Pair, UpDown]:
    """Bytes by client and peer: up is what leg A says, down what leg D says."""
    pairs: defaultdict[Pair, UpDown] = defaultdict(UpDown)
    for record in found:
        leg, size = leg_of(record, addresses), int(record["bytes"])
        source, destination = record["pkt-srcaddr"], record["pkt-dstaddr"]
        if leg == "A":
            pairs[source, destination] = pairs[source, destination].plus(size, 0)
        elif leg == "D":
            pairs[destination, source] = pairs[destination, source].plus(0, size)
    return dict(pairs)


def passed(site: Site, deliveries: list[dict[str, Any]]) -> dict[Pair, UpDown]:
    """What passed a gateway while it was recorded: the flows' rates, times how long that was.

    The emulation counts whole bytes for each interval.
    """
    intervals = [delivery["interval_ms"] for delivery in deliveries]
    return {
        (flow.client.private_ip, flow.peer.address): UpDown(
            sum(flow.upload * milliseconds // 1000 for milliseconds in intervals),
            sum(flow.download * milliseconds // 1000 for milliseconds in intervals),
        )
        for flow in site.flows
    }
