"""Topics, who may use them, and who is told."""

# ruff: noqa: S105 - "token" is Pulumi's word for the name of a type

import json
from collections.abc import Iterable
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from sandbox.providers.aws.connection import Aws
from sandbox.providers.aws.documents import policy_text
from sandbox.providers.aws.handler import REGION, TAGS, AwsHandler, changed_tags, error_code
from sandbox.providers.aws.wire import tag_list, tag_map
from sandbox.providers.schema import Naming, Problem, Schema, flag, json_text, number, text
from sandbox.providers.values import Props

_TOPIC_ATTRIBUTES = {
    "displayName": "DisplayName",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "policy": "Policy",
    "deliveryPolicy": "DeliveryPolicy",
    "signatureVersion": "SignatureVersion",
    "tracingConfig": "TracingConfig",
}


class Topic(AwsHandler):
    """A topic. Its id is its ARN."""

    token = "aws:sns/topic:Topic"
    inputs: ClassVar[Schema] = {
        **REGION,
        **TAGS,
        "name": text(
            replaces=True,
            identity=True,
            naming=Naming(max_length=256, prefix_from="namePrefix"),
        ),
        "namePrefix": text(replaces=True, write_only=True),
        "displayName": text(),
        "kmsMasterKeyId": text(),
        "policy": policy_text(computed=True),
        "deliveryPolicy": json_text(),
        "signatureVersion": number(computed=True),
        "tracingConfig": text(computed=True, choices=("PassThrough", "Active")),
    }
    outputs = ("arn", "owner")

    def problems(self, inputs: Props) -> Iterable[Problem]:
        """What AWS refuses and moto does not."""
        if inputs.get("signatureVersion") not in (None, 1, 2) and isinstance(
            inputs["signatureVersion"], int
        ):
            yield Problem("signatureVersion", "must be 1 or 2")

    def create(self, cloud: Aws, wanted: Props) -> str:
        """Make the topic."""
        asked = {name: str(wanted[key]) for key, name in _TOPIC_ATTRIBUTES.items() if key in wanted}
        made = cloud.sns.create_topic(
            Name=wanted["name"], Attributes=asked, Tags=tag_list(wanted["tagsAll"])
        )
        return made["TopicArn"]

    def read(self, cloud: Aws, resource_id: str, known: Props) -> Props | None:  # noqa: ARG002
        """The topic."""
        found = cloud.sns.get_topic_attributes(TopicArn=resource_id)["Attributes"]
        tags = cloud.sns.list_tags_for_resource(ResourceArn=resource_id).get("Tags", [])
        state: Props = {key: found.get(name) or None for key, name in _TOPIC_ATTRIBUTES.items()}
        version = state["signatureVersion"]
        return {
            **state,
            "signatureVersion": int(version) if version else None,
            "arn": resource_id,
            "name": resource_id.rpartition(":")[2],
            "owner": found["Owner"],
            "tagsAll": tag_map(tags),
        }

    def update(self, cloud: Aws, resource_id: str, old: Props, wanted: Props) -> None:
        """Set what has changed."""
        for key, name in _TOPIC_ATTRIBUTES.items():
            chosen_by_aws = self.inputs[key].computed and key not in wanted
            if not chosen_by_aws and old.get(key) != wanted.get(key):
                cloud.sns.set_topic_attributes(
                    TopicArn=resource_id,
                    AttributeName=name,
                    AttributeValue=str(wanted.get(key, "")),
                )
        removed, added = changed_tags(old, wanted)
        if removed:
            cloud.sns.untag_resource(ResourceArn=resource_id, TagKeys=removed)
        if added:
            cloud.sns.tag_resource(ResourceArn=resource_id, Tags=tag_list(added))

    def delete(self, cloud: Aws, resource_id: str, state: Props) -> None:  # noqa: ARG002
        """Delete the topic, and with it all subscriptions."""
        cloud.sns.delete_topic(TopicArn=resource_id)


class TopicPolicy(AwsHandler):
    """Who may do what with a topic. Its id is the topic's ARN."""

    token = "aws:sns/topicPolicy:TopicPolicy"
    inputs: ClassVar[Schema] = {
        **REGION,
        "arn": text(required=True, replaces=True, identity=True),
        "policy": policy_text(required=True),
    }
    outputs = ("owner",)

    def create(self, cloud: Aws, wanted: Props) -> str:
        """Set it in the place of the one that every topic has."""
        _set_policy(cloud, wanted["arn"], wanted["policy"])
        return wanted["arn"]

    def read(self, cloud: Aws, resource_id: str, known: Props) -> Props | None:  # noqa: ARG002
        """The policy."""
        found = cloud.sns.get_topic_attributes(TopicArn=resource_id)["Attributes"]
        return {"arn": resource_id, "owner": found["Owner"], "policy": found["Policy"]}

    def update(self, cloud: Aws, resource_id: str, old: Props, wanted: Props) -> None:  # noqa: ARG002
        """Set it again."""
        _set_policy(cloud, resource_id, wanted["policy"])

    def delete(self, cloud: Aws, resource_id: str, state: Props) -> None:  # noqa: ARG002
        """Go back to what AWS gives a new topic: only its owner may use it."""
        statement = {
            "Sid": "__default_statement_ID",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": [
                "SNS:GetTopicAttributes",
                "SNS:SetTopicAttributes",
                "SNS:AddPermission",
                "SNS:RemovePermission",
                "SNS:DeleteTopic",
                "SNS:Subscribe",
                "SNS:ListSubscriptionsByTopic",
                "SNS:Publish",
            ],
            "Resource": resource_id,
            "Condition": {"StringEquals": {"AWS:SourceOwner": resource_id.split(":")[4]}},
        }
        document = {
            "Version": "2008-10-17",
            "Id": "__default_policy_ID",
            "Statement": [statement],
        }
        _set_policy(cloud, resource_id, json.dumps(document))


