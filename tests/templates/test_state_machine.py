"""The state machine's definition: substitutions, retries, time limits and ways out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.templates.documents import (
    MAIN,
    PLACEHOLDER,
    cached_template,
    properties,
    source_of_state_machine,
    state_machine,
    strings,
)

SUBSTITUTIONS = properties("Recorder")["DefinitionSubstitutions"]
SOURCE_STATES: dict[str, Any] = source_of_state_machine()["States"]
STATES: dict[str, Any] = state_machine()["States"]
TASKS = [name for name, state in STATES.items() if state["Type"] == "Task"]
TOKEN_STATE = "Wait for the alarm to clear"
each_task = pytest.mark.parametrize("task", TASKS)

# Billed for each recording; README.md has the price.
MOST_STATES_OF_A_NORMAL_RECORDING = 11


def test_the_definition_uses_all_substitutions_and_no_others() -> None:
    used = {
        name for text in strings(source_of_state_machine()) for name in PLACEHOLDER.findall(text)
    }
    assert used == SUBSTITUTIONS.keys()


def test_whole_numbers_are_bounded() -> None:
    converted = {
        name: value["Fn::Transform"]
        for name, value in SUBSTITUTIONS.items()
        if "Fn::Transform" in value
    }
    assert converted.keys() == {
        "RecordingTime",
        "MinimumRecordingTime",
        "ReportDelay",
        "NumOfRecordings",
    }
    parameters = cached_template(MAIN)["Parameters"]
    for name, transform in converted.items():
        given = transform["Parameters"]
        assert transform["Name"] == "StringToInt"
        assert given["Value"] == {"Ref": name}
        assert given["Maximum"] == parameters[name]["MaxValue"]
        least = given["Minimum"]
        assert least == parameters[name]["MinValue"] or (least == 1 and given["WhenZero"] >= 1)


def test_until_the_alarm_clears_means_at_most_a_day() -> None:
    assert SUBSTITUTIONS["RecordingTime"]["Fn::Transform"]["Parameters"]["WhenZero"] == 86400


def test_whole_numbers_stand_as_numbers() -> None:
    settings = STATES["Reserve a recording"]["Parameters"]["Payload"]["settings"]
    numbers = [name for name, value in settings.items() if type(value) is int]
    assert numbers == [
        "recordingSeconds",
        "minimumRecordingSeconds",
        "reportDelaySeconds",
        "recordingsAllowed",
    ]


@each_task
def test_a_task_is_retried_with_jitter(task: str) -> None:
    assert STATES[task]["Retry"]
    for retrier in STATES[task]["Retry"]:
        assert retrier["JitterStrategy"] == "FULL"
        assert retrier["MaxAttempts"] > 0
        assert retrier["MaxDelaySeconds"] <= 60
        assert not {"States.ALL", "States.TaskFailed"} & set(retrier["ErrorEquals"])


def test_the_end_of_the_wait_is_not_retried() -> None:
    token_states = [name for name in TASKS if "waitForTaskToken" in STATES[name]["Resource"]]
    assert token_states == [TOKEN_STATE]
    for retrier in STATES[TOKEN_STATE]["Retry"]:
        endings = {"States.Timeout", "States.HeartbeatTimeout", "States.ALL"}
        assert not endings & set(retrier["ErrorEquals"])


@each_task
def test_a_task_waits_longer_than_its_function_may_run(task: str) -> None:
    state = STATES[task]
    if task == TOKEN_STATE:
        assert state["TimeoutSecondsPath"]
        return
    function = _function_of(task)
    assert state["TimeoutSeconds"] > (properties(function)["Timeout"] if function else 0)


def _function_of(task: str) -> str | None:
    """The logical ID of the function that a task invokes."""
    parameters = SOURCE_STATES[task]["Parameters"]
    if "FunctionName" not in parameters:
        return None
    [name] = PLACEHOLDER.findall(parameters["FunctionName"])
    assert SUBSTITUTIONS[name] == {"Fn::GetAtt": [name, "Arn"]}
    return name


@each_task
def test_whatever_fails_is_caught(task: str) -> None:
    last = STATES[task]["Catch"][-1]
    assert last["ErrorEquals"] == ["States.ALL"]


@each_task
def test_a_failure_ends_as_a_failure(task: str) -> None:
    """From where a task's States.ALL leads, every end is a Fail state."""
    ends = {
        name
        for name in _reachable(STATES[task]["Catch"][-1]["Next"])
        if STATES[name]["Type"] in ("Succeed", "Fail") or STATES[name].get("End")
    }
    assert ends
    assert {STATES[name]["Type"] for name in ends} == {"Fail"}


BEFORE_THE_FLOW_LOG_IS_GONE = [
    "Reserve a recording",
    "Start recording",
    TOKEN_STATE,
    "Stop recording",
]


@pytest.mark.parametrize("task", BEFORE_THE_FLOW_LOG_IS_GONE)
def test_a_failure_is_cleaned_up_first(task: str) -> None:
    assert STATES[task]["Catch"][-1]["Next"] == "Clean up after the failure"


@each_task
def test_every_failure_is_announced(task: str) -> None:
    """A notification lies on every way from a task's failure, unless it is one that failed."""
    if "sns:publish" in STATES[task]["Resource"]:
        return
    after = _reachable(STATES[task]["Catch"][-1]["Next"], stop="sns:publish")
    assert "Recording failed" not in after


def _reachable(start: str, stop: str | None = None) -> set[str]:
    """The states that can be reached, not looking past tasks of the integration `stop`."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            if stop is None or stop not in STATES[name].get("Resource", ""):
                waiting.extend(_next(name, failures=True))
    return seen


def _next(name: str, failures: bool) -> Iterator[str]:
    state = STATES[name]
    branches = [*state.get("Choices", []), state]
    for catcher in state.get("Catch", []):
        if failures or catcher["ErrorEquals"] != ["States.ALL"]:
            branches.append(catcher)
    for branch in branches:
        yield from (branch[key] for key in ("Next", "Default") if key in branch)


def test_a_normal_recording_is_short() -> None:
    longest = max(_normal_paths(["Reserve a recording"]), key=len)
    assert longest[-1] == "Notify programs"
    assert len(longest) <= MOST_STATES_OF_A_NORMAL_RECORDING


def _normal_paths(path: list[str]) -> Iterator[list[str]]:
    """The ways to an end on which nothing fails and the spike does not come back."""
    onward = [name for name in _next(path[-1], failures=False) if name not in path]
    if not onward:
        yield path
    for name in onward:
        yield from _normal_paths([*path, name])


def test_execution_starts_with_the_reservation() -> None:
    assert state_machine()["StartAt"] == "Reserve a recording"
    assert _reachable("Reserve a recording") == STATES.keys()
