"""Flow logs of other people on the same gateways, which nobody may touch."""

from __future__ import annotations

from local.local_aws import LocalAws
from local.network import Gateway
from local.storm.evidence import TAG, resource_of

ROLE = "arn:aws:iam::123456789012:role/somebody"


def create(aws: LocalAws, stack: str, gateways: list[Gateway]) -> set[str]:
    """Flow logs that look like the stack's own, to log groups of their own; returns their IDs."""
    found = set()
    for number, tags in enumerate(_look_alikes(stack, gateways)):
        gateway = gateways[number % len(gateways)]
        group = f"{stack}-{gateway.id}-bystander-{number}"
        aws.client("logs").create_log_group(logGroupName=group)
        found |= _flow_log(aws, gateway, group, tags)
    return found


def occupy(aws: LocalAws, gateway: Gateway, log_group: str) -> set[str]:
    """Somebody's flow log that sends to the stack's own log group: EC2 takes no second one."""
    return _flow_log(aws, gateway, log_group, {"Name": "by hand"})


def _look_alikes(stack: str, gateways: list[Gateway]) -> list[dict[str, str]]:
    """Tags that nearly are those of the stack's flow logs."""
    gateway = gateways[0].id
    return [
        {f"{TAG}stack": f"{stack}-2", f"{TAG}gateway": gateway},
        {f"{TAG}stack": stack[:-1], f"{TAG}gateway": gateway},
        {f"{TAG}stack": stack.upper(), f"{TAG}gateway": gateway},
        {f"{TAG}stacks": stack},
        {"stack": stack, "Name": f"{stack}/{gateway}"},
        {f"{TAG}gateway": gateway, f"{TAG}lease-ends-at": "2020-01-01T00:00:00Z"},
        {f"{TAG}stack": "another", f"{TAG}execution": "gone"},
        {},
    ]


def _flow_log(aws: LocalAws, gateway: Gateway, group: str, tags: dict[str, str]) -> set[str]:
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]
    specifications = [{"ResourceType": "vpc-flow-log", "Tags": listed}] if listed else []
    answer = aws.client("ec2").create_flow_logs(
        ResourceIds=[resource_of(gateway)],
        ResourceType="NetworkInterface",
        TrafficType="ALL",
        LogGroupName=group,
        DeliverLogsPermissionArn=ROLE,
        TagSpecifications=specifications,
    )
    return set(answer["FlowLogIds"])
