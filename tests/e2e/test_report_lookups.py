"""What the report cannot find out is missing from it, and the rest is told all the same."""

from __future__ import annotations

import json
from typing import Any

from tests.e2e.stack import Ended, RecorderStack


def refused(code: str, message: str, status: int = 400) -> dict[str, Any]:
    """A fault: AWS says no."""
    return {"error": {"status": status, "code": code, "message": message}}


DENIED = refused("AccessDeniedException", "The role may not do that.")
THROTTLED = refused("ThrottlingException", "Rate exceeded.")
TOO_MANY = refused("LimitExceededException", "Too many queries are under way.")


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
        body, report = told(stack, stack.record_once())
    assert "Missing" not in body
    assert report["missing"] == []
    assert report["cause"]["kind"] != "unknown"
    assert report["timeline"]["series"]


def test_what_is_denied_is_missing_and_the_rest_is_told(stack: RecorderStack) -> None:
    aws = stack.aws
    with (
        aws.fault("cloudwatch", "GetMetricData", DENIED),
        aws.fault("ec2", "DescribeNetworkInterfaces", refused("UnauthorizedOperation", "No.", 403)),
    ):
        body, report = told(stack, stack.record_once())
    for missing in ["What CloudWatch metered: ", "Who is behind the clients' addresses: "]:
        assert f"Missing {missing}" in body
        assert any(sentence.startswith(missing) for sentence in report["missing"])
    assert report["metered"] is None
    # The records say it, for want of metrics.
    assert report["peak"]["isFromRecords"]
    assert report["recorded"]["downloadBytes"] > 0


def test_without_queries_the_email_still_goes_out(stack: RecorderStack) -> None:
    with stack.aws.fault("logs", "StartQuery", DENIED):
        body, report = told(stack, stack.record_once())
    assert "The records could not be read, so this report cannot say who it was." in body
    assert "the query was not answered" in body
    assert (report["recorded"], report["timeline"]) == (None, None)
    assert report["metered"] is not None
