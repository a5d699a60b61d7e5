"""checkov and parliament on the stacks as they are deployed.

On the templates they would overlook much: they do not look behind Fn::If.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.local_aws import LocalAws
from local.network import Network
from tests.e2e.customer_key import create_key
from tests.e2e.roles import as_deployed, roles
from tests.e2e.stack import QUICK, TEMPLATE, ids
from tests.templates import linters
from tests.templates.documents import FORWARDERS

# checkov alone takes half a minute of a busy machine.
pytestmark = pytest.mark.timeout(300)

CHECKOV = linters.SECURITY / "checkov.yaml"
# What parliament finds and is not followed in, by finding and action.
ACCEPTED = {
    (entry["issue"], entry["action"].lower()): entry["because"]
    for entry in yaml.safe_load((linters.SECURITY / "parliament.yaml").read_text())
}


@pytest.fixture(scope="module")
def stacks(aws: LocalAws, network: Network) -> Iterator[list[str]]:
    """The macros, the recorder with each destination, and all forwarders.

    With a key, as that adds statements.
    """
    given = {**QUICK, "NatGatewayIDs": ids([network.create_gateway("linted")])}
    given["KmsKeyArn"] = create_key(aws)
    destinations = {f"linted-{name}": name for name in ("cloudwatch-logs", "s3")}
    for stack, destination in destinations.items():
        aws.deploy(stack, TEMPLATE, {**given, "FlowLogDestination": destination})
    aws.deploy("linted-forwarders", FORWARDERS, all_sinks(aws, given["KmsKeyArn"]))
    deployed = [*destinations, "linted-forwarders"]
    yield ["macros", *deployed]
    for stack in deployed:
        aws.delete(stack)


def all_sinks(aws: LocalAws, key: str) -> dict[str, str]:
    """Parameters of the forwarders' stack that switch on all that it has."""
    aws.client("logs").create_log_group(logGroupName="linted")
    aws.client("s3").create_bucket(Bucket="linted")
    aws.client("s3").put_bucket_notification_configuration(
        Bucket="linted", NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    ec2 = aws.client("ec2")
    [vpc, *_] = ec2.describe_vpcs()["Vpcs"]
    of_vpc = [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}]
    [subnet, *_] = ec2.describe_subnets(Filters=of_vpc)["Subnets"]
    [group, *_] = ec2.describe_security_groups(Filters=of_vpc)["SecurityGroups"]
    domain = aws.client("opensearch").create_domain(DomainName="linted")
    secret = aws.client("secretsmanager").create_secret(Name="linted", SecretString="a" * 32)
    return {
        "EmailAddress": "network@example.com",
        "LogGroupName": "linted",
        "BucketName": "linted",
        "Collectors": "192.0.2.1:4739",
        "DeleteObjects": "true",
        "SubnetIds": subnet["SubnetId"],
        "SecurityGroupIds": group["GroupId"],
        "DatadogApiKeySecretArn": secret["ARN"],
        "OpenSearchDomainArn": domain["DomainStatus"]["ARN"],
        "OpenSearchSubnetIds": subnet["SubnetId"],
        "OpenSearchSecurityGroupIds": group["GroupId"],
        "CityDatabase": "s3://linted/city.mmdb",
        "AsnDatabase": "s3://linted/asn.mmdb",
        "PrometheusStream": "true",
        "KmsKeyArn": key,
    }


@pytest.fixture(scope="module")
def templates(aws: LocalAws, stacks: list[str]) -> dict[str, dict[str, Any]]:
    """The stacks' templates as they are deployed, by stack."""
    return {stack: as_deployed(aws, stack) for stack in stacks}


@pytest.fixture(scope="module")
def deployed_roles(aws: LocalAws, stacks: list[str]) -> list[dict[str, Any]]:
    """All roles of the stacks."""
    return [role for stack in stacks for role in roles(aws, stack).values()]


