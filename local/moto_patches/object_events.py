"""S3's events reach EventBridge and functions through the front door.

Stock moto looks for rules in its own backend, which delivers to few targets, runs functions in
Docker, and does not show whether a bucket tells EventBridge.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
"""

from __future__ import annotations

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from moto.core.responses import ActionResult
from moto.moto_api._internal import mock_random
from moto.s3 import notifications
from moto.s3.models import FakeBucket, FakeKey
from moto.s3.notifications import S3NotificationEvent
from moto.s3.responses import S3Response

from local.moto_patches import services

CALLER = "s3"

# moto sets the ACL and the tags of every object that is put.
NOT_TOLD = (
    S3NotificationEvent.OBJECT_ACL_UPDATE_EVENT,
    S3NotificationEvent.OBJECT_TAGGING_PUT_EVENT,
)

_log = logging.getLogger(__name__)
# In their order, and after the call that causes them has been answered, or nearly.
_sender = ThreadPoolExecutor(1, "object-events")


def apply() -> None:
    """Apply this module's patches."""
    notifications._send_event_bridge_message = _send_to_event_bridge
    notifications._invoke_awslambda = _invoke
    S3Response.get_bucket_notification = _get_bucket_notification


def _get_bucket_notification(self: S3Response) -> Any:
    found = self.backend.get_bucket_notification_configuration(self.bucket_name)
    self.data["Action"] = "GetBucketNotificationConfiguration"
    shown: dict[str, Any] = {}
    if found:
        shown = {
            "TopicConfigurations": [_shown(one, "TopicArn") for one in found.topic],
            "QueueConfigurations": [_shown(one, "QueueArn") for one in found.queue],
            "LambdaFunctionConfigurations": [
                _shown(one, "LambdaFunctionArn") for one in found.cloud_function
            ],
        }
        if found.event_bridge is not None:
            shown["EventBridgeConfiguration"] = {}
    return self.serialized(ActionResult(shown))


def _shown(notification: Any, arn: str) -> dict[str, Any]:
    shown = {"Id": notification.id, arn: notification.arn, "Events": notification.events}
    if notification.filters:
        rules = notification.filters["S3Key"]["FilterRule"]
        shown["Filter"] = {"Key": {"FilterRules": rules}}
    return shown


def _send_to_event_bridge(account_id: str, bucket: FakeBucket, event_name: str, key: Any) -> None:
    if event_name in NOT_TOLD:
        return
    _sender.submit(_said, services.put_event, event(account_id, bucket, event_name, key))


def event(account_id: str, bucket: FakeBucket, event_name: str, key: FakeKey) -> dict[str, Any]:
    """The event as S3 puts it: the key is not encoded there."""
    reasons = {"Put": "PutObject", "Post": "POST Object", "Copy": "CopyObject"}
    reason = str(getattr(event_name, "value", event_name)).rpartition(":")[2]
    return {
        "version": "0",
        "source": "aws.s3",
        "detail-type": notifications._detail_type(event_name),
        "account": account_id,
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": bucket.region_name,
        "resources": [bucket.arn],
        "detail": {
            "version": "0",
            "bucket": {"name": bucket.name},
            "object": {
                "key": key.name,
                "size": key.size,
                "etag": key.etag.replace('"', ""),
                "sequencer": f"{mock_random.getrandbits(64):016X}",
            },
            "request-id": f"{mock_random.getrandbits(64):016X}",
            "requester": account_id,
            "source-ip-address": "127.0.0.1",
            "reason": reasons.get(reason, reason),
        },
    }


def _invoke(account_id: str, body: Any, function: str, region: str) -> None:
    client = services.client("lambda", region, CALLER)
    _sender.submit(
        _said,
        client.invoke,
        FunctionName=function,
        InvocationType="Event",
        Payload=json.dumps(body),
    )


def _said(send: Any, *given: Any, **named: Any) -> None:
    try:
        send(*given, **named)
    except Exception as error:  # noqa: BLE001 - nobody waits for it
        _log.warning("an event of S3 was not delivered: %s", error)
