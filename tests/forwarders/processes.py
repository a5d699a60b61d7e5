"""The processes of functions on the local AWS."""

from __future__ import annotations

from pathlib import Path


def peak_memory(function_of: str) -> int:
    """The most bytes that a function's process with this setting, FUNCTION_OF, has had in memory."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment = (process / "environ").read_bytes()
            status = (process / "status").read_text()
        except OSError:
            # Another user's, or gone by now.
            continue
        if f"FUNCTION_OF={function_of}".encode() in environment.split(b"\0"):
            peak = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
            return int(peak.split()[1]) * 1024
    raise AssertionError("the function's process is gone")
