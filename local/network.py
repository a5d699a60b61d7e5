"""A VPC with clients behind NAT gateways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore.client import BaseClient

# moto's images have names like AWS's; which one matters to nobody here.
IMAGE_ID = "ami-12c6146b"


@dataclass(frozen=True)
class Gateway:
    """A NAT gateway; a regional one has neither an interface nor a private address."""

    id: str
    interface_id: str | None
    private_ip: str | None


@dataclass(frozen=True)
class Client:
    """Who reaches the internet through a NAT gateway: an instance, or a service's interface."""

    # Empty of a service's interface.
    instance_id: str
    interface_id: str
    private_ip: str
    name: str


@dataclass(frozen=True)
class Network:
    """One VPC, 10.0.0.0/16: gateways are in 10.0.0.0/24, clients in 10.0.1.0/24."""

    ec2: BaseClient
    vpc_id: str
    gateway_subnet: str
    client_subnet: str

    @staticmethod
    def create(ec2: BaseClient) -> Network:
        """Create the VPC and its subnets."""
        vpc_id = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            ec2.create_subnet(VpcId=vpc_id, CidrBlock=block)["Subnet"]["SubnetId"]
            for block in ("10.0.0.0/24", "10.0.1.0/24")
        ]
        return Network(ec2, vpc_id, *subnets)

    def create_gateway(self, name: str) -> Gateway:
        """A public NAT gateway of the usual, zonal kind."""
        address = self.ec2.allocate_address(Domain="vpc")["AllocationId"]
        made = self.ec2.create_nat_gateway(
            SubnetId=self.gateway_subnet,
            AllocationId=address,
            TagSpecifications=_named("natgateway", name),
        )["NatGateway"]
        entry = made["NatGatewayAddresses"][0]
        return Gateway(made["NatGatewayId"], entry["NetworkInterfaceId"], entry["PrivateIp"])

    def create_regional_gateway(self, name: str) -> Gateway:
        """A NAT gateway of the VPC rather than of a subnet."""
        made = self.ec2.create_nat_gateway(
            AvailabilityMode="regional",
            VpcId=self.vpc_id,
            TagSpecifications=_named("natgateway", name),
        )["NatGateway"]
        return Gateway(made["NatGatewayId"], None, None)

    def create_clients(self, *names: str) -> list[Client]:
        """One instance for each name, tagged with it."""
        return [self._create_client(name) for name in names]

    def _create_client(self, name: str) -> Client:
        instance = self.ec2.run_instances(
            ImageId=IMAGE_ID,
            MinCount=1,
            MaxCount=1,
            SubnetId=self.client_subnet,
            TagSpecifications=_named("instance", name),
        )["Instances"][0]
        interface = instance["NetworkInterfaces"][0]
        return Client(
            instance["InstanceId"],
            interface["NetworkInterfaceId"],
            interface["PrivateIpAddress"],
            name,
        )

    def create_interface(
        self, description: str, interface_type: str = "interface", **tags: str
    ) -> Client:
        """An interface of a service's in the clients' subnet: `interface_type` as in EC2's API.

        "AWS Lambda VPC ENI-name-id" is a `lambda`, "ELB app/name/id" a `load_balancer`; a task of
        ECS has an `interface` described by its attachment's ARN.
        """
        specifications = []
        if tags:
            listed = [{"Key": key, "Value": value} for key, value in tags.items()]
            specifications = [{"ResourceType": "network-interface", "Tags": listed}]
        made = self.ec2.create_network_interface(
            SubnetId=self.client_subnet,
            Description=description,
            InterfaceType=interface_type,
            TagSpecifications=specifications,
        )["NetworkInterface"]
        return Client("", made["NetworkInterfaceId"], made["PrivateIpAddress"], description)


def _named(resource_type: str, name: str) -> list[dict[str, Any]]:
    return [{"ResourceType": resource_type, "Tags": [{"Key": "Name", "Value": name}]}]
