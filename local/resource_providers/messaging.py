"""SNS and SQS."""

from __future__ import annotations

import json
from typing import Any

from local.resource_providers.provider import Context, Created, Properties, ResourceProvider


class Topic(ResourceProvider):
    type = "AWS::SNS::Topic"
    replaced_by = frozenset({"TopicName", "FifoTopic"})
    _SEPARATE = frozenset({"TopicName", "Subscription", "Tags"})

    def create(self, context: Context, properties: Properties) -> Created:
        name = properties.get("TopicName") or context.generated_name(256)
        attributes = {key: properties[key] for key in properties if key not in self._SEPARATE}
        arn = context.call(
            "sns", "CreateTopic", Name=name, Attributes=attributes, Tags=properties.get("Tags")
        )["TopicArn"]
        self._subscribe(context, arn, properties)
        return Created(arn, {"TopicArn": arn, "TopicName": name})

    def update(
        self, context: Context, physical_id: str, properties: Properties, old: Properties
    ) -> dict[str, Any]:
        for name in (properties.keys() | old.keys()) - self._SEPARATE:
            value = properties.get(name, "")
            context.call(
                "sns",
                "SetTopicAttributes",
                TopicArn=physical_id,
                AttributeName=name,
                AttributeValue=value,
            )
        if properties.get("Subscription") != old.get("Subscription"):
            raise ValueError("a topic's inline subscriptions cannot be updated")
        return {"TopicArn": physical_id, "TopicName": physical_id.rsplit(":", 1)[1]}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.call("sns", "DeleteTopic", TopicArn=physical_id)

    @staticmethod
    def _subscribe(context: Context, arn: str, properties: Properties) -> None:
        for subscription in properties.get("Subscription", []):
            context.call("sns", "Subscribe", TopicArn=arn, **subscription)


class Subscription(ResourceProvider):
    type = "AWS::SNS::Subscription"
    replaced_by = frozenset({"Endpoint", "Protocol", "TopicArn"})
    _REQUEST = frozenset({"TopicArn", "Protocol", "Endpoint"})

    def create(self, context: Context, properties: Properties) -> Created:
        request = {name: properties[name] for name in self._REQUEST if name in properties}
        attributes = {
            name: _attribute(properties[name]) for name in properties.keys() - self._REQUEST
        }
        arn = context.call(
            "sns", "Subscribe", **request, Attributes=attributes, ReturnSubscriptionArn=True
        )["SubscriptionArn"]
        return Created(arn, {"Arn": arn})

    def update(
        self, context: Context, physical_id: str, properties: Properties, old: Properties
    ) -> dict[str, Any]:
        for name in properties.keys() - self._REQUEST:
            context.call(
                "sns",
                "SetSubscriptionAttributes",
                SubscriptionArn=physical_id,
                AttributeName=name,
                AttributeValue=_attribute(properties[name]),
            )
        return {"Arn": physical_id}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.call("sns", "Unsubscribe", SubscriptionArn=physical_id)


def _attribute(value: Any) -> str:
    """An attribute as the API takes it: a FilterPolicy is JSON there."""
    return value if isinstance(value, str) else json.dumps(value)


class TopicPolicy(ResourceProvider):
    type = "AWS::SNS::TopicPolicy"

    def create(self, context: Context, properties: Properties) -> Created:
        self._put(context, properties)
        return Created(context.generated_name(64))

    def update(
        self, context: Context, physical_id: str, properties: Properties, old: Properties
    ) -> dict[str, Any]:
        self._put(context, properties)
        return {}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        """A topic always has a policy: AWS puts the default one back, which nothing here reads."""

    @staticmethod
    def _put(context: Context, properties: Properties) -> None:
        for arn in properties["Topics"]:
            context.call(
                "sns",
                "SetTopicAttributes",
                TopicArn=arn,
                AttributeName="Policy",
                AttributeValue=properties["PolicyDocument"],
            )


class Queue(ResourceProvider):
    type = "AWS::SQS::Queue"
    replaced_by = frozenset({"QueueName", "FifoQueue"})
    _SEPARATE = frozenset({"QueueName", "Tags"})

    def create(self, context: Context, properties: Properties) -> Created:
        name = properties.get("QueueName") or context.generated_name(80)
        url = context.call(
            "sqs",
            "CreateQueue",
            QueueName=name,
            Attributes=self._attributes(properties),
            tags=properties.get("Tags"),
        )["QueueUrl"]
        return Created(url, self._outcome(context, name, url))

    def update(
        self, context: Context, physical_id: str, properties: Properties, old: Properties
    ) -> dict[str, Any]:
        attributes = self._attributes(properties)
        context.call("sqs", "SetQueueAttributes", QueueUrl=physical_id, Attributes=attributes)
        return self._outcome(context, physical_id.rsplit("/", 1)[1], physical_id)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.call("sqs", "DeleteQueue", QueueUrl=physical_id)

    def _attributes(self, properties: Properties) -> Properties:
        return {key: properties[key] for key in properties if key not in self._SEPARATE}

    @staticmethod
    def _outcome(context: Context, name: str, url: str) -> dict[str, Any]:
        return {"Arn": context.arn("sqs", name), "QueueName": name, "QueueUrl": url}


class QueuePolicy(ResourceProvider):
    type = "AWS::SQS::QueuePolicy"

    def create(self, context: Context, properties: Properties) -> Created:
        self._put(context, properties["Queues"], properties["PolicyDocument"])
        return Created(context.generated_name(64))

    def update(
        self, context: Context, physical_id: str, properties: Properties, old: Properties
    ) -> dict[str, Any]:
        self._put(context, properties["Queues"], properties["PolicyDocument"])
        return {}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        self._put(context, properties["Queues"], "")

    @staticmethod
    def _put(context: Context, queues: list[str], policy: Any) -> None:
        for url in queues:
            context.call("sqs", "SetQueueAttributes", QueueUrl=url, Attributes={"Policy": policy})


PROVIDERS = (Topic, Subscription, TopicPolicy, Queue, QueuePolicy)
