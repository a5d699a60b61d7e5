"""An update during a recording: the payloads of the previous release stay readable, both ways.

An execution that runs keeps its definition and calls the new functions; after a rollback it calls
the old ones. So the functions read what the previous release sent, answer all that it reads, and
the definition reads nothing that its functions do not answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from local.template import read
from tests.e2e import previous_release as previous
from tests.e2e.stack import TEMPLATE, RecorderStack

PAYLOADS = previous.payloads()


def missing(earlier: Any, now: Any, path: str = "") -> Iterator[str]:
    """What a payload had, by its path, and has no more, or has as another kind of value."""
    if isinstance(earlier, dict) and isinstance(now, dict):
        for name, value in earlier.items():
            if name not in now:
                yield f"{path}.{name}"
            else:
                yield from missing(value, now[name], f"{path}.{name}")
    elif isinstance(earlier, list) and isinstance(now, list):
        for one, other in zip(earlier, now, strict=False):
            yield from missing(one, other, f"{path}[]")
    elif type(earlier) is not type(now):
        yield f"{path} ({type(earlier).__name__}, not {type(now).__name__})"


def invoke(stack: RecorderStack, function: str, request: Any) -> Any:
    """What a function answers to this request."""
    answer = stack.aws.client("lambda").invoke(
        FunctionName=stack.resources[function], Payload=json.dumps(request)
    )
    payload = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, payload
    return payload


def replay(stack: RecorderStack, course: str, state: str, names: dict[str, str]) -> Any:
    """Send a state's request to its function as it is now; nothing of the answer may be missing."""
    step = previous.renamed(PAYLOADS[course]["steps"][state], names)
    answer = invoke(stack, step["function"], step["request"])
    assert list(missing(step["answer"], answer)) == [], state
    return answer


def test_functions_read_what_was_sent_and_answer_what_is_read(stack: RecorderStack) -> None:
    names = {previous.GATEWAY: stack.gateway.id, previous.INTERFACE: stack.gateway.interface_id}
    replay(stack, "recorded", "Reserve a recording", names)
    started = replay(stack, "recorded", "Start recording", names)
    [flow_log] = started["started"]["flowLogs"]
    names[previous.FLOW_LOG] = flow_log["id"]
    # The item as the previous release left it.
    stack.aws.client("dynamodb").put_item(
        TableName=stack.resources["RecordingsTable"],
        Item=previous.renamed(PAYLOADS["recorded"]["item"], names),
    )
    # Nobody waits with the token in it any more, which is no failure.
    invoke(stack, "ResumeRecordingFunction", stack.alarm_event(value="OK"))
    stopped = replay(stack, "recorded", "Stop recording", names)
    assert stopped["stop"]["deleted"] == [flow_log["id"]]
    stack.assert_nothing_is_left()
    report = replay(stack, "recorded", "Report", names)
    assert flow_log["id"] in report["body"]


def test_functions_read_what_was_sent_of_a_failure(stack: RecorderStack) -> None:
    names = {previous.GATEWAY: stack.gateway.id}
    replay(stack, "failed", "Reserve a recording", names)
    replay(stack, "failed", "Clean up after the failure", names)
    stack.assert_nothing_is_left()
    assert stack.counted() == 0
    report = replay(stack, "failed", "Report the failure", names)
    assert "GatewayNotFound" in report["body"]


def test_the_table_keeps_what_the_previous_release_reads(stack: RecorderStack) -> None:
    stack.raise_alarm()
    stack.wait_until_waiting()
    found = stack.aws.client("dynamodb").get_item(
        TableName=stack.resources["RecordingsTable"], Key={"natGatewayId": {"S": stack.gateway.id}}
    )
    assert list(missing(PAYLOADS["recorded"]["item"], found["Item"])) == []


def test_a_recording_outlives_an_update_from_the_previous_definition(
    stack: RecorderStack,
) -> None:
    template = read(TEMPLATE)
    template["Resources"]["Recorder"]["Properties"]["DefinitionUri"] = str(previous.DEFINITION)
    stack.deploy(template)
    execution = stack.raise_alarm()
    stack.wait_until_waiting()
    stack.deploy()
    stack.clear_alarm()
    stack.assert_recorded(stack.wait_end(execution))
    stack.assert_nothing_is_left()
    stack.assert_recorded(stack.record_once())


def paths(value: Any) -> Iterator[str]:
    """The paths of an execution's data that a definition reads: not those where it writes."""
    if isinstance(value, list):
        for item in value:
            yield from paths(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            if name == "ResultPath":
                continue
            if isinstance(item, str) and (name.endswith((".$", "Path")) or name == "Variable"):
                yield from re.findall(r"(?<!\$)\$(?:\.\w+)+", item)
            else:
                yield from paths(item)


def leads_somewhere(path: str, data: Any) -> bool:
    """Whether data has something at `$.a.b`."""
    for name in path.split(".")[1:]:
        if not isinstance(data, dict) or name not in data:
            return False
        data = data[name]
    return True


ASL = yaml.safe_load(previous.CURRENT_DEFINITION.read_text())


@pytest.mark.parametrize("state", ASL["States"])
def test_the_definition_reads_only_what_the_previous_functions_answered(state: str) -> None:
    """After a rollback an execution goes on with this definition and those functions."""
    own = ASL["States"][state]
    steps = [course["steps"].get(state, {}) for course in PAYLOADS.values()]
    answers = [{"Payload": step["answer"]} for step in steps if "answer" in step]
    known = answers + [course["data"] for course in PAYLOADS.values()]
    for path in paths(own):
        assert any(leads_somewhere(path, data) for data in known), path
