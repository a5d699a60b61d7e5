"""A VPC with clients behind NAT gateways, their traffic, and the stacks that watch it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from local.demo.terminal import Terminal, in_lines
from local.local_aws import ROOT, LocalAws
from local.network import Client, Gateway

MACROS = "macros"
RECORDER = "recorder"
EMAIL_ADDRESS = "network@example.com"
# Records are written this often, in milliseconds; AWS aggregates over a minute.
RECORDS_EVERY_MS = 1000
# In seconds. AWS needs minutes to deliver records, hence the template's longer defaults.
SHORT_TIMES = {"MinimumRecordingTime": 3, "ReportDelay": 2}
# In seconds: a spike that ends does so much earlier, one that does not is recorded for this long.
RECORDING_TIMES = {"ends": 60, "timeout": 6}


@dataclass(frozen=True)
class Flow:
    """What passes between a client and a peer, in bytes per second each way."""

    client: Client
    client_port: int
    peer: str
    peer_service: str | None
    upload: int
    download: int

    def as_traffic(self) -> dict[str, Any]:
        """As the front door's control API takes it."""
        return {
            "client": self.client.private_ip,
            "client_port": self.client_port,
            "peer": self.peer,
            "peer_port": 443,
            "protocol": 6,
            "peer_service": self.peer_service,
            "upload_bytes_per_second": self.upload,
            "download_bytes_per_second": self.download,
        }


@dataclass(frozen=True)
class Site:
    """A NAT gateway with the clients behind it and what they exchange with the internet."""

    name: str
    gateway: Gateway
    flows: list[Flow]

    @property
    def alarm(self) -> str:
        """The name of the alarm that the macro makes for the gateway."""
        return f"{RECORDER}/{self.gateway.id}"

    @property
    def bytes_per_minute(self) -> int:
        """What the gateway takes in from both sides."""
        return 60 * sum(flow.upload + flow.download for flow in self.flows)


def build(aws: LocalAws, terminal: Terminal, gateways: int) -> list[Site]:
    """Create the VPC with `gateways` NAT gateways, two clients behind each."""
    network = aws.network()
    terminal.event("network", f"VPC {network.vpc_id} (10.0.0.0/16)")
    sites = []
    for number in range(1, gateways + 1):
        gateway = network.create_gateway(f"egress-{number}")
        clients = network.create_clients(f"web-{number}", f"batch-{number}")
        site = Site(f"egress-{number}", gateway, _flows(number, *clients))
        sites.append(site)
        interface = f"interface {gateway.interface_id} ({gateway.private_ip})"
        terminal.event(site.name, f"NAT gateway {gateway.id}, {interface}", _clients(clients))
    return sites


def _flows(number: int, web: Client, batch: Client) -> list[Flow]:
    """A steady flow, and the one that is the spike; no two gateways have the same rates."""
    return [
        Flow(web, 40_000 + number, "203.0.113.5", None, 40_000 * number, 300_000 * number),
        Flow(batch, 50_000 + number, "52.216.0.10", "S3", 250_000 * number, 24_000_000 * number),
    ]


def _clients(clients: list[Client]) -> Iterator[str]:
    for client in clients:
        yield f"client {client.name} {client.private_ip} (instance {client.instance_id})"


def deploy_macros(aws: LocalAws, terminal: Terminal) -> None:
    """Deploy the stack of the macros."""
    aws.deploy(MACROS, ROOT / "cf-assistive-macros" / "template.yaml")
    terminal.event(MACROS, _status(aws, MACROS), _resources(aws, MACROS))


def deploy_recorder(aws: LocalAws, terminal: Terminal, sites: list[Site], spike: str) -> None:
    """Deploy the main stack, through the macros and the SAM transform."""
    times = {"RecordingTime": RECORDING_TIMES[spike], **SHORT_TIMES}
    parameters = {
        "NatGatewayIDs": ",".join(site.gateway.id for site in sites),
        "EmailAddress": EMAIL_ADDRESS,
        **{name: str(seconds) for name, seconds in times.items()},
    }
    aws.deploy(RECORDER, ROOT / "template.yaml", parameters)
    details = [*_resources(aws, RECORDER), *_definition(aws), *_alarms(aws)]
    terminal.event(RECORDER, _status(aws, RECORDER), details)


