"""EC2's tags of one resource are looked up; moto reads those of all resources, for each of them."""

from __future__ import annotations

from types import SimpleNamespace

from moto.ec2.models.tags import TagBackend

# What stands for more than itself in a filter's value.
WILDCARDS = frozenset("*?[")


def apply() -> None:
    """Apply this module's patches."""
    stock = TagBackend.describe_tags

    def describe_tags(
        self: TagBackend, filters: dict[str, list[str]] | None = None
    ) -> list[dict[str, str]]:
        ids = (filters or {}).get("resource-id", [])
        if not ids or any(WILDCARDS.intersection(one) for one in ids):
            return stock(self, filters)
        tags = {one: dict(self.tags[one]) for one in ids if one in self.tags}
        narrow = SimpleNamespace(tags=tags, VALID_TAG_FILTERS=self.VALID_TAG_FILTERS)
        return stock(narrow, filters)

    TagBackend.describe_tags = describe_tags
