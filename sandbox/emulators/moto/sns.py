"""What moto's SNS gets wrong: whoever is subscribed from outside has to agree first.

moto takes every subscription for confirmed. AWS writes to the address and delivers nothing until
someone there agrees with the token it sent, and refuses to end a subscription before that. Here
the token is the last part of the subscription's ARN. And moto forgets some settings of topics.

https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html
"""

from typing import Any

from moto.core.responses import ActionResult
from moto.sns.exceptions import InvalidParameterValue
from moto.sns.models import SNSBackend, Subscription
from moto.sns.responses import SNSResponse

_ASKED_FIRST = frozenset({"email", "email-json", "http", "https"})
_FORGOTTEN = {"SignatureVersion": "signature_version", "TracingConfig": "tracing_config"}

_subscribe = SNSBackend.subscribe
_unsubscribe = SNSBackend.unsubscribe
_publish: Any = Subscription.publish
_get_topic_attributes = SNSResponse.get_topic_attributes


def is_pending(subscription: Subscription) -> bool:
    """Whether nobody at the address has agreed yet."""
    return bool(subscription.attributes.get("PendingConfirmation"))


def subscribe(self: SNSBackend, topic_arn: str, endpoint: str, protocol: str) -> Subscription:
    """Subscribe an address, which is asked first unless AWS itself is there."""
    before = set(self.subscriptions)
    subscription = _subscribe(self, topic_arn, endpoint, protocol)
    if subscription.arn not in before and protocol in _ASKED_FIRST:
        subscription.attributes["PendingConfirmation"] = True
        subscription.attributes["ConfirmationWasAuthenticated"] = False
    return subscription


def unsubscribe(self: SNSBackend, subscription_arn: str) -> None:
    """End a subscription that was agreed to."""
    subscription = self.subscriptions.get(subscription_arn)
    if subscription is not None and is_pending(subscription):
        raise InvalidParameterValue(
            "Invalid parameter: SubscriptionArn Reason: Cannot unsubscribe a subscription that is"
            " pending confirmation"
        )
    _unsubscribe(self, subscription_arn)


def publish(self: Subscription, *args: Any, **kwargs: Any) -> None:
    """Deliver a message to whoever agreed to get it."""
    if not is_pending(self):
        _publish(self, *args, **kwargs)


def confirm_subscription(self: SNSResponse) -> ActionResult:
    """Agree to a subscription."""
    given: dict[str, Any] = self.params
    arn = f"{given['TopicArn']}:{given['Token']}"
    subscription = self.backend.subscriptions.get(arn)
    if subscription is None:
        raise InvalidParameterValue("Invalid parameter: Token")
    subscription.attributes["PendingConfirmation"] = False
    return ActionResult({"SubscriptionArn": arn})


def get_topic_attributes(self: SNSResponse) -> ActionResult:
    """The attributes that moto knows of, and those that it only keeps."""
    topic = self.backend.get_topic(self.params["TopicArn"])
    kept = {name: vars(topic).get(key) for name, key in _FORGOTTEN.items()}
    answer: Any = _get_topic_attributes(self)
    answer.result["Attributes"].update({name: value for name, value in kept.items() if value})
    return answer


def correct() -> None:
    """Replace what is wrong in this process."""
    SNSBackend.subscribe = subscribe
    SNSBackend.unsubscribe = unsubscribe
    Subscription.publish = publish
    SNSResponse.confirm_subscription = confirm_subscription
    SNSResponse.get_topic_attributes = get_topic_attributes
