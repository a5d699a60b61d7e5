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


def found(client, **filters):
    named = {name.replace("_", "-"): [value] for name, value in filters.items()}
    named |= {"addresses.private-ip-address": named.pop("address")} if "address" in named else {}
    asked = [{"Name": name, "Values": values} for name, values in named.items()]
    return client("ec2").describe_network_interfaces(Filters=asked)["NetworkInterfaces"]


def test_an_instance_is_found_by_its_address_with_its_name(network, client):
    (web,) = network.create_clients("web")
    (interface,) = found(client, vpc_id=network.vpc_id, address=web.private_ip)
    assert interface["NetworkInterfaceId"] == web.interface_id
    assert interface["InterfaceType"] == "interface"
    assert interface["Attachment"]["InstanceId"] == web.instance_id
    resource = {"Name": "resource-id", "Values": [web.instance_id]}
    tags = client("ec2").describe_tags(Filters=[resource])["Tags"]
    assert [(tag["Key"], tag["Value"]) for tag in tags] == [("Name", "web")]
    described = client("ec2").describe_instances(InstanceIds=[web.instance_id])
    assert described["Reservations"][0]["Instances"][0]["PrivateIpAddress"] == web.private_ip


def test_an_interface_is_found_by_any_of_its_addresses(network, client):
    ec2 = client("ec2")
    addresses = [
        {"PrivateIpAddress": "10.0.1.200", "Primary": True},
        {"PrivateIpAddress": "10.0.1.201", "Primary": False},
    ]
    made = ec2.create_network_interface(
        SubnetId=network.client_subnet,
        PrivateIpAddresses=addresses,
        Ipv6Addresses=[{"Ipv6Address": "2001:db8::5"}],
    )["NetworkInterface"]["NetworkInterfaceId"]
    for name, address in (
        ("addresses.private-ip-address", "10.0.1.200"),
        ("addresses.private-ip-address", "10.0.1.201"),
        ("ipv6-addresses.ipv6-address", "2001:db8::5"),
    ):
        asked = [{"Name": name, "Values": [address, "10.0.1.250"]}]
        asked.append({"Name": "vpc-id", "Values": [network.vpc_id]})
        listed = ec2.describe_network_interfaces(Filters=asked)["NetworkInterfaces"]
        assert [interface["NetworkInterfaceId"] for interface in listed] == [made], address


@pytest.mark.parametrize(
    ("interface_type", "requester", "description"),
    [
        ("lambda", "AROALOCALLAMBDA000000:network-interfaces", "AWS Lambda VPC ENI-crawl-1234"),
        ("load_balancer", "amazon-elb", "ELB app/front/50dc6c495c0c9188"),
        ("nat_gateway", "amazon-aws", None),
    ],
)
def test_services_have_interfaces_of_their_own(
    network, client, interface_type, requester, description
):
    if interface_type == "nat_gateway":
        gateway = network.create_gateway("a")
        description = f"Interface for NAT Gateway {gateway.id}"
    else:
        network.create_interface(description, interface_type)
    (interface,) = found(client, vpc_id=network.vpc_id, interface_type=interface_type)
    assert interface["Description"] == description
    assert (interface["RequesterId"], interface["RequesterManaged"]) == (requester, True)


def test_a_task_of_ecs_is_told_by_its_interfaces_tags(network, client):
    attachment = "arn:aws:ecs:us-east-1:123456789012:attachment/1"
    task = network.create_interface(attachment, **{"aws:ecs:serviceName": "crawl"})
    (interface,) = found(client, vpc_id=network.vpc_id, address=task.private_ip)
    assert interface["Description"] == attachment
    assert interface["TagSet"] == [{"Key": "aws:ecs:serviceName", "Value": "crawl"}]


def test_addresses_of_a_subnet_are_given_once(network):
    gateways = [network.create_gateway(str(number)).private_ip for number in range(30)]
    assert len(set(gateways)) == 30
    assert {"10.0.0.0", "10.0.0.255"}.isdisjoint(gateways)


def test_the_endpoints_of_a_vpc_are_described(network, client):
    ec2 = client("ec2")
    main = [{"Name": "vpc-id", "Values": [network.vpc_id]}]
    table = ec2.describe_route_tables(Filters=main)["RouteTables"][0]["RouteTableId"]
    s3 = ec2.create_vpc_endpoint(
        VpcId=network.vpc_id, ServiceName="com.amazonaws.us-east-1.s3", RouteTableIds=[table]
    )["VpcEndpoint"]["VpcEndpointId"]
    sqs = ec2.create_vpc_endpoint(
        VpcId=network.vpc_id,
        ServiceName="com.amazonaws.us-east-1.sqs",
        VpcEndpointType="Interface",
        SubnetIds=[network.client_subnet],
    )["VpcEndpoint"]["VpcEndpointId"]
    listed = ec2.describe_vpc_endpoints(Filters=main)["VpcEndpoints"]
    endpoints = {endpoint["VpcEndpointId"]: endpoint for endpoint in listed}
    assert set(endpoints) == {s3, sqs}
    assert endpoints[s3]["VpcEndpointType"] == "Gateway"
    assert endpoints[s3]["RouteTableIds"] == [table]
    assert endpoints[sqs]["VpcEndpointType"] == "Interface"
    assert endpoints[sqs]["PrivateDnsEnabled"]
    (interface,) = found(client, vpc_id=network.vpc_id, interface_type="vpc_endpoint")
    assert interface["NetworkInterfaceId"] in endpoints[sqs]["NetworkInterfaceIds"]
    assert ipaddress.ip_address(interface["PrivateIpAddress"]) in ipaddress.ip_network(
        "10.0.1.0/24"
    )
