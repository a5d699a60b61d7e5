"""Flow-log records, and how collectors tell of them."""

from __future__ import annotations

import ipaddress
import random
from datetime import UTC, datetime
from pathlib import Path

SEED = 6
GATEWAY, CLIENT, PEER = "10.0.0.220", "10.0.1.5", "203.0.113.5"
FIELDS = (
    "srcaddr dstaddr srcport dstport protocol packets bytes start end action tcp-flags "
    "flow-direction log-status"
)


def random_record(rng: random.Random, ipv6: bool) -> dict:
    """A record, its values as numbers and words."""
    network = ipaddress.ip_network("2001:db8::/32" if ipv6 else "10.0.0.0/8")
    start = 1_763_700_000 + rng.randrange(86_400)
    return {
        "srcaddr": str(network[rng.randrange(1, 2**24 - 1)]),
        "dstaddr": str(network[rng.randrange(1, 2**24 - 1)]),
        "srcport": rng.randrange(1024, 65_536),
        "dstport": rng.choice([22, 53, 443, 5432]),
        "protocol": rng.choice([6, 17]),
        "packets": rng.randrange(1, 10_000),
        "bytes": rng.randrange(40, 2**31),
        "start": start,
        "end": start + rng.randrange(60),
        "action": rng.choice(["ACCEPT", "ACCEPT", "REJECT"]),
        "tcp-flags": rng.choice([0, 2, 3, 18, 19]),
        "flow-direction": rng.choice(["ingress", "egress"]),
        "log-status": "OK",
    }


def write(path: Path, records: list[dict], *, fields: str = FIELDS) -> Path:
    lines = [" ".join(str(record[name]) for name in fields.split()) for record in records]
    path.write_text("\n".join([fields, *lines]) + "\n")
    return path


def mixed_records() -> list[dict]:
    """Records of both families, the last one with more bytes than 32 bits hold."""
    rng = random.Random(SEED)
    records = [random_record(rng, ipv6=number % 3 == 2) for number in range(2_000)]
    return [*records, random_record(rng, ipv6=False) | {"bytes": 3 * 2**40 + 7}]


def ipv4(records: list[dict]) -> list[dict]:
    return [record for record in records if ":" not in record["srcaddr"]]


def milliseconds(text: str) -> int:
    """Unix milliseconds of nfdump's time."""
    time = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return round(time.timestamp() * 1000)


def told_by_nfdump(flow: dict) -> tuple:
    version = "6" if "src6_addr" in flow else "4"
    return (
        str(ipaddress.ip_address(flow[f"src{version}_addr"])),
        str(ipaddress.ip_address(flow[f"dst{version}_addr"])),
        flow["src_port"],
        flow["dst_port"],
        flow["proto"],
        flow["in_packets"],
        flow["in_bytes"],
        milliseconds(flow["first"]),
        milliseconds(flow["last"]),
    )


def told_by_record(record: dict) -> tuple:
    names = ["srcaddr", "dstaddr", "srcport", "dstport", "protocol", "packets", "bytes"]
    times = [record["start"] * 1000, record["end"] * 1000]
    return (*(record[name] for name in names), *times)


def added_up(flows: list[dict]) -> list[tuple]:
    """What flows of NetFlow v5 were before they were split, as `told_by_record` has it."""
    sums: dict[tuple, list[int]] = {}
    for flow in flows:
        *ends, packets, octets, first, last = told_by_nfdump(flow)
        parts = sums.setdefault((*ends, first, last), [0, 0])
        parts[0] += packets
        parts[1] += octets
    return sorted((*key[:5], *parts, *key[5:]) for key, parts in sums.items())


LEGS = [
    # direction, srcaddr, dstaddr, pkt-srcaddr, pkt-dstaddr, srcport, dstport
    ("ingress", CLIENT, GATEWAY, CLIENT, PEER, 50_000, 443),
    ("egress", GATEWAY, PEER, GATEWAY, PEER, 1_024, 443),
    ("ingress", PEER, GATEWAY, PEER, GATEWAY, 443, 1_024),
    ("egress", GATEWAY, CLIENT, PEER, CLIENT, 443, 50_000),
]


def legs(path: Path) -> Path:
    fields = (
        "flow-direction srcaddr dstaddr pkt-srcaddr pkt-dstaddr srcport dstport bytes start end"
    )
    lines = [" ".join(map(str, leg)) + " 1500 1763700000 1763700060" for leg in LEGS]
    path.write_text("\n".join([fields, *lines]) + "\n")
    return path


TRANSLATIONS = [
    # source, destination, new source, new destination, observation point
    (CLIENT, PEER, GATEWAY, None, 1),
    (GATEWAY, PEER, None, None, 2),
    (PEER, GATEWAY, None, None, 2),
    (PEER, GATEWAY, None, CLIENT, 1),
]
