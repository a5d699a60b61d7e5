"""Custom resources: whatever a Lambda function makes of CloudFormation's requests.

It answers by an object in a bucket of CloudFormation's, to which it gets a presigned URL.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
"""

from __future__ import annotations

import json
import uuid
from typing import Any

from local.moto_patches import answers
from local.resource_providers.provider import Context, Created, Properties, ResourceProvider

# The types that a template may choose begin so.
PREFIX = "Custom::"
LONGEST_TIMEOUT_SECONDS = 3600
# An hour more than the longest timeout.
URL_EXPIRES_SECONDS = 7200
MAX_ANSWER_BYTES = 4096
MAX_PHYSICAL_ID_BYTES = 1024


class CustomResource(ResourceProvider):
    type = "AWS::CloudFormation::CustomResource"

    def create(self, context: Context, properties: Properties) -> Created:
        given_up = context.generated_name(MAX_PHYSICAL_ID_BYTES)
        try:
            return _created(_ask(context, "Create", properties))
        except _Refused as refusal:
            # What a failed creation has left, CloudFormation has deleted as it rolls back.
            self.delete(context, refusal.physical_id or given_up, properties)
            raise

    def update(
        self, context: Context, physical_id: str, properties: Properties, old: Properties
    ) -> Created:
        if properties.get("ServiceToken") != old.get("ServiceToken"):
            raise ValueError("Modifying service token is not allowed.")
        about = {"PhysicalResourceId": physical_id, "OldResourceProperties": _as_text(old)}
        return _created(_ask(context, "Update", properties, about))

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        _ask(context, "Delete", properties, {"PhysicalResourceId": physical_id})


class _Refused(Exception):
    """The function has answered FAILED or nothing of use, or not at all."""

    def __init__(self, message: str, physical_id: str | None = None):
        super().__init__(message)
        self.physical_id = physical_id


def _ask(
    context: Context, kind: str, properties: Properties, about: Properties | None = None
) -> dict[str, Any]:
    """Send the function a request; returns its answer, which says SUCCESS."""
    service_token, seconds = _service_token(properties), _service_timeout(properties)
    request_id = str(uuid.uuid4())
    bucket, key = _place(context, request_id)
    context.call("s3", "CreateBucket", Bucket=bucket)
    with answers.awaited(bucket, key) as answer:
        request = {
            "RequestType": kind,
            "RequestId": request_id,
            "StackId": context.stack_id,
            "ResponseURL": context.upload_url(bucket, key, URL_EXPIRES_SECONDS),
            "ServiceToken": service_token,
            "ResourceType": context.resource_type,
            "LogicalResourceId": context.logical_id,
            "ResourceProperties": _as_text(properties),
            **(about or {}),
        }
        # Asynchronously, as on AWS: Lambda tries again what fails without an answer.
        context.call(
            "lambda",
            "Invoke",
            FunctionName=service_token,
            InvocationType="Event",
            Payload=json.dumps(request),
        )
        content = answer.wait(seconds)
    context.call("s3", "DeleteObject", Bucket=bucket, Key=key)
    if content is None:
        raise _Refused(
            "CloudFormation did not receive a response from your Custom Resource. "
            f"Please check your logs for requestId [{request_id}]."
        )
    return _read(content, request)


def _place(context: Context, request_id: str) -> tuple[str, str]:
    """The bucket and the key under which CloudFormation looks for an answer."""
    bucket = f"cloudformation-custom-resource-response-{context.region.replace('-', '')}"
    return bucket, f"{context.stack_id}|{context.logical_id}|{request_id}"


def _service_token(properties: Properties) -> str:
    token = properties.get("ServiceToken")
    if token is None:
        raise ValueError("Missing required properties: ServiceToken")
    if str(token).split(":")[2:3] != ["lambda"]:
        raise ValueError(f"the local AWS asks Lambda functions only, not the ServiceToken {token}")
    return token


def _service_timeout(properties: Properties) -> int:
    seconds = int(properties.get("ServiceTimeout", LONGEST_TIMEOUT_SECONDS))
    if not 1 <= seconds <= LONGEST_TIMEOUT_SECONDS:
        raise ValueError(f"ServiceTimeout must be 1 to {LONGEST_TIMEOUT_SECONDS}, not {seconds}")
    return seconds


def _as_text(value: Any) -> Any:
    """Properties as functions get them: numbers and Booleans are text."""
    if isinstance(value, dict):
        return {name: _as_text(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_as_text(item) for item in value]
    return str(value).lower() if isinstance(value, bool) else str(value)


def _read(content: bytes, request: dict[str, Any]) -> dict[str, Any]:
    if len(content) > MAX_ANSWER_BYTES:
        raise _Refused(f"Response object is too long: {len(content)} bytes")
    try:
        answer = json.loads(content)
    except ValueError as error:
        raise _Refused(f"Invalid response object: {error}") from error
    physical_id = answer.get("PhysicalResourceId")
    for name in ("StackId", "RequestId", "LogicalResourceId"):
        if answer.get(name) != request[name]:
            raise _Refused(f"Invalid response object: {name} is {answer.get(name)}", physical_id)
    if answer.get("Status") == "FAILED":
        raise _Refused(
            "Received response status [FAILED] from custom resource. Message returned: "
            f"{answer.get('Reason')} (RequestId: {request['RequestId']})",
            physical_id,
        )
    if answer.get("Status") != "SUCCESS":
        raise _Refused(f"Invalid response object: Status is {answer.get('Status')}", physical_id)
    return answer


def _created(answer: dict[str, Any]) -> Created:
    physical_id = answer.get("PhysicalResourceId")
    if not physical_id or len(physical_id.encode()) > MAX_PHYSICAL_ID_BYTES:
        raise _Refused(f"Invalid PhysicalResourceId: {physical_id}")
    return Created(physical_id, answer.get("Data") or {})


PROVIDERS = (CustomResource,)
