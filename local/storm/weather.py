"""What fails in a storm: faults in every service's calls, by chance, from the seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from local.local_aws import LocalAws
from local.storm.journal import CLIENT

Action = dict[str, Any]

# A service's answers to what it cannot do now, as it documents them: (status, code).
ERRORS: dict[str, tuple[tuple[int, str], ...]] = {
    "cloudformation": ((400, "Throttling"), (503, "ServiceUnavailable")),
    "cloudwatch": ((400, "Throttling"), (500, "InternalServiceFault")),
    "dynamodb": (
        (400, "ProvisionedThroughputExceededException"),
        (400, "ThrottlingException"),
        (500, "InternalServerError"),
    ),
    "ec2": ((503, "RequestLimitExceeded"), (503, "Unavailable"), (500, "InternalError")),
    "lambda": ((429, "TooManyRequestsException"), (500, "ServiceException")),
    "logs": ((400, "ThrottlingException"), (503, "ServiceUnavailableException")),
    "sns": ((429, "Throttled"), (500, "InternalError")),
    "stepfunctions": ((400, "ThrottlingException"), (500, "InternalServerError")),
}
# What no retry heals: one in so many calls of these services is denied.
DENIED = {"ec2": "UnauthorizedOperation", "dynamodb": "AccessDeniedException"}
ONE_DENIED_IN = 500
# What fails how, in parts of all that fails.
SHARES = {"error": 0.5, "delay": 0.2, "lost": 0.18, "killed": 0.12}
DELAYS_MS = (100, 400, 1200)
# Of deliveries: how many come twice, and how many late and so out of order.
DUPLICATES, LATE = 0.1, 0.1
LATE_MS = 1500
# CloudWatch's clock is off by at most so much.
MOST_SKEW_MS = 90_000


@contextmanager
def storm(aws: LocalAws, seed: int, percent: int) -> Iterator[None]:
    """Bad weather while the block runs: so many percent of all calls but the clients' fail."""
    chance = random.Random(f"weather {seed}")
    with ExitStack() as faults:
        for service, operation, action, probability in _faults(percent / 100):
            faults.enter_context(
                aws.fault(
                    service,
                    operation,
                    action,
                    probability=probability,
                    seed=chance.randrange(2**32),
                    # Dead letters are the end of the line: EventBridge sees to them itself.
                    except_callers=[CLIENT, "events"] if service == "sqs" else [CLIENT],
                )
            )
        aws.skew_alarms(chance.randrange(-MOST_SKEW_MS, MOST_SKEW_MS))
        yield


def _faults(share: float) -> Iterator[tuple[str, str, Action, float]]:
    """Service, operation, action, probability."""
    for service, errors in ERRORS.items():
        for status, code in errors:
            probability = share * SHARES["error"] / len(errors)
            yield service, "*", _error(status, code), probability
    for service, code in DENIED.items() if share else ():
        yield service, "*", _error(403, code), 1 / ONE_DENIED_IN
    for milliseconds in DELAYS_MS:
        yield "*", "*", {"delay_ms": milliseconds}, share * SHARES["delay"] / len(DELAYS_MS)
    yield "*", "*", {"lose_answer": True}, share * SHARES["lost"]
    for moment in ("before", "during", "after"):
        yield "*", "*", {"kill": moment}, share * SHARES["killed"] / 3
    if share:
        yield "events", "Deliver", {"duplicate": 1}, DUPLICATES
        yield "events", "Deliver", {"delay_ms": LATE_MS}, LATE


def _error(status: int, code: str) -> Action:
    message = f"{code}, says the storm"
    return {"error": {"status": status, "code": code, "message": message}}
