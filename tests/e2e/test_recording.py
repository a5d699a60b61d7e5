"""A spike is recorded from its alarm to its end, and one e-mail tells of it."""

from __future__ import annotations

from datetime import datetime

from local.local_aws import LocalAws
from local.network import Gateway, Network
from tests.e2e.conftest import Deploy
from tests.e2e.stack import ADDRESS, RecorderStack

# Section 4 of the design: the fourteen fields that queries rely on, then the rest.
FORMAT = [
    "action",
    "flow-direction",
    "traffic-path",
    "srcaddr",
    "srcport",
    "dstaddr",
    "dstport",
    "protocol",
    "bytes",
    "type",
    "pkt-srcaddr",
    "pkt-src-aws-service",
    "pkt-dstaddr",
    "pkt-dst-aws-service",
    "packets",
    "start",
    "end",
    "tcp-flags",
    "log-status",
    "interface-id",
]
REGIONAL_FORMAT = [*FORMAT[:-1], "resource-id"]
MOST_STATES = 11
CLIENT, PEER = "10.0.1.5", "203.0.113.5"
FLOW = {
    "client": CLIENT,
    "peer": PEER,
    "client_port": 40000,
    "peer_port": 443,
    "protocol": 6,
    "peer_service": "S3",
    "upload_bytes_per_second": 1000,
    "download_bytes_per_second": 50_000,
}


def fields(flow_log: dict) -> list[str]:
    """The fields of a flow log's format."""
    return [field.strip("${}") for field in flow_log["LogFormat"].split()]


def records(aws: LocalAws, log_group: str) -> list[dict[str, str]]:
    """The records in a log group, by field."""
    rows = aws.query(log_group, "fields @message | sort @timestamp asc")
    return [dict(zip(FORMAT, row["@message"].split(), strict=True)) for row in rows]


def test_a_spike_is_recorded_and_one_email_tells_of_it(stack: RecorderStack) -> None:
    execution = stack.raise_alarm()
    flow_log = stack.wait_recording(execution)
    stack.wait_until_waiting()
    stack.clear_alarm()
    ended = stack.wait_end(execution)

    mail = stack.assert_recorded(ended)
    assert stack.mails() == stack.mails(execution)
    assert mail["to"] == ADDRESS
    assert mail["subject"].startswith(f"{stack.gateway.id} (egress)")
    for words in (
        f"Gateway {stack.gateway.id} (egress) in vpc-",
        f"The alarm {stack.name}/{stack.gateway.id} rose at ",
        "The traffic is back below the threshold since ",
        f"{flow_log} on {stack.gateway.interface_id}, deleted",
        stack.resources["FlowLogGroup"],
        "Logs Insights",
    ):
        assert words in mail["words"]
    stack.assert_nothing_is_left()
    assert stack.counted() == 1


def test_a_normal_recording_passes_at_most_eleven_states(stack: RecorderStack) -> None:
    ended = stack.record_once()
    assert stack.aws.states_entered(ended.arn) == [
        "Reserve a recording",
        "Should we record?",
        "Start recording",
        "Wait for the alarm to clear",
        "Wait until enough is recorded",
        "Stop recording",
        "Has the spike come back?",
        "Wait for late records",
        "Report",
        "Notify",
        "Notify programs",
    ]
    assert len(stack.aws.states_entered(ended.arn)) <= MOST_STATES


def test_the_flow_log_is_exactly_as_designed(stack: RecorderStack) -> None:
    execution = stack.raise_alarm()
    stack.wait_recording(execution)
    (flow_log,) = stack.flow_logs()
    lease_ends_at = int(stack.item()["leaseEndsAt"])
    tags = {tag["Key"]: tag["Value"] for tag in flow_log["Tags"]}
    ends_at = tags.pop("nat-flow-recorder:lease-ends-at")
    assert tags == {
        "Name": f"{stack.name}/{stack.gateway.id}",
        "nat-flow-recorder:stack": stack.name,
        "nat-flow-recorder:gateway": stack.gateway.id,
        "nat-flow-recorder:execution": execution,
    }
    assert milliseconds(ends_at) == lease_ends_at
    assert fields(flow_log) == FORMAT
    assert flow_log["MaxAggregationInterval"] == 60
    assert flow_log["TrafficType"] == "ALL"
    assert flow_log["ResourceId"] == stack.gateway.interface_id
    assert flow_log["LogGroupName"] == stack.resources["FlowLogGroup"]
    role = flow_log["DeliverLogsPermissionArn"]
    assert role.endswith("/" + stack.resources["FlowLogDeliveryRole"])


