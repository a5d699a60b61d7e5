"""What the report cannot find out is missing from it, and the rest is told all the same."""

from __future__ import annotations

import json
from typing import Any

from tests.e2e.stack import Ended, RecorderStack
from tests.e2e.test_recording import CLIENT, FLOW


def refused(code: str, message: str, status: int = 400) -> dict[str, Any]:
    """A fault: AWS says no."""
    return {"error": {"status": status, "code": code, "message": message}}


DENIED = refused("AccessDeniedException", "The role may not do that.")
THROTTLED = refused("ThrottlingException", "Rate exceeded.")
TOO_MANY = refused("LimitExceededException", "Too many queries are under way.")


def record(stack: RecorderStack) -> Ended:
    """A whole recording of a client's download."""
    after = stack.aws.now()
    stack.aws.set_traffic(stack.gateway, [FLOW], every_ms=100)
    execution = stack.raise_alarm()
    stack.wait_records(stack.wait_recording(execution), after)
    stack.wait_until_waiting(after=after)
    stack.clear_alarm()
    ended = stack.wait_end(execution)
    stack.aws.set_traffic(stack.gateway, [])
    return ended


def told(stack: RecorderStack, ended: Ended) -> tuple[str, dict[str, Any]]:
    """The e-mail in one line, and the report for programs."""
    mail = stack.the_mail(ended.arn)
    return " ".join(mail["body"].split()), json.loads(ended.output["email"]["json"])


def test_what_is_throttled_is_asked_again(stack: RecorderStack) -> None:
    aws = stack.aws
    with (
        aws.fault("logs", "StartQuery", TOO_MANY, times=2),
        aws.fault("logs", "GetQueryResults", THROTTLED, times=2),
        aws.fault("ec2", "DescribeVpcEndpoints", refused("RequestLimitExceeded", "No."), times=1),
    ):
        body, report = told(stack, record(stack))
    assert f"{CLIENT} downloaded" in body
    # A short recording may not have been metered yet.
    assert [said for said in report["missing"] if not said.startswith("What CloudWatch")] == []
    assert [series["client"] for series in report["timeline"]["series"]] == [CLIENT]


def test_what_is_denied_is_missing_and_the_rest_is_told(stack: RecorderStack) -> None:
    aws = stack.aws
    with (
        aws.fault("cloudwatch", "GetMetricData", DENIED),
        aws.fault("ec2", "DescribeNetworkInterfaces", refused("UnauthorizedOperation", "No.", 403)),
    ):
        body, report = told(stack, record(stack))
    for missing in ["What CloudWatch metered: ", "Who is behind the clients' addresses: "]:
        assert f"Missing {missing}" in body
        assert any(sentence.startswith(missing) for sentence in report["missing"])
    assert f"{CLIENT} downloaded" in body
    # The records say it, for want of metrics.
    assert (report["metered"], report["peak"]["isFromRecords"]) == (None, True)


def test_without_queries_the_email_still_goes_out(stack: RecorderStack) -> None:
    with stack.aws.fault("logs", "StartQuery", DENIED):
        body, report = told(stack, record(stack))
    assert "The records could not be read, so this report cannot say who it was." in body
    assert "the query was not answered" in body
    assert (report["recorded"], report["cause"]) == (None, {"kind": "unknown"})
