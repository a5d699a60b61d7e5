"""docs/operations.md explains every name that an e-mail or an alarm can have."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.templates.documents import MAIN, ROOT, STATE_MACHINE, cached_template, resources

PAGE = (ROOT / "docs" / "operations.md").read_text()
RECORDING = ROOT / "crates" / "recording" / "src"


def section(heading: str) -> str:
    """The text under a heading."""
    return PAGE.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]


def rows(heading: str) -> dict[str, list[str]]:
    """The tables of a section: the other cells by the first one."""
    lines = [line for line in section(heading).splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {first: others for first, *others in cells}


FAILURES = rows("E-mails of failure")


def names_of_errors() -> set[str]:
    """The functions' error names, and those that the sweeper gives to executions."""
    declared = re.findall(r'Self::\w+ => "(\w+)"', (RECORDING / "error.rs").read_text())
    assert "GatewayNotFound" in declared
    sweeper = "".join(path.read_text() for path in RECORDING.glob("sweep/*.rs"))
    return {*declared, *re.findall(r'\bsaid\(\s*"(\w+)"', sweeper)}


def test_every_error_has_its_cause_and_what_to_do() -> None:
    for name in sorted(names_of_errors()):
        cause, to_do = FAILURES[f"`{name}`"]
        assert cause and to_do, name


def _tasks(states: dict[str, Any]) -> list[dict[str, Any]]:
    return [state for state in states.values() if state["Type"] == "Task"]


def test_the_state_machines_own_subject_is_explained() -> None:
    states = yaml.safe_load(STATE_MACHINE.read_text())["States"]
    subjects = {task.get("Parameters", {}).get("Subject") for task in _tasks(states)} - {None}
    assert subjects
    for subject in subjects:
        assert f"`{subject}`" in FAILURES


def test_the_subjects_of_the_code_are_explained() -> None:
    """A subject is `format!("{gateway}: the recording failed, …")` and the like there."""
    sources = [RECORDING / "report" / "failed.rs", *RECORDING.glob("sweep/*.rs")]
    formats = [
        found
        for path in sources
        for found in re.findall(r'\.email\(&format!\(\s*"([^"]+)"', path.read_text())
    ]
    explained = " ".join(FAILURES)
    assert formats
    for text in formats:
        # What stands between the values that are filled in.
        for part in re.split(r"\{[^}]*\}", text):
            assert part.strip(" :,") in explained, text


def test_every_alarm_of_the_template_is_explained_with_both_of_its_emails() -> None:
    for alarm in resources(cached_template(MAIN), "AWS::CloudWatch::Alarm").values():
        name = alarm["Properties"]["AlarmName"]["Fn::Sub"]
        name = name.replace("${AWS::StackName}", "<stack name>")
        assert f"`{name}`" in rows("Alarms about the recorder itself")
        for state in ("ALARM", "OK"):
            assert f'`{state}: "{name}" in …`' in FAILURES


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(#([\w-]+)\)", PAGE))))
def test_a_link_within_the_page_leads_to_a_heading(link: str) -> None:
    headings = re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading).replace(" ", "-").lower() for heading in headings}
    assert link in anchors


def test_the_outputs_that_are_named_exist() -> None:
    outputs = cached_template(MAIN)["Outputs"]
    named = set(re.findall(r"\$\(output (\w+)\)", PAGE)) | set(re.findall(r"output `(\w+)`", PAGE))
    assert named
    assert named <= outputs.keys()
