"""Nothing survives the command that started it, however that ends."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from local.processes import Child, ChildFailed

ROOT = Path(__file__).resolve().parents[2]

# Starts moto as a child, says its process ID, and waits for good.
PARENT = """
import signal, sys
from pathlib import Path
from local.processes import Child, free_port

port = str(free_port())
command = [sys.executable, "-m", "local.moto_server", "--port", port, "--calls-port", port]
child = Child(command, Path(sys.argv[1]))
child.await_ready()
print(child.pid, flush=True)
signal.pause()
"""


@pytest.fixture
def parent(tmp_path):
    command = [sys.executable, "-c", PARENT, str(tmp_path / "moto.log")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def has_ended(watched, seconds=20):
    """Whether the process of a pidfd ends in time."""
    return bool(select.select([watched], [], [], seconds)[0])


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_child_ends_with_its_parent(parent, number):
    child = os.pidfd_open(int(parent.stdout.readline()))
    parent.send_signal(number)
    assert has_ended(child)
    os.close(child)


def test_stop_ends_a_child_that_does_not_listen_to_its_input(tmp_path):
    script = "import signal; print('listening on nothing', flush=True); signal.pause()"
    child = Child([sys.executable, "-c", script], tmp_path / "log")
    child.await_ready()
    watched = os.pidfd_open(child.pid)
    child.stop(seconds=0.2)
    assert has_ended(watched)
    os.close(watched)


def test_a_child_that_fails_says_why(tmp_path):
    script = "import sys; sys.exit('no such thing')"
    child = Child([sys.executable, "-c", script], tmp_path / "log")
    with pytest.raises(ChildFailed, match="no such thing"):
        child.await_ready()
