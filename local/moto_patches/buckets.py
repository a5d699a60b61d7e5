"""Bucket policies refuse nothing here: permissions are not enforced, and moto's check of them
overlooks conditions, so that it takes a policy against clear text for one against everybody.
Whether a policy lets AWS deliver flow logs is checked by `local.moto_patches.flow_log_buckets`.
"""

from __future__ import annotations

from typing import Any

from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket


def apply() -> None:
    """Apply this module's patches."""
    FakeBucket.get_permission = _get_permission


def _get_permission(self: Any, action: str, resource: str) -> PermissionResult:
    return PermissionResult.NEUTRAL
