"""Which service a request is for is found once for each host, and a service's operations once.

moto lists its own folders for every request, while all others wait for it, and looks at every
member of the class that answers.
"""

from __future__ import annotations

import functools

from moto import backends
from moto.core import responses
from moto.moto_server.werkzeug_app import DomainDispatcherApplication


def apply() -> None:
    """Apply this module's patches."""
    names = tuple(backends.list_of_moto_modules())
    backends.list_of_moto_modules = lambda: names
    stock = DomainDispatcherApplication.get_backend_for_host
    # There is one application in a process, and few hosts: a service's in each region.
    DomainDispatcherApplication.get_backend_for_host = functools.lru_cache(1024)(stock)
    stock_names = responses.method_names_from_class
    names_of = functools.lru_cache(None)(lambda responder: frozenset(stock_names(responder)))
    responses.method_names_from_class = names_of
