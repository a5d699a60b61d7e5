"""What a provider of one CloudFormation resource type does, and what helps it."""

from __future__ import annotations

import json
import os
import secrets
import string
import threading
from dataclasses import dataclass, field
from typing import Any, ClassVar

import boto3
from botocore.client import BaseClient
from botocore.config import Config
from botocore.model import Shape

Properties = dict[str, Any]

_clients: dict[tuple[str, str], BaseClient] = {}
_clients_lock = threading.Lock()
# One, because each reads the service models anew; it is used under the lock only.
_session = boto3.session.Session()


@dataclass(frozen=True)
class Context:
    """Of which stack and resource a provider's work is part."""

    stack_name: str
    stack_id: str
    logical_id: str
    resource_type: str
    account_id: str
    region: str

    def generated_name(self, longest: int) -> str:
        """A name as CloudFormation makes one: stack, logical ID and 12 random characters."""
        suffix = "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(12))
        return f"{self.stack_name}-{self.logical_id}"[: longest - 13] + f"-{suffix}"

    def arn(self, service: str, resource: str, region: str | None = None) -> str:
        """An ARN of this account, in this region unless `region` says otherwise (IAM: '')."""
        where = self.region if region is None else region
        return f"arn:aws:{service}:{where}:{self.account_id}:{resource}"

    def call(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        """Call an AWS API (`operation` in PascalCase) with CloudFormation's values.

        Values and the case of keys are brought to what the API's model says; boto3 then refuses
        what the API does not have, so that a misspelt property fails the stack. None is left out.
        """
        client = _client(service, self.region)
        shape = client.meta.service_model.operation_model(operation).input_shape
        given = {name: value for name, value in parameters.items() if value is not None}
        methods = {api: name for name, api in client.meta.method_to_api_mapping.items()}
        return getattr(client, methods[operation])(**as_shape(given, shape))

    def upload_url(self, bucket: str, key: str, seconds: int) -> str:
        """A URL to which one object can be put, for so many seconds."""
        return _client("s3", self.region).generate_presigned_url(
            "put_object", {"Bucket": bucket, "Key": key}, ExpiresIn=seconds
        )


def _client(service: str, region: str) -> BaseClient:
    with _clients_lock:
        if (service, region) not in _clients:
            _clients[service, region] = _session.client(
                service,
                region_name=region,
                endpoint_url=f"http://127.0.0.1:{os.environ['MOTO_PORT']}",
                aws_access_key_id="cloudformation",
                aws_secret_access_key="local",
                config=Config(
                    retries={"total_max_attempts": 1},
                    read_timeout=60,
                    # Of S3's presigned URLs the one that all regions take.
                    signature_version="s3v4" if service == "s3" else None,
                    s3={"addressing_style": "path"},
                ),
            )
        return _clients[service, region]


def as_shape(value: Any, shape: Shape | None) -> Any:
    """`value` with the types and the case of keys that an API's model has."""
    if shape is None:
        return value
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        return _as_structure(value, shape)
    if kind == "map" and isinstance(value, list):
        return {tag["Key"]: as_shape(tag["Value"], shape.value) for tag in value}
    if kind == "map" and isinstance(value, dict):
        return {str(key): as_shape(item, shape.value) for key, item in value.items()}
    if kind == "list":
        items = value if isinstance(value, list) else [value]
        return [as_shape(item, shape.member) for item in items]
    return _as_scalar(value, kind)


def _as_structure(value: dict[str, Any], shape: Shape) -> dict[str, Any]:
    by_lower = {name.lower(): name for name in shape.members}
    result = {}
    for key, item in value.items():
        name = by_lower.get(key.lower(), key)
        result[name] = as_shape(item, shape.members.get(name))
    return result


def _as_scalar(value: Any, kind: str) -> Any:
    if kind == "string":
        return _as_text(value)
    if kind in ("integer", "long") and isinstance(value, str):
        return int(value)
    if kind in ("float", "double") and isinstance(value, (str, int)):
        return float(value)
    if kind == "boolean" and isinstance(value, str):
        return {"true": True, "false": False}[value.lower()]
    return value


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (dict, list)):
        return json.dumps(value)
    return str(value)


@dataclass(frozen=True)
class Created:
    """What `Ref` gives, and what `Fn::GetAtt` gives by name."""

    physical_id: str
    attributes: dict[str, Any] = field(default_factory=dict)


class ResourceProvider:
    """Creates, changes and deletes the resources of one type.

    `type` is CloudFormation's name of it; a change of a property in `replaced_by` makes a new
    resource. A failure is whatever the API raises.
    """

    type: ClassVar[str]
    replaced_by: ClassVar[frozenset[str]] = frozenset()

    def is_replaced_by(self, old: Properties, new: Properties) -> bool:
        """Whether going from `old` to `new` takes a new resource."""
        return any(old.get(name) != new.get(name) for name in self.replaced_by)

    def create(self, context: Context, properties: Properties) -> Created:
        """Create the resource."""
        raise NotImplementedError

    def update(
        self, context: Context, physical_id: str, properties: Properties, old: Properties
    ) -> dict[str, Any] | Created:
        """Change the resource in place; returns its attributes.

        A resource with another physical ID is returned as Created: the one before is then deleted.
        """
        raise NotImplementedError

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        """Delete the resource."""
        raise NotImplementedError
