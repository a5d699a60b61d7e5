"""Every parameter can be understood in the console, and refuses nonsense in a sentence."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.templates.documents import MAIN, TEMPLATES, cached_template, name_of

CONSTRAINTS = {"AllowedValues", "AllowedPattern", "MinValue", "MaxValue", "MinLength", "MaxLength"}
UNITS = re.compile(r"\b(seconds?|days|bytes|periods|recordings)\b", re.IGNORECASE)

# Names and defaults that those who deploy rely on.
DEFAULTS: dict[str, Any] = {
    "VPCFlowLogRetentionTimeDays": 7,
    "LambdaLogGroupRetentionTimeDays": 7,
    "EmailAddress": None,
    "NatGatewayIDs": None,
    "SamplingPeriod": 60,
    "EvaluationPeriods": 3,
    "Threshold": 100000000,
    "DatapointsToAlarm": 1,
    "RecordingTime": 900,
    "NumOfRecordings": 0,
    "QuotaPeriod": "forever",
    "MinimumRecordingTime": 180,
    "ReportDelay": 360,
    "FlowLogDestination": "cloudwatch-logs",
    "LogGroupClass": "INFREQUENT_ACCESS",
    "FlowLogFileFormat": "text",
    "FlowLogBucketName": "",
    "KmsKeyArn": "",
    "Architecture": "arm64",
    "Dashboard": "false",
}

PARAMETERS = [
    pytest.param(path, name, parameter, id=f"{name_of(path)}-{name}")
    for path in TEMPLATES
    for name, parameter in cached_template(path)["Parameters"].items()
]
each_parameter = pytest.mark.parametrize(("path", "name", "parameter"), PARAMETERS)


def test_names_and_defaults() -> None:
    parameters = cached_template(MAIN)["Parameters"]
    assert {name: value.get("Default") for name, value in parameters.items()} == DEFAULTS


@each_parameter
def test_it_is_described(path: Path, name: str, parameter: dict[str, Any]) -> None:
    description = parameter["Description"]
    assert description.endswith(".")
    assert len(description) <= 4000
    if parameter["Type"] == "Number":
        assert UNITS.search(description), f"{name} has no unit in its description"


@each_parameter
def test_it_is_labelled_and_in_one_group(path: Path, name: str, parameter: dict[str, Any]) -> None:
    interface = cached_template(path)["Metadata"]["AWS::CloudFormation::Interface"]
    assert interface["ParameterLabels"][name]["default"]
    groups = [group for group in interface["ParameterGroups"] if name in group["Parameters"]]
    assert len(groups) == 1
    assert groups[0]["Label"]["default"]


@each_parameter
def test_a_number_is_bounded(path: Path, name: str, parameter: dict[str, Any]) -> None:
    if parameter["Type"] == "Number":
        assert "AllowedValues" in parameter or {"MinValue", "MaxValue"} <= parameter.keys()


@each_parameter
def test_a_constraint_is_explained(path: Path, name: str, parameter: dict[str, Any]) -> None:
    assert CONSTRAINTS & parameter.keys()
    sentence = parameter["ConstraintDescription"]
    assert sentence.startswith(f"{name} must ")
    assert sentence.endswith(".")


@each_parameter
def test_the_default_keeps_to_the_constraints(
    path: Path, name: str, parameter: dict[str, Any]
) -> None:
    default = parameter.get("Default")
    if default is not None:
        assert default in parameter.get("AllowedValues", [default])
        assert parameter.get("MinValue", default) <= default <= parameter.get("MaxValue", default)


@each_parameter
def test_nothing_secret_is_asked_for(path: Path, name: str, parameter: dict[str, Any]) -> None:
    assert "NoEcho" not in parameter
    # Where a secret is is none, nor what KMS made of it, nor the beginning of an object's key.
    place = re.search(r"(Arn|ParameterName|Ciphertext|Prefix)$", name)
    assert place or not re.search(r"password|secret|token|key", name, re.IGNORECASE)


@pytest.mark.parametrize(
    "address", ["network@example.com", "first.last+nat@mail.example.co.uk", "o'neil@ex-ample.org"]
)
def test_addresses_are_accepted(address: str) -> None:
    assert _email_pattern().fullmatch(address)


@pytest.mark.parametrize(
    "address",
    ["", "network", "network@example", "a@example.com,b@example.com", "a b@example.com", "@b.com"],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    assert not _email_pattern().fullmatch(address)


def _email_pattern() -> re.Pattern[str]:
    return _pattern("EmailAddress")


def _pattern(parameter: str) -> re.Pattern[str]:
    return re.compile(cached_template(MAIN)["Parameters"][parameter]["AllowedPattern"])


@pytest.mark.parametrize("name", ["", "abc", "my-flow.logs-1", "a" * 63])
def test_names_of_buckets_are_accepted(name: str) -> None:
    assert _pattern("FlowLogBucketName").fullmatch(name)


@pytest.mark.parametrize(
    "name", ["ab", "s3://logs", "logs/folder", "Logs", "-logs", "logs.", "arn:aws:s3:::logs"]
)
def test_what_is_no_bucket_is_refused(name: str) -> None:
    assert not _pattern("FlowLogBucketName").fullmatch(name)


KEYS = {
    "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab": True,
    "arn:aws-cn:kms:cn-north-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab": True,
    "arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab": True,
    "arn:aws-eusc:kms:eusc-de-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab": True,
    "arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab": True,
    "": True,
    "1234abcd-12ab-34cd-56ef-1234567890ab": False,
    "alias/recorder": False,
    "arn:aws:kms:us-east-1:111122223333:alias/recorder": False,
    "arn:aws:kms:us-east-1:111122223333:key/*": False,
    "arn:aws:kms:us-east-1:111122223333:key/1234abcd": False,
    "arn:aws:iam::111122223333:role/1234abcd-12ab-34cd-56ef-1234567890ab": False,
    " arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab": False,
}


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
@pytest.mark.parametrize("arn", KEYS)
def test_a_key_is_named_by_its_arn(path: Path, arn: str) -> None:
    pattern = cached_template(path)["Parameters"]["KmsKeyArn"]["AllowedPattern"]
    assert bool(re.fullmatch(pattern, arn)) == KEYS[arn]
