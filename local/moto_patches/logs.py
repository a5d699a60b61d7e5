"""CloudWatch Logs: the class of a log group, and saved queries."""

from __future__ import annotations

import json
import uuid
from typing import Any

from moto.logs.exceptions import InvalidParameterException, ResourceNotFoundException
from moto.logs.models import LogGroup, LogsBackend
from moto.logs.responses import LogsResponse

CLASSES = ("STANDARD", "INFREQUENT_ACCESS", "DELIVERY")


def apply() -> None:
    """Apply this module's patches."""
    _patch_log_group_class()
    LogsBackend.query_definitions = property(_query_definitions)
    LogsResponse.put_query_definition = put_query_definition
    LogsResponse.describe_query_definitions = describe_query_definitions
    LogsResponse.delete_query_definition = delete_query_definition


def _patch_log_group_class() -> None:
    stock_create = LogsResponse.create_log_group
    stock_describe = LogGroup.to_describe_dict

    def create(self: Any) -> str:
        log_group_class = self._get_param("logGroupClass") or "STANDARD"
        if log_group_class not in CLASSES:
            raise InvalidParameterException(
                constraint=f"Member must satisfy enum value set: {list(CLASSES)}",
                parameter="logGroupClass",
                value=log_group_class,
            )
        answer = stock_create(self)
        group = self.logs_backend.groups[self._get_param("logGroupName")]
        group.log_group_class = log_group_class
        return answer

    def describe(self: Any) -> dict[str, Any]:
        return stock_describe(self) | {"logGroupClass": self.log_group_class}

    LogGroup.log_group_class = "STANDARD"
    LogsResponse.create_log_group = create
    LogGroup.to_describe_dict = describe


def _query_definitions(backend: LogsBackend) -> dict[str, dict[str, Any]]:
    return backend.__dict__.setdefault("_saved_queries", {})


def put_query_definition(self: Any) -> str:
    """PutQueryDefinition: create a saved query, or replace the one with the given ID."""
    saved = self.logs_backend.query_definitions
    query_id = self._get_param("queryDefinitionId") or str(uuid.uuid4())
    if self._get_param("queryDefinitionId") and query_id not in saved:
        raise ResourceNotFoundException()
    saved[query_id] = {
        "queryDefinitionId": query_id,
        "name": self._get_param("name"),
        "queryString": self._get_param("queryString"),
        "logGroupNames": self._get_param("logGroupNames") or [],
    }
    return json.dumps({"queryDefinitionId": query_id})


def describe_query_definitions(self: Any) -> str:
    """DescribeQueryDefinitions, with its prefix."""
    prefix = self._get_param("queryDefinitionNamePrefix") or ""
    saved = self.logs_backend.query_definitions.values()
    return json.dumps({"queryDefinitions": [q for q in saved if q["name"].startswith(prefix)]})


def delete_query_definition(self: Any) -> str:
    """DeleteQueryDefinition."""
    found = self.logs_backend.query_definitions.pop(self._get_param("queryDefinitionId"), None)
    if found is None:
        raise ResourceNotFoundException()
    return json.dumps({"success": True})
