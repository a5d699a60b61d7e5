"""S3."""

from __future__ import annotations

from typing import Any

from local.resource_providers.provider import Context, Created, Properties, ResourceProvider

# What AWS::S3::Bucket calls the settings that have an operation each: the operation, and the
# parameter that takes them.
SETTINGS = {
    "BucketEncryption": ("PutBucketEncryption", "ServerSideEncryptionConfiguration"),
    "LifecycleConfiguration": ("PutBucketLifecycleConfiguration", "LifecycleConfiguration"),
    "OwnershipControls": ("PutBucketOwnershipControls", "OwnershipControls"),
    "NotificationConfiguration": (
        "PutBucketNotificationConfiguration",
        "NotificationConfiguration",
    ),
    "PublicAccessBlockConfiguration": ("PutPublicAccessBlock", "PublicAccessBlockConfiguration"),
}


class Bucket(ResourceProvider):
    type = "AWS::S3::Bucket"
    replaced_by = frozenset({"BucketName"})

    def create(self, context: Context, properties: Properties) -> Created:
        name = properties.pop("BucketName", None) or context.generated_name(63).lower()
        context.call("s3", "CreateBucket", Bucket=name)
        self._configure(context, name, properties)
        return Created(name, self._attributes(name))

    def update(
        self, context: Context, physical_id: str, properties: Properties, old: Properties
    ) -> dict[str, Any]:
        properties.pop("BucketName", None)
        self._configure(context, physical_id, properties)
        return self._attributes(physical_id)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.call("s3", "DeleteBucket", Bucket=physical_id)

    @staticmethod
    def _configure(context: Context, name: str, properties: Properties) -> None:
        for setting, value in properties.items():
            if setting not in SETTINGS:
                raise ValueError(f"the local AWS's buckets have no {setting}")
            operation, parameter = SETTINGS[setting]
            as_api = {
                "BucketEncryption": _encryption,
                "LifecycleConfiguration": _lifecycle,
                "NotificationConfiguration": _notifications,
            }
            value = as_api.get(setting, lambda value: value)(value)
            context.call("s3", operation, Bucket=name, **{parameter: value})

    @staticmethod
    def _attributes(name: str) -> dict[str, Any]:
        return {"Arn": f"arn:aws:s3:::{name}"}


def _encryption(value: Properties) -> Properties:
    renamed = {"ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault"}
    rules = [
        {renamed.get(name, name): item for name, item in rule.items()}
        for rule in value["ServerSideEncryptionConfiguration"]
    ]
    return {"Rules": rules}


def _notifications(value: Properties) -> Properties:
    """EventBridge alone: what else CloudFormation calls otherwise than the API is refused."""
    if value.keys() != {"EventBridgeConfiguration"}:
        raise ValueError(f"the local AWS's buckets notify EventBridge alone, not {list(value)}")
    enabled = value["EventBridgeConfiguration"].get("EventBridgeEnabled", True)
    return {"EventBridgeConfiguration": {}} if str(enabled).lower() == "true" else {}


def _lifecycle(value: Properties) -> Properties:
    rules = []
    for given in value["Rules"]:
        rule = {"Filter": {"Prefix": given.get("Prefix", "")}, **given}
        rule.pop("Prefix", None)
        if "ExpirationInDays" in rule:
            rule["Expiration"] = {"Days": rule.pop("ExpirationInDays")}
        rules.append(rule)
    return {"Rules": rules}


class BucketPolicy(ResourceProvider):
    type = "AWS::S3::BucketPolicy"
    replaced_by = frozenset({"Bucket"})

    def create(self, context: Context, properties: Properties) -> Created:
        self.update(context, "", properties, {})
        return Created(properties["Bucket"])

    def update(
        self, context: Context, physical_id: str, properties: Properties, old: Properties
    ) -> dict[str, Any]:
        context.call(
            "s3",
            "PutBucketPolicy",
            Bucket=properties["Bucket"],
            Policy=properties["PolicyDocument"],
        )
        return {}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.call("s3", "DeleteBucketPolicy", Bucket=physical_id)


PROVIDERS = (Bucket, BucketPolicy)
