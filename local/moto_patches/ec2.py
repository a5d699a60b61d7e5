"""NAT gateways of both availability modes, and flow logs that fail as EC2's do."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.ec2.exceptions import (
    EC2ClientError,
    FlowLogAlreadyExists,
    InvalidFlowLogIdError,
    InvalidParameterValueError,
)
from moto.ec2.models import nat_gateways
from moto.ec2.models.flow_logs import FlowLogsBackend
from moto.ec2.models.nat_gateways import NatGateway, NatGatewayBackend
from moto.ec2.responses.flow_logs import FlowLogs as FlowLogsResponse
from moto.ec2.responses.nat_gateways import NatGateways as NatGatewaysResponse
from moto.ec2.utils import add_tag_specification, random_nat_gateway_id

from local.moto_patches import flow_log_buckets


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
    _patch_destination_options()
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
    """A resource that gets no flow log is an `Unsuccessful` entry, and the rest goes on."""
    stock = FlowLogsBackend.create_flow_logs

    def create_one(self: Any, resource_type: str, resource_id: str, **request: Any) -> Any:
        if request["log_destination_type"] == "s3":
            return _create_to_bucket(self, stock, resource_type, resource_id, request)
        try:
            return stock(self, resource_type, [resource_id], **request)
        except FlowLogAlreadyExists as error:
            return [], [(resource_id, "FlowLogAlreadyExists", error.message)]

    def create(self: Any, resource_type: str, resource_ids: list[str], **request: Any) -> Any:
        created, unsuccessful = [], []
        for resource_id in resource_ids:
            if resource_type == "RegionalNatGateway" and resource_id not in self.nat_gateways:
                raise NatGatewayNotFound(resource_id)
            flow_logs, failures = create_one(self, resource_type, resource_id, **request)
            created += flow_logs
            unsuccessful += failures
        return created, unsuccessful

    FlowLogsBackend.create_flow_logs = create


def _create_to_bucket(
    backend: Any, stock: Any, resource_type: str, resource_id: str, request: dict[str, Any]
) -> Any:
    """One flow log to a bucket. Stock moto takes a folder for a part of the bucket's name."""
    if request["deliver_logs_permission_arn"] is not None:
        raise InvalidParameterValueError("DeliverLogsPermissionArn is not applicable for s3")
    destination = request["log_destination"]
    refusal = flow_log_buckets.refusal(backend, destination, backend.hive_partitions)
    if refusal is not None:
        return [], [(resource_id, *refusal)]
    for existing in backend.flow_logs.values():
        if (existing.resource_id, existing.log_destination) == (resource_id, destination):
            return [], [(resource_id, "FlowLogAlreadyExists", FlowLogAlreadyExists().message)]
    bucket, _ = flow_log_buckets.bucket_and_folder(destination)
    request = request | {"log_destination": f"arn:{backend.partition}:s3:::{bucket}"}
    flow_logs, failures = stock(backend, resource_type, [resource_id], **request)
    for flow_log in flow_logs:
        flow_log.log_destination = destination
    return flow_logs, failures


def _patch_destination_options() -> None:
    """What DescribeFlowLogs shows of a flow log to S3: the format of its files, and their folders."""
    stock = FlowLogsResponse.create_flow_logs
    FlowLogsBackend.hive_partitions = False

    def create(self: Any) -> ActionResult:
        given = self._get_param("DestinationOptions") or {}
        options = {
            "FileFormat": given.get("FileFormat", "plain-text"),
            "HiveCompatiblePartitions": given.get("HiveCompatiblePartitions", False),
            "PerHourPartition": given.get("PerHourPartition", False),
        }
        self.ec2_backend.hive_partitions = options["HiveCompatiblePartitions"]
        answer = stock(self)
        for flow_log_id in answer.result["FlowLogIds"]:
            flow_log = self.ec2_backend.flow_logs[flow_log_id]
            if flow_log.log_destination_type == "s3":
                flow_log.destination_options = options
        return answer

    FlowLogsResponse.create_flow_logs = create


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
