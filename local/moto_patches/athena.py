"""What AWS::Athena resources need of Athena beyond what moto has: updates and deletions."""

from __future__ import annotations

from typing import Any

from moto.athena.responses import AthenaResponse


def apply() -> None:
    """Apply this module's patches."""
    AthenaResponse.update_work_group = _update_work_group
    AthenaResponse.delete_named_query = _delete_named_query


def _update_work_group(self: Any) -> Any:
    group = self.athena_backend.work_groups.get(self._get_param("WorkGroup"))
    if group is None:
        return self.error("WorkGroup does not exist", 400)
    group.description = self._get_param("Description") or group.description
    updates = dict(self._get_param("ConfigurationUpdates") or {})
    result = updates.pop("ResultConfigurationUpdates", None)
    group.configuration.update(updates)
    if result is not None:
        group.configuration["ResultConfiguration"] = result
    return "{}"


def _delete_named_query(self: Any) -> Any:
    query = self.athena_backend.named_queries.pop(self._get_param("NamedQueryId"), None)
    return self.error("NamedQuery does not exist", 400) if query is None else "{}"
