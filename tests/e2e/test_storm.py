"""Small storms of fixed seeds: whatever fails, what must hold holds. `make storm` has large ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from local.local_aws import LocalAws
from local.storm import plan, summary
from local.storm.plan import Kind, Settings
from local.storm.run import MACROS, Storm

SEEDS = (1, 2, 3)


def settings(seed: int) -> Settings:
    """A storm of about half a minute."""
    return Settings(seed, gateways=8, alarms=32, recording_seconds=4, quota=3)


@pytest.fixture(scope="module")
def stormy() -> Iterator[LocalAws]:
    """A local AWS of its own: bad weather strikes every stack in it."""
    with LocalAws(retry_scale=0.1) as aws:
        aws.deploy("macros", MACROS)
        yield aws


# It takes a quarter of a minute; where everything else runs, too, many times that.
@pytest.mark.timeout(400)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_small_storm_breaks_nothing(stormy: LocalAws, seed: int) -> None:
    outcome = Storm(stormy, settings(seed), f"storm-{seed}").run()
    told = "\n".join(summary.lines(outcome))
    assert outcome.violations == [], told
    assert outcome.settled, told
    assert_it_stormed(outcome.evidence.journal, told)
    assert len(outcome.evidence.flow_logs_of) >= 8, told


def assert_it_stormed(journal: list[dict], told: str) -> None:
    """Faults of every kind have struck: a fair-weather run proves nothing."""
    struck = Counter(entry["action"] for entry in journal if entry["kind"] == "fault")
    assert struck.keys() >= {"error", "delay_ms", "lose_answer", "kill", "duplicate"}, told
    assert struck.total() > 100, told


def test_a_seed_makes_the_plan() -> None:
    assert plan.draw(settings(1)) == plan.draw(settings(1))
    assert plan.draw(settings(1)) != plan.draw(settings(2))


def test_a_plan_has_what_it_says() -> None:
    large = Settings(5)
    drawn = plan.draw(large)
    kinds = Counter(action.kind for action in drawn)
    assert kinds[Kind.RAISE] + kinds[Kind.RETURN] == large.alarms == kinds[Kind.CLEAR]
    assert kinds.keys() == set(Kind)
    assert drawn == sorted(drawn)
    for gateway in range(large.gateways):
        own = [action.kind for action in drawn if action.gateway == gateway]
        spikes = [kind for kind in own if kind in (Kind.RAISE, Kind.RETURN, Kind.CLEAR)]
        assert spikes[::2].count(Kind.CLEAR) == 0, "an alarm that is raised is not raised again"
        assert set(spikes[1::2]) == {Kind.CLEAR}
