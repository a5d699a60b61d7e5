"""moto with the patches behind a stand-in for the front door, one for all tests of a worker."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.config import Config

from local.deploy import Deployer
from local.network import Network
from local.processes import Child, free_port
from tests.local.machines import Machines
from tests.local.stand_in import StandIn

REGION = "us-east-1"
ACCOUNT_ID = "123456789012"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    """The stand-in, in front of a moto that starts and ends with it."""
    moto_port, door_port = free_port(), free_port()
    command = [sys.executable, "-m", "local.moto_server"]
    command += ["--port", str(moto_port), "--calls-port", str(door_port)]
    log = tmp_path_factory.mktemp("moto") / "moto.log"
    moto = Child(command, log, {"PYTHONPATH": str(ROOT)})
    stand_in = StandIn(moto_port, door_port)
    try:
        moto.await_ready()
        yield stand_in
    finally:
        stand_in.stop()
        moto.stop()


@pytest.fixture(scope="session")
def client(door: StandIn) -> Callable[[str], BaseClient]:
    """Clients by service name."""
    made: dict[str, BaseClient] = {}

    def client(service: str) -> BaseClient:
        if service not in made:
            made[service] = boto3.session.Session().client(
                service,
                region_name=REGION,
                endpoint_url=door.url,
                aws_access_key_id="client",
                aws_secret_access_key="local",
                config=Config(retries={"total_max_attempts": 1}),
            )
        return made[service]

    return client


@pytest.fixture(autouse=True)
def nothing_left_over(door: StandIn) -> Iterator[None]:
    """Functions, faults and requests are each test's own."""
    yield
    door.functions.clear()
    door.requests.clear()
    door.answered.clear()
    door.broken.clear()


@pytest.fixture
def network(client: Callable[[str], BaseClient]) -> Network:
    """A new VPC."""
    return Network.create(client("ec2"))


@pytest.fixture
def machines(client: Callable[[str], BaseClient], door: StandIn) -> Machines:
    """Runs state machines."""
    return Machines(client("stepfunctions"), door)


@pytest.fixture
def binaries(tmp_path: Path) -> Path:
    """A folder with one function's binary."""
    folder = tmp_path / "binaries"
    folder.mkdir()
    (folder / "some-function").write_bytes(b"#!/bin/sh\n")
    return folder


@pytest.fixture
def deployer(client: Callable[[str], BaseClient], binaries: Path) -> Iterator[Deployer]:
    """Deploys; stacks that a test leaves are deleted."""
    yield Deployer(client, REGION, ACCOUNT_ID, binaries)
    cloudformation: Any = client("cloudformation")
    for stack in reversed(cloudformation.describe_stacks()["Stacks"]):
        cloudformation.delete_stack(StackName=stack["StackName"])
