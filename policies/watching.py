"""Rules for what must tell people: alarms, their topics, the trail and what it is searched for."""

import json
from collections.abc import Iterator
from typing import Any

from policies.buckets import BUCKET, holds_backups
from policies.documents import statements
from policies.model import (
    Findings,
    Resource,
    Rule,
    Stack,
    UndecidedError,
    alone,
    get,
    listed,
    of_type,
)

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
EVENT_RULE = "aws:cloudwatch/eventRule:EventRule"
EVENT_TARGET = "aws:cloudwatch/eventTarget:EventTarget"
SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"
TOPIC = "aws:sns/topic:Topic"
TOPIC_POLICY = "aws:sns/topicPolicy:TopicPolicy"
TRAIL = "aws:cloudtrail/trail:Trail"

_ENDING_OBJECTS = ("DeleteObject", "DeleteObjects", "PutObjectLegalHold", "PutObjectRetention")
WATCHED = (
    *_ENDING_OBJECTS,
    "DeleteBucket",
    "DeleteBucketLifecycle",
    "DeleteBucketPolicy",
    "DeleteBucketReplication",
    "PutBucketLifecycle",
    "PutBucketObjectLockConfiguration",
    "PutBucketPolicy",
    "PutBucketReplication",
    "PutBucketVersioning",
)
"""Requests about a backup bucket that somebody must hear of, by CloudTrail's names."""

_CANNOT_ASK = {"events.amazonaws.com"}
"""Services that come without the account or the resource that they act for: asked, they fail.

Source: https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
"""


def _tells(alarm: Resource) -> Findings:
    if alarm.get("actionsEnabled") is False:
        yield "its actions are off"
    # Not known before the topic is made, and enough that there is one.
    if not alarm.inputs.get("alarmActions"):
        yield "nobody hears when it begins"
    if not alarm.inputs.get("okActions"):
        yield "nobody hears when it ends"


def _on_age(alarm: Resource, _: Stack) -> bool:
    return (alarm.get("metricName") or "").endswith("AgeSeconds")


def _counts_silence(alarm: Resource) -> Findings:
    if alarm.get("treatMissingData") != "breaching":
        yield f"missing data is {alarm.get('treatMissingData') or 'missing'}"


def _encrypted(topic: Resource) -> Findings:
    # Not known before the key is made, and enough that there is one.
    if "kmsMasterKeyId" not in topic.inputs:
        yield "it names no key"


def _services_alone(policy: Resource) -> Findings:
    for each in statements(policy, "policy"):
        if not each.allows:
            continue
        if each.admits_everybody or set(each.principals) != {"Service"}:
            yield f"it allows others than services {', '.join(each.actions)}"
        acts_for = each.limited_by("aws:SourceAccount") or each.limited_by("aws:SourceArn")
        for service in each.principals.get("Service", []):
            if service not in _CANNOT_ASK and not acts_for:
                yield f"it allows {service} on behalf of every account"


def _sealed(subscription: Resource) -> Findings:
    if subscription.get("protocol") == "http":
        yield "it sends in plain text"


def _provable(trail: Resource) -> Findings:
    if trail.get("enableLogFileValidation") is not True:
        yield "enableLogFileValidation is not true"


def _everywhere(trail: Resource) -> Findings:
    if trail.get("isMultiRegionTrail") is not True:
        yield "isMultiRegionTrail is not true"
    if trail.get("enableLogging") is False:
        yield "it is stopped"


def _holds(bucket: Resource, stack: Stack) -> bool:
    return holds_backups(bucket.get("bucket"), stack)


def _recorded(bucket: Resource, stack: Stack) -> Findings:
    arn = f"arn:aws:s3:::{bucket.get('bucket')}/"
    recorded = {
        event
        for trail in of_type(stack, TRAIL)
        for selector in listed(trail.get("advancedEventSelectors"))
        for event in _events_of(selector, arn)
    }
    for event in _ENDING_OBJECTS:
        if event not in recorded and "*" not in recorded:
            yield f"no trail records {event} of its objects"


