"""A gateway has so many recordings in a period, and not one more."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from local.network import Network
from tests.e2e import faults
from tests.e2e.conftest import Deploy


def test_of_five_alarms_with_one_recording_left_one_records(deploy: Deploy) -> None:
    stack = deploy(NumOfRecordings=2)
    stack.record_once()
    now = datetime.now(timezone.utc)
    alarms = [stack.alarm_event(now + timedelta(milliseconds=n)) for n in range(5)]
    after = stack.aws.now()
    with faults.table(stack.aws, faults.HOLD, faults.RESERVE) as hold:
        executions = [stack.start(alarm) for alarm in alarms]
        stack.wait_held(hold, calls=5)
    stack.wait_until_waiting(after=after)
    holder = stack.item()["execution"]
    refused = [stack.wait_end(execution) for execution in executions if execution != holder]
    assert len(refused) == 4
    assert {ended.status for ended in refused} == {"SUCCEEDED"}
    assert {ended.decision for ended in refused} <= {"alreadyRecording", "duplicate"}
    assert len(stack.flow_logs()) == 1
    assert stack.counted() == 2

    stack.put_ok()
    mail = stack.assert_recorded(stack.wait_end(holder))
    assert "recording 2 of 2" in mail["words"]
    stack.assert_nothing_is_left()


def test_a_used_up_quota_is_told_in_words(deploy: Deploy) -> None:
    stack = deploy(NumOfRecordings=1)
    stack.record_once()
    ended = stack.wait_end(stack.raise_alarm())
    assert (ended.status, ended.decision) == ("SUCCEEDED", "quotaReached")
    assert ended.output["reason"] == (
        f"{stack.gateway.id} has had 1 of 1 recordings: the count never starts again; raise "
        "NumOfRecordings."
    )
    assert stack.aws.states_entered(ended.arn)[-1] == "Nothing to record"
    assert len(stack.mails()) == 1
    stack.assert_nothing_is_left()
    assert stack.counted() == 1


def test_alarms_that_do_not_record_use_nothing_up(deploy: Deploy) -> None:
    stack = deploy(NumOfRecordings=2)
    execution = stack.raise_alarm()
    stack.wait_until_waiting()
    again = stack.alarm_event(datetime.now(timezone.utc) + timedelta(milliseconds=5))
    assert stack.wait_end(stack.start(again)).decision == "alreadyRecording"
    stack.put_ok()
    stack.wait_end(execution)
    assert stack.counted() == 1
    assert stack.record_by_event().decision == "record"
    assert stack.counted() == 2


def test_the_quota_is_each_gateways_own(deploy: Deploy, network: Network) -> None:
    stack = deploy(network.create_gateway("one"), network.create_gateway("two"), NumOfRecordings=1)
    one, two = stack.gateways
    for gateway in (one, two):
        execution = stack.raise_alarm(gateway)
        stack.wait_until_waiting(gateway)
        stack.clear_alarm(gateway)
        stack.assert_recorded(stack.wait_end(execution))
    assert (stack.counted(one), stack.counted(two)) == (1, 1)


def test_the_quota_is_renewed_with_its_period(deploy: Deploy) -> None:
    stack = deploy(NumOfRecordings=1, QuotaPeriod="day", RecordingTime=1)
    today = datetime.now(timezone.utc)
    yesterday = today - timedelta(days=1)
    counters = [f"recordings-day-{day:%Y-%m-%d}" for day in (yesterday, today)]

    ended = stack.wait_end(stack.start(stack.alarm_event(yesterday)))
    mail = stack.assert_recorded(ended)
    renewal = f"the count starts again on {today.day} {today:%B} (UTC)"
    assert f"recording 1 of 1; {renewal}" in mail["words"]
    assert stack.item()[counters[0]] == 1
    refused = stack.wait_end(stack.start(stack.alarm_event(yesterday + timedelta(seconds=1))))
    assert refused.decision == "quotaReached"
    assert f"the count starts again on {today:%Y-%m-%d}" in refused.output["reason"]

    stack.assert_recorded(stack.wait_end(stack.start(stack.alarm_event(today))))
    item = stack.item()
    assert item[counters[1]] == 1
    # Counters of periods that are over are forgotten.
    assert counters[0] not in item


def test_without_a_limit_every_spike_is_recorded(deploy: Deploy) -> None:
    stack = deploy(NumOfRecordings=0)
    for _ in range(3):
        mail = stack.assert_recorded(stack.record_once())
        assert "Quota" not in mail["words"]
    assert stack.counted() == 3
