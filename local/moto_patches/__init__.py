"""What this project needs and moto 5.2.5 lacks. docs/local-aws.md lists it; tests/local/ tests each.

Every module has one `apply()`, which changes moto in this process.
"""

from __future__ import annotations

from local.moto_patches import (
    aborts,
    alarms,
    answers,
    athena,
    buckets,
    callbacks,
    cloudformation,
    definitions,
    delivery_streams,
    dispatch,
    ec2,
    error_codes,
    event_sources,
    execution_events,
    functions,
    interfaces,
    interpreter,
    logs,
    metrics,
    object_events,
    paths,
    sdk_integrations,
    serialization,
    streams,
    subscriptions,
    tables,
    tags,
)

MODULES = (
    dispatch,
    serialization,
    definitions,
    paths,
    error_codes,
    sdk_integrations,
    interpreter,
    callbacks,
    aborts,
    execution_events,
    ec2,
    tags,
    interfaces,
    functions,
    logs,
    alarms,
    athena,
    buckets,
    answers,
    metrics,
    tables,
    streams,
    subscriptions,
    object_events,
    event_sources,
    delivery_streams,
    cloudformation,
)


def apply_all() -> None:
    """Apply every patch, once, before the server answers its first request."""
    for module in MODULES:
        module.apply()
