"""CloudFormation templates as they are written: YAML with short intrinsic functions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

Template = dict[str, Any]


class DeploymentError(Exception):
    """A deployment that did not succeed; the message says why, in the words of what refused it."""


class PlainLoader(yaml.SafeLoader):
    """Leaves dates such as 2012-10-17 as text, as AWS's readers of YAML do."""


PlainLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _Loader(PlainLoader):
    """Reads `!Ref`, `!GetAtt`, `!Sub` and the rest, too."""


def _intrinsic(loader: yaml.SafeLoader, tag: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if tag == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {tag if tag in ("Ref", "Condition") else f"Fn::{tag}": value}


_Loader.add_multi_constructor("!", _intrinsic)


def read(path: Path) -> Template:
    """The template in a YAML or JSON file, with intrinsic functions in their long form."""
    template = yaml.load(path.read_text(), Loader=_Loader)
    if not isinstance(template, dict):
        raise DeploymentError(f"{path}: a template is an object, not {type(template).__name__}")
    return template


def as_json(template: Template) -> str:
    """The template as the text that CreateStack takes."""
    return json.dumps(template)
