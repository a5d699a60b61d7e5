"""Which service a request is for is looked up without looking at folders."""

from __future__ import annotations

import os

import pytest
from moto import backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication

from local.moto_patches import dispatch


def test_hosts_are_known_without_a_look_at_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    # What is patched here is put back.
    for owner, name in (
        (backends, "list_of_moto_modules"),
        (DomainDispatcherApplication, "get_backend_for_host"),
    ):
        monkeypatch.setattr(owner, name, getattr(owner, name))
    dispatch.apply()

    def list_nothing(path: str) -> list[str]:
        raise AssertionError(f"{path} is listed")

    monkeypatch.setattr(os, "listdir", list_nothing)
    application = DomainDispatcherApplication(lambda backend: None)
    assert application.get_backend_for_host("ec2.us-east-1.amazonaws.com") == "ec2"
    assert application.get_backend_for_host("states.us-east-1.amazonaws.com") == "stepfunctions"
    assert application.get_backend_for_host("sqs") == "sqs"