def milliseconds(moment: str) -> int:
    """Epoch milliseconds of an RFC 3339 time that ends in Z."""
    whole = datetime.fromisoformat(moment.replace("Z", "+00:00"))
    return round(whole.timestamp() * 1000)


def test_all_four_legs_are_delivered_in_the_recorded_format(stack: RecorderStack) -> None:
    stack.aws.set_traffic(stack.gateway, [FLOW], every_ms=100)
    flow_log = stack.wait_recording(stack.raise_alarm())
    stack.wait_records(flow_log)

    seen = records(stack.aws, stack.resources["FlowLogGroup"])
    gateway = stack.gateway.private_ip
    legs = {
        (
            record["srcaddr"],
            record["dstaddr"],
            record["pkt-srcaddr"],
            record["pkt-dstaddr"],
            record["flow-direction"],
            record["traffic-path"],
        )
        for record in seen
    }
    assert legs == {
        (CLIENT, gateway, CLIENT, PEER, "ingress", "-"),
        (gateway, PEER, gateway, PEER, "egress", "8"),
        (PEER, gateway, PEER, gateway, "ingress", "-"),
        (gateway, CLIENT, PEER, CLIENT, "egress", "1"),
    }
    assert {record["interface-id"] for record in seen} == {stack.gateway.interface_id}
    assert {record["log-status"] for record in seen} == {"OK"}
    assert {record["pkt-dst-aws-service"] for record in seen if record["pkt-dstaddr"] == PEER} == {
        "S3"
    }


def test_no_records_come_after_the_recording(stack: RecorderStack) -> None:
    stack.aws.set_traffic(stack.gateway, [FLOW], every_ms=50)
    execution = stack.raise_alarm()
    flow_log = stack.wait_recording(execution)
    stack.wait_records(flow_log)
    stack.wait_until_waiting()
    stack.clear_alarm()
    stack.wait_end(execution)
    after = stack.aws.now()
    # The next recording's records show that traffic still flows.
    stack.wait_records(stack.wait_recording(stack.raise_alarm()), after)
    late = [e for e in stack.aws.journal(after)[0] if e.get("flow_log_id") == flow_log]
    assert [entry for entry in late if entry["kind"] == "records"] == []


def test_a_spike_that_does_not_end_is_recorded_for_the_recording_time(deploy: Deploy) -> None:
    stack = deploy(RecordingTime=2)
    ended = stack.wait_end(stack.raise_alarm())
    mail = stack.assert_recorded(ended)
    assert (
        "The recording time of 2 s was used up. The spike may still be going on." in (mail["words"])
    )
    assert ended.output["ended"]["Error"] == "States.Timeout"
    stack.assert_nothing_is_left()
    assert stack.counted() == 1


def test_a_recording_time_of_zero_waits_for_the_alarm_to_clear(deploy: Deploy) -> None:
    stack = deploy(RecordingTime=0)
    execution = stack.raise_alarm()
    stack.wait_until_waiting()
    (scheduled,) = [
        event["taskScheduledEventDetails"]
        for event in stack.aws.history(execution)
        if event.get("taskScheduledEventDetails", {}).get("resource", "").endswith("TaskToken")
    ]
    assert scheduled["timeoutInSeconds"] == 86_400
    stack.clear_alarm()
    stack.assert_recorded(stack.wait_end(execution))


