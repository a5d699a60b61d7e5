"""`python -m local.storm --seed 1`: see `--help`."""

from __future__ import annotations

import argparse
import json
import random
import sys
from datetime import datetime
from pathlib import Path

from local.local_aws import BINARIES, LocalAws
from local.processes import ChildFailed
from local.storm import summary
from local.storm.plan import Settings
from local.storm.run import MACROS, Storm
from local.template import DeploymentError

FAILED = 1
# What shells say of a process that SIGINT ended.
INTERRUPTED = 130
# A parameter's value holds no more.
MOST_GATEWAYS = 186


def main() -> int:
    """Run a storm; returns the exit code."""
    arguments = _arguments()
    seed = random.randrange(10**6) if arguments.seed is None else arguments.seed
    settings = Settings(
        seed, arguments.gateways, max(arguments.alarms, arguments.gateways), arguments.faults
    )
    again = f"SEED={seed} GATEWAYS={settings.gateways} ALARMS={settings.alarms}"
    again += f" FAULTS={settings.faults}"
    print(f"Storm of seed {seed}; again with: make storm {again}", flush=True)
    try:
        return _run(settings, arguments)
    except KeyboardInterrupt:
        print("Interrupted; the local AWS has been stopped.")
        return INTERRUPTED
    except (ChildFailed, DeploymentError) as error:
        print(f"The storm failed: {error}", file=sys.stderr)
        return FAILED


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m local.storm",
        description="Hundreds of spikes on the local AWS while its calls fail.",
    )
    parser.add_argument("--seed", type=int, help="of the plan and the faults (default: by chance)")
    parser.add_argument(
        "--gateways", type=int, choices=range(2, MOST_GATEWAYS + 1), metavar="N", default=180
    )
    parser.add_argument("--alarms", type=int, default=1000)
    parser.add_argument(
        "--faults", type=int, choices=range(91), metavar="N", default=20, help="percent"
    )
    parser.add_argument("--binaries", type=Path, default=BINARIES)
    parser.add_argument("--journal", type=Path, help="where the front door's journal is written")
    return parser.parse_args()


def _run(settings: Settings, arguments: argparse.Namespace) -> int:
    # The pauses before retries are as on AWS: EC2's throttling is ridden out by them alone.
    with LocalAws(arguments.binaries, retry_scale=1) as aws:
        aws.deploy("macros", MACROS)
        outcome = Storm(aws, settings, say=_say).run()
    if arguments.journal:
        lines = (json.dumps(entry) + "\n" for entry in outcome.evidence.journal)
        arguments.journal.write_text("".join(lines))
    print("\n".join(summary.lines(outcome)))
    return FAILED if outcome.violations or not outcome.settled else 0


def _say(line: str) -> None:
    print(f"{datetime.now():%H:%M:%S}  {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
