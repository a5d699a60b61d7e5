"""A JSON path is parsed once, and what it found is nobody else's."""

from __future__ import annotations

import pytest
from moto.stepfunctions.parser.asl.component.common.path import result_path
from moto.stepfunctions.parser.asl.utils import json_path

from local.moto_patches import paths


@pytest.fixture
def patched(monkeypatch: pytest.MonkeyPatch) -> None:
    """The patch, in this process, for one test."""
    for module in (json_path, result_path):
        monkeypatch.setattr(module, "parse", module.parse)
    paths.apply()


def test_a_path_is_parsed_once(patched: None) -> None:
    for module in (json_path, result_path):
        assert module.parse("$.recording.id") is module.parse("$.recording.id")


def test_a_path_finds_what_is_in_each_input(patched: None) -> None:
    assert json_path.extract_json("$.a.b", {"a": {"b": 1}}) == 1
    assert json_path.extract_json("$.a.b", {"a": {"b": [2]}}) == [2]
    with pytest.raises(json_path.NoSuchJsonPathError):
        json_path.extract_json("$.a.b", {"a": {}})