@pytest.fixture(scope="module")
def checked(
    templates: dict[str, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[dict[str, Any]]]:
    """checkov's results, as if security/checkov.yaml left nothing out, by template.

    One run for all, since it takes seconds to start: of the stacks, and of one that is broken.
    """
    folder = tmp_path_factory.mktemp("checkov")
    files = []
    for name, template in {**templates, "broken": broken(templates["linted-s3"])}.items():
        files.append(folder / f"{name}.json")
        files[-1].write_text(json.dumps(template))
    everything = yaml.safe_load(CHECKOV.read_text())
    del everything["skip-check"], everything["quiet"]
    config = folder / "checkov.yaml"
    config.write_text(yaml.safe_dump(everything))
    found: dict[str, list[dict[str, Any]]] = {file.stem: [] for file in files}
    for check in linters.checkov(files, config, folder):
        found[Path(check["file_path"]).stem].append(check)
    return found


def broken(template: dict[str, Any]) -> dict[str, Any]:
    """A template with a public bucket and an administrator."""
    template = copy.deepcopy(template)
    resources = template["Resources"]
    del resources["FlowLogBucket"]["Properties"]["PublicAccessBlockConfiguration"]
    [policy] = resources["CheckQuotaRole"]["Properties"]["Policies"]
    policy["PolicyDocument"]["Statement"].append(
        {"Effect": "Allow", "Action": "*", "Resource": "*"}
    )
    return template


def failed(checks: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """Logical ID and check, of those that failed."""
    return {
        (check["resource"].rpartition(".")[2], check["check_id"])
        for check in checks
        if check["check_result"]["result"] == "FAILED"
    }


def test_checkov_finds_nothing_but_what_is_left_out(
    templates: dict[str, Any], checked: dict[str, list[dict[str, Any]]]
) -> None:
    checks = [check for stack in templates for check in checked[stack]]
    found = {check_id: logical_id for logical_id, check_id in failed(checks)}
    # Neither more nor less: what suppresses nothing any more has to go.
    assert found.keys() == set(yaml.safe_load(CHECKOV.read_text())["skip-check"]), found
    skipped = {
        (check["resource"].rpartition(".")[2], check["check_id"])
        for check in checks
        if check["check_result"].get("suppress_comment")
    }
    assert skipped == {
        (logical_id, skip["id"])
        for template in templates.values()
        for logical_id, resource in template["Resources"].items()
        for skip in resource.get("Metadata", {}).get("checkov", {}).get("skip", [])
    }


def test_checkov_finds_what_is_wrong(checked: dict[str, list[dict[str, Any]]]) -> None:
    # Public ACLs, and full administrative privileges.
    wrong = {("FlowLogBucket", "CKV_AWS_53"), ("CheckQuotaRole", "CKV_AWS_62")}
    assert failed(checked["broken"]) - failed(checked["linted-s3"]) >= wrong


def test_each_check_that_is_left_out_has_its_reason() -> None:
    lines = CHECKOV.read_text().splitlines()
    left_out = [number for number, line in enumerate(lines) if line.startswith("  - CKV")]
    assert left_out
    assert all(lines[number - 1].startswith("  # ") for number in left_out)
    assert all(ACCEPTED.values())


def test_parliament_finds_nothing_but_what_is_accepted(
    deployed_roles: list[dict[str, Any]], tmp_path: Path
) -> None:
    found = linters.parliament(deployed_roles, tmp_path)
    known = {(issue, action.lower()): role for issue, action, role in found}
    assert known.keys() == ACCEPTED.keys(), known


@pytest.mark.parametrize(
    ("change", "issue"),
    [
        ({"Action": "dynamodb:UpdateItems"}, "UNKNOWN_ACTION"),
        ({"Resource": "arn:aws:dynamodb:us-east-1:123456789012:tables/t"}, "RESOURCE_MISMATCH"),
        (
            {"Condition": {"StringEquals": {"dynamodb:Leading": "a"}}},
            "UNKNOWN_CONDITION_FOR_ACTION",
        ),
        ({"Action": "iam:CreatePolicyVersion", "Resource": "*"}, "PRIVILEGE_ESCALATION"),
    ],
)
def test_parliament_finds_what_is_wrong(
    deployed_roles: list[dict[str, Any]], tmp_path: Path, change: dict[str, Any], issue: str
) -> None:
    [role] = [r for r in deployed_roles if "linted-s3-CheckQuota" in r["RoleName"]]
    broken = copy.deepcopy(role)
    [statement] = [
        s
        for s in broken["RolePolicyList"][0]["PolicyDocument"]["Statement"]
        if s["Action"] == "dynamodb:UpdateItem"
    ]
    statement.update(change)
    assert issue in {found for found, _, _ in linters.parliament([broken], tmp_path)}
