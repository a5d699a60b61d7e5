"""The linters find nothing in the templates and in the state machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.templates import linters
from tests.templates.documents import TEMPLATES, name_of, state_machine


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_cfn_lint_finds_nothing(path: Path) -> None:
    assert linters.cfn_lint(path) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_sam_finds_nothing(path: Path, tmp_path: Path) -> None:
    assert linters.sam_validate(path, tmp_path) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_no_anchors(path: Path) -> None:
    """CloudFormation's own YAML has no anchors and aliases, whatever the linters accept."""
    events = yaml.parse(path.read_text())
    assert [event.start_mark.line + 1 for event in events if getattr(event, "anchor", None)] == []


Validator = Callable[[dict[str, Any]], list[str]]
# Three of independent origin: each finds what another overlooks.
VALIDATORS = (linters.statelint, linters.interpreter, linters.cfn_schema)


@pytest.mark.parametrize("validator", VALIDATORS)
def test_the_state_machine_is_valid(validator: Validator) -> None:
    assert validator(state_machine()) == []


@pytest.mark.parametrize("validator", VALIDATORS)
def test_a_validator_that_accepts_anything_is_noticed(validator: Validator) -> None:
    definition = {"StartAt": "Report", "States": {"Report": {"Type": "Tusk", "End": True}}}
    assert validator(definition) != []
