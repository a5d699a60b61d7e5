"""README.md repeats the templates' parameters: these tests keep it true."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.templates.documents import MACROS, MAIN, ROOT, cached_template, name_of, resources
from tests.templates.test_state_machine import MOST_STATES_OF_A_NORMAL_RECORDING

README = (ROOT / "README.md").read_text()
CODE = re.compile(r"`([^`]+)`")
# Neither a default nor a unit.
NONE = "–"


def _tables(heading: str) -> list[list[list[str]]]:
    """The tables of a section, each a list of rows, each a list of cells, without the heads."""
    section = README.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    blocks = re.findall(r"(?:^\|.*\n)+", section, re.MULTILINE)
    return [[_cells(line) for line in block.splitlines()[2:]] for block in blocks]


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


PARAMETERS = dict(zip((MAIN, MACROS), _tables("Parameters"), strict=True))
each_template = pytest.mark.parametrize("path", PARAMETERS, ids=name_of)


@each_template
def test_every_parameter_has_a_row_with_its_default(path: Path) -> None:
    rows = {CODE.findall(name)[0]: default for name, _, _, default, _ in PARAMETERS[path]}
    parameters = cached_template(path)["Parameters"]
    defaults = {
        name: f"`{value['Default']}`" if value.get("Default", "") != "" else NONE
        for name, value in parameters.items()
    }
    assert rows == defaults


@each_template
def test_every_parameter_has_its_bounds(path: Path) -> None:
    parameters = cached_template(path)["Parameters"]
    for name, meaning, unit, _, bounds in PARAMETERS[path]:
        parameter = parameters[CODE.findall(name)[0]]
        assert meaning.endswith(".")
        assert (unit == NONE) == (parameter["Type"] != "Number")
        if limits := _limits(parameter):
            shown = [word for word in CODE.findall(bounds) if word not in parameters]
            assert shown == limits, name


def _limits(parameter: dict[str, Any]) -> list[str]:
    if "AllowedValues" in parameter:
        return [str(value) for value in parameter["AllowedValues"]]
    return [str(parameter[key]) for key in ("MinValue", "MaxValue") if key in parameter]


def test_the_price_of_the_state_transitions_is_worked_out() -> None:
    """$0.025 per 1,000; test_state_machine.py counts the states."""
    price = f"{MOST_STATES_OF_A_NORMAL_RECORDING * 0.025 / 1000:.6f}"
    assert f"at most {MOST_STATES_OF_A_NORMAL_RECORDING}: ${price}" in README


def test_the_saved_queries_are_named() -> None:
    queries = resources(cached_template(MAIN), "AWS::Logs::QueryDefinition").values()
    names = {query["Properties"]["Name"]["Fn::Sub"].partition("/")[2] for query in queries}
    text = " ".join(README.split())
    assert {name for name in names if f"*{name}*" not in text} == set()


def test_the_outputs_that_are_named_exist() -> None:
    outputs = cached_template(MAIN)["Outputs"]
    named = set(re.findall(r"output `(\w+)`", README))
    named |= set(re.findall(r"OutputKey=='(\w+)'", README))
    assert named
    assert named <= outputs.keys()


PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_to_files(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target
