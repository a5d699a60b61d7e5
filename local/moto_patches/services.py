"""How moto's services call each other here: through the front door, as a name in its journal."""

from __future__ import annotations

import json
import os
import threading
import urllib.request
from typing import Any

import boto3
from botocore.client import BaseClient
from botocore.config import Config

# The front door takes what follows for the caller's name.
_KEY_PREFIX = "service."
# A function may run for so long, and Lambda's answer waits for it.
_LONGEST_SECONDS = 930

_clients: dict[tuple[str, str, str], BaseClient] = {}
_lock = threading.Lock()
# One, because each reads the service models anew; it is used under the lock only.
_session = boto3.session.Session()


def client(service: str, region: str, caller: str) -> BaseClient:
    """A client of a service whose calls the journal shows as `caller`'s."""
    with _lock:
        key = (service, region, caller)
        if key not in _clients:
            _clients[key] = _session.client(
                service,
                region_name=region,
                endpoint_url=_front_door(),
                aws_access_key_id=_KEY_PREFIX + caller,
                aws_secret_access_key="local",
                config=Config(
                    retries={"total_max_attempts": 1},
                    read_timeout=_LONGEST_SECONDS,
                    max_pool_connections=20,
                    s3={"addressing_style": "path"},
                ),
            )
        return _clients[key]


def put_event(event: dict[str, Any]) -> None:
    """Put an event on the default bus, as AWS's services do."""
    request = urllib.request.Request(
        f"{_front_door()}/_local/events",
        data=json.dumps({"event": event}).encode(),
        headers={"content-type": "application/json"},
        method="POST",
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        answer.read()


def _front_door() -> str:
    return f"http://127.0.0.1:{os.environ['MOTO_PORT']}"