def _events_of(selector: Any, arn: str) -> Iterator[str]:
    """The events that a selector records of an object; `*` for all."""
    fields = {get(each, "field"): each for each in listed(get(selector, "fieldSelectors"))}
    where = listed(get(fields.get("resources.ARN"), "startsWiths"))
    if listed(get(fields.get("eventCategory"), "equals")) != ["Data"]:
        return
    if where and not any(arn.startswith(each) for each in where):
        return
    yield from listed(get(fields.get("eventName"), "equals")) or ["*"]


def _watched(bucket: Resource, stack: Stack) -> Findings:
    told = {get(each.inputs, "rule") for each in of_type(stack, EVENT_TARGET)}
    heard, undecided = set[str](), False
    for rule in of_type(stack, EVENT_RULE):
        try:
            heard |= _heard(rule, bucket) if rule.get("name") in told else set()
        except UndecidedError:
            undecided = True
    missing = [event for event in WATCHED if event not in heard]
    if missing and undecided:
        raise UndecidedError
    return [f"nobody hears of {event}" for event in missing]


def _heard(rule: Resource, bucket: Resource) -> set[str]:
    """The events of a bucket that a rule passes on."""
    written = rule.get("eventPattern")
    pattern = json.loads(written) if isinstance(written, str) else written
    detail = get(pattern, "detail")
    named = listed(get(detail, "requestParameters", "bucketName"))
    here = rule.get("region") == bucket.get("region")
    on = rule.get("state") != "DISABLED"
    events = listed(get(detail, "eventName"))
    return set(events) if on and here and bucket.get("bucket") in named else set()


RULES = (
    Rule(
        name="alarm-tells-somebody",
        meaning="The alarm would be seen by who looks for it, and nobody does: give it actions for"
        " its beginning and its end.",
        answers=("CKV_AWS_319", "CloudWatch.15", "CloudWatch.17"),
        types=(ALARM,),
        check=alone(_tells),
    ),
    Rule(
        name="age-alarm-counts-silence",
        meaning="Backups that stopped report nothing, which would look like health: set"
        " treat_missing_data to breaching.",
        types=(ALARM,),
        about=_on_age,
        check=alone(_counts_silence),
    ),
    Rule(
        name="topic-is-encrypted",
        meaning="Alarms say where backups are and what is wrong with them: name a key of the"
        " stack.",
        answers=("CKV_AWS_26", "SNS.1"),
        types=(TOPIC,),
        check=alone(_encrypted),
    ),
    Rule(
        name="topic-hears-services-alone",
        meaning="Others could raise false alarms until nobody believes any: allow services alone,"
        " on behalf of this account.",
        answers=("CKV_AWS_169", "SNS.4"),
        types=(TOPIC_POLICY,),
        check=alone(_services_alone),
    ),
    Rule(
        name="subscription-is-sealed",
        meaning="Alarms could be read and withheld on their way: subscribe by https or e-mail.",
        types=(SUBSCRIPTION,),
        check=alone(_sealed),
    ),
    Rule(
        name="trail-is-provable",
        meaning="Whoever deleted backups could change what the trail says of it: enable the"
        " validation of log files.",
        answers=("CKV_AWS_36", "CloudTrail.4"),
        types=(TRAIL,),
        check=alone(_provable),
    ),
    Rule(
        name="trail-is-everywhere",
        meaning="What is done in another region would leave no trace: record all regions, and do"
        " not stop.",
        answers=("CKV_AWS_67",),
        types=(TRAIL,),
        check=alone(_everywhere),
    ),
    Rule(
        name="bucket-is-recorded",
        meaning="Nobody could say who deleted or unlocked backups: let a trail record these events"
        " of each backup bucket.",
        types=(BUCKET,),
        about=_holds,
        check=_recorded,
        looks_around=True,
    ),
    Rule(
        name="bucket-is-watched",
        meaning="Nobody would hear that backups are being ended: pass these events of each backup"
        " bucket on to the alarms, by a rule in its region that has a target.",
        answers=("CKV2_AWS_62", "S3.11"),
        types=(BUCKET,),
        about=_holds,
        check=_watched,
        looks_around=True,
    ),
)
