"""What CloudFormation deletes before what, when it deletes the stack.

It deletes a resource once everything is gone that depends on it, and the rest in any order. So the
order that recordings need must be in the template itself, whatever order a run happens to show.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest

from local.moto_patches.dependencies import references
from tests.templates.documents import MAIN, ROOT, cached_template, properties, resources

TEMPLATE = cached_template(MAIN)
# Deleting it ends every recording.
RECORDINGS = "Recordings"
FUNCTIONS = resources(TEMPLATE, "AWS::Serverless::Function")


@cache
def _needs(logical_id: str) -> frozenset[str]:
    """What outlives a resource: all that it depends on, by however many steps."""
    direct = set(references(TEMPLATE["Resources"][logical_id])) & TEMPLATE["Resources"].keys()
    direct.discard(logical_id)
    return frozenset(direct).union(*(_needs(other) for other in direct))


def _goes_before(first: str, second: str) -> bool:
    return second in _needs(first)


def _of(kind: str) -> list[str]:
    return list(resources(TEMPLATE, kind))


@pytest.mark.parametrize("starting", [*_of("AWS::Events::Rule"), *_of("AWS::Scheduler::Schedule")])
def test_nothing_starts_any_more_when_the_recordings_are_ended(starting: str) -> None:
    assert _goes_before(starting, RECORDINGS)
    # The alarms, which the macro adds, depend on the rules without a condition.
    assert "Condition" not in TEMPLATE["Resources"][starting]


@pytest.mark.parametrize(
    "needed",
    [
        *FUNCTIONS,
        *(function.removesuffix("Function") + "Role" for function in FUNCTIONS),
        *(function.removesuffix("Function") + "LogGroup" for function in FUNCTIONS),
        "Recorder",
        "RecorderRole",
        "RecorderLogGroup",
        "RecordingsTable",
        "FlowLogGroup",
        "FlowLogDeliveryRole",
        "FlowLogBucket",
        "ReportsTopic",
        "ReportsTopicPolicy",
        "ReportsSubscription",
        "DeadLetterQueue",
    ],
)
def test_what_recordings_need_outlives_them(needed: str) -> None:
    assert _goes_before(RECORDINGS, needed)


def test_the_recordings_are_asked_of_sweep_recordings_and_stay_the_same() -> None:
    assert _recordings()["Type"] == "Custom::Recordings"
    # Nothing that an update would change: it would be asked for nothing.
    assert properties(RECORDINGS).keys() == {"ServiceToken", "ServiceTimeout"}
    token = properties(RECORDINGS)["ServiceToken"]
    assert token == {"Fn::GetAtt": ["SweepRecordingsFunction", "Arn"]}
    assert not _recordings().keys() & {"Condition", "DeletionPolicy", "UpdateReplacePolicy"}


def test_the_stack_waits_for_every_try_of_sweep_recordings() -> None:
    own = FUNCTIONS["SweepRecordingsFunction"]["Properties"]
    tries = 1 + own["EventInvokeConfig"]["MaximumRetryAttempts"]
    # Lambda waits a minute before the second try and two before the third.
    # https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
    pauses = 60 + 120
    longest = tries * own["Timeout"] + pauses
    assert longest <= properties(RECORDINGS)["ServiceTimeout"] <= 3600
    assert own["EventInvokeConfig"]["MaximumEventAgeInSeconds"] >= longest


def test_a_deletion_waits_for_longer_than_a_start_may_run() -> None:
    source = (ROOT / "crates/recording/src/sweep/removal.rs").read_text()
    waits = re.search(r"START_OUTLIVES: Duration = Duration::from_secs\((\d+)\)", source)
    assert waits, "START_OUTLIVES is not where it was"
    # The timeout, and what its last call to EC2 may take.
    starting = FUNCTIONS["StartRecordingFunction"]["Properties"]["Timeout"]
    assert starting + 10 <= int(waits[1]) <= starting + 30


def test_a_start_that_outlives_its_execution_is_over_before_the_sweep_is() -> None:
    """StopExecution does not stop a function that is running."""
    starting = FUNCTIONS["StartRecordingFunction"]["Properties"]["Timeout"]
    assert FUNCTIONS["SweepRecordingsFunction"]["Properties"]["Timeout"] > 2 * starting


def _recordings() -> dict[str, Any]:
    return TEMPLATE["Resources"][RECORDINGS]
