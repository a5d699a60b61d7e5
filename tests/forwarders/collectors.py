"""NetFlow and IPFIX collectors from Debian, and a plain socket that keeps what it gets."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

import pytest

STARTS_WITHIN_SECONDS = 30

needs_nfdump = pytest.mark.skipif(
    not (shutil.which("nfcapd") and shutil.which("nfdump")),
    reason="nfcapd and nfdump are not installed: `apt-get install nfdump` brings them",
)
needs_tshark = pytest.mark.skipif(
    not shutil.which("tshark"),
    reason="tshark is not installed: `apt-get install tshark` brings it",
)


def free_port() -> int:
    """A port of UDP that nobody has, at the moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Nfcapd:
    """A collector; what it has seen is known once it has ended."""

    folder: Path
    port: int
    said: str = ""
    flows: list[dict] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def told(self, name: str) -> int:
        """A number that nfcapd says of its exporters, added up over them."""
        return sum(int(number) for number in re.findall(rf"{name}: (\d+)", self.said))


@contextmanager
def nfcapd(folder: Path) -> Iterator[Nfcapd]:
    """Runs nfcapd; afterwards, `flows` has what nfdump finds."""
    folder.mkdir()
    collector = Nfcapd(folder, free_port())
    command = ["nfcapd", "-w", str(folder), "-p", str(collector.port), "-b", "127.0.0.1"]
    # A large queue: what natflow sends at once must not be lost here.
    command += ["-t", "3600", "-B", "8000000"]
    log = folder.parent / f"{folder.name}.log"
    with (
        log.open("w") as output,
        subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT) as process,
    ):
        try:
            wait_for_port(collector.port, process)
            yield collector
            wait_until_read(collector.port)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)
    collector.said = log.read_text()
    collector.flows = nfdump(folder)


def nfdump(folder: Path) -> list[dict]:
    environment = os.environ | {"TZ": "UTC"}
    done = subprocess.run(
        ["nfdump", "-R", str(folder), "-q", "-o", "json"],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    # The objects are separated, and not enclosed.
    return json.loads(f"[{done.stdout}]")


def sockets_of_udp() -> dict[int, int]:
    """The bytes that wait in the queue of every port of UDP, from the kernel's own list."""
    queues = {}
    for line in Path("/proc/net/udp").read_text().splitlines()[1:]:
        words = line.split()
        port = int(words[1].rpartition(":")[2], 16)
        queues[port] = int(words[4].rpartition(":")[2], 16)
    return queues


def wait_for_port(port: int, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_SECONDS
    while port not in sockets_of_udp():
        assert process.poll() is None, "nfcapd has ended at once"
        assert time.monotonic() < deadline, f"nfcapd does not listen at port {port}"
        time.sleep(0.02)


def wait_until_read(port: int) -> None:
    """Until the collector has taken everything from its queue."""
    deadline = time.monotonic() + STARTS_WITHIN_SECONDS
    while sockets_of_udp().get(port):
        assert time.monotonic() < deadline, "nfcapd does not read its queue"
        time.sleep(0.02)


@dataclass
class Listener:
    """Keeps every datagram."""

    port: int
    datagrams: list[bytes] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"


@contextmanager
def listener() -> Iterator[Listener]:
    """Listens; afterwards, `datagrams` has all that came."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8_000_000)
        server.bind(("127.0.0.1", 0))
        heard = Listener(server.getsockname()[1])
        reader = Thread(target=read_all, args=(server, heard))
        reader.start()
        try:
            yield heard
        finally:
            # Datagrams of one machine arrive in their order: this is the last.
            server.sendto(b"", ("127.0.0.1", heard.port))
            reader.join()


def read_all(server: socket.socket, heard: Listener) -> None:
    while datagram := server.recv(65_536):
        heard.datagrams.append(datagram)


# The link type of packets that begin with IPv4's header:
# https://www.tcpdump.org/linktypes.html
RAW_IP = 101
NETFLOW_PORT = 2055


def write_pcap(path: Path, datagrams: list[bytes]) -> None:
    """Writes datagrams as they would have been captured, which takes no privileges."""
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, RAW_IP))
        for number, datagram in enumerate(datagrams):
            length = len(datagram) + 8
            udp = struct.pack(">HHHH", 40_000, NETFLOW_PORT, length, 0)
            # Checksums are 0, which tshark does not look at.
            addresses = bytes([127, 0, 0, 1]) * 2
            header = struct.pack(">BBHHHBBH", 0x45, 0, length + 20, number & 0xFFFF, 0, 64, 17, 0)
            packet = header + addresses + udp + datagram
            file.write(struct.pack("<IIII", 1_763_700_000, 0, len(packet), len(packet)))
            file.write(packet)


def tshark(path: Path) -> list[list[dict[str, str]]]:
    """The records of every datagram, each as tshark's names and values."""
    command = ["tshark", "-r", str(path), "-d", f"udp.port=={NETFLOW_PORT},cflow"]
    command += ["-T", "json", "--no-duplicate-keys"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [list(records(packet["_source"]["layers"])) for packet in json.loads(done.stdout)]


def shown(heard: Listener, folder: Path) -> list[dict[str, str]]:
    """The records of everything that was heard, as tshark shows them."""
    write_pcap(folder / "heard.pcap", heard.datagrams)
    return [record for datagram in tshark(folder / "heard.pcap") for record in datagram]


def records(tree: object) -> Iterator[dict[str, str]]:
    """What tshark shows below `Flow 1`, `Flow 2` and so on, wherever that is in its tree."""
    if isinstance(tree, list):
        for part in tree:
            yield from records(part)
    elif isinstance(tree, dict):
        for name, part in tree.items():
            is_record = re.fullmatch(r"(Flow|pdu|Pdu) \d+.*|pdu \d+/\d+", name)
            if is_record and isinstance(part, dict):
                yield flat(part)
            else:
                yield from records(part)


def flat(tree: dict) -> dict[str, str]:
    values = {}
    for name, part in tree.items():
        if isinstance(part, dict):
            values |= flat(part)
        elif isinstance(part, str):
            values[name] = part
    return values
