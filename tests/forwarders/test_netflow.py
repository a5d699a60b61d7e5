"""`natflow netflow`, as collectors of others see it: nfcapd with nfdump, and tshark."""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path

import pytest

from local.local_aws import BINARIES
from tests.forwarders.collectors import (
    listener,
    needs_nfdump,
    needs_tshark,
    nfcapd,
    shown,
)
from tests.forwarders.records import (
    CLIENT,
    FIELDS,
    GATEWAY,
    PEER,
    SEED,
    TRANSLATIONS,
    added_up,
    ipv4,
    legs,
    mixed_records,
    random_record,
    told_by_nfdump,
    told_by_record,
    write,
)

PROTOCOLS = ["ipfix", "v9", "v5"]
# Few enough for a collector that shares two cores with every other test.
RATE = 20_000


def natflow(*arguments: str | Path, code: int = 0) -> dict:
    """Runs `natflow netflow`: its summary."""
    command = [BINARIES / "natflow", "netflow", "--output", "json", *arguments]
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout) if done.stdout else {"stderr": done.stderr}


@pytest.fixture
def mixed() -> list[dict]:
    return mixed_records()


@needs_nfdump
@pytest.mark.parametrize("protocol", ["ipfix", "v9"])
def test_nfdump_finds_every_record(tmp_path, mixed, protocol):
    half = len(mixed) // 2
    inputs = [
        write(tmp_path / "first.log", mixed[:half]),
        write(tmp_path / "second.log", mixed[half:]),
    ]
    state = tmp_path / "sequence.json"
    with nfcapd(tmp_path / "flows") as collector:
        for path in inputs:
            natflow(
                "--to",
                collector.address,
                "--protocol",
                protocol,
                "--rate",
                RATE,
                "--state",
                state,
                "--domain",
                7,
                path,
            )
    assert collector.told("Sequence Errors") == 0, collector.said
    assert collector.told("Bad Packets") == 0, collector.said
    found = sorted(told_by_nfdump(flow) for flow in collector.flows)
    assert found == sorted(told_by_record(record) for record in mixed)


@needs_nfdump
def test_nfdump_finds_every_record_of_netflow_v5(tmp_path, mixed):
    path = write(tmp_path / "records.log", mixed)
    with nfcapd(tmp_path / "flows") as collector:
        summary = natflow("--to", collector.address, "--protocol", "v5", "--rate", RATE, path)
    assert collector.told("Sequence Errors") == 0, collector.said
    assert summary["records"] == len(ipv4(mixed))
    no_room = {"IPv6, for which NetFlow v5 has no room": len(mixed) - len(ipv4(mixed))}
    assert summary["not_exported"] == no_room
    assert added_up(collector.flows) == sorted(map(told_by_record, ipv4(mixed)))
    # 3 TB take 769 records of 32 bits each.
    assert len(collector.flows) == summary["flow_records"] == len(ipv4(mixed)) + 768


@needs_nfdump
def test_nfdump_shows_what_became_of_the_traffic(tmp_path, mixed):
    """Of NetFlow v9; nfdump 1.7.1 does not look at forwardingStatus and firewallEvent in IPFIX."""
    path = write(tmp_path / "records.log", mixed)
    with nfcapd(tmp_path / "flows") as collector:
        natflow("--to", collector.address, "--protocol", "v9", "--rate", RATE, path)
    assert len(collector.flows) == len(mixed)
    rejected = {told_by_record(record) for record in mixed if record["action"] == "REJECT"}
    egress = {told_by_record(record) for record in mixed if record["flow-direction"] == "egress"}
    for flow in collector.flows:
        told = told_by_nfdump(flow)
        assert flow["fwd_status"] == (129 if told in rejected else 64)
        assert flow.get("event") == ("DENIED" if told in rejected else None)
        assert flow["direction"] == (1 if told in egress else 0)


@needs_tshark
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_tshark_agrees_on_every_field(tmp_path, mixed, protocol):
    records = ipv4(mixed)[:300] if protocol == "v5" else mixed[:300]
    path = write(tmp_path / "records.log", records)
    with listener() as heard:
        natflow("--to", heard.address, "--protocol", protocol, path)
    assert all(len(datagram) <= 1400 for datagram in heard.datagrams)
    found = shown(heard, tmp_path)
    assert len(found) >= len(records)
    for record, told in zip(records, found, strict=False):
        family = "v6" if ":" in record["srcaddr"] else ""
        assert told[f"cflow.srcaddr{family}"] == record["srcaddr"]
        assert told[f"cflow.dstaddr{family}"] == record["dstaddr"]
        numbers = {
            "srcport": "srcport",
            "dstport": "dstport",
            "protocol": "protocol",
            "packets": "packets",
            "octets": "bytes",
        }
        for name, of_record in numbers.items():
            assert int(told[f"cflow.{name}"]) == record[of_record], name
        assert int(told["cflow.tcpflags"], 16) == record["tcp-flags"]
        duration = record["end"] - record["start"]
        assert float(told["cflow.timedelta"]) == duration
        if protocol == "v5":
            continue
        assert int(told["cflow.direction"]) == (record["flow-direction"] == "egress")
        is_rejected = record["action"] == "REJECT"
        status = (2, 1) if is_rejected else (1, 0)
        shown_status = (told["cflow.forwarding_status"], forwarding_code(told))
        assert tuple(int(part) for part in shown_status) == status
        assert ("cflow.firewall_event" in told) == is_rejected
        if is_rejected:
            assert told["cflow.firewall_event"] == "3"


