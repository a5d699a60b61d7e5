"""CloudWatch alarms: the state that they begin with, and keep when they are changed."""

from __future__ import annotations

from typing import Any

from moto.cloudwatch.models import Alarm, CloudWatchBackend

STATE = ("state_value", "state_reason", "state_reason_data", "state_updated_timestamp")


def apply() -> None:
    """Apply this module's patches."""
    stock_init = Alarm.__init__
    stock_put = CloudWatchBackend.put_metric_alarm

    def init(self: Alarm, *args: Any, **kwargs: Any) -> None:
        stock_init(self, *args, **kwargs)
        self.state_value = "INSUFFICIENT_DATA"

    def put(self: CloudWatchBackend, name: str, **request: Any) -> Alarm:
        existing = self.alarms.get(name)
        alarm = stock_put(self, name=name, **request)
        for part in STATE if existing else ():
            setattr(alarm, part, getattr(existing, part))
        return alarm

    Alarm.__init__ = init
    CloudWatchBackend.put_metric_alarm = put
