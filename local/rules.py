"""A template's Rules: what its parameters ask of each other, as CloudFormation enforces it.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-rules.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from local.parameters import Values, as_macros_see_them
from local.template import DeploymentError, Template


def check(template: Template, values: Values) -> None:
    """Raise DeploymentError with the sentences of the assertions that do not hold."""
    parameters = as_macros_see_them(template, values)
    broken = [
        assertion["AssertDescription"]
        for rule in (template.get("Rules") or {}).values()
        if _value(rule.get("RuleCondition", True), parameters)
        for assertion in rule["Assertions"]
        if not _value(assertion["Assert"], parameters)
    ]
    if broken:
        raise DeploymentError(f"Template validation error: {' '.join(broken)}")


# What each function does with the values of its arguments.
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "Fn::And": lambda *conditions: all(conditions),
    "Fn::Contains": lambda values, value: value in values,
    "Fn::Equals": lambda one, other: one == other,
    "Fn::Not": lambda condition: not condition,
    "Fn::Or": lambda *conditions: any(conditions),
}


def _value(expression: Any, parameters: dict[str, Any]) -> Any:
    if isinstance(expression, list):
        return [_value(item, parameters) for item in expression]
    if not isinstance(expression, dict):
        return expression
    [(name, arguments)] = expression.items()
    if name == "Ref":
        return parameters[arguments]
    if name not in FUNCTIONS:
        raise DeploymentError(f"the local AWS's rules have no {name}")
    return FUNCTIONS[name](*_value(arguments, parameters))
