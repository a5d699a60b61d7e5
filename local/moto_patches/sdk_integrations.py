"""Step Functions' calls of other services: names, cases and errors as AWS gives them."""

from __future__ import annotations

import os
import threading
from typing import Any

import boto3
import moto.stepfunctions.parser.asl.component.state.exec.state_task.lambda_eval_utils as lambda_calls
import moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_aws_sdk as aws_sdk
import moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_dynamodb as dynamodb
import moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_lambda as functions
import moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_sns as sns
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import BotoCoreError
from botocore.model import Shape
from moto.stepfunctions.parser.api import HistoryEventType, TaskFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import (
    CustomErrorName,
)
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service import (
    StateTaskService,
)
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails

# The access key of moto's own interpreter.
INTERPRETER_KEY = "ak"
# Step Functions' name of a service in a resource ARN -> its prefix of error names.
ERROR_PREFIXES = {
    "cloudwatch": "CloudWatch",
    "cloudwatchlogs": "CloudWatchLogs",
    "dynamodb": "DynamoDb",
    "ec2": "Ec2",
    "eventbridge": "EventBridge",
    "lambda": "Lambda",
    "s3": "S3",
    "sfn": "Sfn",
    "sns": "Sns",
    "sqs": "Sqs",
}
# Step Functions' name of a service -> boto3's, where they differ.
BOTO_NAMES = {"cloudwatchlogs": "logs", "eventbridge": "events"}

_clients: dict[tuple[str, str], BaseClient] = {}
_clients_lock = threading.Lock()
# One, because each reads the service models anew; it is used under the lock only.
_session = boto3.session.Session()


def apply() -> None:
    """Apply this module's patches."""
    StateTaskService._SERVICE_NAME_SFN_TO_BOTO_OVERRIDES.update(BOTO_NAMES)
    aws_sdk._SERVICE_ERROR_NAMES.update(ERROR_PREFIXES)
    for module in (aws_sdk, dynamodb, sns, lambda_calls):
        module.boto_client_for = shared_client
    _patch_casing()
    _name_transport_failures(aws_sdk.StateTaskServiceAwsSdk, None)
    _name_transport_failures(dynamodb.StateTaskServiceDynamoDB, "DynamoDB")
    _name_transport_failures(functions.StateTaskServiceLambda, "Lambda")
    _name_transport_failures(sns.StateTaskServiceSns, "SNS")


def shared_client(region: str, service: str, state_credentials: Any = None) -> BaseClient:
    """One client per service and region, of the endpoint that MOTO_PORT names.

    moto makes a client per call from boto3's default session, which is slow and, with several
    executions at once, not safe. The key tells the front door who calls.
    """
    with _clients_lock:
        if (service, region) not in _clients:
            _clients[service, region] = _session.client(
                service,
                region_name=region,
                endpoint_url=f"http://127.0.0.1:{os.environ['MOTO_PORT']}",
                aws_access_key_id=INTERPRETER_KEY,
                aws_secret_access_key="local",
                config=Config(
                    parameter_validation=False,
                    retries={"total_max_attempts": 1},
                    # A task's own TimeoutSeconds ends the wait.
                    read_timeout=99_999_999,
                    max_pool_connections=50,
                ),
            )
        return _clients[service, region]


def converted(value: Any, shape: Shape, to_boto: bool) -> Any:
    """`value` with its keys in boto3's case, or in PascalCase, as `shape` has them.

    SDK integrations speak PascalCase for every service; boto3's model of some (logs) does not.
    """
    if shape.type_name == "structure" and isinstance(value, dict):
        return _converted_structure(value, shape, to_boto)
    if shape.type_name == "list" and isinstance(value, list):
        return [converted(item, shape.member, to_boto) for item in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {key: converted(item, shape.value, to_boto) for key, item in value.items()}
    return value


def _converted_structure(value: dict[str, Any], shape: Shape, to_boto: bool) -> dict[str, Any]:
    by_lower = {name.lower(): name for name in shape.members}
    result = {}
    for key, item in value.items():
        member = by_lower.get(key.lower())
        if member is None:
            result[key] = item
            continue
        name = member if to_boto else member[:1].upper() + member[1:]
        result[name] = converted(item, shape.members[member], to_boto)
    return result


def _patch_casing() -> None:
    stock = aws_sdk.StateTaskServiceAwsSdk._eval_service_task

    def evaluate(self, env, resource_runtime_part, normalised_parameters, state_credentials):
        client = shared_client(resource_runtime_part.region, self._get_boto_service_name())
        operation = client.meta.method_to_api_mapping.get(self._get_boto_service_action())
        model = client.meta.service_model.operation_model(operation) if operation else None
        if model and model.input_shape:
            normalised_parameters = converted(normalised_parameters, model.input_shape, True)
        stock(self, env, resource_runtime_part, normalised_parameters, state_credentials)
        if model and model.output_shape:
            env.stack.append(converted(env.stack.pop(), model.output_shape, False))

    aws_sdk.StateTaskServiceAwsSdk._eval_service_task = evaluate


def _name_transport_failures(service: type[StateTaskService], prefix: str | None) -> None:
    """A call without an answer is `<Service>.SdkClientException`; moto says States.Runtime."""
    stock = service._from_error

    def from_error(self: Any, env: Any, ex: Exception) -> FailureEvent:
        if not isinstance(ex, BotoCoreError):
            return stock(self, env=env, ex=ex)
        name = prefix or self._normalise_service_error_name(self.resource.api_name)
        error = f"{name}.SdkClientException"
        details = TaskFailedEventDetails(
            resource=self._get_sfn_resource(),
            resourceType=self._get_sfn_resource_type(),
            error=error,
            cause=str(ex),
        )
        return FailureEvent(
            env=env,
            error_name=CustomErrorName(error_name=error),
            event_type=HistoryEventType.TaskFailed,
            event_details=EventDetails(taskFailedEventDetails=details),
        )

    service._from_error = from_error
