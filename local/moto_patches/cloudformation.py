"""CloudFormation: create, update, replace, delete and roll back as AWS does.

moto's own engine skips types that it does not know, ignores properties, and misses updates that
come from a condition or a replaced resource. Here every resource has a provider in
`local.resource_providers`, which calls the services' APIs; a type without one fails the stack.
moto still parses templates, holds the stacks and answers the Describe calls.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from moto.cloudformation import parsing
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.models import Event, Stack, cloudformation_backends
from moto.cloudformation.parsing import OutputMap, ResourceMap, clean_json
from moto.cloudformation.responses import CloudFormationResponse

from local.moto_patches.dependencies import in_dependency_order
from local.resource_providers import provider_of
from local.resource_providers.provider import Context, Created, ResourceProvider


class ResourceFailed(Exception):
    """A resource that could not be created, updated or deleted, and why."""

    def __init__(self, logical_id: str, resource_type: str, reason: str):
        super().__init__(reason)
        self.logical_id = logical_id
        self.resource_type = resource_type


class StackResource:
    """One resource of a stack: what moto's parser and its Describe calls ask of it."""

    def __init__(self, stack: Stack, logical_id: str, definition: dict[str, Any]):
        self.logical_resource_id = logical_id
        self.cf_resource_type = self.type = definition["Type"]
        self.deletion_policy = definition.get("DeletionPolicy")
        self.update_replace_policy = definition.get("UpdateReplacePolicy")
        self.properties: dict[str, Any] = {}
        self.physical_resource_id = ""
        self.attributes: dict[str, Any] = {}
        self.provider = _provider_of(self.type)
        self.context = Context(
            stack.name,
            stack.stack_id,
            logical_id,
            self.type,
            stack.account_id,
            stack.region_name,
        )

    def get_cfn_attribute(self, name: str) -> Any:
        """The value of Fn::GetAtt; an attribute that does not exist is a template error."""
        if name not in self.attributes:
            raise ValidationError(
                message=f"Template error: resource {self.logical_resource_id} does not support "
                f"attribute type {name} in Fn::GetAtt"
            )
        return self.attributes[name]

    def is_created(self) -> bool:
        """Asked by moto; a resource exists only once it is created."""
        return True

    def create(self, properties: dict[str, Any]) -> None:
        """Create it, with its properties as values."""
        created = self.provider.create(self.context, copy.deepcopy(properties))
        self.physical_resource_id, self.attributes = created.physical_id, created.attributes
        self.properties = properties

    def update(self, properties: dict[str, Any]) -> None:
        """Change it in place."""
        changed = self.provider.update(
            self.context,
            self.physical_resource_id,
            copy.deepcopy(properties),
            copy.deepcopy(self.properties),
        )
        if not isinstance(changed, Created):
            changed = Created(self.physical_resource_id, changed)
        self.physical_resource_id, self.attributes = changed.physical_id, changed.attributes
        self.properties = properties

    def delete(self) -> None:
        """Remove it."""
        self.provider.delete(self.context, self.physical_resource_id, self.properties)


def apply() -> None:
    """Apply this module's patches."""
    parsing.resource_class_from_type = provider_class
    ResourceMap.__getitem__ = _get_resource
    ResourceMap.resources = property(_created_resources)
    OutputMap.exports = property(_exports(OutputMap.exports.fget))
    Stack.parameter_list = property(_parameter_list)
    Stack.create_resources = create_resources
    Stack.update = update
    Stack.delete = delete
    _patch_delete_stack()


def _patch_delete_stack() -> None:
    """DeleteStack keeps what RetainResources lists, of a stack whose deletion has failed."""
    stock = CloudFormationResponse.delete_stack

    def delete_stack(self: CloudFormationResponse) -> Any:
        retained = self._get_param("RetainResources", [])
        if retained:
            stack = self.cloudformation_backend.get_stack(self._get_param("StackName"))
            if stack.status != "DELETE_FAILED":
                raise ValidationError(
                    message=f"Invalid operation on stack [{stack.stack_id}]. "
                    "RetainResources is for stacks in the state DELETE_FAILED only"
                )
            for logical_id, resource in _resources_of(stack).items():
                if logical_id in retained:
                    resource.deletion_policy = "Retain"
        return stock(self)

    CloudFormationResponse.delete_stack = delete_stack


