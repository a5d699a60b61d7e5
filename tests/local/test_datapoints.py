"""Datapoints are found by their metric, without reading those of all metrics."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from moto.cloudwatch.models import CloudWatchBackend

from local.moto_patches import metrics

MINUTE = datetime(2026, 1, 2, 3, 4, tzinfo=timezone.utc)
WINDOW = {"start_time": MINUTE, "end_time": MINUTE + timedelta(minutes=5)}


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> Iterator[CloudWatchBackend]:
    """The patch, in this process, for one test; some metrics have a datapoint each."""
    for name in ("get_metric_data", "get_metric_statistics"):
        monkeypatch.setattr(CloudWatchBackend, name, getattr(CloudWatchBackend, name))
    metrics.apply()
    backend = CloudWatchBackend("us-east-1", "123456789012")
    put(backend, "bytes", 1, gateway="a")
    put(backend, "bytes", 2, gateway="b")
    put(backend, "packets", 4, gateway="a")
    yield backend


def put(backend: CloudWatchBackend, name: str, value: float, **dimensions: str) -> None:
    """A datapoint of this minute."""
    named = [{"Name": name, "Value": value} for name, value in dimensions.items()]
    datum = {"MetricName": name, "Dimensions": named, "Value": value, "Timestamp": MINUTE}
    backend.put_metric_data("some", [datum])


def sums(backend: CloudWatchBackend, *asked: dict[str, Any], namespace: str = "some") -> Any:
    """What GetMetricData answers for each metric."""
    queries = [
        {
            "Id": f"m{number}",
            "MetricStat": {"Metric": {"Namespace": namespace} | one, "Period": 60, "Stat": "Sum"},
        }
        for number, one in enumerate(asked)
    ]
    return [result["values"] for result in backend.get_metric_data(queries, **WINDOW)]


def test_only_what_is_asked_for_is_read(
    backend: CloudWatchBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_all() -> None:
        raise AssertionError("all metrics are read")

    monkeypatch.setattr(backend, "get_all_metrics", read_all)
    of_a = {"MetricName": "bytes", "Dimensions": [{"Name": "gateway", "Value": "a"}]}
    of_all = {"MetricName": "bytes"}
    assert sums(backend, of_a) == [[1.0]]
    # Each datapoint counts once, though it is asked for twice.
    assert sums(backend, of_a, of_all) == [[1.0], [3.0]]
    put(backend, "bytes", 8, gateway="a")
    assert sums(backend, of_a) == [[9.0]]
    assert sums(backend, {"MetricName": "none"}) == [[]]
    found = backend.get_metric_statistics(
        "some", "packets", *WINDOW.values(), period=60, stats=["Sum"], dimensions=[]
    )
    assert [(one.timestamp, one.sum) for one in found] == [(MINUTE, 4.0)]


def test_what_moto_makes_itself_is_asked_of_it(
    backend: CloudWatchBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = metrics.MetricDatumBase("AWS/S3", "NumberOfObjects", [], MINUTE)
    made.value = 5.0
    monkeypatch.setattr(backend, "get_all_metrics", lambda: [made])
    asked = {"MetricName": "NumberOfObjects"}
    assert sums(backend, asked, namespace="AWS/S3") != [[]]
