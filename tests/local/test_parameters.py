"""Parameters: CloudFormation's constraints, and its sentences."""

from __future__ import annotations

import pytest

from local import parameters
from local.template import DeploymentError


def resolved(slot, *given, previous=None):
    values = {"P": given[0]} if given else {}
    return parameters.resolve({"Parameters": {"P": slot}}, values, previous)["P"]


@pytest.mark.parametrize(
    ("slot", "value", "sentence"),
    [
        ({"AllowedValues": [1, 3]}, "2", "Parameter 'P' must be one of AllowedValues"),
        ({"AllowedPattern": "[a-z]+"}, "ab1", r"Parameter 'P' must match pattern \[a-z\]\+"),
        ({"MinLength": 2}, "a", "Parameter 'P' must contain at least 2 characters"),
        ({"MaxLength": "2"}, "abc", "Parameter 'P' must contain at most 2 characters"),
        ({"Type": "Number"}, "ten", "Parameter 'P' must be a number"),
        ({"Type": "Number", "MinValue": 1}, "0", "must be a number not less than 1"),
        ({"Type": "Number", "MaxValue": 9}, "9.5", "must be a number not greater than 9"),
        ({"Type": "CommaDelimitedList", "AllowedPattern": "a+"}, "aa,b", "must match pattern"),
        ({}, "x" * 4097, "must contain at most 4096 characters"),
    ],
)
def test_a_value_that_breaks_a_constraint_fails_the_deployment(slot, value, sentence):
    with pytest.raises(DeploymentError, match=sentence):
        resolved({"Type": "String"} | slot, value)


@pytest.mark.parametrize(
    ("slot", "value"),
    [
        ({"AllowedValues": [1, 3]}, 3),
        ({"AllowedPattern": "[a-z]*"}, ""),
        ({"Type": "Number", "MinValue": 0, "MaxValue": 10}, "10"),
        ({"Type": "CommaDelimitedList", "AllowedPattern": "a+"}, "a, aa"),
    ],
)
def test_a_value_within_its_constraints_is_kept_as_text(slot, value):
    assert resolved({"Type": "String"} | slot, value) == str(value)


def test_the_sentence_of_the_template_replaces_cloudformations():
    slot = {"Type": "Number", "MinValue": 1, "ConstraintDescription": "P must be 1 or more."}
    with pytest.raises(DeploymentError) as failure:
        resolved(slot, 0)
    assert str(failure.value) == "Parameter P failed to satisfy constraint: P must be 1 or more."


def test_a_default_is_checked_too():
    with pytest.raises(DeploymentError, match="not less than 1"):
        resolved({"Type": "Number", "MinValue": 1, "Default": 0})


def test_a_value_is_given_or_as_before_or_by_default():
    slot = {"Type": "String", "Default": "default"}
    assert resolved(slot) == "default"
    assert resolved(slot, previous={"P": "before"}) == "before"
    assert resolved(slot, "given", previous={"P": "before"}) == "given"


def test_unknown_and_missing_parameters_are_named():
    template = {"Parameters": {"P": {"Type": "String"}}}
    with pytest.raises(DeploymentError, match=r"Parameters: \[Q\] do not exist"):
        parameters.resolve(template, {"P": "p", "Q": "q"})
    with pytest.raises(DeploymentError, match=r"Parameters: \[P\] must have values"):
        parameters.resolve(template, {})


def test_macros_see_text_and_lists_of_text():
    slots = {"N": {"Type": "Number"}, "L": {"Type": "CommaDelimitedList"}, "T": {"Type": "String"}}
    values = {"N": "5", "L": "a, b,", "T": "x,y"}
    seen = parameters.as_macros_see_them({"Parameters": slots}, values)
    assert seen == {"N": "5", "L": ["a", "b", ""], "T": "x,y"}
