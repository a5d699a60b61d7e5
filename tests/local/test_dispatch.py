"""Which operation of which service a request is for is looked up once."""

from __future__ import annotations

import inspect
import os

import pytest
from moto import backends
from moto.core import responses
from moto.ec2.responses import EC2Response
from moto.moto_server.werkzeug_app import DomainDispatcherApplication

from local.moto_patches import dispatch


@pytest.fixture
def patched(monkeypatch: pytest.MonkeyPatch) -> None:
    """The patch, in this process, for one test."""
    for owner, name in (
        (backends, "list_of_moto_modules"),
        (DomainDispatcherApplication, "get_backend_for_host"),
        (responses, "method_names_from_class"),
    ):
        monkeypatch.setattr(owner, name, getattr(owner, name))
    dispatch.apply()


def test_hosts_are_known_without_a_look_at_the_disk(
    patched: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def list_nothing(path: str) -> list[str]:
        raise AssertionError(f"{path} is listed")

    monkeypatch.setattr(os, "listdir", list_nothing)
    application = DomainDispatcherApplication(lambda backend: None)
    assert application.get_backend_for_host("ec2.us-east-1.amazonaws.com") == "ec2"
    assert application.get_backend_for_host("states.us-east-1.amazonaws.com") == "stepfunctions"
    assert application.get_backend_for_host("sqs") == "sqs"


def test_operations_are_known_without_a_look_at_the_class(
    patched: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = responses.method_names_from_class(EC2Response)
    assert {"create_flow_logs", "describe_nat_gateways"} < known
    monkeypatch.setattr(inspect, "getmembers", lambda *_, **__: [])
    assert responses.method_names_from_class(EC2Response) == known
