"""The order in which CloudFormation brings resources about."""

from __future__ import annotations

import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from typing import Any

from moto.cloudformation.exceptions import ValidationError

SUBSTITUTION = re.compile(r"\$\{([^!{}.]+)(?:\.[^{}]*)?\}")


def in_dependency_order(resources: dict[str, Any]) -> list[str]:
    """Logical IDs, each after those that it refers to or names in DependsOn."""
    graph = {
        logical_id: sorted(set(references(definition)) & resources.keys() - {logical_id})
        for logical_id, definition in resources.items()
    }
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        cycle = ", ".join(error.args[1])
        raise ValidationError(
            message=f"Circular dependency between resources: [{cycle}]"
        ) from error


def references(value: Any) -> Iterator[str]:
    """Every name that a part of a template refers to, of a resource or of a parameter."""
    if isinstance(value, list):
        for item in value:
            yield from references(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _named_by(key, item)
            yield from references(item)


def _named_by(key: str, item: Any) -> Iterator[str]:
    if key == "Ref":
        yield item
    elif key == "DependsOn":
        yield from [item] if isinstance(item, str) else item
    elif key == "Fn::GetAtt":
        yield item.split(".")[0] if isinstance(item, str) else item[0]
    elif key == "Fn::Sub":
        text = item if isinstance(item, str) else item[0]
        yield from SUBSTITUTION.findall(text)
