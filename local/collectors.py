"""Small collectors on loopback: what the forwarders' stack sends to, in place of other people's.

They count what they get: datagrams of IPFIX, Datadog's series, OpenSearch's documents.
"""

from __future__ import annotations

import gzip
import json
import socket
import struct
import threading
import zlib
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# IPFIX: https://www.rfc-editor.org/rfc/rfc7011#section-3
HEADER, SET_HEADER, FIELD = struct.Struct("!HHIII"), struct.Struct("!HH"), struct.Struct("!HH")
IPFIX, TEMPLATE_SET, FIRST_DATA_SET = 10, 2, 256
BYTES = 1
SOURCE, DESTINATION = 8, 12
ENTERPRISE = 0x8000


class Counting:
    """What a collector has got, and how to wait for more."""

    def __init__(self) -> None:
        self.changed = threading.Condition()

    def wait_for(self, holds: Callable[[], bool], seconds: float = 30) -> bool:
        """Whether it came to hold within so many seconds."""
        with self.changed:
            return self.changed.wait_for(holds, seconds)


class IpfixCollector(Counting):
    """A UDP socket that reads IPFIX: flows with both ends, and their bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.datagrams = 0
        self.flows = 0
        self.bytes = 0
        self._templates: dict[tuple[int, int], list[tuple[int, int]]] = {}
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self._socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._run, daemon=True).start()

    def close(self) -> None:
        """Listen no more."""
        self._socket.close()

    def _run(self) -> None:
        while True:
            try:
                datagram = self._socket.recv(65_535)
            except OSError:
                return
            with self.changed:
                self._read(datagram)
                self.changed.notify_all()

    def _read(self, datagram: bytes) -> None:
        self.datagrams += 1
        version, length, _, _, domain = HEADER.unpack_from(datagram)
        if version != IPFIX:
            return
        at = HEADER.size
        while at < length:
            set_id, size = SET_HEADER.unpack_from(datagram, at)
            content = datagram[at + SET_HEADER.size : at + size]
            if set_id == TEMPLATE_SET:
                self._read_templates(domain, content)
            elif set_id >= FIRST_DATA_SET:
                self._read_records(self._templates.get((domain, set_id)), content)
            at += size

    def _read_templates(self, domain: int, content: bytes) -> None:
        at = 0
        while at + FIELD.size <= len(content):
            template, count = FIELD.unpack_from(content, at)
            at += FIELD.size
            fields = []
            for _ in range(count):
                element, length = FIELD.unpack_from(content, at)
                at += FIELD.size + (4 if element & ENTERPRISE else 0)
                fields.append((element, length))
            self._templates[domain, template] = fields

    def _read_records(self, fields: list[tuple[int, int]] | None, content: bytes) -> None:
        if not fields:
            return
        size = sum(length for _, length in fields)
        for start in range(0, len(content) - size + 1, size):
            record, at = {}, start
            for element, length in fields:
                record[element] = content[at : at + length]
                at += length
            # What has no ends is an options record.
            if SOURCE in record and DESTINATION in record:
                self.flows += 1
                self.bytes += int.from_bytes(record.get(BYTES, b""))


class HttpCollector(Counting):
    """An HTTP server that hands each body to `take`, and answers with what that returns."""

    status = 200

    def __init__(self) -> None:
        super().__init__()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                encoding = self.headers.get("Content-Encoding", "")
                if encoding == "gzip":
                    body = gzip.decompress(body)
                elif encoding == "deflate":
                    body = zlib.decompress(body)
                with collector.changed:
                    answer = json.dumps(collector.take(self.path, body)).encode()
                    collector.changed.notify_all()
                self.send_response(collector.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Serve no more."""
        self._server.shutdown()
        self._server.server_close()

    def take(self, path: str, body: bytes) -> Any:
        """Take a body that came to a path; returns the answer."""
        raise NotImplementedError


class DatadogIntake(HttpCollector):
    """Datadog's series: a point replaces that of the same metric, tags and second."""

    status = 202

    def __init__(self) -> None:
        super().__init__()
        self.payloads = 0
        self._points: dict[tuple[Any, ...], float] = {}

    def take(self, path: str, body: bytes) -> Any:
        """A payload of Datadog's series API v2."""
        self.payloads += 1
        for series in json.loads(body).get("series", []):
            about = json.dumps([series.get("tags"), series.get("resources")], sort_keys=True)
            for point in series["points"]:
                self._points[series["metric"], about, point["timestamp"]] = point["value"]
        return {"errors": []}

    def sums(self) -> dict[str, float]:
        """The sum of each metric's points."""
        sums: Counter[str] = Counter()
        for (metric, *_), value in self._points.items():
            sums[metric] += value
        return dict(sums)


class OpenSearchDomain(HttpCollector):
    """OpenSearch's `_bulk`: a document replaces that of the same index and ID."""

    def __init__(self) -> None:
        super().__init__()
        self.documents: dict[tuple[str, str], dict[str, Any]] = {}

    def take(self, path: str, body: bytes) -> Any:
        """The actions and documents of a bulk request."""
        lines = body.decode().splitlines()
        items = []
        for action, document in zip(lines[::2], lines[1::2], strict=True):
            about = json.loads(action)["index"]
            self.documents[about["_index"], about["_id"]] = json.loads(document)
            items.append({"index": {"_id": about["_id"], "status": 201}})
        return {"errors": False, "items": items}
