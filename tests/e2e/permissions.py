"""What a stack's roles may do, as deployed, and what the journal shows that they do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from local.local_aws import Entry, LocalAws
from tests.e2e.roles import allowed_actions, roles

# boto3's names of services, where IAM has others.
PREFIXES = {"stepfunctions": "states"}
# Operations whose action has another name.
ACTIONS = {("lambda", "Invoke"): "lambda:InvokeFunction"}

STATE_MACHINE = "state-machine"


@dataclass
class Permissions:
    """The roles of a stack: what each may do, and who has it."""

    allowed: dict[str, set[str]] = field(default_factory=dict)
    # Logical IDs of roles by the names that the journal has: of functions, rules and schedules; of
    # the state machine, STATE_MACHINE; of flow logs' log group, its name.
    role_of: dict[str, str] = field(default_factory=dict)
    # All that the stack consists of: calls about other stacks are not its own.
    names: set[str] = field(default_factory=set)

    def add(self, aws: LocalAws, stack: str) -> None:
        """Read the stack as it is deployed now; what was read before stays."""
        resources = aws.resources(stack)
        deployed = roles(aws, stack)
        logical = {role["Arn"]: name for name, role in deployed.items()}
        for name, role in deployed.items():
            self.allowed.setdefault(name, set()).update(allowed_actions(role))
        for owner, arn in _role_arns(aws, resources):
            self.role_of[owner] = logical[arn]
        if "FlowLogDeliveryRole" in deployed:
            self.role_of[resources["FlowLogGroup"]] = "FlowLogDeliveryRole"
        self.names.update(resources.values())


def _role_arns(aws: LocalAws, resources: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Who in a stack has which role, by the names that the journal has."""
    names = set(resources.values())
    pages = aws.client("lambda").get_paginator("list_functions").paginate()
    for function in (found for page in pages for found in page["Functions"]):
        if function["FunctionName"] in names:
            yield function["FunctionName"], function["Role"]
    states, events = aws.client("stepfunctions"), aws.client("events")
    for machine in (name for name in names if ":stateMachine:" in name):
        yield STATE_MACHINE, states.describe_state_machine(stateMachineArn=machine)["roleArn"]
    for rule in (found["Name"] for found in events.list_rules()["Rules"]):
        if rule in names:
            for target in events.list_targets_by_rule(Rule=rule)["Targets"]:
                if "RoleArn" in target:
                    yield rule, target["RoleArn"]
    scheduler = aws.client("scheduler")
    for schedule in (found["Name"] for found in scheduler.list_schedules()["Schedules"]):
        if schedule in names:
            yield schedule, scheduler.get_schedule(Name=schedule)["Target"]["RoleArn"]


def done(permissions: Permissions, journal: Iterable[Entry]) -> dict[str, set[str]]:
    """The actions that the journal shows, by the role that they were done with."""
    actions: dict[str, set[str]] = defaultdict(set)
    for entry in journal:
        for owner, action in _shown(entry, permissions.names):
            if role := permissions.role_of.get(owner):
                actions[role].add(action)
    return actions


def _shown(entry: Entry, names: set[str]) -> Iterator[tuple[str, str]]:
    """Who does what in an entry: the name of whoever does it, and IAM's action."""
    match entry["kind"]:
        case "api-call":
            # Every stack's state machine has this name; a call of this one is about this stack.
            if entry["caller"] != STATE_MACHINE or names & _about(entry):
                yield entry["caller"], action_of(entry["service"], entry["operation"])
        case "log":
            # Lambda writes it with the function's role.
            yield entry["function"], "logs:CreateLogStream"
            yield entry["function"], "logs:PutLogEvents"
        case "destination":
            # Lambda sends it with the function's role.
            yield entry["function"], _sending_to(entry["target"])
        case "delivery":
            owner = entry["rule"] or entry.get("schedule")
            yield owner, _sending_to(entry["target"])
            # A schedule's are sent with its role, a rule's by what the queue's policy says.
            if not entry["rule"] and entry.get("dead_letter"):
                yield owner, _sending_to(entry["dead_letter"])
        case "records" if "log_group" in entry:
            yield entry["log_group"], "logs:CreateLogStream"
            yield entry["log_group"], "logs:PutLogEvents"


def _about(entry: Entry) -> set[str]:
    """What a call is about: names or ARNs."""
    about = {entry.get(member) for member in ("table", "topic", "function")} - {None}
    return about | {name.rpartition(":")[2] for name in about}


def action_of(service: str, operation: str) -> str:
    """IAM's name of an operation: (`stepfunctions`, `StopExecution`) is `states:StopExecution`."""
    named = f"{PREFIXES.get(service, service)}:{operation}"
    return ACTIONS.get((service, operation), named)


def _sending_to(arn: str) -> str:
    """The action that reaches a target."""
    service = arn.split(":")[2]
    return {
        "lambda": "lambda:InvokeFunction",
        "sns": "sns:Publish",
        "sqs": "sqs:SendMessage",
        "states": "states:StartExecution",
    }[service]
