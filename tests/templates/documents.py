"""The files under test, read once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from local.template import Template, read

ROOT = Path(__file__).parents[2]
MAIN = ROOT / "template.yaml"
MACROS = ROOT / "cf-assistive-macros" / "template.yaml"
FORWARDERS = ROOT / "forwarders" / "template.yaml"
TEMPLATES = (MAIN, MACROS, FORWARDERS)
STATE_MACHINE = ROOT / "statemachine" / "recorder.asl.yaml"

# `${Name}` as CloudFormation replaces it in a definition.
PLACEHOLDER = re.compile(r"\$\{(\w+)\}")

cached_template = cache(read)


def name_of(path: Path) -> str:
    """The file as people call it, for the names of parametrised tests."""
    return str(path.relative_to(ROOT))


def resources(template: Template, kind: str) -> dict[str, dict[str, Any]]:
    """The resources of one type by logical ID."""
    return {
        logical_id: resource
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


def properties(logical_id: str) -> dict[str, Any]:
    """The properties of a resource of the main template."""
    return cached_template(MAIN)["Resources"][logical_id]["Properties"]


def strings(value: Any) -> Iterator[str]:
    """All strings in a document, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from strings(key)
            yield from strings(item)


def as_list(value: Any) -> list[Any]:
    """IAM's and CloudFormation's "one or a list of them", as a list."""
    return value if isinstance(value, list) else [value]


def source_of_state_machine() -> dict[str, Any]:
    """The definition as it is written, each placeholder still a string."""
    return yaml.safe_load(STATE_MACHINE.read_text())


def sample_substitutions() -> dict[str, str | int]:
    """A value for each of the template's DefinitionSubstitutions, of the kind it has on AWS."""
    function = "arn:aws:lambda:us-east-1:111122223333:function:"
    samples: dict[str, str | int] = {
        "Partition": "aws",
        "QuotaPeriod": "week",
        "RecordingsTable": "recorder-RecordingsTable-1A2B3C",
        "ReportsTopic": "arn:aws:sns:us-east-1:111122223333:recorder-ReportsTopic-1A2B3C",
    }
    for name, value in properties("Recorder")["DefinitionSubstitutions"].items():
        if "Fn::Transform" in value:
            samples[name] = 7
        elif name.endswith("Function"):
            samples[name] = function + name
    return samples


def substituted(text: str) -> dict[str, Any]:
    """A definition as Step Functions gets it: replaced in the text, then parsed, then JSON."""
    samples = sample_substitutions()
    text = PLACEHOLDER.sub(lambda match: str(samples.get(match[1], match[0])), text)
    return json.loads(json.dumps(yaml.safe_load(text)))


@cache
def state_machine() -> dict[str, Any]:
    """The recorder's definition with sample values."""
    return substituted(STATE_MACHINE.read_text())
