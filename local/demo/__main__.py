"""`python -m local.demo --gateways 1 --spike ends`: see `--help`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from contextlib import ExitStack

from local.demo.expectations import Expectations
from local.demo.forwarding import SINKS
from local.demo.play import play
from local.demo.terminal import Terminal
from local.local_aws import BINARIES, LocalAws
from local.processes import ChildFailed
from local.template import DeploymentError

FAILED = 1
# What shells say of a process that SIGINT ended.
INTERRUPTED = 130
# A subnet of the demo holds more, a terminal does not.
MOST_GATEWAYS = 20

INTRODUCTION = """\
NAT Flow Recorder on the local AWS: no account, nothing leaves this machine.
Real: both templates, both macros and the SAM transform, the state machine's definition, the
Lambda binaries. Emulated: AWS's services (moto and a front door), the traffic and its flow-log
records, and the alarm's state, which is set by SetAlarmState. Waiting times are set short."""


def main() -> int:
    """Run the demo; returns the exit code."""
    arguments = _arguments()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")
    terminal = Terminal(sys.stdout, sys.stderr)
    try:
        return _run(arguments, terminal)
    except KeyboardInterrupt:
        terminal.line("Interrupted; the local AWS has been stopped.")
        return INTERRUPTED
    except (ChildFailed, DeploymentError) as error:
        terminal.line(terminal.styled("bad", f"The demo failed: {error}"))
        return FAILED
    except BrokenPipeError:
        # Whoever read has read enough: a normal end. Python would complain when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m local.demo", description="Records a spike on the local AWS."
    )
    parser.add_argument(
        "--gateways",
        type=int,
        choices=range(1, MOST_GATEWAYS + 1),
        metavar=f"1..{MOST_GATEWAYS}",
        default=1,
        help="NAT gateways whose traffic spikes at once (default: 1)",
    )
    parser.add_argument(
        "--spike",
        choices=["ends", "timeout"],
        default="ends",
        help="whether the spike ends, or the recording has to (default: ends)",
    )
    parser.add_argument(
        "--forward",
        type=_sinks,
        default=(),
        metavar="SINKS",
        help=f"sinks of the forwarders' stack, separated by commas, or all: {', '.join(SINKS)}",
    )
    return parser.parse_args()


def _sinks(text: str) -> tuple[str, ...]:
    chosen = SINKS if text == "all" else tuple(text.split(","))
    if unknown := set(chosen) - set(SINKS):
        raise argparse.ArgumentTypeError(f"no such sink: {', '.join(sorted(unknown))}")
    return chosen


def _run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    started = time.monotonic()
    for line in INTRODUCTION.splitlines():
        terminal.line(line)
    if not (BINARIES / "front-door").is_file():
        raise ChildFailed("nothing is built yet; `make demo` builds first.")
    with ExitStack() as stack:
        with terminal.waiting("Starting the local AWS"):
            aws = stack.enter_context(LocalAws())
        expectations = play(aws, terminal, arguments.gateways, arguments.spike, arguments.forward)
    return _conclude(terminal, expectations, time.monotonic() - started)


def _conclude(terminal: Terminal, expectations: Expectations, seconds: float) -> int:
    terminal.line()
    if expectations.unmet:
        terminal.line(terminal.styled("bad", "This did NOT happen as it should:"))
        for sentence in expectations.unmet:
            terminal.line(f"- {sentence}")
        return FAILED
    everything = "Everything happened as it should, and the local AWS has been stopped."
    terminal.line(terminal.styled("good", everything) + f" It took {seconds:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
