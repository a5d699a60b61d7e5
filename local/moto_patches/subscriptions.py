"""CloudWatch Logs: subscription filters that reach functions and streams, in order.

Stock moto runs functions in Docker, takes filters on groups of the class INFREQUENT_ACCESS, and
fails PutLogEvents when a destination does.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
"""

from __future__ import annotations

import base64
import gzip
import json
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from moto.logs.exceptions import InvalidParameterException
from moto.logs.models import LogsBackend, LogStream

from local.moto_patches import services

# AWS tries for a day.
ATTEMPTS = 6
FIRST_PAUSE_SECONDS = 0.05
CALLER = "logs"

_log = logging.getLogger(__name__)
# One thread for each destination, so that what comes first arrives first.
_senders: dict[str, ThreadPoolExecutor] = {}


def apply() -> None:
    """Apply this module's patches."""
    LogStream._send_log_events = _send_log_events
    stock = LogsBackend.put_subscription_filter

    def put_subscription_filter(
        self: LogsBackend, log_group_name: str, filter_name: str, *others: Any, **request: Any
    ) -> None:
        group = self.groups.get(log_group_name)
        if group is not None and group.log_group_class != "STANDARD":
            raise InvalidParameterException(
                f"Subscription filters are not supported for log group class "
                f"{group.log_group_class}."
            )
        stock(self, log_group_name, filter_name, *others, **request)
        destination = group.subscription_filters[filter_name].destination_arn
        if destination.split(":")[2] == "kinesis":
            # As AWS does: whoever reads a stream meets messages that are no events.
            said = {"id": "", "timestamp": int(time.time() * 1000), "message": HEALTH_CHECK}
            content = _content("CONTROL_MESSAGE", "CloudwatchLogs", "", "", [], [said])
            _send_later(self.region_name, destination, "", content)

    LogsBackend.put_subscription_filter = put_subscription_filter


HEALTH_CHECK = "CWL CONTROL MESSAGE: Checking health of destination Kinesis stream."


def _send_log_events(
    self: LogStream,
    service: str,
    destination_arn: str,
    filter_name: str,
    log_events: list[dict[str, Any]],
) -> None:
    events = [event | {"id": f"{event['id']:056d}"} for event in log_events]
    group, stream = self.log_group.name, self.log_stream_name
    content = _content("DATA_MESSAGE", self.account_id, group, stream, [filter_name], events)
    _send_later(self.region, destination_arn, stream, content)


def _content(
    kind: str,
    owner: str,
    group: str,
    stream: str,
    filters: list[str],
    events: list[dict[str, Any]],
) -> bytes:
    """What a destination gets, packed."""
    content = {
        "messageType": kind,
        "owner": owner,
        "logGroup": group,
        "logStream": stream,
        "subscriptionFilters": filters,
        "logEvents": events,
    }
    return gzip.compress(json.dumps(content).encode(), mtime=0)


def _send_later(region: str, destination: str, partition_key: str, content: bytes) -> None:
    sending: dict[str, Callable[..., None]] = {"lambda": _invoke, "kinesis": _put_record}
    service = destination.split(":")[2]
    if service not in sending:
        raise ValueError(f"the local AWS sends no log events to {destination}")
    if destination not in _senders:
        _senders[destination] = ThreadPoolExecutor(1, "subscription")
    _senders[destination].submit(
        _try_again, sending[service], region, destination, partition_key, content
    )


def _try_again(send: Callable[..., None], *given: Any) -> None:
    for attempt in range(ATTEMPTS):
        try:
            return send(*given)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next event must come through
            _log.warning("a subscription's event was not delivered: %s", error)
            time.sleep(FIRST_PAUSE_SECONDS * 2**attempt)
    return None


def _invoke(region: str, function: str, _: str, content: bytes) -> None:
    event = {"awslogs": {"data": base64.b64encode(content).decode()}}
    services.client("lambda", region, CALLER).invoke(
        FunctionName=function, InvocationType="Event", Payload=json.dumps(event)
    )


def _put_record(region: str, stream: str, partition_key: str, content: bytes) -> None:
    services.client("kinesis", region, CALLER).put_record(
        StreamARN=stream, PartitionKey=partition_key or "control", Data=content
    )
