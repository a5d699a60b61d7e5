"""A recording of a NAT gateway in S3 whose truth is known, generated from a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

GATEWAY = "10.0.0.220"
# The interface's address on the side of clients that speak IPv6, whom it translates (NAT64).
GATEWAY_IPV6 = "2001:db8::220"
INTERFACE = "eni-0a1b2c3d4e5f60718"
# The ID of a regional gateway.
REGIONAL = "nat-0a1b2c3d4e5f60718"

# 2026-11-21T05:00:00Z, in seconds.
BEGIN = 1_795_237_200
MINUTES = 10
CONNECTIONS_PER_MINUTE = 40

# The recorded format, in the names and types of AWS's Parquet files, and what stands in place of
# the interface when the gateway is a regional one.
COLUMNS = {
    "action": "VARCHAR",
    "flow_direction": "VARCHAR",
    "traffic_path": "INTEGER",
    "srcaddr": "VARCHAR",
    "srcport": "INTEGER",
    "dstaddr": "VARCHAR",
    "dstport": "INTEGER",
    "protocol": "INTEGER",
    "bytes": "BIGINT",
    "type": "VARCHAR",
    "pkt_srcaddr": "VARCHAR",
    "pkt_src_aws_service": "VARCHAR",
    "pkt_dstaddr": "VARCHAR",
    "pkt_dst_aws_service": "VARCHAR",
    "packets": "BIGINT",
    "start": "BIGINT",
    "end": "BIGINT",
    "tcp_flags": "INTEGER",
    "log_status": "VARCHAR",
    "interface_id": "VARCHAR",
    "resource_id": "VARCHAR",
}

PEER_KINDS = [("-", 443, 6), ("S3", 443, 6), ("DYNAMODB", 443, 6), ("-", 53, 17), ("-", 0, 1)]
TRANSPORTS = {1: "ICMP", 6: "TCP", 17: "UDP"}


@dataclass(frozen=True)
class Exchange:
    """What a connection exchanged in a minute: the truth. Bytes, packets, seconds."""

    client: str
    peer: str
    service: str
    client_port: int
    peer_port: int
    protocol: int
    start: int
    upload: int
    download: int
    upload_packets: int
    download_packets: int
    # The peer's own address, when the client knows it by another (NAT64).
    beyond: str


@dataclass
class Recording:
    """Records as rows of `COLUMNS`, without a value None, and what they are made of."""

    records: list[dict[str, object]] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    rejected: list[dict[str, object]] = field(default_factory=list)


def generate(seed: int) -> Recording:
    numbers = random.Random(seed)
    recording = Recording()
    for minute in range(MINUTES):
        begin = BEGIN + minute * 60
        for _ in range(CONNECTIONS_PER_MINUTE):
            made = exchange(numbers, begin)
            recording.exchanges.append(made)
            recording.records.extend(legs(made))
        # A packet that nobody asked for: it is let through, and names one end only.
        scan = ends("198.51.100.7", GATEWAY, 40_000, 22)
        recording.records.append(record("ingress", begin, 40, 1, **scan))
        rejected = record("egress", begin, 60, 1, **ends("203.0.113.9", "10.0.1.5", 443, 50_000))
        recording.rejected.append(rejected | {"action": "REJECT"})
        recording.records.append(rejected | {"action": "REJECT"})
        for status in ("NODATA", "SKIPDATA"):
            recording.records.append(empty(status, begin))
    return recording


def exchange(numbers: random.Random, begin: int) -> Exchange:
    peer = min(numbers.randrange(30), numbers.randrange(30))
    service, peer_port, protocol = PEER_KINDS[peer % len(PEER_KINDS)]
    client = 5 + min(numbers.randrange(12), numbers.randrange(12))
    is_ipv6 = client in (7, 11)
    return Exchange(
        client=f"2001:db8::1:{client}" if is_ipv6 else f"10.0.1.{client}",
        peer=f"64:ff9b::cb00:71{peer + 1:02x}" if is_ipv6 else f"203.0.113.{peer + 1}",
        service=service,
        client_port=numbers.randrange(1024, 65_536),
        peer_port=peer_port,
        protocol=protocol,
        start=begin + numbers.randrange(60),
        upload=numbers.randrange(40, 100_000),
        download=numbers.randrange(40, 5_000_000_000),
        upload_packets=numbers.randrange(1, 1_000),
        download_packets=numbers.randrange(1, 4_000_000),
        beyond=f"203.0.113.{peer + 1}",
    )


def legs(made: Exchange) -> list[dict[str, object]]:
    """The upload into the gateway and out of it, the download into it and out of it."""
    up = (made.start, made.upload, made.upload_packets)
    down = (made.start, made.download, made.download_packets)
    client, peer = (made.client, made.client_port), (made.peer, made.peer_port)
    gateway, beyond = (GATEWAY, made.client_port), (made.beyond, made.peer_port)
    to_service = {"pkt_dst_aws_service": made.service, "protocol": made.protocol}
    from_service = {"pkt_src_aws_service": made.service, "protocol": made.protocol}
    return [
        record("ingress", *up, **between(client, peer), **to_service),
        record("egress", *up, **between(gateway, beyond), **to_service, traffic_path=8),
        record("ingress", *down, **between(beyond, gateway), **from_service),
        record("egress", *down, **between(peer, client), **from_service, traffic_path=1),
    ]


def regional(recording: Recording, *, names_ends: bool, is_parquet: bool) -> Recording:
    """The same of a regional gateway, whose ID is in the interface's column of text files.

    AWS does not say whether its records name the gateway or the far end beside the packet's.
    """
    column = "resource_id" if is_parquet else "interface_id"
    gateway = {"interface_id": None, "resource_id": None} | {column: REGIONAL}

    def of_gateway(made: dict[str, object]) -> dict[str, object]:
        ends = {"srcaddr": made["pkt_srcaddr"], "dstaddr": made["pkt_dstaddr"]}
        return made | gateway | (ends if names_ends else {})

    records = [of_gateway(made) for made in recording.records]
    return Recording(records, recording.exchanges, recording.rejected)


def between(source: tuple[str, int], destination: tuple[str, int]) -> dict[str, object]:
    return ends(source[0], destination[0], source[1], destination[1])


def ends(source: str, destination: str, srcport: int, dstport: int) -> dict[str, object]:
    packet = {"pkt_srcaddr": source, "pkt_dstaddr": destination}
    return packet | {"srcport": srcport, "dstport": dstport}


def record(direction: str, start: int, amount: int, packets: int, **others: object) -> dict:
    """A record of the gateway's interface, whose address stands in place of the far end's."""
    is_ipv6 = ":" in str(others["pkt_srcaddr"])
    interface = GATEWAY_IPV6 if is_ipv6 else GATEWAY
    here = {"dstaddr": interface} if direction == "ingress" else {"srcaddr": interface}
    there = {"srcaddr": others["pkt_srcaddr"], "dstaddr": others["pkt_dstaddr"]}
    own = {"action": "ACCEPT", "flow_direction": direction, "bytes": amount, "packets": packets}
    times = {"start": start, "end": start + 30, "log_status": "OK", "interface_id": INTERFACE}
    unnamed = {"pkt_src_aws_service": "-", "pkt_dst_aws_service": "-"}
    flags = {"protocol": 6, "tcp_flags": 3, "type": "IPv6" if is_ipv6 else "IPv4"}
    return dict.fromkeys(COLUMNS) | unnamed | flags | there | here | own | times | others


def empty(status: str, start: int) -> dict[str, object]:
    """A record without traffic. Columns of text hold `-`, those of numbers nothing."""
    dashes = {name: "-" for name, kind in COLUMNS.items() if kind == "VARCHAR"}
    del dashes["resource_id"]
    times = {"start": start, "end": start + 59, "log_status": status, "interface_id": INTERFACE}
    return dict.fromkeys(COLUMNS) | dashes | times
