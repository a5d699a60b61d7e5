"""Single functions on the local AWS, without the stack that they belong to."""

from __future__ import annotations

import json
from typing import Any

from local.local_aws import LocalAws


def template(**resources: dict[str, Any]) -> dict[str, Any]:
    """A template of functions and tables, and of a role that the functions have."""
    role = {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}},
    }
    return {
        "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {"Role": role, **resources},
    }


def function(name: str, *, timeout: int) -> dict[str, Any]:
    """The function of this name, with a Lambda function's smallest memory."""
    return {
        "Type": "AWS::Serverless::Function",
        "Metadata": {"BuildMethod": "rust-cargolambda", "BuildProperties": {"Binary": name}},
        "Properties": {
            "FunctionName": name,
            "CodeUri": "./",
            "Handler": "bootstrap",
            "Runtime": "provided.al2023",
            "MemorySize": 128,
            "Timeout": timeout,
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        },
    }


def table(name: str, key: str) -> dict[str, Any]:
    """A table whose items are found by a text."""
    return {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "TableName": name,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": key, "KeyType": "HASH"}],
        },
    }


def invoke(aws: LocalAws, name: str, event: Any, error: str | None = None) -> Any:
    """The function's answer; with `error`, it must fail under this name."""
    answer = aws.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event).encode())
    payload = json.loads(answer["Payload"].read())
    failed = payload["errorType"] if "FunctionError" in answer else None
    assert failed == error, payload
    return payload
