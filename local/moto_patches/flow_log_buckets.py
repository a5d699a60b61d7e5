"""Flow logs to S3: which destinations CreateFlowLogs refuses, and what it keeps of them.

Called by `local.moto_patches.ec2`, whose patch of CreateFlowLogs is about every destination.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

from moto.ec2.models.flow_logs import FlowLogsBackend
from moto.s3.exceptions import MissingBucket
from moto.s3.models import s3_backends

DELIVERY = "delivery.logs.amazonaws.com"

# An entry of `Unsuccessful`: code and message.
Refusal = tuple[str, str]


def bucket_and_folder(destination: str) -> tuple[str, str]:
    """`arn:aws:s3:::bucket/folder/` in its parts; the folder is empty or ends with a slash."""
    bucket, _, folder = destination.split(":", 5)[5].partition("/")
    folder = folder.strip("/")
    return bucket, f"{folder}/" if folder else ""


def refusal(backend: FlowLogsBackend, destination: str, hive: bool) -> Refusal | None:
    """Why AWS delivers nothing to this destination; None: it does."""
    bucket, folder = bucket_and_folder(destination)
    try:
        found = s3_backends[backend.account_id][backend.partition].get_bucket(bucket)
    except MissingBucket:
        return "LogDestinationNotFoundException", f"LogDestination: {bucket} does not exist"
    account = f"aws-account-id={backend.account_id}" if hive else backend.account_id
    key = f"{folder}AWSLogs/{account}/any-file"
    bucket_arn = f"arn:{backend.partition}:s3:::{bucket}"
    policy = json.loads(found.policy or "{}")
    request = {
        "aws:SourceAccount": backend.account_id,
        "aws:SourceArn": f"arn:{backend.partition}:logs:{backend.region_name}:"
        f"{backend.account_id}:flow-log-delivery",
        "aws:SecureTransport": "true",
        "s3:x-amz-acl": "bucket-owner-full-control",
    }
    wanted = (("s3:GetBucketAcl", bucket_arn), ("s3:PutObject", f"{bucket_arn}/{key}"))
    if all(allows(policy, action, resource, request) for action, resource in wanted):
        return None
    return (
        "LogDestinationPermissionIssueException",
        f"Access Denied for LogDestination: {bucket}. Please check LogDestination permission",
    )


def allows(policy: dict[str, Any], action: str, resource: str, request: dict[str, str]) -> bool:
    """Whether a bucket's policy lets AWS's log delivery do this."""
    effects = {
        statement["Effect"]
        for statement in policy.get("Statement", [])
        if _is_about_delivery(statement["Principal"])
        and any(fnmatchcase(action, pattern) for pattern in _listed(statement["Action"]))
        and any(fnmatchcase(resource, pattern) for pattern in _listed(statement["Resource"]))
        and _holds(statement.get("Condition", {}), request)
    }
    return effects == {"Allow"}


def _is_about_delivery(principal: Any) -> bool:
    return principal == "*" or DELIVERY in _listed(principal.get("Service", []))


# An operator that is not here raises: nothing is allowed by not being understood.
OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": str.__eq__,
    "StringLike": fnmatchcase,
    "ArnEquals": fnmatchcase,
    "ArnLike": fnmatchcase,
    "Bool": lambda value, wanted: value == str(wanted).lower(),
}


def _holds(condition: dict[str, dict[str, Any]], request: dict[str, str]) -> bool:
    return all(
        any(OPERATORS[operator](request.get(key, ""), wanted) for wanted in _listed(values))
        for operator, keys in condition.items()
        for key, values in keys.items()
    )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