def provider_class(resource_type: str) -> Any:
    """What moto asks whether a type has an attribute; raises for a type without a provider."""
    _provider_of(resource_type)
    return AnyAttribute


def _provider_of(resource_type: str) -> ResourceProvider:
    provider = provider_of(resource_type)
    if provider is None:
        raise ValidationError(
            message=f"Template error: a resource of type {resource_type} would be neither "
            "created nor supplied by the local AWS"
        )
    return provider


class AnyAttribute:
    """Attributes are checked when they are read."""

    @staticmethod
    def has_cfn_attr(attr: str) -> bool:
        return True


def _get_resource(self: ResourceMap, key: str) -> Any:
    if key in self._parsed_resources:
        return self._parsed_resources[key]
    raise ValidationError(
        message=f"Template format error: Unresolved resource dependencies [{key}] "
        "in the Resources block of the template"
    )


def _created_resources(self: ResourceMap) -> list[str]:
    return [key for key, item in self._parsed_resources.items() if isinstance(item, StackResource)]


def _exports(stock: Callable[[OutputMap], list[Any]]) -> Callable[[OutputMap], list[Any]]:
    def exports(self: OutputMap) -> list[Any]:
        # moto asks before anything is created, too.
        try:
            return stock(self)
        except ValidationError:
            return []

    return exports


def _parameter_list(self: Stack) -> list[dict[str, str]]:
    declared = self.template_dict.get("Parameters") or {}
    hidden = {name for name, slot in declared.items() if str(slot.get("NoEcho")).lower() == "true"}
    return [
        {"ParameterKey": name, "ParameterValue": "****" if name in hidden else value}
        for name, value in self.parameters.items()
    ]


def record(stack: Stack, resource: Any, status: str, reason: str | None = None) -> None:
    """Add an event of one resource to the stack."""
    event = Event(
        stack_id=stack.stack_id,
        stack_name=stack.name,
        logical_resource_id=resource.logical_resource_id,
        physical_resource_id=resource.physical_resource_id,
        resource_type=resource.cf_resource_type,
        resource_status=status,
        resource_status_reason=reason,
        resource_properties=None,
    )
    stack.events.append(event)


def attempt(stack: Stack, resource: StackResource, action: str, work: Callable[[], None]) -> None:
    """Do `work` on a resource, with an event before and after it."""
    record(stack, resource, f"{action}_IN_PROGRESS")
    try:
        work()
    except Exception as error:
        reason = getattr(error, "message", None) or f"{type(error).__name__}: {error}"
        record(stack, resource, f"{action}_FAILED", reason)
        raise ResourceFailed(
            resource.logical_resource_id, resource.cf_resource_type, reason
        ) from error
    record(stack, resource, f"{action}_COMPLETE")


def keep_active(stack: Stack) -> None:
    """Leave out the resources and outputs whose condition is false."""
    conditions = stack.resource_map.lazy_condition_map
    for section in ("Resources", "Outputs"):
        members = stack.template_dict.get(section) or {}
        for name in list(members):
            condition = members[name].get("Condition")
            if condition and not conditions[condition]:
                del members[name]
    stack.resource_map._resource_json_map = stack.template_dict["Resources"]
    stack.output_map = stack._create_output_map()


def resolved_properties(stack: Stack, logical_id: str) -> dict[str, Any]:
    """The properties of a resource, with every intrinsic function replaced by its value."""
    definition = stack.template_dict["Resources"][logical_id]
    properties = copy.deepcopy(definition.get("Properties") or {})
    return without_nothing(clean_json(properties, stack.resource_map))


