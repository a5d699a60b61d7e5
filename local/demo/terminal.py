"""Lines on standard output, and on a terminal what is being waited for, on standard error."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import TextIO

# SGR parameters by role; one colour after the other for what comes in numbers.
_STYLES = {"heading": "1", "time": "2", "quiet": "2", "good": "32", "bad": "1;31"}
_COLOURS = ("36", "35", "33", "34", "32")
_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_PLAIN_FRAMES = "|/-\\"
_FRAME_SECONDS = 0.1
_ERASE_LINE = "\r\x1b[K"
# Who or what a line is about; the longest is `local AWS`.
SUBJECT_WIDTH = 9
# A time of day with milliseconds, the subject, and two spaces after each.
INDENT = 12 + 2 + SUBJECT_WIDTH + 2
# Where longer details are wrapped, in characters.
DETAIL_WIDTH = 84


class Terminal:
    """Writes lines to `out`, and to `err`, when that is a terminal, a line that is redrawn.

    Colour is used when `out` is a terminal and the environment has no NO_COLOR.
    """

    def __init__(self, out: TextIO, err: TextIO, environment: Mapping[str, str] = os.environ):
        is_dumb = environment.get("TERM") == "dumb"
        self._out = out
        self._err = err
        self._has_colour = out.isatty() and not environment.get("NO_COLOR") and not is_dumb
        self._is_animated = err.isatty() and not is_dumb
        self._frames = _FRAMES if "utf" in (err.encoding or "").lower() else _PLAIN_FRAMES
        self._lock = threading.Lock()
        self._waiting_for = ""
        self._colours: dict[str, str] = {}

    def line(self, text: str = "") -> None:
        """One line, at once."""
        with self._lock:
            if self._is_animated and self._waiting_for:
                self._draw(_ERASE_LINE)
            self._out.write(text + "\n")
            self._out.flush()

    def heading(self, text: str) -> None:
        """What the lines to come are about."""
        self.line()
        self.line(self.styled("heading", text))

    def event(
        self, subject: str, text: str, details: Iterable[str] = (), at: datetime | None = None
    ) -> None:
        """What happened to whom and when (now, if nothing is said), and details below it."""
        moment = (at or datetime.now(timezone.utc)).strftime("%H:%M:%S.%f")[:-3]
        padded = f"{subject:<{SUBJECT_WIDTH}}"
        start = f"{self.styled('time', moment)}  {self._sgr(self._colour_of(subject), padded)}"
        self.line(f"{start}  {text}")
        for detail in details:
            self.line(" " * INDENT + detail)

    def styled(self, role: str, text: str) -> str:
        """`text` as its role looks: heading, time, quiet, good or bad."""
        return self._sgr(_STYLES[role], text)

    def _colour_of(self, subject: str) -> str:
        return self._colours.setdefault(subject, _COLOURS[len(self._colours) % len(_COLOURS)])

    def _sgr(self, parameters: str, text: str) -> str:
        return f"\x1b[{parameters}m{text}\x1b[0m" if self._has_colour else text

    @contextmanager
    def waiting(self, text: str) -> Iterator[None]:
        """Show on a terminal what is being waited for, and for how long, while the block runs."""
        if not self._is_animated:
            yield
            return
        self._waiting_for = text
        over = threading.Event()
        animation = threading.Thread(target=self._animate, args=[over], daemon=True)
        animation.start()
        try:
            yield
        finally:
            over.set()
            animation.join()

    def now_waiting(self, text: str) -> None:
        """Change what a `waiting` block waits for."""
        self._waiting_for = text

    def _animate(self, over: threading.Event) -> None:
        started = time.monotonic()
        number = 0
        while not over.wait(_FRAME_SECONDS):
            frame = self._frames[number % len(self._frames)]
            number += 1
            width = shutil.get_terminal_size().columns - 1
            elapsed = time.monotonic() - started
            with self._lock:
                self._draw(_ERASE_LINE + f"{frame} {elapsed:3.0f} s  {self._waiting_for}"[:width])
        with self._lock:
            self._waiting_for = ""
            self._draw(_ERASE_LINE)

    def _draw(self, text: str) -> None:
        self._err.write(text)
        self._err.flush()


def in_lines(items: Iterable[str], separator: str = ", ") -> list[str]:
    """The items one after the other, in lines as long as details may be; no item is broken."""
    lines: list[str] = []
    for item in items:
        if lines and len(lines[-1] + separator + item) <= DETAIL_WIDTH:
            lines[-1] += separator + item
        else:
            if lines:
                lines[-1] += separator.rstrip()
            lines.append(item)
    return lines
