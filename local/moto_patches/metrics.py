"""CloudWatch metrics: datapoints begin at whole periods, as on AWS; those asked for are looked up.

moto reads all datapoints of all metrics for every period of every query.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from moto.cloudwatch.models import CloudWatchBackend, MetricDatumBase

# Services whose datapoints moto makes when they are asked for.
MADE_BY_MOTO = frozenset({"AWS/S3"})

# A namespace and a metric's name, with its dimensions.
Name = tuple[str, str]
Dimensions = tuple[tuple[str, str], ...]


class Datapoints:
    """The datapoints that were put into a backend, by metric."""

    def __init__(self) -> None:
        self._by_name: defaultdict[Name, dict[Dimensions, list[MetricDatumBase]]]
        self._by_name = defaultdict(dict)
        self._known = 0
        self._lock = threading.Lock()

    def of(self, put: list[MetricDatumBase], name: Name, dimensions: Dimensions = ()) -> list[Any]:
        """Those of a metric, of all its dimensions if none are given; `put` are all there are."""
        with self._lock:
            self._learn(put)
            found = self._by_name[name]
            if dimensions:
                return list(found.get(dimensions, ()))
            return [datum for data in found.values() for datum in data]

    def _learn(self, put: list[MetricDatumBase]) -> None:
        # Nobody takes any away but a reset, which makes a new backend.
        for datum in put[self._known :]:
            pairs = ((one.name, one.value) for one in datum.dimensions)
            of_name = self._by_name[datum.namespace, datum.name]
            of_name.setdefault(tuple(sorted(pairs)), []).append(datum)
            self._known += 1


def apply() -> None:
    """Apply this module's patches."""
    stock_data = CloudWatchBackend.get_metric_data
    stock_statistics = CloudWatchBackend.get_metric_statistics

    def get_metric_data(
        self: Any, queries: list[dict[str, Any]], start_time: datetime, *others: Any, **request: Any
    ) -> list[dict[str, Any]]:
        periods = [int(query["MetricStat"]["Period"]) for query in queries if "MetricStat" in query]
        start_time = _aligned(start_time, max(periods, default=60))
        return stock_data(_asked_for(self, queries), queries, start_time, *others, **request)

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
        data = _of(self, (namespace, metric_name))
        narrow = _only(data)
        beginnings = {_aligned(datum.timestamp, period) for datum in data}
        for beginning in sorted(at for at in beginnings if start_time <= at < end_time):
            ending = min(beginning + timedelta(seconds=period), end_time)
            window = (namespace, metric_name, beginning, ending, period, stats, dimensions, unit)
            for datapoint in stock_statistics(narrow, *window)[:1]:
                datapoint.timestamp = beginning
                found.append(datapoint)
        return found

    CloudWatchBackend.get_metric_data = get_metric_data
    CloudWatchBackend.get_metric_statistics = get_metric_statistics


def _asked_for(backend: Any, queries: list[dict[str, Any]]) -> Any:
    """What get_metric_data reads of a backend, with the datapoints of these queries alone."""
    if any(query.get("Expression", "").startswith("SELECT") for query in queries):
        return backend
    metrics = [query["MetricStat"]["Metric"] for query in queries if "MetricStat" in query]
    asked = {
        ((metric["Namespace"], metric["MetricName"]), _pairs(metric.get("Dimensions", ())))
        for metric in metrics
    }
    # Each once, also if it is asked for with its dimensions and without.
    data = {id(datum): datum for one in asked for datum in _of(backend, *one)}
    return _only(list(data.values()))


def _pairs(dimensions: Iterable[dict[str, str]]) -> Dimensions:
    return tuple(sorted((one["Name"], one["Value"]) for one in dimensions))


def _of(backend: Any, name: Name, dimensions: Dimensions = ()) -> list[Any]:
    if name[0] in MADE_BY_MOTO:
        return backend.get_all_metrics()
    if not hasattr(backend, "datapoints"):
        backend.datapoints = Datapoints()
    return backend.datapoints.of(backend.metric_data, name, dimensions)


def _only(data: list[Any]) -> Any:
    return SimpleNamespace(get_all_metrics=lambda: data)


def _aligned(at: datetime, period: int) -> datetime:
    """The beginning of the period (in seconds) that a time is in."""
    since_1970 = at - datetime(1970, 1, 1, tzinfo=at.tzinfo)
    return at - since_1970 % timedelta(seconds=period)
