"""Rules on what happens in the account, and who is told of it."""

# ruff: noqa: S105 - "token" is Pulumi's word for the name of a type

from collections.abc import Iterable
from typing import Any, ClassVar

from sandbox.providers.aws.connection import Aws
from sandbox.providers.aws.handler import REGION, TAGS, AwsHandler, changed_tags
from sandbox.providers.aws.wire import tag_list, tag_map
from sandbox.providers.framework import ProviderError
from sandbox.providers.schema import (
    Naming,
    Problem,
    Prop,
    Schema,
    block,
    flag,
    json_text,
    number,
    text,
    text_map,
)
from sandbox.providers.values import Props, is_known

_STATES = ("ENABLED", "DISABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS")
_DEFAULT_BUS = "default"


def _bus() -> Prop:
    return text(default=_DEFAULT_BUS, replaces=True, identity=True)


def _id(bus: str, *parts: str) -> str:
    """As `pulumi import` wants it: the bus is left out if it is the default one."""
    return "/".join(parts if bus == _DEFAULT_BUS else (bus, *parts))


class EventRule(AwsHandler):
    """A rule. Its id is its name, after its bus and a slash unless that is the default one."""

    token = "aws:cloudwatch/eventRule:EventRule"
    inputs: ClassVar[Schema] = {
        **REGION,
        **TAGS,
        "name": text(
            replaces=True,
            identity=True,
            naming=Naming(max_length=64, prefix_from="namePrefix"),
        ),
        "namePrefix": text(replaces=True, write_only=True),
        "eventBusName": _bus(),
        "description": text(),
        "eventPattern": json_text(),
        "scheduleExpression": text(),
        "roleArn": text(),
        "state": text(default="ENABLED", choices=_STATES),
        "forceDestroy": flag(default=False, write_only=True),
    }
    outputs = ("arn",)

    def problems(self, inputs: Props) -> Iterable[Problem]:
        """What AWS refuses and moto does not."""
        if "eventPattern" not in inputs and "scheduleExpression" not in inputs:
            yield Problem("eventPattern", "either eventPattern or scheduleExpression must be set")

    def create(self, cloud: Aws, wanted: Props) -> str:
        """Make the rule."""
        cloud.events.put_rule(**_told(wanted), Tags=tag_list(wanted["tagsAll"]))
        return _id(wanted["eventBusName"], wanted["name"])

    def read(self, cloud: Aws, resource_id: str, known: Props) -> Props | None:  # noqa: ARG002
        """The rule."""
        bus, _, name = resource_id.rpartition("/")
        rule = cloud.events.describe_rule(Name=name, EventBusName=bus or _DEFAULT_BUS)
        tags = cloud.events.list_tags_for_resource(ResourceARN=rule["Arn"])["Tags"]
        return {
            "name": name,
            "arn": rule["Arn"],
            "eventBusName": rule.get("EventBusName", _DEFAULT_BUS),
            "description": rule.get("Description"),
            "eventPattern": rule.get("EventPattern"),
            "scheduleExpression": rule.get("ScheduleExpression"),
            "roleArn": rule.get("RoleArn"),
            "state": rule.get("State"),
            "tagsAll": tag_map(tags),
        }

    def update(self, cloud: Aws, resource_id: str, old: Props, wanted: Props) -> None:  # noqa: ARG002
        """Set the whole rule again, and its tags."""
        arn = cloud.events.put_rule(**_told(wanted))["RuleArn"]
        removed, added = changed_tags(old, wanted)
        if removed:
            cloud.events.untag_resource(ResourceARN=arn, TagKeys=removed)
        if added:
            cloud.events.tag_resource(ResourceARN=arn, Tags=tag_list(added))

    def delete(self, cloud: Aws, resource_id: str, state: Props) -> None:  # noqa: ARG002
        """Delete the rule; its targets have to be gone."""
        bus, _, name = resource_id.rpartition("/")
        cloud.events.delete_rule(Name=name, EventBusName=bus or _DEFAULT_BUS)


def _told(wanted: Props) -> Any:
    names = {
        "name": "Name",
        "eventBusName": "EventBusName",
        "description": "Description",
        "eventPattern": "EventPattern",
        "scheduleExpression": "ScheduleExpression",
        "roleArn": "RoleArn",
        "state": "State",
    }
    return {name: wanted[key] for key, name in names.items() if key in wanted}


