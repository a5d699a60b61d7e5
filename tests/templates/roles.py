"""The roles of the templates, statement by statement, and what docs/operations.md says of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.templates.documents import ROOT, TEMPLATES, as_list, cached_template, resources

Statement = dict[str, Any]

ROLES = {
    role: resource
    for path in TEMPLATES
    for role, resource in resources(cached_template(path), "AWS::IAM::Role").items()
}
# What has to be chosen for each side of a condition: a FlowLogDestination, or a parameter.
CHOICES = {
    "RecordsToLogGroup": ("cloudwatch-logs", "s3"),
    "RecordsToBucket": ("s3", "cloudwatch-logs"),
    "HasKmsKey": ("KmsKeyArn", ""),
    "HasLogGroup": ("LogGroupName", ""),
    "HasBucket": ("BucketName", ""),
    "ReadsBucket": ("BucketName", ""),
    "FansOut": ("FansOut", ""),
    "SendsToCollectors": ("Collectors", ""),
    "DeletesObjects": ("DeleteObjects", ""),
    "IsInVpc": ("SubnetIds", ""),
    "SendsToDatadog": ("Datadog", ""),
    "HasDatadogSecret": ("DatadogApiKeySecretArn", ""),
    "HasDatadogParameter": ("DatadogApiKeyParameterName", ""),
    "HasDatadogCiphertext": ("DatadogApiKeyCiphertext", ""),
    "SendsToOpenSearch": ("OpenSearchDomainArn", ""),
    "DomainIsInVpc": ("OpenSearchSubnetIds", ""),
    "CityDatabaseInBucket": ("CityDatabase", ""),
    "AsnDatabaseInBucket": ("AsnDatabase", ""),
}
HEADING = "What each permission is for"
CODE = re.compile(r"`([^`]+)`")


def statements(role: str) -> list[tuple[Statement, str]]:
    """A role's statements, each with the choice that it depends on, or an empty string."""
    own = ROLES[role]
    always = CHOICES[own["Condition"]][0] if "Condition" in own else ""
    return [
        (statement, choice or always)
        for policy in own["Properties"]["Policies"]
        for listed in policy["PolicyDocument"]["Statement"]
        for statement, choice in _alternatives(listed)
        if statement != {"Ref": "AWS::NoValue"}
    ]


def _alternatives(listed: Statement) -> Iterator[tuple[Statement, str]]:
    if "Fn::If" not in listed:
        yield listed, ""
        return
    condition, *sides = listed["Fn::If"]
    yield from zip(sides, CHOICES[condition], strict=True)


def statements_for(role: str, action: str) -> list[Statement]:
    """A role's statements about one action, whatever is chosen."""
    return [s for s, _ in statements(role) if action in as_list(s["Action"])]


def actions(role: str) -> set[str]:
    """All that a role may do, whatever is chosen."""
    return {action for s, _ in statements(role) for action in as_list(s["Action"])}


class Row(NamedTuple):
    """A statement, as the table of docs/operations.md has it."""

    role: str
    actions: tuple[str, ...]
    choice: str
    on: str = ""
    purpose: str = ""

    @property
    def key(self) -> tuple[str, tuple[str, ...], str]:
        """What the template says, too."""
        return self.role, self.actions, self.choice


def documented() -> list[Row]:
    """The rows of the table; an empty first cell stands for the role above."""
    text = (ROOT / "docs" / "operations.md").read_text()
    section = text.split(f"\n## {HEADING}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    rows: list[Row] = []
    for line in lines:
        name, done, on, choice, purpose = (cell.strip() for cell in line.strip("|").split("|"))
        role = CODE.findall(name)[0] if name else rows[-1].role
        chosen = "" if choice == "–" else CODE.findall(choice)[0]
        rows.append(Row(role, tuple(sorted(CODE.findall(done))), chosen, on, purpose))
    return rows


def deployed() -> list[Row]:
    """The rows that the templates would have."""
    return [
        Row(role, tuple(sorted(as_list(statement["Action"]))), choice)
        for role in ROLES
        for statement, choice in statements(role)
    ]
