"""A second stack, which is deleted in the middle of the storm while it records."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from local.local_aws import LocalAws
from local.network import Gateway
from local.storm import evidence
from local.storm.evidence import Deletion
from local.storm.journal import Entry, is_call
from local.template import DeploymentError, Template, read

# CloudFormation gives up on an answer after so many seconds, and the stack is deleted again. The
# template's 1200 would have the storm wait for a sweeper that was killed at each of its tries.
SERVICE_TIMEOUT = 120
# Whoever deletes a stack tries so often.
ATTEMPTS = 4


def impatient(path: Path) -> Template:
    """The recorder's template, with a deletion that waits for its sweeper for a shorter time."""
    template = read(path)
    template["Resources"]["Recordings"]["Properties"]["ServiceTimeout"] = SERVICE_TIMEOUT
    return template


class DoomedStack:
    """A stack like the storm's, which may share gateways with it."""

    def __init__(self, aws: LocalAws, name: str, gateways: list[Gateway]):
        self.name = name
        self._aws = aws
        self._gateways = gateways
        self._resources: dict[str, str] = {}
        self._is_due = False
        self._remover = ThreadPoolExecutor(1)
        self._removal: Future[float] | None = None
        self._refusals: list[str] = []

    def deploy(self, template: Template, parameters: dict[str, Any]) -> None:
        """Create it."""
        watched = ",".join(gateway.id for gateway in self._gateways)
        self._aws.deploy(self.name, template, parameters | {"NatGatewayIDs": watched})
        self._resources = self._aws.resources(self.name)

    def strike(self) -> None:
        """Let all its alarms go off; as soon as one of its gateways is recorded, it is deleted."""
        self._is_due = True
        for gateway in self._gateways:
            self._aws.raise_alarm(self.name, gateway)

    @property
    def is_due(self) -> bool:
        """Whether the next recording that starts has it deleted."""
        return self._is_due

    def notice(self, entry: Entry) -> None:
        """Delete it if this tells that it has begun to record."""
        if (
            self._is_due
            and is_call(entry, "ec2", "CreateFlowLogs")
            and entry["caller"] == self._resources["StartRecordingFunction"]
            and entry["status"] == 200
        ):
            self._begin()

    def end(self) -> None:
        """Wait for its deletion, which begins now if nothing has been recorded."""
        self._begin().result()
        self._remover.shutdown()

    def evidence(self, journal: list[Entry]) -> Deletion:
        """What there is of it after its end; `journal` is all that happened since it was created."""
        seconds, refusals = self._begin().result(), tuple(self._refusals)
        return evidence.of_deletion(
            self._aws, self.name, self._resources, journal, seconds, refusals
        )

    def _begin(self) -> Future[float]:
        self._is_due = False
        if self._removal is None:
            self._removal = self._remover.submit(self._remove)
        return self._removal

    def _remove(self) -> float:
        """Delete it; returns how many seconds that took, with all attempts."""
        began = time.monotonic()
        for _ in range(ATTEMPTS):
            try:
                self._aws.delete(self.name)
                break
            except DeploymentError as refusal:
                self._refusals.append(str(refusal))
        return time.monotonic() - began
