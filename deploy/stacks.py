"""Deploys the macros and then the recorder with SAM, or deletes them in reverse order.

`python -m deploy.stacks deploy [--architecture x86_64]` builds each stack and asks SAM's questions
about it; `python -m deploy.stacks delete` asks before each deletion. Both stop at the first stack
that fails. With `--forwarders` they are about the forwarders' stack alone. SAM keeps the answers in
the samconfig.toml beside each template.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import tomlkit
from botocore.exceptions import ClientError

ROOT = Path(__file__).resolve().parent.parent
# In the order of deployment: a template is expanded by macros that exist.
STACKS = (ROOT / "cf-assistive-macros", ROOT)
# By itself: it serves any flow logs.
FORWARDERS = (ROOT / "forwarders",)
RUST_TARGETS = {"arm64": "aarch64-unknown-linux-gnu", "x86_64": "x86_64-unknown-linux-gnu"}
DEFAULT_ARCHITECTURE = "arm64"


def main() -> None:
    """Run the command of the arguments; a failed step ends it with that step's exit code."""
    arguments = _arguments()
    try:
        stacks = FORWARDERS if arguments.forwarders else STACKS
        if arguments.command == "delete":
            delete(stacks)
        else:
            deploy(arguments.architecture, stacks)
    except subprocess.CalledProcessError as error:
        sys.exit(f"`{shlex.join(error.cmd)}` failed with exit code {error.returncode}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    deploying = commands.add_parser("deploy")
    deploying.add_argument("--architecture", choices=RUST_TARGETS)
    for command in (deploying, commands.add_parser("delete")):
        command.add_argument("--forwarders", action="store_true")
    return parser.parse_args()


def deploy(architecture: str | None, stacks: tuple[Path, ...]) -> None:
    """Build and deploy each stack; without `architecture` the one of the last deployment."""
    for folder in stacks:
        overrides = saved_overrides(folder)
        built_for = architecture or overrides.get("Architecture", DEFAULT_ARCHITECTURE)
        _add_rust_target(built_for)
        sam(folder, "build", "--parameter-overrides", f"Architecture={built_for}")
        overrides["Architecture"] = built_for
        print(f"Built for {built_for}: leave the answer to Parameter Architecture as it is.")
        # A stack that needs no change must not keep the next one from its turn.
        options = ("--guided", "--no-fail-on-empty-changeset", "--parameter-overrides")
        sam(folder, "deploy", *options, *_pairs(overrides))


def delete(stacks: tuple[Path, ...]) -> None:
    """Delete the stacks, the last one first, unless the one after it is still there."""
    for folder in reversed(stacks):
        sam(folder, "delete")
        if stack_exists(folder):
            sys.exit(f"{stack_name(folder)} has not been deleted: nothing more is deleted")


def sam(folder: Path, *arguments: str) -> None:
    """Run SAM in a stack's folder, with this environment's cargo-lambda and zig on the PATH."""
    programs = Path(sys.executable).parent
    path = os.pathsep.join((str(programs), os.environ.get("PATH", "")))
    command = ["sam", *arguments]
    print(f"\n{folder.name}: {shlex.join(command)}", flush=True)
    subprocess.run(command, cwd=folder, env=os.environ | {"PATH": path}, check=True)


def _add_rust_target(architecture: str) -> None:
    """Let Rust compile for Lambda's processor; without rustup the target must be there already."""
    if shutil.which("rustup"):
        subprocess.run(
            ["rustup", "target", "add", RUST_TARGETS[architecture]], cwd=ROOT, check=True
        )


def _pairs(overrides: dict[str, str]) -> list[str]:
    """The parameters as SAM reads them, in quotes for the sake of commas and spaces."""
    return [f'{name}="{value}"' for name, value in overrides.items()]


def saved_overrides(folder: Path) -> dict[str, str]:
    """The parameters of the last guided deployment, as SAM keeps them: `Key="value" …`."""
    pairs = shlex.split(_saved(folder).get("parameter_overrides", ""))
    return dict(pair.split("=", 1) for pair in pairs)


def stack_name(folder: Path) -> str:
    """The name under which the stack was deployed last, or would be first."""
    return _saved(folder)["stack_name"]


def stack_exists(folder: Path) -> bool:
    """Whether CloudFormation still has the stack."""
    cloudformation = boto3.client("cloudformation", region_name=_saved(folder).get("region"))
    try:
        cloudformation.describe_stacks(StackName=stack_name(folder))
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            return False
        raise
    return True


def _saved(folder: Path) -> dict[str, Any]:
    """What SAM reads for its commands from the stack's samconfig.toml."""
    config = tomlkit.parse((folder / "samconfig.toml").read_text()).unwrap()["default"]
    return config["global"]["parameters"] | config["deploy"]["parameters"]


if __name__ == "__main__":
    main()
