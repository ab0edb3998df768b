"""The record of what was done in the account."""

# ruff: noqa: S105 - "token" is Pulumi's word for the name of a type

import json
from collections.abc import Iterable
from typing import Any, ClassVar

from sandbox.providers.aws.connection import Aws
from sandbox.providers.aws.handler import REGION, TAGS, AwsHandler, changed_tags, or_none
from sandbox.providers.aws.wire import tag_list, tag_map
from sandbox.providers.framework import ProviderError
from sandbox.providers.schema import Naming, Problem, Schema, blocks, flag, text, texts
from sandbox.providers.values import Props, is_known, is_map

_EVENT_SELECTORS = {
    "readWriteType": text(default="All", choices=("All", "ReadOnly", "WriteOnly")),
    "includeManagementEvents": flag(default=True),
    "excludeManagementEventSources": texts(),
    "dataResources": blocks(
        {"type": text(required=True), "values": texts(required=True)}, unordered=True
    ),
}
_OPERATORS = {
    "equals": "Equals",
    "notEquals": "NotEquals",
    "startsWiths": "StartsWith",
    "notStartsWiths": "NotStartsWith",
    "endsWiths": "EndsWith",
    "notEndsWiths": "NotEndsWith",
}
_ADVANCED_EVENT_SELECTORS = {
    "name": text(),
    "fieldSelectors": blocks(
        {"field": text(required=True), **{name: texts() for name in _OPERATORS}},
        unordered=True,
        required=True,
    ),
}
_PLAIN = {
    "s3BucketName": "S3BucketName",
    "s3KeyPrefix": "S3KeyPrefix",
    "kmsKeyId": "KmsKeyId",
    "snsTopicName": "SnsTopicName",
    "isMultiRegionTrail": "IsMultiRegionTrail",
    "isOrganizationTrail": "IsOrganizationTrail",
    "includeGlobalServiceEvents": "IncludeGlobalServiceEvents",
    "cloudWatchLogsGroupArn": "CloudWatchLogsLogGroupArn",
    "cloudWatchLogsRoleArn": "CloudWatchLogsRoleArn",
}
"""What the API calls the properties whose values it takes and gives back as they are."""

_EVERYTHING = {"readWriteType": "All", "includeManagementEvents": True}
"""What a trail records whose program does not say."""


class Trail(AwsHandler):
    """A trail. Its id is its ARN."""

    token = "aws:cloudtrail/trail:Trail"
    inputs: ClassVar[Schema] = {
        **REGION,
        **TAGS,
        "name": text(replaces=True, identity=True, naming=Naming(max_length=128)),
        "s3BucketName": text(required=True),
        "s3KeyPrefix": text(),
        "kmsKeyId": text(),
        "snsTopicName": text(),
        "isMultiRegionTrail": flag(default=False),
        "isOrganizationTrail": flag(default=False),
        "includeGlobalServiceEvents": flag(default=True),
        "enableLogFileValidation": flag(default=False),
        "enableLogging": flag(default=True),
        "cloudWatchLogsGroupArn": text(),
        "cloudWatchLogsRoleArn": text(),
        "eventSelectors": blocks(_EVENT_SELECTORS),
        "advancedEventSelectors": blocks(_ADVANCED_EVENT_SELECTORS),
    }
    outputs = ("arn", "homeRegion")

    def problems(self, inputs: Props) -> Iterable[Problem]:
        """What AWS refuses and moto does not."""
        chosen = [inputs.get(name) for name in ("eventSelectors", "advancedEventSelectors")]
        if is_known(chosen) and all(chosen):
            yield Problem("eventSelectors", "cannot be set together with advancedEventSelectors")

    def create(self, cloud: Aws, wanted: Props) -> str:
        """Make the trail, which does not record yet."""
        _require_delivery(cloud, wanted["s3BucketName"])
        made = cloud.cloudtrail.create_trail(
            Name=wanted["name"], TagsList=tag_list(wanted["tagsAll"]), **_told(wanted)
        )
        return made["TrailARN"]

    def settle(self, cloud: Aws, resource_id: str, wanted: Props) -> None:
        """Choose the events, and begin to record."""
        self._select(cloud, resource_id, wanted)
        self._switch(cloud, resource_id, wanted)

    def read(self, cloud: Aws, resource_id: str, known: Props) -> Props | None:
        """The trail."""
        name = resource_id.rpartition("/")[2]
        trail: Any = cloud.cloudtrail.get_trail(Name=name)["Trail"]
        selected: Any = cloud.cloudtrail.get_event_selectors(TrailName=name)
        (tags,) = cloud.cloudtrail.list_tags(ResourceIdList=[resource_id])["ResourceTagList"]
        simple = [_selector_of(each) for each in selected.get("EventSelectors", [])]
        return {
            **{key: trail.get(api) for key, api in _PLAIN.items()},
            "name": name,
            "arn": trail["TrailARN"],
            "homeRegion": trail.get("HomeRegion", cloud.region),
            "enableLogFileValidation": trail.get("LogFileValidationEnabled"),
            "enableLogging": cloud.cloudtrail.get_trail_status(Name=name)["IsLogging"],
            "eventSelectors": simple
            if simple != [_EVERYTHING] or "eventSelectors" in known
            else None,
            "advancedEventSelectors": [
                _advanced_of(each) for each in selected.get("AdvancedEventSelectors", [])
            ],
            "tagsAll": tag_map(tags.get("TagsList", [])),
        }

    def update(self, cloud: Aws, resource_id: str, old: Props, wanted: Props) -> None:
        """Set everything that can be set."""
        _require_delivery(cloud, wanted["s3BucketName"])
        gone: Any = {api: "" for key, api in _PLAIN.items() if key in old and key not in wanted}
        cloud.cloudtrail.update_trail(Name=wanted["name"], **gone, **_told(wanted))
        chosen = ("eventSelectors", "advancedEventSelectors")
        if any(old.get(key) != wanted.get(key) for key in chosen):
            self._select(cloud, resource_id, wanted, anew=True)
        self._switch(cloud, resource_id, wanted)
        removed, added = changed_tags(old, wanted)
        if removed:
            before: Any = tag_list({key: old["tagsAll"][key] for key in removed})
            cloud.cloudtrail.remove_tags(ResourceId=resource_id, TagsList=before)
        if added:
            cloud.cloudtrail.add_tags(ResourceId=resource_id, TagsList=tag_list(added))

    def _select(self, cloud: Aws, resource_id: str, wanted: Props, *, anew: bool = False) -> None:
        name = resource_id.rpartition("/")[2]
        simple, advanced = wanted.get("eventSelectors"), wanted.get("advancedEventSelectors")
        if advanced:
            cloud.cloudtrail.put_event_selectors(
                TrailName=name, AdvancedEventSelectors=[_advanced(each) for each in advanced]
            )
        elif simple:
            cloud.cloudtrail.put_event_selectors(
                TrailName=name, EventSelectors=[_selector(each) for each in simple]
            )
        elif anew:
            cloud.cloudtrail.put_event_selectors(
                TrailName=name, EventSelectors=[_selector(_EVERYTHING)]
            )

    def _switch(self, cloud: Aws, resource_id: str, wanted: Props) -> None:
        name = resource_id.rpartition("/")[2]
        if wanted["enableLogging"]:
            cloud.cloudtrail.start_logging(Name=name)
        else:
            cloud.cloudtrail.stop_logging(Name=name)

    def delete(self, cloud: Aws, resource_id: str, state: Props) -> None:  # noqa: ARG002
        """Delete the trail; what it recorded stays in its bucket."""
        cloud.cloudtrail.delete_trail(Name=resource_id.rpartition("/")[2])