def without_nothing(value: Any) -> Any:
    """`value` without the elements of lists that were `AWS::NoValue`: moto leaves out members only."""
    if isinstance(value, dict):
        return {name: without_nothing(item) for name, item in value.items()}
    if isinstance(value, list):
        return [without_nothing(item) for item in value if item is not None]
    return value


def create_one(stack: Stack, logical_id: str) -> StackResource:
    """Create a resource and put it where references find it."""
    definition = stack.template_dict["Resources"][logical_id]
    resource = StackResource(stack, logical_id, definition)

    def work() -> None:
        resource.create(resolved_properties(stack, logical_id))

    attempt(stack, resource, "CREATE", work)
    stack.resource_map._parsed_resources[logical_id] = resource
    return resource


def create_resources(stack: Stack) -> None:
    """Stack.create_resources: all of them in dependency order, or none."""
    stack.status = "CREATE_IN_PROGRESS"
    keep_active(stack)
    created: list[StackResource] = []
    try:
        for logical_id in in_dependency_order(stack.template_dict["Resources"]):
            created.append(create_one(stack, logical_id))
    except (ResourceFailed, ValidationError) as failure:
        _roll_back_creation(stack, created, failure)
        return
    stack.description = stack.template_dict.get("Description")
    stack.mark_creation_complete()


def _reason(failure: Exception) -> str:
    if isinstance(failure, ResourceFailed):
        return f"The following resource(s) failed: [{failure.logical_id}]."
    return getattr(failure, "message", None) or str(failure)


def _roll_back_creation(stack: Stack, created: list[StackResource], failure: Exception) -> None:
    stack._add_stack_event("ROLLBACK_IN_PROGRESS", resource_status_reason=_reason(failure))
    for resource in reversed(created):
        # RetainExceptOnCreate is the one that does not keep it here.
        _delete_one(stack, resource, kept_by=("Retain",))
    _forget_outputs(stack)
    stack.status = "ROLLBACK_COMPLETE"
    stack._add_stack_event("ROLLBACK_COMPLETE")


def _forget_outputs(stack: Stack) -> None:
    stack.template_dict["Outputs"] = {}
    stack.output_map = stack._create_output_map()


PARTS = ("template", "template_dict", "parameters", "resource_map", "output_map", "description")


def update(
    stack: Stack,
    template: str,
    role_arn: str | None = None,
    parameters: dict[str, Any] | None = None,
    tags: dict[str, str] | None = None,
) -> None:
    """Stack.update: add, change and replace; then remove what is left over. Or undo it all."""
    before = {part: getattr(stack, part) for part in PARTS}
    old = _resources_of(stack)
    try:
        _load(stack, template, parameters)
    except Exception:
        vars(stack).update(before)
        raise
    stack._add_stack_event("UPDATE_IN_PROGRESS", resource_status_reason="User Initiated")
    undo: list[Callable[[], None]] = []
    try:
        superseded = _apply_changes(stack, old, undo)
    except (ResourceFailed, ValidationError) as failure:
        _roll_back_update(stack, before, undo, failure)
        return
    _clean_up(stack, superseded)
    stack.role_arn = role_arn
    stack.tags = stack.tags if tags is None else tags
    stack.status = "UPDATE_COMPLETE"
    stack._add_stack_event("UPDATE_COMPLETE")


def _resources_of(stack: Stack) -> dict[str, StackResource]:
    parsed = stack.resource_map._parsed_resources
    return {name: item for name, item in parsed.items() if isinstance(item, StackResource)}


def _load(stack: Stack, template: str, parameters: dict[str, Any] | None) -> None:
    stack.template = template
    stack._parse_template()
    stack.parameters = stack.parameters if parameters is None else parameters
    stack.resource_map = stack._create_resource_map()
    stack.description = stack.template_dict.get("Description")
    keep_active(stack)


