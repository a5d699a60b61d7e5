"""State machines' definitions are parsed once; moto does so for every execution."""

from __future__ import annotations

import functools
from typing import Any

from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor


def apply() -> None:
    """Apply this module's patches."""
    stock = AmazonStateLanguageParser.parse
    # A definition is large; a process has few.
    tree_of = functools.lru_cache(64)(lambda definition: stock(definition)[1])

    def parse(definition: str) -> tuple[Any, Any]:
        tree = tree_of(definition)
        # The program belongs to one execution, which writes into it.
        return Preprocessor().visit(tree), tree

    AmazonStateLanguageParser.parse = staticmethod(parse)
