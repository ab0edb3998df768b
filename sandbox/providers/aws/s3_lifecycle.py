"""When objects of a bucket change their storage class, and when they end."""

# ruff: noqa: S105 - "token" is Pulumi's word for the name of a type

from collections import Counter
from collections.abc import Iterable
from threading import Lock
from typing import ClassVar

from sandbox.providers.aws.connection import Aws
from sandbox.providers.aws.handler import or_none
from sandbox.providers.aws.s3 import BucketPart
from sandbox.providers.aws.wire import from_api
from sandbox.providers.framework import ProviderError
from sandbox.providers.schema import (
    Problem,
    Schema,
    block,
    blocks,
    flag,
    number,
    or_nothing,
    text,
    text_map,
)
from sandbox.providers.values import Props, is_list, is_map

# The engine creates both of two at the same moment.
_ONE_AT_A_TIME = Lock()

_SIZES = {"objectSizeGreaterThan": number(), "objectSizeLessThan": number()}
_FILTER = block(
    {
        **_SIZES,
        "prefix": text(),
        "tag": block({"key": text(required=True), "value": text(required=True)}),
        "and": block({**_SIZES, "prefix": text(), "tags": text_map()}),
    }
)
_RULE = {
    "id": text(required=True),
    "status": text(required=True, choices=("Enabled", "Disabled")),
    "prefix": text(),
    "filter": _FILTER,
    "expiration": block(
        {
            "date": text(),
            "days": number(),
            "expiredObjectDeleteMarker": flag(same=or_nothing),
        }
    ),
    "noncurrentVersionExpiration": block(
        {"noncurrentDays": number(required=True), "newerNoncurrentVersions": number()}
    ),
    "transitions": blocks(
        {"storageClass": text(required=True), "days": number(), "date": text()}, unordered=True
    ),
    "noncurrentVersionTransitions": blocks(
        {
            "storageClass": text(required=True),
            "noncurrentDays": number(required=True),
            "newerNoncurrentVersions": number(),
        },
        unordered=True,
    ),
    "abortIncompleteMultipartUpload": block({"daysAfterInitiation": number()}),
}


class BucketLifecycleConfiguration(BucketPart):
    """All lifecycle rules of a bucket: a bucket has one such configuration or none."""

    token = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
    settings: ClassVar[Schema] = {
        "rules": blocks(_RULE, unordered=True, required=True),
        "transitionDefaultMinimumObjectSize": text(
            computed=True, choices=("all_storage_classes_128K", "varies_by_storage_class")
        ),
    }

    def problems(self, inputs: Props) -> Iterable[Problem]:
        """What AWS refuses and moto does not."""
        rules = inputs["rules"] if is_list(inputs["rules"]) else []
        known = [rule for rule in rules if is_map(rule)]
        counted = Counter(str(rule["id"]) for rule in known if isinstance(rule["id"], str))
        for name, times in counted.items():
            if times > 1:
                yield Problem("rules", f"{times} rules have the id '{name}': give each its own")
        for index, rule in enumerate(known):
            expiration = rule.get("expiration")
            if is_map(expiration) and len(expiration) > 1:
                yield Problem(
                    f"rules[{index}].expiration",
                    "takes one of days, date and expiredObjectDeleteMarker: make rules of their own"
                    " of the others",
                )
            chosen = rule.get("filter")
            if is_map(chosen) and len(chosen) > 1:
                yield Problem(
                    f"rules[{index}].filter", "takes one condition: put several under 'and'"
                )
            if _ends_too_early(rule):
                yield Problem(
                    f"rules[{index}].expiration.days",
                    "must be greater than the days of every transition of the rule",
                )

    def create(self, cloud: Aws, wanted: Props) -> str:
        """Set the rules, but never in the place of others: AWS would silently drop those, and
        deleting either resource would leave the bucket with none.
        """
        with _ONE_AT_A_TIME:
            _require_none(cloud, wanted["bucket"])
            return super().create(cloud, wanted)

    def put(self, cloud: Aws, bucket: str, wanted: Props) -> None:
        """Set all rules."""
        asked = self.told(wanted)
        size = asked.pop("TransitionDefaultMinimumObjectSize", None)
        for rule in asked["Rules"]:
            if "Prefix" not in rule:
                rule.setdefault("Filter", {"Prefix": ""})  # The API wants one of the two.
        cloud.s3.put_bucket_lifecycle_configuration(
            Bucket=bucket,
            LifecycleConfiguration=asked,
            **({"TransitionDefaultMinimumObjectSize": size} if size else {}),
        )

    def get(self, cloud: Aws, bucket: str) -> Props:
        """All rules."""
        found = cloud.s3.get_bucket_lifecycle_configuration(Bucket=bucket)
        return from_api(self.settings, found)

    def delete(self, cloud: Aws, resource_id: str, state: Props) -> None:  # noqa: ARG002
        """Remove all rules."""
        cloud.s3.delete_bucket_lifecycle(Bucket=resource_id)


def _ends_too_early(rule: Props) -> bool:
    expiration, transitions = rule.get("expiration"), rule.get("transitions")
    days = expiration.get("days") if is_map(expiration) else None
    moves = (
        [each.get("days") for each in transitions if is_map(each)] if is_list(transitions) else []
    )
    return isinstance(days, int) and any(isinstance(each, int) and each >= days for each in moves)


def _require_none(cloud: Aws, bucket: str) -> None:
    found = or_none(
        cloud.s3.get_bucket_lifecycle_configuration, "NoSuchLifecycleConfiguration", Bucket=bucket
    )
    if found is not None:
        names = ", ".join(str(rule.get("ID")) for rule in found["Rules"])
        raise ProviderError(
            f"bucket '{bucket}' has a lifecycle configuration already (rules {names}), and a "
            "bucket has only one: put all rules into one resource"
        )


HANDLERS = [BucketLifecycleConfiguration()]
