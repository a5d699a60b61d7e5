"""A stand-in for Datadog's intake that checks what it is sent and refuses what Datadog refuses."""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

SERIES, DISTRIBUTIONS = "/api/v2/series", "/api/v1/distribution_points"
COUNT, GAUGE = 1, 3
# https://docs.datadoghq.com/api/latest/metrics/#submit-metrics
MOST_PACKED_BYTES, MOST_PLAIN_BYTES = 512_000, 5_242_880
OLDEST_SECONDS, NEWEST_SECONDS = 3600, 600
# Between the sender's reading of the clock and the intake's.
CLOCK_SECONDS = 120

Point = tuple[str, frozenset[str], int]


@dataclass
class Intake:
    """What was sent to it."""

    url: str = ""
    keys: set[str] = field(default_factory=lambda: {"0123456789abcdef"})
    points: dict[Point, float] = field(default_factory=dict)
    distributions: dict[Point, list[float]] = field(default_factory=dict)
    # The bodies of the requests that were taken, in their order.
    bodies: list[str] = field(default_factory=list)
    # Points that were sent again with other values: the last would count alone.
    overwritten: list[Point] = field(default_factory=list)
    # What is wrong with requests.
    wrong: list[str] = field(default_factory=list)
    # What the next requests are answered: a status, or None for no answer at all.
    answers: list[int | None] = field(default_factory=list)
    requests: int = 0
    lock: Lock = field(default_factory=Lock)

    def sum(self, metric: str, *tags: str) -> float:
        """A metric's values added up, over all points with these tags."""
        name = f"aws.vpc.flowlogs.{metric}"
        return sum(
            value
            for (found, has, _), value in self.points.items()
            if found == name and has >= set(tags)
        )

    def tags(self, metric: str) -> set[str]:
        """All tags of a metric's points, the writers' shards aside."""
        name = f"aws.vpc.flowlogs.{metric}"
        has = [tags for found, tags, _ in self.points if found == name]
        return {tag for tag in frozenset().union(*has) if not tag.startswith("shard:")}

    def forget(self) -> None:
        for kept in (self.points, self.distributions, self.bodies, self.overwritten, self.wrong):
            kept.clear()
        self.requests = 0

    def answer(self, path: str, headers: Any, body: bytes) -> int | None:
        """The status of a request, after what it says was kept; None for no answer."""
        with self.lock:
            self.requests += 1
            if self.answers:
                return self.answers.pop(0)
            if headers["DD-API-KEY"] not in self.keys:
                return 403
            problem = self.take(path, headers, body)
            if problem:
                self.wrong.append(problem)
                return 400
            return 202

    def take(self, path: str, headers: Any, body: bytes) -> str | None:
        """Keeps what a request says; else what is wrong with it."""
        if headers["Content-Type"] != "application/json":
            return f"content type {headers['Content-Type']}"
        if headers["Content-Encoding"] != "deflate":
            return f"content encoding {headers['Content-Encoding']}"
        plain = zlib.decompress(body)
        if len(body) > MOST_PACKED_BYTES or len(plain) > MOST_PLAIN_BYTES:
            return f"{len(body)} bytes, {len(plain)} plain"
        keep = {SERIES: self.keep_series, DISTRIBUTIONS: self.keep_distribution}.get(path)
        if keep is None:
            return f"path {path}"
        content = json.loads(plain)
        if list(content) != ["series"] or not content["series"]:
            return f"members {list(content)}"
        for series in content["series"]:
            problem = keep(series)
            if problem:
                return f"{problem} in {series}"
        self.bodies.append(plain.decode())
        return None

    def keep_series(self, series: dict[str, Any]) -> str | None:
        is_gauge = ".per_request." in series["metric"]
        if series["type"] != (GAUGE if is_gauge else COUNT):
            return "type"
        if series.get("interval") != (None if is_gauge else 1):
            return "interval"
        for point in series["points"]:
            if set(point) != {"timestamp", "value"} or not is_in_time(point["timestamp"]):
                return f"point {point}"
            key = (series["metric"], named(series["tags"]), point["timestamp"])
            if self.points.get(key, point["value"]) != point["value"]:
                self.overwritten.append(key)
            self.points[key] = point["value"]
        return None

    def keep_distribution(self, series: dict[str, Any]) -> str | None:
        for timestamp, values in series["points"]:
            if not is_in_time(timestamp) or not values:
                return f"point {timestamp}"
            key = (series["metric"], named(series["tags"]), timestamp)
            self.distributions.setdefault(key, []).extend(values)
        return None


def named(tags: list[str]) -> frozenset[str]:
    """Tags, which must be `key:value` and differ."""
    assert all(tag.count(":") >= 1 and not tag.endswith(":") for tag in tags), tags
    assert len(set(tags)) == len(tags), tags
    return frozenset(tags)


def is_in_time(timestamp: int) -> bool:
    ago = time.time() - timestamp
    return -NEWEST_SECONDS - CLOCK_SECONDS <= ago <= OLDEST_SECONDS + CLOCK_SECONDS


def handler(intake: Intake) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = intake.answer(self.path, self.headers, body)
            if status is None:
                self.close_connection = True
                return
            said = json.dumps({"errors": [] if status == 202 else ["refused"]}).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    return Handler


@contextmanager
def listening() -> Iterator[Intake]:
    """An intake with an address of its own."""
    intake = Intake()
    with ThreadingHTTPServer(("127.0.0.1", 0), handler(intake)) as server:
        server.daemon_threads = True
        intake.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield intake
        finally:
            server.shutdown()
            thread.join()