def _told(wanted: Props) -> Any:
    asked = {api: wanted[key] for key, api in _PLAIN.items() if key in wanted}
    return {**asked, "EnableLogFileValidation": wanted["enableLogFileValidation"]}


def _require_delivery(cloud: Aws, bucket: str) -> None:
    """AWS writes nothing into a bucket whose policy does not let it; moto does not look."""
    found = or_none(cloud.s3.get_bucket_policy, "NoSuchBucketPolicy", Bucket=bucket)
    allowed = _allowed_to_cloudtrail(json.loads(found["Policy"])) if found else set[str]()
    for action in ("s3:GetBucketAcl", "s3:PutObject"):
        if action not in allowed:
            raise ProviderError(
                f"InsufficientS3BucketPolicyException: the policy of bucket '{bucket}' does not "
                f"allow cloudtrail.amazonaws.com to {action}: add a statement that does"
            )


def _allowed_to_cloudtrail(policy: Any) -> set[str]:
    allowed: set[str] = set()
    for statement in policy["Statement"]:
        principal = statement.get("Principal")
        services: Any = principal.get("Service", []) if is_map(principal) else []
        if statement["Effect"] == "Allow" and "cloudtrail.amazonaws.com" in services:
            actions = statement["Action"]
            allowed |= {actions} if isinstance(actions, str) else set(actions)
    return allowed


def _selector(selector: Props) -> Any:
    return {
        "ReadWriteType": selector["readWriteType"],
        "IncludeManagementEvents": selector["includeManagementEvents"],
        "ExcludeManagementEventSources": selector.get("excludeManagementEventSources", []),
        "DataResources": [
            {"Type": each["type"], "Values": each["values"]}
            for each in selector.get("dataResources", [])
        ],
    }


def _selector_of(answer: Any) -> Props:
    selector: Props = {
        "readWriteType": answer["ReadWriteType"],
        "includeManagementEvents": answer["IncludeManagementEvents"],
    }
    if answer.get("ExcludeManagementEventSources"):
        selector["excludeManagementEventSources"] = answer["ExcludeManagementEventSources"]
    if answer.get("DataResources"):
        selector["dataResources"] = [
            {"type": each["Type"], "values": each["Values"]} for each in answer["DataResources"]
        ]
    return selector


def _advanced(selector: Props) -> Any:
    fields = [
        {
            "Field": each["field"],
            **{api: each[name] for name, api in _OPERATORS.items() if name in each},
        }
        for each in selector["fieldSelectors"]
    ]
    name = {"Name": selector["name"]} if "name" in selector else {}
    return {**name, "FieldSelectors": fields}


def _advanced_of(answer: Any) -> Props:
    fields = [
        {
            "field": each["Field"],
            **{name: each[api] for name, api in _OPERATORS.items() if api in each},
        }
        for each in answer["FieldSelectors"]
    ]
    name = {"name": answer["Name"]} if "Name" in answer else {}
    return {**name, "fieldSelectors": fields}


HANDLERS = [Trail()]
