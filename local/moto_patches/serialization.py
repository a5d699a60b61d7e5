"""Under which names an answer's members may be found is worked out once for each of them.

moto does so for every member of every structure of every answer, whether it is there or not.
"""

from __future__ import annotations

from typing import Any

from moto.core.serialize import AttributePicker, AttributePickerContext, XFormedAttributePicker

_names: dict[tuple[Any, ...], tuple[str, ...]] = {}


def apply() -> None:
    """Apply this module's patches."""
    for picker in (AttributePicker, XFormedAttributePicker):
        _remember(picker, picker.get_possible_keys)
    stock = AttributePicker.__call__

    def pick(self: AttributePicker, context: AttributePickerContext) -> Any:
        # Most members of most answers are absent, and moto raises an exception for each name.
        if type(context.obj) is dict and not self.response_transformers:
            names = self.get_possible_keys(context)
            if not any("." in name for name in names):
                return next((context.obj[name] for name in names if name in context.obj), None)
        return stock(self, context)

    AttributePicker.__call__ = pick


def _remember(picker: type[AttributePicker], stock: Any) -> None:
    def names(self: AttributePicker, context: AttributePickerContext) -> tuple[str, ...]:
        known_by = (picker, tuple(self.alias_providers), type(context.obj), *_member(context))
        if known_by not in _names:
            _names[known_by] = tuple(dict.fromkeys(stock(self, context)))
        return _names[known_by]

    picker.get_possible_keys = names


def _member(context: AttributePickerContext) -> tuple[Any, ...]:
    """What tells a member of a service's structure from all others."""
    shape, service = context.shape, context.service_model
    parent = getattr(shape, "parent", None)
    return (
        context.key,
        service and service.service_name,
        shape is not None and shape.serialization.get("name"),
        parent is not None and parent.name,
    )