def _set_policy(cloud: Aws, arn: str, policy: str) -> None:
    cloud.sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy)


_PROTOCOLS = (
    "application",
    "email",
    "email-json",
    "firehose",
    "http",
    "https",
    "lambda",
    "sms",
    "sqs",
)
_SUBSCRIPTION_ATTRIBUTES = {
    # The scope comes first: it says how the filter is to be read.
    "filterPolicyScope": "FilterPolicyScope",
    "filterPolicy": "FilterPolicy",
    "deliveryPolicy": "DeliveryPolicy",
    "rawMessageDelivery": "RawMessageDelivery",
    "redrivePolicy": "RedrivePolicy",
    "subscriptionRoleArn": "SubscriptionRoleArn",
}


class TopicSubscription(AwsHandler):
    """Someone who is told. Its id is its ARN.

    Mailboxes and web servers have to agree first: until then it is pending, as on AWS.
    """

    token = "aws:sns/topicSubscription:TopicSubscription"
    inputs: ClassVar[Schema] = {
        **REGION,
        "topic": text(required=True, replaces=True),
        "protocol": text(required=True, replaces=True, choices=_PROTOCOLS),
        "endpoint": text(required=True, replaces=True),
        "confirmationTimeoutInMinutes": number(default=1, write_only=True),
        "endpointAutoConfirms": flag(default=False, write_only=True),
        "deliveryPolicy": json_text(),
        "filterPolicy": json_text(),
        "filterPolicyScope": text(computed=True, choices=("MessageAttributes", "MessageBody")),
        "rawMessageDelivery": flag(default=False),
        "redrivePolicy": json_text(),
        "subscriptionRoleArn": text(),
    }
    outputs = ("arn", "confirmationWasAuthenticated", "ownerId", "pendingConfirmation")
    volatile = ("confirmationWasAuthenticated", "pendingConfirmation")

    def create(self, cloud: Aws, wanted: Props) -> str:
        """Subscribe."""
        asked = {
            name: _attribute(wanted[key])
            for key, name in _SUBSCRIPTION_ATTRIBUTES.items()
            if key in wanted
        }
        made = cloud.sns.subscribe(
            TopicArn=wanted["topic"],
            Protocol=wanted["protocol"],
            Endpoint=wanted["endpoint"],
            Attributes=asked,
            ReturnSubscriptionArn=True,
        )
        return made["SubscriptionArn"]

    def settle(self, cloud: Aws, resource_id: str, wanted: Props) -> None:
        """Agree in the place of a web server that agrees by itself: here is none."""
        if wanted["endpointAutoConfirms"] and wanted["protocol"] in {"http", "https"}:
            token = resource_id.rpartition(":")[2]
            cloud.sns.confirm_subscription(TopicArn=wanted["topic"], Token=token)

    def read(self, cloud: Aws, resource_id: str, known: Props) -> Props | None:  # noqa: ARG002
        """The subscription."""
        found = cloud.sns.get_subscription_attributes(SubscriptionArn=resource_id)["Attributes"]
        state: Props = {
            key: found.get(name) or None for key, name in _SUBSCRIPTION_ATTRIBUTES.items()
        }
        if state["filterPolicy"] == "{}":
            state["filterPolicy"] = state["filterPolicyScope"] = None
        return {
            **state,
            "rawMessageDelivery": found.get("RawMessageDelivery") == "true",
            "arn": resource_id,
            "topic": found["TopicArn"],
            "protocol": found["Protocol"],
            "endpoint": found["Endpoint"],
            "ownerId": found["Owner"],
            "pendingConfirmation": found["PendingConfirmation"] == "true",
            "confirmationWasAuthenticated": found["ConfirmationWasAuthenticated"] == "true",
        }

    def update(self, cloud: Aws, resource_id: str, old: Props, wanted: Props) -> None:
        """Set what has changed."""
        for key, name in _SUBSCRIPTION_ATTRIBUTES.items():
            chosen_by_aws = self.inputs[key].computed and key not in wanted
            if not chosen_by_aws and old.get(key) != wanted.get(key):
                value = _attribute(wanted[key]) if key in wanted else "{}"
                cloud.sns.set_subscription_attributes(
                    SubscriptionArn=resource_id, AttributeName=name, AttributeValue=value
                )

    def delete(self, cloud: Aws, resource_id: str, state: Props) -> None:  # noqa: ARG002
        """Unsubscribe. One that nobody agreed to yet cannot be ended: AWS drops it by itself."""
        try:
            cloud.sns.unsubscribe(SubscriptionArn=resource_id)
        except ClientError as error:
            if error_code(error) != "InvalidParameter" or "pending confirmation" not in str(error):
                raise


def _attribute(value: Any) -> str:
    return json.dumps(value) if isinstance(value, bool) else str(value)


HANDLERS = [Topic(), TopicPolicy(), TopicSubscription()]
