"""One provider per CloudFormation resource type that the project's templates use."""

from __future__ import annotations

from local.resource_providers import (
    analytics,
    buckets,
    events,
    functions,
    identity,
    logs,
    macros,
    messaging,
    monitoring,
    tables,
    workflows,
)
from local.resource_providers.provider import ResourceProvider

MODULES = (
    analytics,
    buckets,
    events,
    functions,
    identity,
    logs,
    macros,
    messaging,
    monitoring,
    tables,
    workflows,
)

PROVIDERS: dict[str, ResourceProvider] = {
    provider.type: provider() for module in MODULES for provider in module.PROVIDERS
}
