"""Which service a request is for: found once for each host.

moto lists its own folders for every request, while all others wait for it.
"""

from __future__ import annotations

import functools

from moto import backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication


def apply() -> None:
    """Apply this module's patches."""
    names = tuple(backends.list_of_moto_modules())
    backends.list_of_moto_modules = lambda: names
    stock = DomainDispatcherApplication.get_backend_for_host
    # There is one application in a process, and few hosts: a service's in each region.
    DomainDispatcherApplication.get_backend_for_host = functools.lru_cache(1024)(stock)
