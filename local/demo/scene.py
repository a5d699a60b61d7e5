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
from local.network import Client, Gateway, Network

MACROS = "macros"
RECORDER = "recorder"
EMAIL_ADDRESS = "network@example.com"
# Records are written this often, in milliseconds; AWS aggregates over a minute.
RECORDS_EVERY_MS = 1000
# In seconds. AWS needs minutes to deliver records, hence the template's longer defaults.
SHORT_TIMES = {"MinimumRecordingTime": 3, "ReportDelay": 2}
# In seconds: a spike that ends does so much earlier, one that does not is recorded for this long.
RECORDING_TIMES = {"ends": 60, "timeout": 6}


TCP, UDP = 6, 17


@dataclass(frozen=True)
class Peer:
    """Somebody on the internet: `service` is AWS's name for its own."""

    address: str
    port: int = 443
    protocol: int = TCP
    service: str | None = None


@dataclass(frozen=True)
class Flow:
    """What passes between a client and a peer, in bytes per second each way."""

    client: Client
    client_port: int
    peer: Peer
    upload: int
    download: int

    def as_traffic(self) -> dict[str, Any]:
        """As the front door's control API takes it."""
        return {
            "client": self.client.private_ip,
            "client_port": self.client_port,
            "peer": self.peer.address,
            "peer_port": self.peer.port,
            "protocol": self.peer.protocol,
            "peer_service": self.peer.service,
            "upload_bytes_per_second": self.upload,
            "download_bytes_per_second": self.download,
        }


@dataclass(frozen=True)
class Site:
    """A NAT gateway with the clients behind it and what they exchange with the internet."""

    name: str
    gateway: Gateway
    flows: list[Flow]
    # Whose traffic is the spike: an instance that pulls from S3.
    culprit: Client

    @property
    def alarm(self) -> str:
        """The name of the alarm that the macro makes for the gateway."""
        return f"{RECORDER}/{self.gateway.id}"

    @property
    def bytes_per_minute(self) -> int:
        """What the gateway takes in from both sides."""
        return 60 * sum(flow.upload + flow.download for flow in self.flows)


def build(aws: LocalAws, terminal: Terminal, gateways: int) -> list[Site]:
    """Create the VPC with `gateways` NAT gateways and the clients behind each."""
    network = aws.network()
    terminal.event("network", f"VPC {network.vpc_id} (10.0.0.0/16)")
    sites = []
    for number in range(1, gateways + 1):
        gateway = network.create_gateway(f"egress-{number}")
        clients = _create_clients(network, number)
        site = Site(f"egress-{number}", gateway, _flows(number, *clients), clients[2])
        sites.append(site)
        interface = f"interface {gateway.interface_id} ({gateway.private_ip})"
        terminal.event(site.name, f"NAT gateway {gateway.id}, {interface}", _clients(clients))
    return sites


def _create_clients(network: Network, number: int) -> list[Client]:
    """Three instances and a function of a VPC; the third instance will cause the spike."""
    instances = network.create_clients(f"web-{number}", f"api-{number}", f"batch-{number}")
    description = f"AWS Lambda VPC ENI-thumbnails-{number}-3b1f6c52-8f5e-4f0a-9d1c-0a4e5d6b7c8d"
    return [*instances, network.create_interface(description, "lambda")]


def _flows(number: int, web: Client, api: Client, batch: Client, function: Client) -> list[Flow]:
    """Ordinary noise, and the one flow that is the spike; no two gateways have the same rates."""
    noise = [
        (web, Peer("203.0.113.5"), 40_000, 300_000),
        (web, Peer("198.51.100.20"), 25_000, 60_000),
        (api, Peer("52.94.0.20", service="DYNAMODB"), 30_000, 45_000),
        (api, Peer("192.0.2.53", port=53, protocol=UDP), 400, 900),
        (function, Peer("203.0.113.80"), 15_000, 20_000),
    ]
    spike = (batch, Peer("52.216.0.10", service="S3"), 250_000, 24_000_000)
    return [
        Flow(client, 40_000 + 100 * place + number, peer, upload * number, download * number)
        for place, (client, peer, upload, download) in enumerate([*noise, spike])
    ]


def _clients(clients: list[Client]) -> Iterator[str]:
    for client in clients:
        what = f"instance {client.instance_id}" if client.instance_id else "a function's interface"
        yield f"client {client.private_ip} {what}: {client.name}"


def deploy_macros(aws: LocalAws, terminal: Terminal) -> None:
    """Deploy the stack of the macros."""
    aws.deploy(MACROS, ROOT / "cf-assistive-macros" / "template.yaml")
    terminal.event(MACROS, _status(aws, MACROS), _resources(aws, MACROS))


def deploy_recorder(
    aws: LocalAws, terminal: Terminal, sites: list[Site], spike: str, forwards: bool
) -> None:
    """Deploy the main stack, through the macros and the SAM transform."""
    times = {"RecordingTime": RECORDING_TIMES[spike], **SHORT_TIMES}
    parameters = {
        "NatGatewayIDs": ",".join(site.gateway.id for site in sites),
        "EmailAddress": EMAIL_ADDRESS,
        **{name: str(seconds) for name, seconds in times.items()},
    }
    if forwards:
        # The other class takes no subscription.
        parameters["LogGroupClass"] = "STANDARD"
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
        service = f" ({flow.peer.service})" if flow.peer.service else ""
        peer = f"{flow.peer.address}:{flow.peer.port}{service}"
        rates = f"up {flow.upload:,} B/s, down {flow.download:,} B/s"
        spike = ", the spike" if flow.client == site.culprit else ""
        yield f"{flow.client.private_ip} <-> {peer}: {rates}{spike}"


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
