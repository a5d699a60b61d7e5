"""Logs Insights over moto's log groups, as boto3 meets it.

Needs the front door's binary: `cargo build -p front-door`, or FRONT_DOOR with its path.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from local.local_aws import BINARIES, LocalAws

FRONT_DOOR = Path(os.environ.get("FRONT_DOOR", BINARIES / "front-door"))
BY_CLIENT = """parse @message "* *" as client, bytes
| stats sum(bytes) as total by client | sort total desc"""


@pytest.fixture(scope="module")
def aws():
    assert FRONT_DOOR.is_file(), f"build {FRONT_DOOR} first: cargo build -p front-door"
    with LocalAws(front_door=FRONT_DOOR) as aws:
        yield aws


@pytest.fixture(scope="module")
def second(aws):
    """The second that the records are of: not before there is the log group."""
    aws.client("logs").create_log_group(logGroupName="flows", logGroupClass="INFREQUENT_ACCESS")
    return int(time.time())


@pytest.fixture(scope="module")
def group(aws, second):
    """A log group of class INFREQUENT_ACCESS with records of two clients in two streams."""
    logs = aws.client("logs")
    for stream, messages in {
        "eni-1-all": ["10.0.1.5 900", "10.0.1.6 1000"],
        "eni-2-all": ["10.0.1.5 600"],
    }.items():
        logs.create_log_stream(logGroupName="flows", logStreamName=stream)
        events = [{"timestamp": second * 1000, "message": message} for message in messages]
        logs.put_log_events(logGroupName="flows", logStreamName=stream, logEvents=events)
    return "flows"


def start(aws, **changes):
    request = {"logGroupName": "flows", "startTime": 0, "endTime": int(time.time()) + 1}
    request |= {"queryString": BY_CLIENT} | changes
    return aws.client("logs").start_query(**request)["queryId"]


def test_rows_come_as_fields_and_values(aws, group):
    assert aws.query(group, BY_CLIENT) == [
        {"client": "10.0.1.5", "total": "1500"},
        {"client": "10.0.1.6", "total": "1000"},
    ]


def test_events_come_with_their_stream_and_pointer(aws, group, second):
    rows = aws.query(group, "fields @message, @logStream, @timestamp | filter @message like '600'")
    assert len(rows) == 1
    assert rows[0].pop("@ptr")
    at = time.strftime("%Y-%m-%d %H:%M:%S.000", time.gmtime(second))
    assert rows == [{"@message": "10.0.1.5 600", "@logStream": "eni-2-all", "@timestamp": at}]


def test_both_ends_of_the_time_belong_to_it(aws, group, second):
    assert len(aws.query(group, BY_CLIENT, second, second)) == 2
    assert aws.query(group, BY_CLIENT, second + 1, second + 10) == []


def test_statistics_say_what_was_scanned(aws, group):
    query_id = start(aws)
    aws.wait_for("query", lambda entry: entry["query_id"] == query_id)
    statistics = aws.client("logs").get_query_results(queryId=query_id)["statistics"]
    assert (statistics["recordsMatched"], statistics["recordsScanned"]) == (3.0, 3.0)
    messages = ["10.0.1.5 900", "10.0.1.6 1000", "10.0.1.5 600"]
    assert statistics["bytesScanned"] == sum(map(len, messages))


def test_a_query_that_cannot_be_compiled_is_refused_with_its_place(aws, group):
    with pytest.raises(ClientError) as refused:
        start(aws, queryString="fields @message | explode")
    assert refused.value.response["Error"]["Code"] == "MalformedQueryException"
    location = refused.value.response["queryCompileError"]["location"]
    assert location == {"startCharOffset": 18, "endCharOffset": 25}


def test_a_group_that_does_not_exist_is_an_error(aws, group):
    with pytest.raises(ClientError) as refused:
        start(aws, logGroupName="flow")
    assert refused.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_a_query_may_run_out_of_time_with_some_rows(aws, group):
    with aws.fault("logs", "StartQuery", {"query": {"status": "Timeout", "rows": 1}}):
        query_id = start(aws)
        aws.wait_for("query", lambda entry: entry["query_id"] == query_id)
    results = aws.client("logs").get_query_results(queryId=query_id)
    assert (results["status"], len(results["results"])) == ("Timeout", 1)


def test_queries_that_run_are_limited_stopped_and_described(aws, group):
    logs = aws.client("logs")
    aws.allow_queries(standard=100, infrequent_access=1)
    with aws.fault("logs", "StartQuery", {"query": {"status": "Running"}}):
        query_id = start(aws)
        with pytest.raises(ClientError) as refused:
            start(aws)
        assert refused.value.response["Error"]["Code"] == "LimitExceededException"
        aws.wait_for("query", lambda entry: entry["query_id"] == query_id)
        running = logs.describe_queries(logGroupName="flows", status="Running")["queries"]
        assert [query["queryId"] for query in running] == [query_id]
        assert logs.stop_query(queryId=query_id)["success"]
    assert logs.get_query_results(queryId=query_id)["status"] == "Cancelled"
    assert len(aws.query("flows", BY_CLIENT)) == 2


def test_filter_log_events_is_for_the_standard_class_alone(aws, group):
    logs = aws.client("logs")
    with pytest.raises(ClientError) as refused:
        logs.filter_log_events(logGroupName="flows")
    assert refused.value.response["Error"]["Code"] == "InvalidOperationException"
    logs.create_log_group(logGroupName="standard")
    assert logs.filter_log_events(logGroupName="standard")["events"] == []