_TARGET: Schema = {
    "arn": text(required=True),
    "roleArn": text(),
    "input": json_text(),
    "inputPath": text(),
    "inputTransformer": block({"inputPaths": text_map(), "inputTemplate": text(required=True)}),
    "deadLetterConfig": block({"arn": text()}),
    "retryPolicy": block({"maximumEventAgeInSeconds": number(), "maximumRetryAttempts": number()}),
    "sqsTarget": block({"messageGroupId": text()}),
}
_TARGET_NAMES = {"inputPaths": "InputPathsMap", "sqsTarget": "SqsParameters"}


class EventTarget(AwsHandler):
    """Who is told when a rule matches. Its id is `rule/target`, after its bus as with rules."""

    token = "aws:cloudwatch/eventTarget:EventTarget"
    inputs: ClassVar[Schema] = {
        **REGION,
        **_TARGET,
        "rule": text(required=True, replaces=True, identity=True),
        "eventBusName": _bus(),
        "targetId": text(replaces=True, identity=True, naming=Naming(max_length=64)),
        "forceDestroy": flag(default=False, write_only=True),
    }

    def problems(self, inputs: Props) -> Iterable[Problem]:
        """What AWS refuses and moto does not."""
        names = ("input", "inputPath", "inputTransformer")
        chosen = [name for name in names if name in inputs and is_known(inputs[name])]
        if len(chosen) > 1:
            yield Problem(chosen[0], f"cannot be set together with {' and '.join(chosen[1:])}")

    def create(self, cloud: Aws, wanted: Props) -> str:
        """Add it to the rule."""
        self._put(cloud, wanted)
        return _id(wanted["eventBusName"], wanted["rule"], wanted["targetId"])

    def _put(self, cloud: Aws, wanted: Props) -> None:
        target: Any = {"Id": wanted["targetId"], **_target(_TARGET, wanted)}
        answer = cloud.events.put_targets(
            Rule=wanted["rule"], EventBusName=wanted["eventBusName"], Targets=[target]
        )
        for failed in answer["FailedEntries"]:
            raise ProviderError(f"{failed.get('ErrorCode')}: {failed.get('ErrorMessage')}")

    def read(self, cloud: Aws, resource_id: str, known: Props) -> Props | None:  # noqa: ARG002
        """The target, found among all of its rule."""
        bus, rule, name = _parts(resource_id)
        pages = cloud.events.get_paginator("list_targets_by_rule").paginate(
            Rule=rule, EventBusName=bus
        )
        for page in pages:
            for target in page["Targets"]:
                if target["Id"] == name:
                    about = {"rule": rule, "eventBusName": bus, "targetId": name}
                    return {**about, **_target_of(_TARGET, target)}
        return None

    def update(self, cloud: Aws, resource_id: str, old: Props, wanted: Props) -> None:  # noqa: ARG002
        """Set it again."""
        self._put(cloud, wanted)

    def delete(self, cloud: Aws, resource_id: str, state: Props) -> None:  # noqa: ARG002
        """Remove it from the rule."""
        bus, rule, name = _parts(resource_id)
        cloud.events.remove_targets(Rule=rule, EventBusName=bus, Ids=[name])


def _parts(resource_id: str) -> tuple[str, str, str]:
    rest, _, name = resource_id.rpartition("/")
    bus, _, rule = rest.rpartition("/")
    return bus or _DEFAULT_BUS, rule, name


def _api_name(name: str) -> str:
    return _TARGET_NAMES.get(name, name[0].upper() + name[1:])


def _target(schema: Schema, props: Props) -> Props:
    return {
        _api_name(name): _target(prop.fields, props[name]) if prop.fields else props[name]
        for name, prop in schema.items()
        if name in props
    }


def _target_of(schema: Schema, answer: Any) -> Props:
    return {
        name: _target_of(prop.fields, answer[_api_name(name)])
        if prop.fields
        else answer[_api_name(name)]
        for name, prop in schema.items()
        if _api_name(name) in answer
    }


HANDLERS = [EventRule(), EventTarget()]
