"""Parameters of a stack: defaults filled in and constraints enforced, as CloudFormation does."""

from __future__ import annotations

import re
from typing import Any

from local.template import DeploymentError, Template

# A parameter's value, in bytes.
MAX_VALUE_BYTES = 4096
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")

Values = dict[str, str]


def resolve(template: Template, given: dict[str, Any], previous: Values | None = None) -> Values:
    """Every parameter's value as text: given, or as before, or by default.

    Raises DeploymentError with CloudFormation's sentence for a value that breaks a constraint, a
    parameter without a value, or one that the template does not have.
    """
    declared = template.get("Parameters") or {}
    unknown = sorted(given.keys() - declared.keys())
    if unknown:
        raise DeploymentError(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    values = {}
    for name, slot in declared.items():
        value = given.get(name, (previous or {}).get(name, slot.get("Default")))
        if value is not None:
            values[name] = _text(value)
    missing = [name for name in declared if name not in values]
    if missing:
        raise DeploymentError(f"Parameters: [{', '.join(missing)}] must have values")
    for name, value in values.items():
        _check(name, declared[name], value)
    return values


def as_macros_see_them(template: Template, values: Values) -> dict[str, Any]:
    """templateParameterValues of a macro's request: text, and lists of text for list types."""
    declared = template.get("Parameters") or {}
    return {
        name: _items(value) if _is_list(declared[name]) else value for name, value in values.items()
    }


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ",".join(_text(item) for item in value)
    return str(value)


def _is_list(slot: dict[str, Any]) -> bool:
    kind = slot.get("Type", "String")
    return kind == "CommaDelimitedList" or kind.startswith("List<")


def _items(value: str) -> list[str]:
    return [item.strip() for item in value.split(",")]


def _check(name: str, slot: dict[str, Any], value: str) -> None:
    if len(value.encode()) > MAX_VALUE_BYTES:
        raise DeploymentError(
            f"Parameter '{name}' must contain at most {MAX_VALUE_BYTES} characters"
        )
    for item in _items(value) if _is_list(slot) else [value]:
        problem = _problem(name, slot, item)
        if problem:
            description = slot.get("ConstraintDescription")
            raise DeploymentError(
                f"Parameter {name} failed to satisfy constraint: {description}"
                if description
                else problem
            )


def _problem(name: str, slot: dict[str, Any], value: str) -> str | None:
    allowed = slot.get("AllowedValues")
    if allowed is not None and value not in [_text(item) for item in allowed]:
        return f"Parameter '{name}' must be one of AllowedValues"
    if slot.get("Type") in ("Number", "List<Number>"):
        return _number_problem(name, slot, value)
    return _text_problem(name, slot, value)


def _number_problem(name: str, slot: dict[str, Any], value: str) -> str | None:
    if not _NUMBER.fullmatch(value):
        return f"Parameter '{name}' must be a number."
    if "MinValue" in slot and float(value) < float(slot["MinValue"]):
        return f"Parameter '{name}' must be a number not less than {slot['MinValue']}"
    if "MaxValue" in slot and float(value) > float(slot["MaxValue"]):
        return f"Parameter '{name}' must be a number not greater than {slot['MaxValue']}"
    return None


def _text_problem(name: str, slot: dict[str, Any], value: str) -> str | None:
    if "MinLength" in slot and len(value) < int(slot["MinLength"]):
        return f"Parameter '{name}' must contain at least {slot['MinLength']} characters"
    if "MaxLength" in slot and len(value) > int(slot["MaxLength"]):
        return f"Parameter '{name}' must contain at most {slot['MaxLength']} characters"
    pattern = slot.get("AllowedPattern")
    if pattern is not None and not re.fullmatch(pattern, value):
        return f"Parameter '{name}' must match pattern {pattern}"
    return None
