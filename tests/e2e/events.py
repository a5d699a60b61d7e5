"""CloudWatch alarm events as EventBridge passes them on."""

from __future__ import annotations

import uuid
from datetime import datetime, timezone
from typing import Any

ACCOUNT_ID = "123456789012"
REGION = "us-east-1"


def alarm_event(
    stack: str, gateway_id: str, at: datetime | None = None, value: str = "ALARM"
) -> dict[str, Any]:
    """The alarm of a stack's gateway changes its state at `at`, by default now."""
    at = at or datetime.now(timezone.utc)
    name = f"{stack}/{gateway_id}"
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "CloudWatch Alarm State Change",
        "source": "aws.cloudwatch",
        "account": ACCOUNT_ID,
        "time": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [f"arn:aws:cloudwatch:{REGION}:{ACCOUNT_ID}:alarm:{name}"],
        "detail": {
            "alarmName": name,
            "configuration": {"metrics": nat_metrics(gateway_id)},
            "previousState": {"value": "OK", "reason": "", "timestamp": timestamp(at)},
            "state": {
                "value": value,
                "reason": "Threshold Crossed: 1 datapoint [250000000.0] was greater.",
                "timestamp": timestamp(at),
            },
        },
    }


def timestamp(at: datetime) -> str:
    """`2026-01-02T03:04:05.678+0000`, as state.timestamp is written."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}+0000"


def nat_metrics(gateway_id: str) -> list[dict[str, Any]]:
    """The metrics of the macro's alarms, the expression first."""
    return [
        {"id": "e1", "expression": "m1 + m2", "returnData": True},
        metric("m1", "BytesInFromSource", gateway_id),
        metric("m2", "BytesInFromDestination", gateway_id),
    ]


def metric(
    metric_id: str, name: str, gateway_id: str, namespace: str = "AWS/NATGateway"
) -> dict[str, Any]:
    """One metric of an alarm, about a gateway."""
    return {
        "id": metric_id,
        "metricStat": {
            "metric": {
                "namespace": namespace,
                "name": name,
                "dimensions": {"NatGatewayId": gateway_id},
            },
            "period": 60,
            "stat": "Sum",
        },
        "returnData": False,
    }
