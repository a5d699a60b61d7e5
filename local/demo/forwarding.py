"""The forwarders' stack beside the recorder's: what each collector gets of the recordings."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field

from local.collectors import DatadogIntake, IpfixCollector, OpenSearchDomain
from local.demo import records
from local.demo.expectations import Expectations
from local.demo.scene import EMAIL_ADDRESS, RECORDER, Site
from local.demo.terminal import Terminal, in_lines
from local.local_aws import BINARIES, ROOT, LocalAws
from local.processes import free_port

STACK = "forwarders"
SINKS = ("netflow", "datadog", "opensearch", "prometheus")
BUCKET = "recorded-files"
DATADOG_BYTES = "aws.vpc.flowlogs.bytes.total"
# How long a sink may take, in seconds, on a machine that is busy.
LONGEST = 60


@dataclass
class Forwarding:
    """Deploys the stack with some sinks, and expects everything to reach them."""

    aws: LocalAws
    terminal: Terminal
    expectations: Expectations
    sinks: tuple[str, ...]
    netflow: IpfixCollector = field(default_factory=IpfixCollector)
    datadog: DatadogIntake = field(default_factory=DatadogIntake)
    opensearch: OpenSearchDomain = field(default_factory=OpenSearchDomain)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """The collectors listen until the block ends."""
        with ExitStack() as stack:
            for collector in (self.netflow, self.datadog, self.opensearch):
                stack.enter_context(closing(collector))
            yield

    # -- The stack ----------------------------------------------------------------------------

    def deploy(self, sites: Iterable[Site]) -> None:
        """Deploy the stack; its sources are the recorder's log group and a bucket."""
        parameters = {
            "EmailAddress": EMAIL_ADDRESS,
            "LogGroupName": self.aws.outputs(RECORDER)["FlowLogGroupName"],
        }
        for sink in self.sinks:
            parameters |= getattr(self, f"_parameters_of_{sink}")(sites)
        self.aws.deploy(STACK, ROOT / "forwarders" / "template.yaml", parameters)
        text = f"deployed, {len(self.aws.resources(STACK))} resources, for {', '.join(self.sinks)}"
        shown = (f"{name} {value}" for name, value in parameters.items())
        self.terminal.event(STACK, text, in_lines(shown))

    def _parameters_of_netflow(self, sites: Iterable[Site]) -> dict[str, str]:
        s3 = self.aws.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        s3.put_bucket_notification_configuration(
            Bucket=BUCKET, NotificationConfiguration={"EventBridgeConfiguration": {}}
        )
        addresses = ",".join(site.gateway.private_ip for site in sites)
        return {
            "BucketName": BUCKET,
            "Collectors": self.netflow.address,
            "GatewayAddresses": addresses,
        }

    def _parameters_of_datadog(self, _: Iterable[Site]) -> dict[str, str]:
        secrets = self.aws.client("secretsmanager")
        secret = secrets.create_secret(Name="datadog-api-key", SecretString="0" * 32)
        url = f"http://{self.datadog.address}"
        return {"DatadogApiKeySecretArn": secret["ARN"], "DatadogUrl": url}

    def _parameters_of_opensearch(self, _: Iterable[Site]) -> dict[str, str]:
        options = {"CustomEndpointEnabled": True, "CustomEndpoint": self.opensearch.address}
        made = self.aws.client("opensearch").create_domain(
            DomainName="documents", DomainEndpointOptions=options
        )
        return {"OpenSearchDomainArn": made["DomainStatus"]["ARN"]}

    @staticmethod
    def _parameters_of_prometheus(_: Iterable[Site]) -> dict[str, str]:
        return {"PrometheusStream": "true"}

    def delete(self) -> None:
        """Delete the stack."""
        self.aws.delete(STACK)
        self.terminal.event(STACK, "DeleteStack has succeeded")

    # -- What came ----------------------------------------------------------------------------

    def show(self, lines: list[str], log_format: str, addresses: set[str]) -> None:
        """What each collector has got, against what was recorded: these lines of this format."""
        self.terminal.heading("What the collectors have got, against what was recorded")
        recorded = records.parse(lines, log_format)
        for sink in self.sinks:
            with self.terminal.waiting(f"Waiting for {sink}"):
                getattr(self, f"_show_{sink}")(recorded, lines, log_format, addresses)

    def _show_netflow(
        self,
        recorded: list[records.Record],
        lines: list[str],
        log_format: str,
        addresses: set[str],
    ) -> None:
        header = log_format.replace("${", "").replace("}", "")
        text = "\n".join([header, *lines]) + "\n"
        body = gzip.compress(text.encode(), mtime=0)
        key = "AWSLogs/123456789012/vpcflowlogs/recording.log.gz"
        self.aws.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)
        # Of each connection the two records that name both of its ends.
        ends = [record for record in recorded if records.leg_of(record, addresses) in ("A", "D")]
        wanted = (len(ends), _bytes(ends))
        self._await(self.netflow, lambda: (self.netflow.flows, self.netflow.bytes) == wanted)
        details = [f"the recording was put into the bucket {BUCKET} as {key}"]
        self._tell(
            "netflow",
            f"{self.netflow.datagrams} datagrams of IPFIX with {self.netflow.flows} flows of "
            f"{self.netflow.bytes:,} B; legs A and D: {wanted[0]} of {wanted[1]:,} B",
            (self.netflow.flows, self.netflow.bytes) == wanted,
            details,
        )

    def _show_datadog(self, recorded: list[records.Record], *_: object) -> None:
        wanted = _bytes(recorded)
        self._await(self.datadog, lambda: self.datadog.sums().get(DATADOG_BYTES) == wanted)
        sums = self.datadog.sums()
        self._tell(
            "datadog",
            f"{self.datadog.payloads} payloads; {DATADOG_BYTES} adds up to "
            f"{sums.get(DATADOG_BYTES, 0):,.0f}, all legs to {wanted:,}",
            sums.get(DATADOG_BYTES) == wanted,
            # Percentiles do not add up.
            in_lines(
                f"{metric} {value:,.0f}"
                for metric, value in sorted(sums.items())
                if ".per_request" not in metric
            ),
        )

    def _show_opensearch(self, recorded: list[records.Record], *_: object) -> None:
        documents = self.opensearch.documents
        self._await(self.opensearch, lambda: len(documents) == len(recorded))
        indexes = ", ".join(sorted({index for index, _ in documents}))
        first = next(iter(documents.values()), {})
        self._tell(
            "opensearch",
            f"{len(documents)} documents in {indexes or 'no index'}; {len(recorded)} records",
            len(documents) == len(recorded),
            ["the first:", *in_lines(f"{name} {value}" for name, value in first.items())],
        )

    def _show_prometheus(self, recorded: list[records.Record], *_: object) -> None:
        wanted = {
            "flowlog_events_total": len(recorded),
            "flowlog_sent_bytes_total": _bytes(one for one in recorded if _is_ours(one["srcaddr"])),
            "flowlog_received_bytes_total": _bytes(
                one for one in recorded if _is_ours(one["dstaddr"])
            ),
        }
        found = self._scraped(wanted)
        found = {name: found.get(name, 0) for name in wanted}
        self._tell(
            "prometheus",
            "natflow exporter, scraped: "
            + ("as recorded" if found == wanted else "NOT as recorded"),
            found == wanted,
            [f"{name} {found[name]:,} of {count:,}" for name, count in wanted.items()],
        )

    def _scraped(self, wanted: dict[str, int]) -> dict[str, int]:
        """The exporter's counters, once they are as wanted or time is up."""
        stream, port = self.aws.outputs(STACK)["RecordsStreamName"], free_port()
        command = [str(BINARIES / "natflow"), "exporter", "--stream", stream, "--start", "oldest"]
        command += ["--listen", f"127.0.0.1:{port}", "--poll", "200ms"]
        account = {
            "AWS_ENDPOINT_URL": self.aws.url,
            "AWS_ACCESS_KEY_ID": "client",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_REGION": self.aws.region,
        }
        found: dict[str, int] = {}
        deadline = time.monotonic() + LONGEST
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | account
        ) as exporter:
            while time.monotonic() < deadline and exporter.poll() is None:
                found = _counters(f"http://127.0.0.1:{port}/metrics")
                if wanted.items() <= found.items():
                    break
                with suppress(subprocess.TimeoutExpired):
                    exporter.wait(0.2)
            exporter.terminate()
        return found

    @staticmethod
    def _await(
        collector: IpfixCollector | DatadogIntake | OpenSearchDomain, holds: Callable[[], bool]
    ) -> None:
        collector.wait_for(holds, LONGEST)

    def _tell(self, sink: str, text: str, holds: bool, details: Iterable[str]) -> None:
        self.terminal.event(sink, text, details)
        self.expectations.check(holds, f"{sink}: {text}.")


def _bytes(found: Iterable[records.Record]) -> int:
    return sum(int(record["bytes"]) for record in found if record["bytes"].isdigit())


def _is_ours(address: str) -> bool:
    """Whether an address is of the demo's VPC."""
    return address.startswith("10.0.")


def _counters(url: str) -> dict[str, int]:
    """Each metric's sum over its labels; none while nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            text = answer.read().decode()
    except (urllib.error.URLError, ConnectionError):
        return {}
    sums: Counter[str] = Counter()
    for name, value in re.findall(r"^(\w+)(?:\{[^}]*\})? ([0-9.e+]+)$", text, re.MULTILINE):
        sums[name] += int(float(value))
    return dict(sums)