def _apply_changes(
    stack: Stack, old: dict[str, StackResource], undo: list[Callable[[], None]]
) -> list[StackResource]:
    """Bring every resource of the new template about; returns the old ones to remove."""
    superseded = []
    definitions = stack.template_dict["Resources"]
    for logical_id in in_dependency_order(definitions):
        existing = old.get(logical_id)
        if existing is None or existing.cf_resource_type != definitions[logical_id]["Type"]:
            undo.append(create_one(stack, logical_id).delete)
            continue
        properties = resolved_properties(stack, logical_id)
        if existing.provider.is_replaced_by(existing.properties, properties):
            undo.append(create_one(stack, logical_id).delete)
            if existing.update_replace_policy != "Retain":
                superseded.append(existing)
            continue
        stack.resource_map._parsed_resources[logical_id] = existing
        former = _change(stack, existing, properties, undo)
        if former is not None and existing.update_replace_policy != "Retain":
            superseded.append(former)
        existing.deletion_policy = definitions[logical_id].get("DeletionPolicy")
        existing.update_replace_policy = definitions[logical_id].get("UpdateReplacePolicy")
    removed = [
        resource
        for logical_id, resource in old.items()
        if resource.deletion_policy != "Retain"
        and definitions.get(logical_id, {}).get("Type") != resource.cf_resource_type
    ]
    return removed + superseded


def _change(
    stack: Stack,
    resource: StackResource,
    properties: dict[str, Any],
    undo: list[Callable[[], None]],
) -> StackResource | None:
    """Change a resource; returns what it was if it has another physical ID now."""
    if properties == resource.properties:
        return None
    former = copy.copy(resource)
    attempt(stack, resource, "UPDATE", lambda: resource.update(properties))
    undo.append(lambda: _change_back(resource, former.properties))
    return former if _is_another(resource, former) else None


def _change_back(resource: StackResource, properties: dict[str, Any]) -> None:
    failed = copy.copy(resource)
    resource.update(properties)
    if _is_another(resource, failed):
        failed.delete()


def _is_another(one: StackResource, other: StackResource) -> bool:
    return one.physical_resource_id != other.physical_resource_id


def _roll_back_update(
    stack: Stack, before: dict[str, Any], undo: list[Callable[[], None]], failure: Exception
) -> None:
    stack._add_stack_event("UPDATE_ROLLBACK_IN_PROGRESS", resource_status_reason=_reason(failure))
    for step in reversed(undo):
        step()
    vars(stack).update(before)
    stack.status = "UPDATE_ROLLBACK_COMPLETE"
    stack._add_stack_event("UPDATE_ROLLBACK_COMPLETE")


def _clean_up(stack: Stack, superseded: list[StackResource]) -> None:
    """Remove old resources after the new ones are there, as AWS does; a failure is an event."""
    for resource in reversed(superseded):
        try:
            attempt(stack, resource, "DELETE", resource.delete)
        except ResourceFailed:
            continue


def delete(stack: Stack) -> None:
    """Stack.delete: everything but what DeletionPolicy retains, dependents first."""
    stack._add_stack_event("DELETE_IN_PROGRESS", resource_status_reason="User Initiated")
    resources = _resources_of(stack)
    definitions = stack.template_dict["Resources"]
    order = in_dependency_order({name: definitions[name] for name in resources})
    _forget_outputs(stack)
    try:
        for logical_id in reversed(order):
            _delete_one(stack, resources[logical_id], ("Retain", "RetainExceptOnCreate"))
    except ResourceFailed as failure:
        stack.status = "DELETE_FAILED"
        stack._add_stack_event("DELETE_FAILED", resource_status_reason=_reason(failure))
        # moto has taken the stack off its list already.
        cloudformation_backends[stack.account_id][stack.region_name].stacks[stack.stack_id] = stack
        raise ValidationError(message=f"{_reason(failure)} {failure}") from failure
    stack._add_stack_event("DELETE_COMPLETE")
    stack.status = "DELETE_COMPLETE"


def _delete_one(stack: Stack, resource: StackResource, kept_by: tuple[str, ...]) -> None:
    if resource.deletion_policy in kept_by:
        record(stack, resource, "DELETE_SKIPPED")
    else:
        attempt(stack, resource, "DELETE", resource.delete)
    del stack.resource_map._parsed_resources[resource.logical_resource_id]
