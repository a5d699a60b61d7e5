"""The saved Athena queries on a recording whose truth is known, run by DuckDB.

DuckDB's SQL agrees with Athena's in all that the queries use but two things, which are set up
here: `from_unixtime`, and whole numbers divided without a fraction.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path

import duckdb
import pytest

from tests.queries.recording import (
    BEGIN,
    COLUMNS,
    GATEWAY,
    INTERFACE,
    REGIONAL,
    TRANSPORTS,
    Exchange,
    Recording,
    generate,
    regional,
)

QUERIES = Path(__file__).parents[2] / "queries" / "athena"
CLIENT = "10.0.1.6"
BEGIN_TIME = datetime(2026, 11, 21, 5)


@pytest.fixture(scope="module", params=[1, 20_261_121])
def recording(request: pytest.FixtureRequest) -> Recording:
    return generate(request.param)


@dataclass(frozen=True)
class Database:
    """DuckDB with the table of the queries, which holds the recording of one gateway."""

    connection: duckdb.DuckDBPyConnection
    recorded_on: str

    def ask(self, name: str) -> duckdb.DuckDBPyConnection:
        """Runs a saved query, edited as its comments say."""
        text = (QUERIES / f"{name}.sql").read_text().replace("CLIENT-ADDRESS", CLIENT)
        if self.recorded_on == REGIONAL:
            text = text.replace("'GATEWAY-ADDRESS'", f"'{GATEWAY}'")
            text = text.replace("dstaddr <> pkt_dstaddr AND ", "")
            text = text.replace("srcaddr <> pkt_srcaddr AND ", "")
        return self.connection.execute(text)


GATEWAYS = ["zonal", "regional", "regional-naming-ends"]


@pytest.fixture(scope="module", params=list(product(["text", "parquet"], GATEWAYS)), ids="-".join)
def database(
    request: pytest.FixtureRequest,
    recording: Recording,
    tmp_path_factory: pytest.TempPathFactory,
) -> Database:
    kind, gateway = request.param
    is_parquet = kind == "parquet"
    if gateway != "zonal":
        names_ends = gateway == "regional-naming-ends"
        recording = regional(recording, names_ends=names_ends, is_parquet=is_parquet)
    connection = duckdb.connect()
    connection.execute("SET integer_division = true")
    connection.execute("CREATE MACRO from_unixtime(s) AS make_timestamp(s * 1000000)")
    columns = ", ".join(f'"{name}" {kind}' for name, kind in COLUMNS.items())
    connection.execute(f"CREATE TABLE recorded_flows ({columns})")
    records = tmp_path_factory.mktemp("recording") / "records.csv"
    with records.open("w", newline="") as file:
        rows = csv.writer(file)
        for record in recording.records:
            values = [record[name] for name in COLUMNS]
            # Parquet holds null where text has "-".
            rows.writerow([None if is_parquet and value == "-" else value for value in values])
    connection.execute(f"COPY recorded_flows FROM '{records}' (FORMAT csv, HEADER false)")
    return Database(connection, INTERFACE if gateway == "zonal" else REGIONAL)


def run(database: Database, name: str) -> list[tuple]:
    return database.ask(name).fetchall()


def truth(recording: Recording, key: Callable[[Exchange], Hashable]) -> list[tuple]:
    """The sums by a key, the most bytes first. Exchanges whose key is None are left out."""
    groups = defaultdict(list)
    for exchange in recording.exchanges:
        groups[key(exchange)].append(exchange)
    groups.pop(None, None)
    rows = [(*key, *sums(of)) for key, of in groups.items()]
    return sorted(rows, key=lambda row: -row[len(row) - 5])


def sums(exchanges: list[Exchange]) -> tuple[int, ...]:
    upload = sum(exchange.upload for exchange in exchanges)
    download = sum(exchange.download for exchange in exchanges)
    packets = sum(made.upload_packets + made.download_packets for made in exchanges)
    return upload + download, upload, download, packets, 2 * len(exchanges)


def test_the_top_queries_add_up_what_was_exchanged(recording, database):
    assert run(database, "top-clients") == truth(recording, lambda made: (made.client,))
    assert run(database, "top-peers") == truth(recording, lambda made: (made.peer,))
    pairs = truth(recording, lambda made: (made.client, made.peer))
    assert len(pairs) > 100
    assert run(database, "top-pairs") == pairs[:100]


def test_aws_services_are_those_of_the_peers(recording, database):
    expected = truth(recording, lambda made: None if made.service == "-" else (made.service,))
    found = run(database, "aws-services")
    assert [row[:-1] for row in found] == expected
    assert {row[0] for row in found} == {"S3", "DYNAMODB"}
    for row in found:
        of = {made.client for made in recording.exchanges if made.service == row[0]}
        assert row[-1] == len(of)


def test_minutes_are_in_order_and_complete(recording, database):
    def minute(made: Exchange) -> tuple[datetime]:
        return (BEGIN_TIME + timedelta(minutes=(made.start - BEGIN) // 60),)

    assert run(database, "traffic-over-time") == sorted(truth(recording, minute))


def test_ports_are_those_of_the_peers(recording, database):
    def port(made: Exchange) -> tuple[int, str]:
        return made.peer_port, TRANSPORTS[made.protocol]

    found = run(database, "ports")
    assert [row[:-2] for row in found] == truth(recording, port)
    for row in found:
        of = [made for made in recording.exchanges if port(made) == row[:2]]
        ends = [len({made.client for made in of}), len({made.peer for made in of})]
        assert list(row[-2:]) == ends


def test_conversations_are_those_of_one_client(recording, database):
    def conversation(made: Exchange) -> tuple[str, int, str] | None:
        talk = made.peer, made.peer_port, TRANSPORTS[made.protocol]
        return talk if made.client == CLIENT else None

    found = run(database, "client-conversations")
    assert [row[:-2] for row in found] == truth(recording, conversation)
    for row in found:
        of = [made.start for made in recording.exchanges if conversation(made) == row[:3]]
        seen = [BEGIN_TIME + timedelta(seconds=start - BEGIN) for start in (min(of), max(of))]
        assert list(row[-2:]) == seen


def test_rejected_traffic_is_counted_once_and_alone(recording, database):
    count = len(recording.rejected)
    ends = ("egress", "203.0.113.9", "10.0.1.5", 50_000, "TCP")
    assert run(database, "rejected-traffic") == [(*ends, count, 60 * count, count)]


def test_decoded_records_are_all_there_in_words(recording, database):
    found = database.ask("decode")
    names = [column[0] for column in found.description]
    rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    assert len(rows) == sum(made["log_status"] != "NODATA" for made in recording.records)
    assert {row["way"] for row in rows} >= {"into the gateway", "out of the gateway"}
    assert {row["path"] for row in rows} == {"same VPC", "internet gateway", None}
    assert {row["recorded_on"] for row in rows} == {database.recorded_on}
    assert [row["started"] for row in rows] == sorted(row["started"] for row in rows)[::-1]
    with_bytes = [row for row in rows if row["bytes"] is not None]
    assert all(row["size"] == size(row["bytes"]) for row in with_bytes)
    assert {row["flags"] for row in with_bytes} == {"SYN FIN"}


def size(count: int) -> str:
    units = [(10**9, "GB"), (10**6, "MB"), (10**3, "kB")]
    for factor, unit in units:
        if count >= factor:
            return f"{count // factor}.{count * 10 // factor % 10} {unit}"
    return f"{count} B"
