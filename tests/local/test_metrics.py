"""A gateway's metrics agree with the traffic that passes it, and begin at whole minutes.

Needs the front door's binary: `cargo build -p front-door`, or FRONT_DOOR with its path.
"""

from __future__ import annotations

import os
import urllib.request
from datetime import datetime, timedelta, timezone
from pathlib import Path

import botocore.parsers
import botocore.serialize
import botocore.session
import pytest

from local.local_aws import BINARIES, LocalAws

FRONT_DOOR = Path(os.environ.get("FRONT_DOOR", BINARIES / "front-door"))
FLOW = {
    "client": "10.0.1.5",
    "peer": "203.0.113.5",
    "client_port": 40000,
    "peer_port": 443,
    "upload_bytes_per_second": 1000,
    "download_bytes_per_second": 50_000,
}
# Of records, whose log group has legs of both directions.
SUMS = """parse @message "* * * *" as packet_source, packet_destination, source, bytes
| stats sum(bytes) as total by source"""


@pytest.fixture(scope="module")
def aws():
    assert FRONT_DOOR.is_file(), f"build {FRONT_DOOR} first: cargo build -p front-door"
    with LocalAws(front_door=FRONT_DOOR) as aws:
        yield aws


def sums(aws, gateway, *names, period=60):
    """Sums of the gateway's metrics of the last hour by name, each with its times."""
    stat = {"Namespace": "AWS/NATGateway"}
    stat |= {"Dimensions": [{"Name": "NatGatewayId", "Value": gateway.id}]}
    queries = [
        {
            "Id": f"m{number}",
            "MetricStat": {"Metric": stat | {"MetricName": name}, "Period": period, "Stat": "Sum"},
        }
        for number, name in enumerate(names)
    ]
    now = datetime.now(timezone.utc)
    answer = aws.client("cloudwatch").get_metric_data(
        MetricDataQueries=queries,
        StartTime=now - timedelta(hours=1, seconds=7),
        EndTime=now + timedelta(minutes=1),
    )
    return {
        name: dict(zip(result["Timestamps"], result["Values"], strict=True))
        for name, result in zip(names, answer["MetricDataResults"], strict=True)
    }


def test_metrics_and_records_tell_of_the_same_bytes(aws):
    gateway = aws.network().create_gateway("a")
    aws.client("logs").create_log_group(logGroupName="flows")
    flow_log = aws.client("ec2").create_flow_logs(
        ResourceType="NetworkInterface",
        ResourceIds=[gateway.interface_id],
        TrafficType="ALL",
        LogGroupName="flows",
        LogFormat="${pkt-srcaddr} ${pkt-dstaddr} ${srcaddr} ${bytes}",
        DeliverLogsPermissionArn="arn:aws:iam::123456789012:role/delivery",
    )["FlowLogIds"][0]
    # Recorded from its very beginning.
    aws.set_traffic(gateway, [FLOW], every_ms=100)
    for _ in range(3):
        aws.wait_for("records", lambda entry: entry["flow_log_id"] == flow_log, after=aws.now())
    aws.set_traffic(gateway, [])
    recorded = {row["source"]: int(row["total"]) for row in aws.query("flows", SUMS)}
    up, down = "BytesInFromSource", "BytesInFromDestination"
    metered = {name: sum(points.values()) for name, points in sums(aws, gateway, up, down).items()}
    assert metered == {up: recorded["10.0.1.5"], down: recorded["203.0.113.5"]}
    assert metered[up] > 0


def test_traffic_is_metered_without_a_flow_log_at_whole_minutes(aws):
    gateway = aws.network().create_gateway("b")
    aws.set_traffic(gateway, [FLOW], every_ms=50)
    while not sums(aws, gateway, "BytesOutToSource")["BytesOutToSource"]:
        pass
    aws.set_traffic(gateway, [])
    names = ("BytesOutToSource", "PacketsDropCount", "ErrorPortAllocation", "PacketsInFromSource")
    for period in (60, 300):
        found = sums(aws, gateway, *names, period=period)
        assert sum(found["BytesOutToSource"].values()) > 0
        assert set(found["PacketsDropCount"].values()) == {0.0}
        times = [at.timestamp() % period for points in found.values() for at in points]
        assert set(times) == {0.0}


