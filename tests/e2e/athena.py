"""The Athena table and its saved queries of a deployed stack, on DuckDB in place of Athena.

DuckDB's SQL agrees with Athena's in what the queries use; see tests/queries/test_athena.py for
the two things that are set up here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from local.local_aws import LocalAws

# Of a table's types in Athena.
TYPES = {"string": "VARCHAR", "int": "INTEGER", "bigint": "BIGINT"}
TEXT = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"


@dataclass(frozen=True)
class Athena:
    """The table of one stack: `files` are its objects, by their keys."""

    aws: LocalAws
    work_group: str
    table: dict[str, Any]
    files: dict[str, Path]

    def saved_query(self, name: str) -> str:
        """The text of a saved query."""
        client = self.aws.client("athena")
        ids = client.list_named_queries(WorkGroup=self.work_group)["NamedQueryIds"]
        found = [client.get_named_query(NamedQueryId=query)["NamedQuery"] for query in ids]
        (text,) = [query["QueryString"] for query in found if query["Name"] == name]
        return text

    def rows(self, text: str) -> list[dict[str, Any]]:
        """What a query answers."""
        answer = self._database().execute(text)
        names = [column[0] for column in answer.description]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]

    def _database(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect()
        connection.execute("SET integer_division = true")
        connection.execute("CREATE MACRO from_unixtime(s) AS make_timestamp(s * 1000000)")
        columns = self.table["StorageDescriptor"]["Columns"]
        typed = ", ".join(f'"{c["Name"]}" {TYPES[c["Type"]]}' for c in columns)
        connection.execute(f"CREATE TABLE {self.table['Name']} ({typed}, day VARCHAR)")
        for key, file in self.files.items():
            self._insert(connection, self._day(key), file)
        return connection

    def _day(self, key: str) -> str:
        """The partition that a key lies in: `storage.location.template` turned round."""
        template = self.table["Parameters"]["storage.location.template"]
        _, _, folder = template.removeprefix("s3://").partition("/")
        before, after = folder.split("${day}")
        assert key.startswith(before), f"{key} is not in {before}"
        assert after == ""
        return "/".join(key.removeprefix(before).split("/")[:3])

    def _insert(self, connection: duckdb.DuckDBPyConnection, day: str, file: Path) -> None:
        columns = self.table["StorageDescriptor"]["Columns"]
        names = [column["Name"] for column in columns]
        if self.table["StorageDescriptor"]["SerdeInfo"]["SerializationLibrary"] == TEXT:
            source, present = _text(self.table, connection, file, names)
        else:
            source = f"read_parquet('{file}')"
            described = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
            present = {row[0] for row in described}
        # A value that is no number is null, as is a column that a file does not have.
        values = ", ".join(
            f'TRY_CAST("{c["Name"]}" AS {TYPES[c["Type"]]})' if c["Name"] in present else "NULL"
            for c in columns
        )
        connection.execute(
            f"INSERT INTO {self.table['Name']} SELECT {values}, '{day}' FROM {source}"
        )


def _text(
    table: dict[str, Any], connection: duckdb.DuckDBPyConnection, file: Path, names: list[str]
) -> tuple[str, set[str]]:
    """A file of text: columns are told by their places, whatever the header says."""
    skip = int(table["Parameters"]["skip.header.line.count"])
    delimiter = table["StorageDescriptor"]["SerdeInfo"]["Parameters"]["field.delim"]
    read = f"read_csv('{file}', delim='{delimiter}', header=false, skip={skip}, all_varchar=true"
    count = len(connection.execute(f"SELECT * FROM {read}) LIMIT 1").description)
    present = names[:count]
    quoted = ", ".join(f"'{name}'" for name in present)
    return f"{read}, names=[{quoted}])", set(present)
