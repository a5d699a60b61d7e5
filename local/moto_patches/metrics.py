"""CloudWatch metrics: datapoints begin at whole periods, as on AWS."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from moto.cloudwatch.models import CloudWatchBackend


def apply() -> None:
    """Apply this module's patches."""
    stock_data = CloudWatchBackend.get_metric_data
    stock_statistics = CloudWatchBackend.get_metric_statistics

    def get_metric_data(
        self: Any, queries: list[dict[str, Any]], start_time: datetime, *others: Any, **request: Any
    ) -> list[dict[str, Any]]:
        periods = [int(query["MetricStat"]["Period"]) for query in queries if "MetricStat" in query]
        start_time = _aligned(start_time, max(periods, default=60))
        return stock_data(self, queries, start_time, *others, **request)

    def get_metric_statistics(
        self: Any,
        namespace: str,
        metric_name: str,
        start_time: datetime,
        end_time: datetime,
        period: int,
        stats: list[str],
        dimensions: list[dict[str, str]],
        unit: str | None = None,
    ) -> list[Any]:
        # One request for each period: stock moto's periods begin at the first datapoint.
        start_time, found = _aligned(start_time, period), []
        beginnings = {
            _aligned(datum.timestamp, period)
            for datum in self.get_all_metrics()
            if (datum.namespace, datum.name) == (namespace, metric_name)
        }
        for beginning in sorted(at for at in beginnings if start_time <= at < end_time):
            ending = min(beginning + timedelta(seconds=period), end_time)
            window = (namespace, metric_name, beginning, ending, period, stats, dimensions, unit)
            for datapoint in stock_statistics(self, *window)[:1]:
                datapoint.timestamp = beginning
                found.append(datapoint)
        return found

    CloudWatchBackend.get_metric_data = get_metric_data
    CloudWatchBackend.get_metric_statistics = get_metric_statistics


def _aligned(at: datetime, period: int) -> datetime:
    """The beginning of the period (in seconds) that a time is in."""
    since_1970 = at - datetime(1970, 1, 1, tzinfo=at.tzinfo)
    return at - since_1970 % timedelta(seconds=period)