def test_a_recording_lasts_the_minimum_although_the_alarm_clears_at_once(deploy: Deploy) -> None:
    stack = deploy(MinimumRecordingTime=2)
    execution = stack.raise_alarm()
    stack.wait_until_waiting()
    stack.clear_alarm()
    ended = stack.wait_end(execution)
    stack.assert_recorded(ended)
    started, stopped = (ended.output[step]["at"] for step in ("started", "stop"))
    assert milliseconds(stopped) - milliseconds(started) >= 2000


def test_the_report_waits_for_late_records(deploy: Deploy) -> None:
    stack = deploy(ReportDelay=2)
    ended = stack.record_once()
    mail = stack.assert_recorded(ended)
    assert milliseconds(mail["at"]) - milliseconds(ended.output["stop"]["at"]) >= 2000


def test_missing_data_ends_a_recording(stack: RecorderStack) -> None:
    execution = stack.raise_alarm()
    stack.wait_until_waiting()
    stack.aws.client("cloudwatch").set_alarm_state(
        AlarmName=f"{stack.name}/{stack.gateway.id}",
        StateValue="INSUFFICIENT_DATA",
        StateReason="no datapoints",
    )
    mail = stack.assert_recorded(stack.wait_end(execution))
    assert "The gateway reports no more traffic since" in mail["words"]
    stack.assert_nothing_is_left()


def test_deleting_the_alarm_ends_a_recording(stack: RecorderStack) -> None:
    execution = stack.raise_alarm()
    stack.wait_until_waiting()
    name = f"{stack.name}/{stack.gateway.id}"
    stack.aws.client("cloudwatch").delete_alarms(AlarmNames=[name])
    mail = stack.assert_recorded(stack.wait_end(execution))
    assert "The alarm was deleted at " in mail["words"]
    stack.assert_nothing_is_left()


def test_a_regional_gateway_is_recorded_as_a_whole(deploy: Deploy, network: Network) -> None:
    gateway: Gateway = network.create_regional_gateway("regional")
    stack = deploy(gateway)
    execution = stack.raise_alarm()
    stack.wait_recording(execution)
    (flow_log,) = stack.flow_logs()
    assert flow_log["ResourceId"] == gateway.id
    assert fields(flow_log) == REGIONAL_FORMAT
    stack.wait_until_waiting()
    stack.clear_alarm()
    stack.assert_recorded(stack.wait_end(execution))
    stack.assert_nothing_is_left()


def test_gateways_are_recorded_each_for_itself(deploy: Deploy, network: Network) -> None:
    stack = deploy(network.create_gateway("one"), network.create_gateway("two"))
    one, two = stack.gateways
    first, second = stack.raise_alarm(one), stack.raise_alarm(two)
    stack.wait_until_waiting(one)
    stack.wait_until_waiting(two)
    stack.clear_alarm(one)
    stack.assert_recorded(stack.wait_end(first))
    (left,) = stack.flow_logs()
    assert left["ResourceId"] == two.interface_id
    assert stack.item(two)["execution"] == second
    stack.clear_alarm(two)
    stack.assert_recorded(stack.wait_end(second))
    assert (stack.counted(one), stack.counted(two)) == (1, 1)


def test_alarms_of_other_stacks_start_nothing(deploy: Deploy, aws: LocalAws) -> None:
    stack, other = deploy(), deploy()
    other.record_once()
    aws.client("cloudwatch").put_metric_alarm(
        AlarmName=f"{stack.name}-errors",
        Namespace="AWS/NATGateway",
        MetricName="ErrorPortAllocation",
        Dimensions=[{"Name": "NatGatewayId", "Value": stack.gateway.id}],
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    after = aws.now()
    aws.client("cloudwatch").set_alarm_state(
        AlarmName=f"{stack.name}-errors", StateValue="ALARM", StateReason="said the test"
    )
    change = aws.wait_for(
        "event",
        lambda e: e["event"]["detail"].get("state", {}).get("value") == "ALARM",
        after=after,
    )
    assert change["rules"] == []
    assert stack.executions() == []
    assert len(other.executions()) == 1
