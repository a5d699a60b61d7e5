"""The linters, each as a function that answers with sentences: none means clean."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from cfnlint.api import lint
from cfnlint.config import ManualArgs
from moto.stepfunctions.parser.asl.parse.asl_parser import (
    AmazonStateLanguageParser,
    ASLParserException,
)
from moto.stepfunctions.parser.asl.static_analyser.static_analyser import StaticAnalyser
from statelint.config import Config
from statelint.linter import Linter
from statelint.problem import ProblemType

from tests.templates.documents import ROOT

SECURITY = ROOT / "security"


def cfn_lint(path: Path) -> list[str]:
    """cfn-lint's findings in a template file, under the project's settings for it."""
    return _findings([_beside_python("cfn-lint"), "--", str(path)], cwd=ROOT)


def cfn_lint_text(template: str, ignored: Collection[str] = ()) -> list[str]:
    """cfn-lint's findings in the text of a template, but for those of the `ignored` rules.

    A rule is ignored when its name (`W2001`) begins with one of them.
    """
    return [
        f"{match.rule.id} {match.path}: {match.message}"
        for match in lint(template, config=ManualArgs(include_checks=["I"]))
        if not match.rule.id.startswith(tuple(ignored))
    ]


def cfn_lint_expanded(template: str) -> list[str]:
    """cfn-lint's findings in the text of a template that its macros and SAM have expanded."""
    # W2001, parameters that nothing refers to: the macros have put their values in.
    return cfn_lint_text(template, ignored=["W2001"])


def sam_validate(path: Path, home: Path) -> list[str]:
    """The findings of `sam validate --lint`; `home` is where SAM may leave its settings."""
    sam = _beside_python("sam")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "SAM_CLI_TELEMETRY": "0",
    }
    return _findings(
        [sam, "validate", "--lint", "--template", str(path)], cwd=path.parent, env=environment
    )


def checkov(paths: Iterable[Path], config: Path, home: Path) -> list[dict[str, Any]]:
    """The checks that failed in templates, or that a template says are to be skipped.

    `config` is checkov's configuration, and `home` where it may leave a cache.
    """
    command = [_security_command("checkov"), "--config-file", str(config), "--output", "json"]
    command += ["--file", *map(str, paths)]
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    # 1 says that checks have failed.
    assert done.returncode in (0, 1), done.stderr
    # Where there is nothing to say, there are no results.
    results = json.loads(done.stdout).get("results", {})
    return results.get("failed_checks", []) + results.get("skipped_checks", [])


def parliament(roles: list[dict[str, Any]], folder: Path) -> list[tuple[str, str, str]]:
    """parliament's findings in roles, as GetAccountAuthorizationDetails gives them.

    Each is its name, the actions that it is about, and the role's name; `folder` takes a file.
    """
    details = {"UserDetailList": [], "GroupDetailList": [], "Policies": [], "RoleDetailList": roles}
    file = folder / "authorization-details.json"
    file.write_text(json.dumps(details, default=str))
    command = [_security_command("parliament"), "--auth-details-file", str(file)]
    command += ["--json", "--include-community-auditors"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    findings = map(json.loads, done.stdout.splitlines())
    return [
        (finding["issue"], action, finding["location"]["filepath"].rsplit("/", 1)[1])
        for finding in findings
        for action in _actions_of(finding)
    ]


def _actions_of(finding: dict[str, Any]) -> list[str]:
    """The actions that a finding of parliament's is about: each kind says them elsewhere."""
    detail = finding["detail"]
    actions = finding["location"].get("actions") or detail
    if not isinstance(actions, list):
        return [json.dumps(detail)]
    return [item["action"] if isinstance(item, dict) else item for item in actions]


def _security_command(name: str) -> str:
    """A command of security/requirements.txt's environment."""
    command = ROOT / os.environ.get("SECURITY_VENV", ".venv-security") / "bin" / name
    assert command.exists(), f"there is no {command}: make .venv-security/.requirements.stamp"
    return str(command)


def _beside_python(name: str) -> str:
    """A command of the virtual environment that runs the tests."""
    return str(Path(sys.executable).with_name(name))


def _findings(command: list[str], cwd: Path, env: dict[str, str] | None = None) -> list[str]:
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    return [done.stdout + done.stderr] if done.returncode else []


def statelint(definition: dict[str, Any]) -> list[str]:
    """statelint's findings in a definition."""
    # It wants a BackoffRate of 2.0; Step Functions takes 2.
    return Linter.validate(definition, Config({ProblemType.FLOAT}))


def interpreter(definition: dict[str, Any]) -> list[str]:
    """What moto's interpreter refuses: it parses the language with a grammar of its own."""
    text = json.dumps(definition)
    try:
        AmazonStateLanguageParser.parse(text)
        StaticAnalyser().analyse(text)
    except ASLParserException as error:
        return error.errors
    # Its components refuse with exceptions of every kind.
    except Exception as error:  # noqa: BLE001
        return [f"{type(error).__name__}: {error}"]
    return []


def cfn_schema(definition: dict[str, Any]) -> list[str]:
    """cfn-lint's findings in a definition, for which it has a schema."""
    template = {
        "Parameters": {"Role": {"Type": "String"}},
        "Resources": {
            "Recorder": {
                "Type": "AWS::StepFunctions::StateMachine",
                "Properties": {
                    "RoleArn": {"Ref": "Role"},
                    "Definition": definition,
                },
            }
        },
    }
    return cfn_lint_text(json.dumps(template), ignored=["W", "I"])
