"""`make deploy` and `make delete`: which commands in which order, and when they stop."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deploy import stacks

CONFIG = """
version = 0.1
[default.global.parameters]
stack_name = "{name}"
[default.deploy.parameters]
capabilities = "CAPABILITY_IAM"
"""
SAVED = 'parameter_overrides = "NatGatewayIDs=\\"nat-1, nat-2\\" Architecture=\\"x86_64\\""\n'


class Commands:
    """Stands in for the programs that are run: notes each, and fails those that it is told to."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, list[str]]] = []
        self.failing: Callable[[list[str]], bool] = lambda command: False

    def run(self, command: list[str], cwd: Path, check: bool, **_: Any) -> None:
        assert check
        self.seen.append((cwd.name, command))
        if self.failing(command):
            raise subprocess.CalledProcessError(1, command)

    def of_sam(self) -> list[tuple[str, str]]:
        """Each stack's folder and what SAM did there."""
        return [(folder, command[1]) for folder, command in self.seen if command[0] == "sam"]


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Commands:
    folders = (tmp_path / "macros", tmp_path / "recorder")
    for folder in folders:
        folder.mkdir()
        (folder / "samconfig.toml").write_text(CONFIG.format(name=folder.name))
    commands = Commands()
    monkeypatch.setattr(stacks, "STACKS", folders)
    monkeypatch.setattr(stacks.subprocess, "run", commands.run)
    monkeypatch.setattr(stacks.shutil, "which", lambda program: f"/bin/{program}")
    return commands


def _answer(folder: int) -> None:
    """The stack has been deployed before, with answers that SAM has saved."""
    config = stacks.STACKS[folder] / "samconfig.toml"
    config.write_text(config.read_text() + SAVED)


def test_the_macros_are_deployed_before_the_recorder(commands: Commands) -> None:
    stacks.deploy(None, stacks.STACKS)
    assert commands.of_sam() == [
        ("macros", "build"),
        ("macros", "deploy"),
        ("recorder", "build"),
        ("recorder", "deploy"),
    ]


def test_arm64_is_built_unless_another_processor_is_asked_for(commands: Commands) -> None:
    stacks.deploy(None, stacks.STACKS)
    assert _targets(commands) == {"aarch64-unknown-linux-gnu"}
    commands.seen.clear()
    stacks.deploy("x86_64", stacks.STACKS)
    assert _targets(commands) == {"x86_64-unknown-linux-gnu"}
    for _, command in commands.seen:
        if command[0] == "sam":
            assert any(word.startswith("Architecture=") and "x86_64" in word for word in command)


def _targets(commands: Commands) -> set[str]:
    return {command[-1] for _, command in commands.seen if command[0] == "rustup"}


def test_the_answers_of_the_last_deployment_are_proposed(commands: Commands) -> None:
    _answer(1)
    stacks.deploy(None, stacks.STACKS)
    _, command = commands.seen[-1]
    assert command[-2:] == ['NatGatewayIDs="nat-1, nat-2"', 'Architecture="x86_64"']
    stacks.deploy("arm64", stacks.STACKS)
    assert commands.seen[-1][1][-2:] == ['NatGatewayIDs="nat-1, nat-2"', 'Architecture="arm64"']


@pytest.mark.parametrize("step", ["build", "deploy"])
def test_nothing_is_deployed_after_a_failure(commands: Commands, step: str) -> None:
    commands.failing = lambda command: command[1] == step
    with pytest.raises(subprocess.CalledProcessError):
        stacks.deploy(None, stacks.STACKS)
    assert commands.of_sam()[-1] == ("macros", step)


def test_a_stack_without_changes_does_not_stop_the_deployment(commands: Commands) -> None:
    stacks.deploy(None, stacks.STACKS)
    deployments = [command for _, command in commands.seen if command[1] == "deploy"]
    assert all("--no-fail-on-empty-changeset" in command for command in deployments)


def test_the_recorder_is_deleted_before_the_macros(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stacks, "stack_exists", lambda folder: False)
    stacks.delete(stacks.STACKS)
    assert commands.of_sam() == [("recorder", "delete"), ("macros", "delete")]


def test_the_macros_stay_while_the_recorder_does(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever answers no to SAM's question gets no error from it."""
    monkeypatch.setattr(stacks, "stack_exists", lambda folder: True)
    with pytest.raises(SystemExit, match="recorder has not been deleted"):
        stacks.delete(stacks.STACKS)
    assert commands.of_sam() == [("recorder", "delete")]


@pytest.mark.parametrize("command", ["deploy", "delete"])
def test_the_forwarders_are_a_stack_by_themselves(
    commands: Commands, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str
) -> None:
    folder = tmp_path / "forwarders"
    folder.mkdir()
    (folder / "samconfig.toml").write_text(CONFIG.format(name="forwarders"))
    monkeypatch.setattr(stacks, "FORWARDERS", (folder,))
    monkeypatch.setattr(stacks, "stack_exists", lambda folder: False)
    monkeypatch.setattr(stacks.sys, "argv", ["stacks", command, "--forwarders"])
    stacks.main()
    assert {folder for folder, _ in commands.of_sam()} == {"forwarders"}
    assert commands.of_sam()[-1] == ("forwarders", command)


@pytest.mark.parametrize("folder", [*stacks.STACKS, *stacks.FORWARDERS])
def test_each_stack_has_a_name_of_its_own(folder: Path) -> None:
    names = [stacks.stack_name(folder) for folder in (*stacks.STACKS, *stacks.FORWARDERS)]
    assert names.count(stacks.stack_name(folder)) == 1
