"""What happens in a storm, drawn from its seed: the same seed, the same plan."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum


class Kind(str, Enum):
    """Something that happens to a gateway, or that somebody does by hand."""

    RAISE = "the alarm goes off"
    CLEAR = "the alarm clears"
    # The next time that its recording stops.
    RETURN = "the alarm goes off while its recording stops"
    REPLAY = "its last alarm event comes again"
    START_BY_HAND = "a recording is started by hand"
    ABORT = "its execution is aborted"
    DELETE_FLOW_LOG = "its flow log is deleted by hand"
    DELETE_ITEM = "its item in the table is deleted by hand"
    DELETE_GATEWAY = "the gateway is deleted"
    LOSE_LOG_GROUP = "the log group is deleted and created anew"
    DELETE_STACK = "another stack is deleted while it records"


@dataclass(frozen=True)
class Settings:
    """How large a storm is. Times are in seconds."""

    seed: int
    gateways: int = 180
    alarms: int = 1000
    # Of all API calls, in percent.
    faults: int = 20
    # Alarms come this often once every gateway has had its first: a machine of two cores, on which
    # moto runs in one process, records about two gateways a second.
    seconds_per_alarm: float = 0.2
    recording_seconds: int = 10
    minimum_seconds: int = 1
    report_delay: int = 1
    quota: int = 4
    # How many functions may run before the next alarm waits: with more, they time out for want of
    # a processor, and not because anything failed.
    most_busy: int = 8
    # How many calls of CreateFlowLogs are held back in the first wave, to come all at once.
    burst: int = 100

    @property
    def is_small(self) -> bool:
        """Whether EC2's bucket of 50 calls is larger than the first wave."""
        return self.gateways <= 50


@dataclass(frozen=True, order=True)
class Action:
    """Something that happens, so many seconds after the storm began, to a gateway by its number."""

    at: float
    gateway: int
    kind: Kind = field(compare=False)


# One in so many alarms comes with each of these.
RARE = {
    Kind.REPLAY: 25,
    Kind.START_BY_HAND: 50,
    Kind.ABORT: 25,
    Kind.DELETE_FLOW_LOG: 33,
    Kind.DELETE_ITEM: 66,
    Kind.DELETE_GATEWAY: 250,
    Kind.LOSE_LOG_GROUP: 500,
}
# How long a spike lasts, in recording times, and how likely that is: it flaps, ends in time, or
# goes on when the recording's time is used up.
SPIKES = (((0.01, 0.06), 0.35), ((0.1, 0.5), 0.45), ((1.1, 1.4), 0.2))
RETURNING = 0.15
# When the other stack is deleted, in parts of the plan: it has the time until the end.
DELETION = (0.2, 0.5)


def draw(settings: Settings) -> list[Action]:
    """The plan of a storm, in order of time."""
    chance = random.Random(settings.seed)
    actions = [action for spikes in _spikes(settings, chance) for action in spikes]
    length = max(action.at for action in actions)
    actions += _rarities(settings, chance, length)
    return sorted(actions)


def _spikes(settings: Settings, chance: random.Random) -> Iterator[list[Action]]:
    """Of each gateway: the first wave strikes all of them at once, the rest comes by chance."""
    numbers = list(range(settings.gateways))
    later = [chance.choice(numbers) for _ in range(settings.alarms - settings.gateways)]
    length = max(1.0, len(later) * settings.seconds_per_alarm)
    for gateway in numbers:
        at = chance.uniform(0, 1)
        starts = [at, *sorted(chance.uniform(1, length) for _ in range(later.count(gateway)))]
        yield list(_spikes_of(gateway, starts, settings, chance))


def _spikes_of(
    gateway: int, starts: list[float], settings: Settings, chance: random.Random
) -> Iterator[Action]:
    at, returns = 0.0, False
    for start in starts:
        if returns:
            # This alarm goes off when the recording of the one before stops.
            yield Action(at, gateway, Kind.RETURN)
        at = max(at + 0.05, start)
        if not returns:
            yield Action(at, gateway, Kind.RAISE)
        at += _length(settings, chance)
        yield Action(at, gateway, Kind.CLEAR)
        returns = chance.random() < RETURNING


def _length(settings: Settings, chance: random.Random) -> float:
    ranges, weights = zip(*SPIKES, strict=True)
    shortest, longest = chance.choices(ranges, weights)[0]
    return settings.recording_seconds * chance.uniform(shortest, longest)


def _rarities(settings: Settings, chance: random.Random, length: float) -> Iterator[Action]:
    for kind, one_in in RARE.items():
        for _ in range(max(1, settings.alarms // one_in)):
            at = chance.uniform(min(2.0, length / 2), length)
            yield Action(at, chance.randrange(settings.gateways), kind)
    at = length * chance.uniform(*DELETION)
    yield Action(at, chance.randrange(settings.gateways), Kind.DELETE_STACK)
