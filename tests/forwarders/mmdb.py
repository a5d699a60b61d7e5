"""Writes a database in MaxMind's format, as small as it gets.

https://maxmind.github.io/MaxMind-DB/
"""

from __future__ import annotations

import ipaddress
import struct
from typing import Any

NOTHING = None


def database(kind: str, networks: dict[str, Any]) -> bytes:
    """The file that says these things of these networks of IPv4."""
    data = b""
    nodes: list[list[Any]] = [[NOTHING, NOTHING]]
    for text, value in networks.items():
        network = ipaddress.ip_network(text)
        _insert(nodes, int(network.network_address), network.prefixlen, ("data", len(data)))
        data += _encoded(value)
    tree = b"".join(
        struct.pack(">I", _record(child, len(nodes))) for node in nodes for child in node
    )
    metadata = {
        "binary_format_major_version": _Short(2),
        "binary_format_minor_version": _Short(0),
        "build_epoch": _Long(1_700_000_000),
        "database_type": kind,
        "description": {"en": "made by a test"},
        "ip_version": _Short(4),
        "languages": ["en"],
        "node_count": len(nodes),
        "record_size": _Short(32),
    }
    return tree + bytes(16) + data + b"\xab\xcd\xefMaxMind.com" + _encoded(metadata)


class _Short(int):
    """A number of 16 bits."""


class _Long(int):
    """A number of 64 bits."""


def _insert(nodes: list[list[Any]], address: int, length: int, found: tuple[str, int]) -> None:
    node = 0
    for depth in range(length):
        side = address >> (31 - depth) & 1
        if depth == length - 1:
            nodes[node][side] = found
        else:
            if nodes[node][side] is NOTHING:
                nodes.append([NOTHING, NOTHING])
                nodes[node][side] = len(nodes) - 1
            node = nodes[node][side]


def _record(child: Any, count: int) -> int:
    if child is NOTHING:
        return count
    return count + 16 + child[1] if isinstance(child, tuple) else child


def _encoded(value: Any) -> bytes:
    match value:
        case str():
            return _control(2, len(value.encode())) + value.encode()
        case float():
            return _control(3, 8) + struct.pack(">d", value)
        case _Short():
            return _control(5, 2) + struct.pack(">H", value)
        case _Long():
            return _control(9, 8) + struct.pack(">Q", value)
        case int():
            return _control(6, 4) + struct.pack(">I", value)
        case dict():
            members = (_encoded(key) + _encoded(member) for key, member in value.items())
            return _control(7, len(value)) + b"".join(members)
        case list():
            return _control(11, len(value)) + b"".join(map(_encoded, value))
    raise TypeError(f"{value!r} has no place in a database")


def _control(kind: int, size: int) -> bytes:
    """A value's type and size."""
    short, more = (size, b"") if size < 29 else (29, bytes([size - 29]))
    return bytes([short, kind - 7]) + more if kind > 7 else bytes([kind << 5 | short]) + more
