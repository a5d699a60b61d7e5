"""One local AWS for each pytest worker, and stacks of its own for each test."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local.local_aws import ROOT, LocalAws
from local.network import Gateway, Network
from tests.e2e.stack import RecorderStack

Deploy = Callable[..., RecorderStack]
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def aws() -> Iterator[LocalAws]:
    """moto behind the front door, with the macros deployed."""
    with LocalAws() as aws:
        aws.deploy("macros", ROOT / "cf-assistive-macros" / "template.yaml")
        yield aws


@pytest.fixture(scope="session")
def network(aws: LocalAws) -> Network:
    """A VPC for the gateways of all tests."""
    return aws.network()


@pytest.fixture
def new_gateway(network: Network) -> Callable[[], Gateway]:
    """Makes NAT gateways that no other test has."""
    return lambda: network.create_gateway("egress")


@pytest.fixture
def deploy(aws: LocalAws, new_gateway: Callable[[], Gateway]) -> Iterator[Deploy]:
    """Deploys a stack that this test alone has: deploy(*gateways, **parameters).

    Without gateways it gets a new one. It waits for nothing that a test does not ask for: the
    shortest recording and the report's delay take no time, and a recording ends only when its
    alarm clears.
    """
    stacks: list[RecorderStack] = []

    def deploy(*gateways: Gateway, **parameters: Any) -> RecorderStack:
        stack = RecorderStack(aws, f"recorder-{next(_numbers)}", gateways or (new_gateway(),))
        stacks.append(stack)
        stack.deploy(**parameters)
        return stack

    yield deploy
    for stack in stacks:
        stack.remove()
    for stack in stacks:
        stack.assert_nothing_was_done_without_permission()


@pytest.fixture
def stack(deploy: Deploy) -> RecorderStack:
    """A stack that watches one gateway."""
    return deploy()
