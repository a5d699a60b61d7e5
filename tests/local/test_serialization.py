"""Answers have the same members, however their names are found."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from moto.core import serialize
from moto.core.serialize import AttributePicker, AttributePickerContext, XFormedAttributePicker
from moto.core.utils import get_service_model

from local.moto_patches import serialization

SERVICE = get_service_model("ec2")
SHAPE = SERVICE.shape_for("FlowLog")


class FlowLog:
    """An object with attributes under every kind of name."""

    class Meta:
        serialization_aliases = {"LogFormat": "written_as"}  # noqa: RUF012

    FlowLogStatus = "ACTIVE"
    resource_id = "eni-1"
    written_as = "${bytes}"
    id = "fl-1"


AS_DICT: dict[str, Any] = {"flow_log_id": "fl-1", "LogFormat": "${bytes}", "tagSet": [1]}


def picked(picker: AttributePicker, obj: Any) -> dict[str, Any]:
    """Every member that is found."""
    found = {}
    for name, shape in SHAPE.members.items():
        shape.parent = SHAPE
        found[name] = picker(AttributePickerContext(obj, name, shape, service_model=SERVICE))
    return found


@pytest.mark.parametrize("kind", [AttributePicker, XFormedAttributePicker])
@pytest.mark.parametrize("obj", [FlowLog(), AS_DICT, {}], ids=["object", "dict", "empty"])
def test_the_same_members_are_found(
    monkeypatch: pytest.MonkeyPatch, kind: type[AttributePicker], obj: Any
) -> None:
    expected = picked(kind(), copy.copy(obj))
    for picker in (AttributePicker, XFormedAttributePicker):
        monkeypatch.setattr(picker, "get_possible_keys", picker.get_possible_keys)
    monkeypatch.setattr(AttributePicker, "__call__", AttributePicker.__call__)
    serialization.apply()
    for _ in range(2):
        assert picked(kind(), obj) == expected
    assert serialize.MISSING not in expected.values()


def test_names_are_worked_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for picker in (AttributePicker, XFormedAttributePicker):
        monkeypatch.setattr(picker, "get_possible_keys", picker.get_possible_keys)
    monkeypatch.setattr(AttributePicker, "__call__", AttributePicker.__call__)
    serialization.apply()
    first = picked(XFormedAttributePicker(), AS_DICT)
    monkeypatch.setattr(serialize, "xform_name", lambda name: pytest.fail(f"{name} again"))
    assert picked(XFormedAttributePicker(), AS_DICT) == first
