"""A customer's KMS key, with the policy that docs/operations.md gives."""

from __future__ import annotations

import json
import re
from typing import Any

from local.local_aws import LocalAws
from tests.templates.documents import ROOT

HEADING = "A key of your own"


def documented_policy(**names: str) -> dict[str, Any]:
    """The policy in docs/operations.md, its placeholders (`ACCOUNT`) replaced."""
    text = (ROOT / "docs" / "operations.md").read_text()
    section = text.split(f"\n## {HEADING}\n", 1)[1].split("\n## ", 1)[0]
    [policy] = re.findall(r"```json\n(.*?)```", section, re.DOTALL)
    for placeholder, name in names.items():
        policy = re.sub(rf"\b{placeholder}\b", name, policy)
    return json.loads(policy)


def create_key(aws: LocalAws, stack: str = "recorder", macros: str = "macros") -> str:
    """A key of the local KMS; returns its ARN."""
    names = {"ACCOUNT": aws.account_id, "REGION": aws.region, "STACK": stack, "MACROS": macros}
    policy = json.dumps(documented_policy(**names))
    return aws.client("kms").create_key(Policy=policy)["KeyMetadata"]["Arn"]
