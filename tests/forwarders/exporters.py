"""`natflow exporter` as a process, and Prometheus, which scrapes it."""

from __future__ import annotations

import gzip
import itertools
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from local.local_aws import BINARIES, REGION

DEADLINE_SECONDS = 30
_events = itertools.count(1)

needs_prometheus = pytest.mark.skipif(
    not (shutil.which("prometheus") and shutil.which("promtool")),
    reason="prometheus and promtool are not installed: `apt-get install prometheus` brings them",
)


def record(
    size: int, *, source: str = "10.0.1.5", target: str = "203.0.113.5", action: str = "ACCEPT"
) -> str:
    """A record of AWS's default format: one packet of so many bytes."""
    return (
        f"2 123456789012 eni-0a1b {source} {target} 40000 443 6 1 {size} 1700000000 1700000060 "
        f"{action} OK"
    )


def payload(lines: list[str]) -> bytes:
    """What CloudWatch Logs writes to a stream; every call makes new events."""
    events = [
        {"id": f"{next(_events):056}", "timestamp": 1_700_000_000_000, "message": line}
        for line in lines
    ]
    envelope = {
        "messageType": "DATA_MESSAGE",
        "owner": "123456789012",
        "logGroup": "flow-logs",
        "logStream": "eni-0a1b-all",
        "subscriptionFilters": ["exporter"],
        "logEvents": events,
    }
    return gzip.compress(json.dumps(envelope).encode())


class Exporter:
    """A running exporter."""

    def __init__(self, process: subprocess.Popen, output: Path):
        self.process = process
        self.output = output
        self.said: list[str] = []
        self.url = ""
        self._reading = Thread(target=self._read)

    def await_ready(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            self.said.append(line)
            if found := re.search(r"listening on (http://\S+)/metrics", line):
                self.url = found[1]
                self._reading.start()
                return
        raise AssertionError("".join(self.said))

    def _read(self) -> None:
        assert self.process.stderr
        self.said.extend(self.process.stderr)

    def get(self, path: str, accept: str = "*/*") -> tuple[str, str]:
        """The type and the text of a page."""
        request = urllib.request.Request(self.url + path, headers={"Accept": accept})
        with urllib.request.urlopen(request, timeout=DEADLINE_SECONDS) as answer:
            return answer.headers["Content-Type"], answer.read().decode()

    def samples(self) -> dict[str, float]:
        """Every sample by its name, labels included."""
        lines = self.get("/metrics")[1].splitlines()
        split = (line.rpartition(" ") for line in lines if not line.startswith("#"))
        return {name: float(value) for name, _, value in split}

    def until(self, condition: Callable[[dict[str, float]], bool]) -> dict[str, float]:
        """The samples as soon as they meet a condition."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not condition(samples := self.samples()):
            assert self.process.poll() is None, "".join(self.said)
            assert time.monotonic() < deadline, f"{samples}\n{''.join(self.said)}"
            time.sleep(0.02)
        return samples

    def until_events(self, count: int) -> dict[str, float]:
        """The samples as soon as so many events were counted."""
        return self.until(lambda samples: samples["flowlog_events_total"] >= count)

    def denials(self) -> list[dict[str, Any]]:
        """The lines of standard output."""
        return [json.loads(line) for line in self.output.read_text().splitlines()]

    def end(self) -> int:
        """Ask it to end; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        """End it without a chance to do anything."""
        self.process.kill()
        self.wait()

    def wait(self) -> int:
        code = self.process.wait(timeout=DEADLINE_SECONDS)
        if self.url:
            self._reading.join()
        return code


def environment(url: str) -> dict[str, str]:
    """Credentials of a local AWS."""
    return os.environ | {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "client",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@contextmanager
def exporter(*arguments: str | Path, folder: Path, url: str = "") -> Iterator[Exporter]:
    """Run an exporter that looks and writes often."""
    command = [BINARIES / "natflow", "exporter", "--listen", "127.0.0.1:0", *arguments]
    for option, value in [("--poll", "50ms"), ("--checkpoint-every", "50ms")]:
        if option not in command:
            command += [option, value]
    output = folder / f"denials-{next(_events)}.jsonl"
    with (
        output.open("w") as file,
        subprocess.Popen(
            [str(word) for word in command],
            stdout=file,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(url or "http://127.0.0.1:1"),
        ) as process,
    ):
        running = Exporter(process, output)
        try:
            running.await_ready()
            yield running
        finally:
            if process.poll() is None:
                running.kill()


def refused(*arguments: str | Path, url: str = "") -> str:
    """What an exporter complains about that cannot start."""
    command = [BINARIES / "natflow", "exporter", "--listen", "127.0.0.1:0", *arguments]
    done = subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_SECONDS,
        env=environment(url or "http://127.0.0.1:1"),
    )
    assert done.returncode == 1, done.stderr
    return done.stderr


def check_metrics(text: str) -> str:
    """What promtool says of a page; nothing if it is as it should be."""
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


class Prometheus:
    """A running Prometheus."""

    def __init__(self, url: str):
        self.url = url

    def ask(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=DEADLINE_SECONDS) as answer:
            return json.load(answer)["data"]

    def value(self, query: str) -> float | None:
        """The one value of a query, once there is one."""
        found = self.ask(f"/api/v1/query?query={query}")["result"]
        return float(found[0]["value"][1]) if found else None

    def until(self, query: str, expected: float) -> None:
        """Until a query has this value."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while (found := self.value(query)) != expected:
            assert time.monotonic() < deadline, f"{query} is {found}: {self.ask('/api/v1/targets')}"
            time.sleep(0.05)


@contextmanager
def prometheus(target: Exporter, folder: Path) -> Iterator[Prometheus]:
    """Run a Prometheus that scrapes an exporter."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    configuration = {
        "global": {"scrape_interval": "200ms", "scrape_timeout": "200ms"},
        "scrape_configs": [
            {
                "job_name": "flow-logs",
                "static_configs": [{"targets": [target.url.removeprefix("http://")]}],
            }
        ],
    }
    path = folder / "prometheus.yml"
    path.write_text(json.dumps(configuration))
    command = ["prometheus", f"--config.file={path}", f"--storage.tsdb.path={folder / 'tsdb'}"]
    command += [f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]
    log = folder / "prometheus.log"
    with (
        log.open("w") as output,
        subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT) as process,
    ):
        try:
            server = Prometheus(f"http://127.0.0.1:{port}")
            await_answer(f"{server.url}/-/ready", process, log)
            yield server
        finally:
            process.terminate()
            process.wait(timeout=DEADLINE_SECONDS)


def await_answer(url: str, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except OSError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        else:
            return