def test_statistics_begin_at_whole_minutes_too(aws):
    cloudwatch = aws.client("cloudwatch")
    minute = datetime(2026, 1, 2, 3, 4, tzinfo=timezone.utc)
    for seconds, value in ((10, 1), (50, 2), (70, 4)):
        at = minute + timedelta(seconds=seconds)
        data = [{"MetricName": "some", "Timestamp": at, "Value": value}]
        cloudwatch.put_metric_data(Namespace="test", MetricData=data)
    found = cloudwatch.get_metric_statistics(
        Namespace="test",
        MetricName="some",
        StartTime=minute + timedelta(seconds=5),
        EndTime=minute + timedelta(minutes=10),
        Period=60,
        Statistics=["Sum"],
    )["Datapoints"]
    points = {(point["Timestamp"] - minute).total_seconds(): point["Sum"] for point in found}
    assert points == {0.0: 3.0, 60.0: 4.0}


def test_a_regional_gateway_is_metered_and_recorded_itself(aws):
    gateway = aws.network().create_regional_gateway("r")
    aws.client("logs").create_log_group(logGroupName="regional")
    aws.client("ec2").create_flow_logs(
        ResourceType="RegionalNatGateway",
        ResourceIds=[gateway.id],
        TrafficType="ALL",
        LogGroupName="regional",
        LogFormat="${pkt-srcaddr} ${pkt-dstaddr} ${dstaddr} ${resource-id} ${flow-direction}",
        DeliverLogsPermissionArn="arn:aws:iam::123456789012:role/delivery",
    )
    aws.set_traffic(gateway, [FLOW], every_ms=50)
    aws.wait_for("records", lambda entry: entry["nat_gateway_id"] == gateway.id)
    aws.set_traffic(gateway, [])
    assert sum(sums(aws, gateway, "BytesInFromSource")["BytesInFromSource"].values()) > 0
    messages = {row["@message"] for row in aws.query("regional", "fields @message")}
    # A's destination is the peer already, and D comes from it.
    assert f"10.0.1.5 203.0.113.5 203.0.113.5 {gateway.id} ingress" in messages
    assert f"203.0.113.5 10.0.1.5 10.0.1.5 {gateway.id} egress" in messages


def in_cbor(aws, operation, **parameters):
    """What CloudWatch answers to a call in CBOR, which the Rust SDK speaks and boto3 does not."""
    model = (
        botocore.session.get_session().get_service_model("cloudwatch").operation_model(operation)
    )
    serializer = botocore.serialize.create_serializer("smithy-rpc-v2-cbor")
    request = serializer.serialize_to_request(parameters, model)
    scope = (
        "Credential=k/20260101/us-east-1/monitoring/aws4_request, SignedHeaders=host, Signature=0"
    )
    headers = dict(request["headers"]) | {"Authorization": f"AWS4-HMAC-SHA256 {scope}"}
    call = urllib.request.Request(aws.url + request["url_path"], request["body"], headers)
    with urllib.request.urlopen(call) as answer:
        raw = {"body": answer.read(), "headers": dict(answer.headers), "status_code": 200}
    parser = botocore.parsers.create_parser("smithy-rpc-v2-cbor")
    return parser.parse(raw, model.output_shape)


def test_cloudwatch_is_spoken_with_in_cbor_too(aws):
    now = datetime.now(timezone.utc).replace(microsecond=0)
    minute = now.replace(second=0)
    datum = {"MetricName": "m", "Timestamp": minute, "Value": 5.0}
    in_cbor(aws, "PutMetricData", Namespace="cbor", MetricData=[datum])
    metric = {"Metric": {"Namespace": "cbor", "MetricName": "m"}, "Period": 60, "Stat": "Sum"}
    (result,) = in_cbor(
        aws,
        "GetMetricData",
        MetricDataQueries=[{"Id": "a", "MetricStat": metric}],
        StartTime=minute - timedelta(minutes=5),
        EndTime=now + timedelta(minutes=1),
    )["MetricDataResults"]
    assert (result["Id"], result["Values"], result["StatusCode"]) == ("a", [5.0], "Complete")
    assert [at.timestamp() for at in result["Timestamps"]] == [minute.timestamp()]
