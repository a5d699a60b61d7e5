"""The report as a page for a browser: natflow reads the records as its users would."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from local.local_aws import BINARIES, ROOT, LocalAws

# In the project's folder.
FOLDER = Path("target/demo")


def command(flow_log: dict[str, Any], addresses: set[str], page: Path) -> list[str]:
    """The command line that writes the page, in the project's folder."""
    gateway = ",".join([flow_log["ResourceId"], *sorted(addresses)])
    source = f"logs://{flow_log['LogGroupName']}"
    return ["natflow", "report", "--html", "--gateway", gateway, "-o", str(page), source]


def write(aws: LocalAws, arguments: list[str]) -> str:
    """Run natflow in the account of the local AWS; answers what it complains about."""
    account = {
        "AWS_ENDPOINT_URL": aws.url,
        "AWS_ACCESS_KEY_ID": "client",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": aws.region,
    }
    (ROOT / FOLDER).mkdir(parents=True, exist_ok=True)
    outcome = subprocess.run(
        [BINARIES / arguments[0], *arguments[1:]],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **account},
    )
    return outcome.stderr if outcome.returncode else ""
