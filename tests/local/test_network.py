"""EC2 as the recorder meets it: gateways of both modes and flow logs that fail."""

from __future__ import annotations

import ipaddress

import pytest
from botocore.exceptions import ClientError

ROLE = "arn:aws:iam::123456789012:role/delivery"


def create_flow_logs(ec2, resource_type, *resources, group="records"):
    return ec2.create_flow_logs(
        ResourceType=resource_type,
        ResourceIds=list(resources),
        TrafficType="ALL",
        LogGroupName=group,
        DeliverLogsPermissionArn=ROLE,
        MaxAggregationInterval=60,
    )


def test_a_zonal_gateway_has_an_interface_with_an_address_of_its_subnet(network, client):
    gateway = network.create_gateway("a")
    described = client("ec2").describe_nat_gateways(NatGatewayIds=[gateway.id])["NatGateways"][0]
    assert described["AvailabilityMode"] == "zonal"
    assert described["NatGatewayAddresses"][0]["NetworkInterfaceId"] == gateway.interface_id
    assert ipaddress.ip_address(gateway.private_ip) in ipaddress.ip_network("10.0.0.0/24")


def test_a_regional_gateway_belongs_to_a_vpc_and_has_no_interface(network, client):
    gateway = network.create_regional_gateway("r")
    described = client("ec2").describe_nat_gateways(NatGatewayIds=[gateway.id])["NatGateways"][0]
    assert described["AvailabilityMode"] == "regional"
    assert described["VpcId"] == network.vpc_id
    assert described["State"] == "available"
    assert described.get("NatGatewayAddresses", []) == []
    assert described["Tags"] == [{"Key": "Name", "Value": "r"}]


def test_an_unknown_gateway_is_an_error(client):
    with pytest.raises(ClientError) as refused:
        client("ec2").describe_nat_gateways(NatGatewayIds=["nat-0123456789abcdef0"])
    assert refused.value.response["Error"]["Code"] == "NatGatewayNotFound"


def test_a_regional_gateway_is_logged_itself(network, client):
    gateway = network.create_regional_gateway("r")
    created = create_flow_logs(client("ec2"), "RegionalNatGateway", gateway.id)
    described = client("ec2").describe_flow_logs(FlowLogIds=created["FlowLogIds"])["FlowLogs"][0]
    assert described["ResourceId"] == gateway.id
    with pytest.raises(ClientError, match="NatGatewayNotFound"):
        create_flow_logs(client("ec2"), "RegionalNatGateway", "nat-0123456789abcdef0")


def test_a_flow_log_that_exists_is_unsuccessful_and_the_rest_is_created(network, client):
    first, second = network.create_gateway("a"), network.create_gateway("b")
    create_flow_logs(client("ec2"), "NetworkInterface", first.interface_id)
    both = create_flow_logs(
        client("ec2"), "NetworkInterface", first.interface_id, second.interface_id
    )
    assert len(both["FlowLogIds"]) == 1
    problem = both["Unsuccessful"][0]
    assert problem["ResourceId"] == first.interface_id
    assert problem["Error"]["Code"] == "FlowLogAlreadyExists"


def test_deleting_a_flow_log_that_is_gone_is_unsuccessful_and_the_rest_is_deleted(network, client):
    ec2 = client("ec2")
    gateway = network.create_gateway("a")
    flow_log = create_flow_logs(ec2, "NetworkInterface", gateway.interface_id)["FlowLogIds"][0]
    answer = ec2.delete_flow_logs(FlowLogIds=["fl-0123456789abcdef0", flow_log])
    problem = answer["Unsuccessful"][0]
    assert problem["ResourceId"] == "fl-0123456789abcdef0"
    assert problem["Error"]["Code"] == "InvalidFlowLogId.NotFound"
    assert ec2.describe_flow_logs(FlowLogIds=[flow_log])["FlowLogs"] == []


def test_a_flow_log_without_its_log_group_fails_to_deliver(network, client):
    ec2, logs = client("ec2"), client("logs")
    logs.create_log_group(logGroupName="exists")
    status = {}
    for group in ("exists", "does-not-exist"):
        gateway = network.create_gateway(group)
        created = create_flow_logs(ec2, "NetworkInterface", gateway.interface_id, group=group)
        described = ec2.describe_flow_logs(FlowLogIds=created["FlowLogIds"])["FlowLogs"][0]
        status[group] = described["DeliverLogsStatus"]
    assert status == {"exists": "SUCCESS", "does-not-exist": "FAILED"}


def test_clients_are_named_instances_of_the_vpc(network, client):
    web, batch = network.create_clients("web", "batch")
    found = client("ec2").describe_network_interfaces(NetworkInterfaceIds=[web.interface_id])
    interface = found["NetworkInterfaces"][0]
    assert interface["PrivateIpAddress"] == web.private_ip
    assert interface["VpcId"] == network.vpc_id
    assert ipaddress.ip_address(batch.private_ip) in ipaddress.ip_network("10.0.1.0/24")