def _status(aws: LocalAws, stack: str) -> str:
    described = aws.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    return f"{described['StackStatus']}, {len(aws.resources(stack))} resources"


def _resources(aws: LocalAws, stack: str) -> list[str]:
    listed = aws.client("cloudformation").describe_stack_resources(StackName=stack)
    types = Counter(
        resource["ResourceType"].split("::")[-1] for resource in listed["StackResources"]
    )
    return in_lines(f"{count} {name}" for name, count in types.most_common())


def _definition(aws: LocalAws) -> Iterator[str]:
    """What the deployed definition holds where the file has placeholders."""
    arn = aws.resources(RECORDER)["Recorder"]
    text = aws.client("stepfunctions").describe_state_machine(stateMachineArn=arn)["definition"]
    definition = yaml.safe_load(text)
    payload = definition["States"][definition["StartAt"]]["Parameters"]["Payload"]
    settings = [f"{name} {json.dumps(value)}" for name, value in payload["settings"].items()]
    yield f"state machine of {len(definition['States'])} states, whose definition says"
    yield from (f"  {line}" for line in in_lines(settings))


def _alarms(aws: LocalAws) -> Iterator[str]:
    paginator = aws.client("cloudwatch").get_paginator("describe_alarms")
    for page in paginator.paginate(AlarmNamePrefix=f"{RECORDER}/"):
        for alarm in page["MetricAlarms"]:
            metrics = {metric["Id"]: metric for metric in alarm["Metrics"]}
            expression = next(m["Expression"] for m in metrics.values() if m.get("Expression"))
            period = metrics["m1"]["MetricStat"]["Period"]
            above = f"{expression} > {alarm['Threshold']:,.0f} bytes in {period} s"
            yield f"alarm {alarm['AlarmName']}: {above}"


def set_traffic(aws: LocalAws, terminal: Terminal, sites: list[Site]) -> None:
    """Let traffic pass the gateways from now on."""
    for site in sites:
        flows = [flow.as_traffic() for flow in site.flows]
        aws.set_traffic(site.gateway, flows, RECORDS_EVERY_MS)
        terminal.event(
            site.name, f"traffic of {site.bytes_per_minute:,} bytes a minute", _traffic(site)
        )


def _traffic(site: Site) -> Iterator[str]:
    for flow in site.flows:
        peer = f"{flow.peer} ({flow.peer_service})" if flow.peer_service else flow.peer
        rates = f"up {flow.upload:,} B/s, down {flow.download:,} B/s"
        yield f"{flow.client.name} {flow.client.private_ip} <-> {peer}: {rates}"


def raise_alarm(aws: LocalAws, site: Site) -> None:
    """Set the alarm as CloudWatch does when the traffic goes above the threshold."""
    _set_alarm(aws, site, "ALARM", f"{float(site.bytes_per_minute)}", "greater")


def clear_alarm(aws: LocalAws, site: Site) -> None:
    """Set the alarm as CloudWatch does when the traffic is normal again."""
    _set_alarm(aws, site, "OK", "1200000.0", "not greater")


def _set_alarm(aws: LocalAws, site: Site, value: str, datapoint: str, comparison: str) -> None:
    cloudwatch = aws.client("cloudwatch")
    alarm = cloudwatch.describe_alarms(AlarmNames=[site.alarm])["MetricAlarms"][0]
    cloudwatch.set_alarm_state(
        AlarmName=site.alarm,
        StateValue=value,
        StateReason=f"Threshold Crossed: 1 out of the last 1 datapoints [{datapoint}] was"
        f" {comparison} than the threshold ({alarm['Threshold']}).",
    )
