"""JSON paths are parsed once; moto does so whenever a state reads or writes by one."""

from __future__ import annotations

import functools

from moto.stepfunctions.parser.asl.component.common.path import result_path
from moto.stepfunctions.parser.asl.utils import json_path

# A definition has some dozens.
MOST_PATHS = 4096


def apply() -> None:
    """Apply this module's patches."""
    for module in (json_path, result_path):
        module.parse = functools.lru_cache(MOST_PATHS)(module.parse)
