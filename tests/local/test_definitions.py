"""A definition is parsed once, and executions have nothing in common but that."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from moto.stepfunctions.parser.asl.parse.asl_parser import (
    AmazonStateLanguageParser,
    ASLParserException,
)

from local.moto_patches import definitions

DEFINITION = json.dumps({"StartAt": "Wait", "States": {"Wait": {"Type": "Succeed"}}})


@pytest.fixture
def patched(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    stock = AmazonStateLanguageParser.__dict__["parse"]
    # What is patched here is put back.
    monkeypatch.setattr(AmazonStateLanguageParser, "parse", stock)
    definitions.apply()
    yield


def test_executions_share_the_tree_and_not_the_program(patched: None) -> None:
    program, tree = AmazonStateLanguageParser.parse(DEFINITION)
    again, same = AmazonStateLanguageParser.parse(DEFINITION)
    assert tree is same
    assert program is not again
    assert type(program) is type(again)


def test_what_does_not_parse_is_refused_each_time(patched: None) -> None:
    for _ in range(2):
        with pytest.raises(ASLParserException):
            AmazonStateLanguageParser.parse('{"StartAt": ')
