"""The bar that natflow shows while it reads long inputs: on a terminal, and nowhere else."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from pathlib import Path

import pytest

from local.local_aws import BINARIES

COLUMNS = 100
RECORD = (
    b"ACCEPT ingress - 10.0.1.5 40000 10.0.0.220 443 6 1500 IPv4 10.0.1.5 - 203.0.113.5 - "
    b"3 1700000000 1700000060 19 OK eni-0a1b\n"
)
# Shorter inputs have no bar.
LONG_BYTES = 64_000_000
BAR = re.compile(r"\d [KM]?i?B of 61\.\d+ MiB, .* left")
# How a terminal is told to begin its line anew, and to erase it.
ERASED = "\r\x1b[2K"


def write(path: Path, length: int) -> None:
    """A file with one record, and blank lines up to a length: holes, which take no space."""
    with path.open("wb") as file:
        file.write(RECORD)
        for end in range(1_000_000, length, 1_000_000):
            file.seek(end)
            file.write(b"\n")
        file.truncate(length)


@pytest.fixture
def long_file(tmp_path: Path) -> Path:
    path = tmp_path / "long.log"
    write(path, LONG_BYTES)
    return path


def on_a_terminal(*arguments: str | Path, with_output: bool = False) -> tuple[str, str]:
    """Runs natflow with standard error on a terminal: its output, and what the terminal got.

    `with_output` puts standard output there, too.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 25, COLUMNS, 0, 0))
    environment = {"PATH": os.environ["PATH"], "TERM": "xterm"}
    command = [BINARIES / "natflow", *arguments]
    output = theirs if with_output else subprocess.PIPE
    with subprocess.Popen(command, stdout=output, stderr=theirs, env=environment) as process:
        os.close(theirs)
        seen = b"".join(iter(lambda: read(ours), b""))
        written = process.stdout.read() if process.stdout else b""
    os.close(ours)
    assert process.returncode == 0, seen.decode()
    return written.decode(), seen.decode()


def read(terminal: int) -> bytes:
    """What comes next; Linux fails when the other side has closed its end."""
    try:
        return os.read(terminal, 65_536)
    except OSError:
        return b""


@pytest.mark.parametrize("threads", ["1", "2"])
def test_a_long_input_has_a_bar_that_disappears(long_file, threads):
    output, seen = on_a_terminal("top", "--threads", threads, "--output", "csv", long_file)
    assert output.splitlines()[1].startswith("10.0.1.5,1500,")
    assert BAR.search(seen), seen
    lines = [line for line in seen.split(ERASED) if BAR.search(line)]
    assert all(len(line) <= COLUMNS for line in lines)
    # What stays is what natflow has to say.
    assert "1 record" in seen.rpartition(ERASED)[2], seen


def test_records_on_the_terminal_have_no_bar_among_them(long_file):
    """`decode` writes while it reads."""
    _, seen = on_a_terminal("decode", long_file, with_output=True)
    assert "203.0.113.5" in seen
    assert not BAR.search(seen), seen
    target = long_file.with_suffix(".csv")
    _, seen = on_a_terminal("decode", "--output", "csv", "-o", target, long_file, with_output=True)
    assert BAR.search(seen), seen
    assert len(target.read_text().splitlines()) == 2


def test_a_short_input_has_no_bar(tmp_path):
    path = tmp_path / "short.log"
    write(path, LONG_BYTES - 1)
    _, seen = on_a_terminal("top", path)
    assert ERASED not in seen
    assert " left" not in seen


def test_no_bar_is_written_into_a_file(long_file):
    done = subprocess.run([BINARIES / "natflow", "top", long_file], check=True, capture_output=True)
    assert b"1 record" in done.stderr
    assert b"\x1b" not in done.stderr
    assert b" left" not in done.stderr