def forwarding_code(told: dict[str, str]) -> str:
    names = ["cflow.forwarding_status_forward_code", "cflow.forwarding_status_drop_code"]
    return next(told[name] for name in names if name in told)


@needs_tshark
@pytest.mark.parametrize("protocol", ["ipfix", "v9"])
def test_tshark_shows_what_the_gateway_translated(tmp_path, protocol):
    path = legs(tmp_path / "legs.log")
    for chosen, expected in [("ends", [TRANSLATIONS[0], TRANSLATIONS[3]]), ("all", TRANSLATIONS)]:
        with listener() as heard:
            natflow(
                "--to",
                heard.address,
                "--protocol",
                protocol,
                "--gateway",
                GATEWAY,
                "--legs",
                chosen,
                path,
            )
        found = [
            (
                told["cflow.srcaddr"],
                told["cflow.dstaddr"],
                told.get("cflow.post_natsource_ipv4_address"),
                told.get("cflow.post_natdestination_ipv4_address"),
                int(told["cflow.observation_point_id"]),
            )
            for told in shown(heard, tmp_path)
            if "cflow.srcaddr" in told
        ]
        assert found == expected


@needs_nfdump
def test_nfdump_shows_what_the_gateway_translated(tmp_path):
    path = legs(tmp_path / "legs.log")
    with nfcapd(tmp_path / "flows") as collector:
        natflow("--to", collector.address, "--gateway", GATEWAY, path)
    upload, download = sorted(collector.flows, key=lambda flow: flow["src_port"], reverse=True)
    assert (upload["src4_addr"], upload["dst4_addr"]) == (CLIENT, PEER)
    assert upload["src4_xlt_ip"] == GATEWAY
    assert (download["src4_addr"], download["dst4_addr"]) == (PEER, GATEWAY)
    assert download["dst4_xlt_ip"] == CLIENT


@needs_tshark
@pytest.mark.parametrize("protocol", ["ipfix", "v9"])
def test_records_without_traffic_are_numbers_in_an_options_record(tmp_path, protocol):
    fields = FIELDS.split()
    empty = dict.fromkeys(fields, "-") | {"start": 1_763_700_000, "end": 1_763_700_060}
    nothing = [empty | {"log-status": status} for status in ["NODATA", "NODATA", "SKIPDATA"]]
    path = write(
        tmp_path / "records.log", [random_record(random.Random(SEED), ipv6=False), *nothing]
    )
    with listener() as heard:
        summary = natflow("--to", heard.address, "--protocol", protocol, path)
    assert (summary["records"], summary["nodata"], summary["skipdata"]) == (1, 2, 1)
    flow, options = shown(heard, tmp_path)
    assert "cflow.srcaddr" in flow
    names = ["cflow.flowsexp", "cflow.notsent_flows", "cflow.ignored_data_record_total_count"]
    assert [options[name] for name in names] == ["1", "1", "2"], options


def test_collectors_all_get_everything_and_the_sequence_goes_on(tmp_path, mixed):
    path = write(tmp_path / "records.log", mixed[:100])
    state = tmp_path / "sequence.json"
    for number in range(2):
        with listener() as first, listener() as second:
            summary = natflow("--to", first.address, "--to", second.address, "--state", state, path)
        assert first.datagrams == second.datagrams
        sequence = int.from_bytes(first.datagrams[0][8:12])
        assert sequence == number * 100
        assert summary["next_sequence"] == sequence + 100
    assert json.loads(state.read_text()) == {"ipfix": {"1": 200}}


def test_the_sequence_wraps(tmp_path, mixed):
    path = write(tmp_path / "records.log", mixed[:10])
    state = tmp_path / "sequence.json"
    state.write_text(json.dumps({"ipfix": {"1": 2**32 - 1}, "v5": {"0": 3}}))
    with listener() as heard:
        assert natflow("--to", heard.address, "--state", state, path)["next_sequence"] == 9
    assert json.loads(state.read_text()) == {"ipfix": {"1": 9}, "v5": {"0": 3}}


@pytest.mark.parametrize("count", [1, 2_001])
def test_nobody_listening_is_an_error(tmp_path, mixed, count):
    """Of one datagram, too, after which nothing is sent that could tell."""
    path = write(tmp_path / "records.log", mixed[:count])
    with listener() as heard:
        pass
    command = [BINARIES / "natflow", "netflow", "--protocol", "v5", "--to", heard.address]
    command += ["--rate", "50000", path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"nobody listens at {heard.address}" in done.stderr


def test_what_is_missing_is_named(tmp_path):
    path = tmp_path / "default.log"
    path.write_text(
        "2 123456789010 eni-1 10.0.0.1 10.0.0.2 1 2 6 3 4 1763700000 1763700060 ACCEPT OK\n"
    )
    with listener() as heard:
        summary = natflow("--to", heard.address, path)
    assert summary["lacking"] == {"tcp-flags": 1, "flow-direction": 1}
    path.write_text("srcaddr dstaddr bytes\n10.0.0.1 10.0.0.2 5\n")
    told = natflow("--to", "127.0.0.1:9", "--protocol", "v5", path, code=1)["stderr"]
    assert "`packets` (--protocol v5) is not in the records" in told
