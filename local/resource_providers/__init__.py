"""One provider per CloudFormation resource type that the project's templates use."""

from __future__ import annotations

from local.resource_providers import (
    analytics,
    buckets,
    custom,
    events,
    functions,
    identity,
    logs,
    macros,
    messaging,
    monitoring,
    streams,
    tables,
    workflows,
)
from local.resource_providers.provider import ResourceProvider

MODULES = (
    analytics,
    buckets,
    custom,
    events,
    functions,
    identity,
    logs,
    macros,
    messaging,
    monitoring,
    streams,
    tables,
    workflows,
)

PROVIDERS: dict[str, ResourceProvider] = {
    provider.type: provider() for module in MODULES for provider in module.PROVIDERS
}


def provider_of(resource_type: str) -> ResourceProvider | None:
    """What creates resources of a type; nothing if the local AWS has none."""
    is_custom = resource_type.startswith(custom.PREFIX)
    return PROVIDERS.get(custom.CustomResource.type if is_custom else resource_type)
