"""NAT gateways of both availability modes, and flow logs that fail as EC2's do."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.ec2.exceptions import EC2ClientError, FlowLogAlreadyExists, InvalidFlowLogIdError
from moto.ec2.models import nat_gateways
from moto.ec2.models.flow_logs import FlowLogsBackend
from moto.ec2.models.nat_gateways import NatGateway, NatGatewayBackend
from moto.ec2.responses.flow_logs import FlowLogs as FlowLogsResponse
from moto.ec2.responses.nat_gateways import NatGateways as NatGatewaysResponse
from moto.ec2.utils import add_tag_specification, random_nat_gateway_id


class NatGatewayNotFound(EC2ClientError):
    """DescribeNatGateways or CreateFlowLogs of a gateway that does not exist."""

    def __init__(self, nat_gateway_id: str):
        super().__init__("NatGatewayNotFound", f"The Nat Gateway {nat_gateway_id} was not found")


class RegionalNatGateway(NatGateway):
    """`AvailabilityMode: regional`: of a VPC, not of a subnet, and without an interface of ours."""

    def __init__(self, backend: Any, vpc_id: str, tags: dict[str, str] | None = None):
        backend.get_vpc(vpc_id)
        self.id = random_nat_gateway_id()
        self.subnet_id = None
        self.vpc_id = vpc_id
        self.address_set = []
        self.state = "available"
        self.connectivity_type = "public"
        self.availability_mode = "regional"
        self._created_at = utcnow()
        self.ec2_backend = backend
        self.add_tags(tags or {})


def apply() -> None:
    """Apply this module's patches."""
    # With None the interface takes a free address of its subnet, not one of anywhere in 10/8.
    nat_gateways.random_private_ip = lambda: None
    NatGateway.availability_mode = "zonal"
    _patch_create_nat_gateway()
    _patch_describe_nat_gateways()
    _patch_create_flow_logs()
    _patch_delete_flow_logs()


def _patch_create_nat_gateway() -> None:
    stock = NatGatewaysResponse.create_nat_gateway

    def create(self: Any) -> ActionResult:
        if self._get_param("AvailabilityMode") != "regional":
            return stock(self)
        tags = add_tag_specification(self._get_param("TagSpecifications", []))
        gateway = RegionalNatGateway(self.ec2_backend, self._get_param("VpcId"), tags)
        self.ec2_backend.nat_gateways[gateway.id] = gateway
        return ActionResult({"NatGateway": gateway})

    NatGatewaysResponse.create_nat_gateway = create


def _patch_describe_nat_gateways() -> None:
    stock = NatGatewayBackend.describe_nat_gateways

    def describe(self: Any, filters: Any, nat_gateway_ids: list[str] | None) -> list[NatGateway]:
        for nat_gateway_id in nat_gateway_ids or []:
            if nat_gateway_id not in self.nat_gateways:
                raise NatGatewayNotFound(nat_gateway_id)
        return stock(self, filters, nat_gateway_ids)

    NatGatewayBackend.describe_nat_gateways = describe


def _patch_create_flow_logs() -> None:
    """A resource that has the flow log already is an `Unsuccessful` entry, and the rest goes on."""
    stock = FlowLogsBackend.create_flow_logs

    def create(self: Any, resource_type: str, resource_ids: list[str], **request: Any) -> Any:
        created, unsuccessful = [], []
        for resource_id in resource_ids:
            if resource_type == "RegionalNatGateway" and resource_id not in self.nat_gateways:
                raise NatGatewayNotFound(resource_id)
            try:
                flow_logs, failures = stock(self, resource_type, [resource_id], **request)
            except FlowLogAlreadyExists as error:
                unsuccessful.append((resource_id, "FlowLogAlreadyExists", error.message))
                continue
            created += flow_logs
            unsuccessful += failures
        return created, unsuccessful

    FlowLogsBackend.create_flow_logs = create


def _patch_delete_flow_logs() -> None:
    """A flow log that does not exist is an `Unsuccessful` entry of a request that succeeds."""
    stock = FlowLogsBackend.delete_flow_logs

    def delete(self: Any) -> ActionResult:
        self.error_on_dryrun()
        unsuccessful = []
        for flow_log_id in self._get_param("FlowLogIds", []):
            try:
                stock(self.ec2_backend, [flow_log_id])
            except InvalidFlowLogIdError as error:
                problem = {"Code": "InvalidFlowLogId.NotFound", "Message": error.message}
                unsuccessful.append({"ResourceId": flow_log_id, "Error": problem})
        return ActionResult({"Unsuccessful": unsuccessful})

    FlowLogsResponse.delete_flow_logs = delete
