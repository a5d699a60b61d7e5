"""Network interfaces that AWS's services own, found by any of their addresses; VPC endpoints."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models import vpcs
from moto.ec2.models.elastic_network_interfaces import NetworkInterface, NetworkInterfaceBackend
from moto.ec2.models.nat_gateways import NatGateway
from moto.ec2.models.vpcs import VPCBackend, VPCEndPoint
from moto.ec2.responses.elastic_network_interfaces import ElasticNetworkInterfaces

# Who asks for an interface of a type, as DescribeNetworkInterfaces shows it.
REQUESTERS = {
    "lambda": "AROALOCALLAMBDA000000:network-interfaces",
    "load_balancer": "amazon-elb",
    "nat_gateway": "amazon-aws",
    "network_load_balancer": "amazon-elb",
    "vpc_endpoint": "727180483921",
}


def apply() -> None:
    """Apply this module's patches."""
    _patch_addresses()
    _patch_creation()
    _patch_filters()
    _patch_nat_gateways()
    _patch_vpc_endpoints()


def _patch_addresses() -> None:
    """An interface takes its subnet's next free address. Stock moto takes any, used or not."""
    stock = NetworkInterfaceBackend.create_network_interface

    def create(
        self: Any,
        subnet: Any,
        private_ip_address: Any,
        private_ip_addresses: Any = None,
        *others: Any,
        **request: Any,
    ) -> NetworkInterface:
        if not private_ip_address and not private_ip_addresses:
            owner = self.get_subnet(subnet) if isinstance(subnet, str) else subnet
            private_ip_address = owner.get_available_subnet_ip(None)
        return stock(self, subnet, private_ip_address, private_ip_addresses, *others, **request)

    NetworkInterfaceBackend.create_network_interface = create


def _become(interface: Any, interface_type: str, description: str) -> None:
    """Make it what a service makes for itself."""
    interface.interface_type = interface_type
    interface.description = description
    interface.requester_id = REQUESTERS[interface_type]
    interface.requester_managed = True
    interface.status = "in-use"


def _patch_creation() -> None:
    """`InterfaceType` may be a service's own here: nobody else makes these services' interfaces."""
    stock = ElasticNetworkInterfaces.create_network_interface

    def create(self: Any) -> ActionResult:
        answer = stock(self)
        interface_type = self._get_param("InterfaceType") or "interface"
        interface = answer.result["NetworkInterface"]
        if interface_type in REQUESTERS:
            _become(interface, interface_type, interface.description)
        else:
            interface.interface_type = interface_type
        return answer

    ElasticNetworkInterfaces.create_network_interface = create


def _addresses(interface: Any) -> list[str]:
    return [address["PrivateIpAddress"] for address in interface.private_ip_addresses]


FILTERS = {
    "addresses.private-ip-address": _addresses,
    "ipv6-addresses.ipv6-address": lambda interface: interface.ipv6_addresses,
    "interface-type": lambda interface: [interface.interface_type],
    "requester-id": lambda interface: [interface.requester_id],
    "requester-managed": lambda interface: [str(interface.requester_managed).lower()],
    "status": lambda interface: [interface.status],
}


def _patch_filters() -> None:
    """Filters that stock moto lacks, or tries on one address alone."""
    stock = NetworkInterfaceBackend.get_all_network_interfaces

    def get_all(self: Any, eni_ids: Any = None, filters: Any = None) -> list[NetworkInterface]:
        filters = filters or {}
        others = {name: values for name, values in filters.items() if name not in FILTERS}
        ours = [(FILTERS[name], set(values)) for name, values in filters.items() if name in FILTERS]
        found = stock(self, eni_ids, others)
        return [
            interface
            for interface in found
            if all(not values.isdisjoint(values_of(interface)) for values_of, values in ours)
        ]

    NetworkInterfaceBackend.get_all_network_interfaces = get_all


def _patch_nat_gateways() -> None:
    stock = NatGateway.__init__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        stock(self, *args, **kwargs)
        _become(self._eni, "nat_gateway", f"Interface for NAT Gateway {self.id}")

    NatGateway.__init__ = init


def _patch_vpc_endpoints() -> None:
    """A type where none was asked for, and interfaces with addresses of their subnets."""
    # With None the interface takes a free address of its subnet, not one of anywhere in 10/8.
    vpcs.random_private_ip = lambda: None
    stock = VPCBackend.create_vpc_endpoint

    def create(self: Any, **request: Any) -> VPCEndPoint:
        request["endpoint_type"] = request.get("endpoint_type") or "Gateway"
        endpoint = stock(self, **request)
        for interface_id in endpoint.network_interface_ids:
            interface = self.get_network_interface(interface_id)
            _become(interface, "vpc_endpoint", f"VPC Endpoint Interface {endpoint.id}")
        return endpoint

    VPCBackend.create_vpc_endpoint = create
