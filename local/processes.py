"""Child processes that never outlive this one."""

from __future__ import annotations

import os
import selectors
import socket
import subprocess
import time
from pathlib import Path

READY = "listening on "


class ChildFailed(Exception):
    """A child that did not start, with what it said."""


def free_port() -> int:
    """A TCP port on loopback that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Child:
    """A process that says `listening on URL` and exits when its standard input ends.

    Its input is a pipe that only this process holds open, so that the end of this process, even
    by SIGKILL, ends the child.
    """

    def __init__(self, command: list[str], log: Path, environment: dict[str, str] | None = None):
        self.command = command
        self.log = log
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=os.environ | (environment or {}),
                # Ctrl-C reaches this process alone, which then ends its children in order.
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Its process ID."""
        return self._process.pid

    def await_ready(self, seconds: float = 60) -> None:
        """Return once it listens; raises ChildFailed with its log when it does not."""
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while selector.select(max(0.0, deadline - time.monotonic())):
                line = self._process.stdout.readline().decode()
                if READY in line:
                    return
                if not line:
                    break
        said = self.log.read_text(errors="replace")[-4000:]
        self.stop()
        raise ChildFailed(f"{self.command[0]} did not start:\n{said}")

    def stop(self, seconds: float = 5) -> None:
        """End it: by the end of its input, and by force if that does not do."""
        self._process.stdin.close()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
