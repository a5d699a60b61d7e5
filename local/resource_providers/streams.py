"""Kinesis and Firehose."""

from __future__ import annotations

from typing import Any

from local.resource_providers.provider import Context, Created, Properties, ResourceProvider


class Stream(ResourceProvider):
    type = "AWS::Kinesis::Stream"
    replaced_by = frozenset({"Name"})
    _REQUEST = frozenset({"Name", "ShardCount", "StreamModeDetails"})

    def create(self, context: Context, properties: Properties) -> Created:
        name = properties.get("Name") or context.generated_name(128)
        request = {key: properties[key] for key in properties.keys() & self._REQUEST - {"Name"}}
        context.call("kinesis", "CreateStream", **{**request, "StreamName": name})
        self._configure(context, name, properties)
        return Created(name, {"Arn": context.arn("kinesis", f"stream/{name}")})

    def update(
        self, context: Context, physical_id: str, properties: Properties, old: Properties
    ) -> dict[str, Any]:
        if properties.get("StreamModeDetails") != old.get("StreamModeDetails"):
            raise ValueError("the local AWS does not change a stream's mode")
        self._configure(context, physical_id, properties)
        return {"Arn": context.arn("kinesis", f"stream/{physical_id}")}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.call("kinesis", "DeleteStream", StreamName=physical_id)

    def _configure(self, context: Context, name: str, properties: Properties) -> None:
        known = self._REQUEST | {"RetentionPeriodHours", "StreamEncryption"}
        if unknown := properties.keys() - known:
            raise ValueError(f"the local AWS's streams have no {', '.join(sorted(unknown))}")
        hours = int(properties.get("RetentionPeriodHours", 24))
        described = context.call("kinesis", "DescribeStreamSummary", StreamName=name)
        kept = described["StreamDescriptionSummary"]["RetentionPeriodHours"]
        if hours != kept:
            way = "Increase" if hours > kept else "Decrease"
            operation = f"{way}StreamRetentionPeriod"
            context.call("kinesis", operation, StreamName=name, RetentionPeriodHours=hours)
        if encryption := properties.get("StreamEncryption"):
            context.call("kinesis", "StartStreamEncryption", StreamName=name, **encryption)


class DeliveryStream(ResourceProvider):
    """A changed destination makes a new one: the local AWS updates none."""

    type = "AWS::KinesisFirehose::DeliveryStream"

    def is_replaced_by(self, old: Properties, new: Properties) -> bool:
        return old != new

    def create(self, context: Context, properties: Properties) -> Created:
        name = properties.pop("DeliveryStreamName", None) or context.generated_name(64)
        made = context.call(
            "firehose", "CreateDeliveryStream", **{**properties, "DeliveryStreamName": name}
        )
        return Created(name, {"Arn": made["DeliveryStreamARN"]})

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.call("firehose", "DeleteDeliveryStream", DeliveryStreamName=physical_id)


PROVIDERS = (Stream, DeliveryStream)
