"""Rulesets of repositories."""

# ruff: noqa: S105 - "token" is Pulumi's word for the name of a type

from collections.abc import Callable
from typing import Any, ClassVar

from sandbox.providers.framework import Handler
from sandbox.providers.github.client import GitHub
from sandbox.providers.github.names import camel, joined, parted, snake
from sandbox.providers.schema import (
    Naming,
    Schema,
    block,
    blocks,
    flag,
    number,
    or_nothing,
    text,
    texts,
)
from sandbox.providers.values import Props, is_list, is_map

_PATTERN = block(
    {
        "name": text(),
        "negate": flag(default=False),
        "operator": text(required=True, choices=("starts_with", "ends_with", "contains", "regex")),
        "pattern": text(required=True),
    }
)
_REVIEWER = block({"id": number(required=True), "type": text(required=True)}, required=True)

# A rule without parameters is on or off; `update` alone is both.
_SWITCHES = (
    "creation",
    "deletion",
    "nonFastForward",
    "requiredLinearHistory",
    "requiredSignatures",
)
_RULES: Schema = {
    "branchNamePattern": _PATTERN,
    "commitAuthorEmailPattern": _PATTERN,
    "commitMessagePattern": _PATTERN,
    "committerEmailPattern": _PATTERN,
    "tagNamePattern": _PATTERN,
    "copilotCodeReview": block(
        {"reviewDraftPullRequests": flag(default=False), "reviewOnPush": flag(default=False)}
    ),
    "fileExtensionRestriction": block({"restrictedFileExtensions": texts(required=True)}),
    "filePathRestriction": block({"restrictedFilePaths": texts(required=True)}),
    "maxFilePathLength": block({"maxFilePathLength": number(required=True)}),
    "maxFileSize": block({"maxFileSize": number(required=True)}),
    "mergeQueue": block(
        {
            "checkResponseTimeoutMinutes": number(default=60),
            "groupingStrategy": text(default="ALLGREEN"),
            "maxEntriesToBuild": number(default=5),
            "maxEntriesToMerge": number(default=5),
            "mergeMethod": text(default="MERGE"),
            "minEntriesToMerge": number(default=1),
            "minEntriesToMergeWaitMinutes": number(default=5),
        }
    ),
    "pullRequest": block(
        {
            "allowedMergeMethods": texts(),
            "dismissStaleReviewsOnPush": flag(default=False),
            "requireCodeOwnerReview": flag(default=False),
            "requireLastPushApproval": flag(default=False),
            "requiredApprovingReviewCount": number(default=0),
            "requiredReviewThreadResolution": flag(default=False),
            "requiredReviewers": blocks(
                {
                    "filePatterns": texts(required=True),
                    "minimumApprovals": number(required=True),
                    "reviewer": _REVIEWER,
                }
            ),
        }
    ),
    "requiredCodeScanning": block(
        {
            "requiredCodeScanningTools": blocks(
                {
                    "tool": text(required=True),
                    "alertsThreshold": text(required=True),
                    "securityAlertsThreshold": text(required=True),
                },
                unordered=True,
            )
        }
    ),
    "requiredDeployments": block({"requiredDeploymentEnvironments": texts(required=True)}),
    "requiredStatusChecks": block(
        {
            "requiredChecks": blocks(
                {"context": text(required=True), "integrationId": number(same=or_nothing)},
                unordered=True,
            ),
            "strictRequiredStatusChecksPolicy": flag(default=False),
            "doNotEnforceOnCreate": flag(default=False),
        }
    ),
}

# Where Pulumi's name is not GitHub's in another spelling.
_TYPES = {"requiredCodeScanning": "code_scanning"}
_PARAMETERS = {
    "requiredCodeScanningTools": "code_scanning_tools",
    "requiredChecks": "required_status_checks",
}


class RepositoryRuleset(Handler[GitHub]):
    """A ruleset. Its id is `repository:ruleset id`, which the real plugin takes for an import."""

    token = "github:index/repositoryRuleset:RepositoryRuleset"
    inputs: ClassVar[Schema] = {
        "repository": text(required=True, replaces=True, identity=True),
        "name": text(naming=Naming(max_length=100)),
        "target": text(required=True, choices=("branch", "tag", "push")),
        "enforcement": text(required=True, choices=("disabled", "active", "evaluate")),
        "bypassActors": blocks(
            {
                "actorId": number(same=or_nothing),
                "actorType": text(required=True),
                "bypassMode": text(required=True, choices=("always", "pull_request", "exempt")),
            },
            unordered=True,
        ),
        "conditions": block(
            {
                "refName": block(
                    {"includes": texts(required=True), "excludes": texts(required=True)},
                    required=True,
                )
            }
        ),
        "rules": block(
            {
                **dict.fromkeys(_SWITCHES, flag(default=False)),
                "update": flag(default=False),
                "updateAllowsFetchAndMerge": flag(default=False),
                **_RULES,
            },
            required=True,
        ),
    }
    outputs = ("rulesetId", "nodeId")

    def create(self, cloud: GitHub, wanted: Props) -> str:
        """Make it in the repository."""
        repository = wanted["repository"]
        made = cloud.post(cloud.repository(repository, "rulesets"), ruleset_body(wanted))
        return joined(repository, made["id"])

    def read(self, cloud: GitHub, resource_id: str, known: Props) -> Props | None:  # noqa: ARG002
        """The ruleset with all its rules."""
        repository, number_ = parted(resource_id, 2)
        found = cloud.get(cloud.repository(repository, "rulesets", number_))
        refs = found["conditions"].get("ref_name")
        return {
            "repository": repository,
            "name": found["name"],
            "target": found["target"],
            "enforcement": found["enforcement"],
            "bypassActors": [_renamed(actor, _from_api) for actor in found["bypass_actors"]],
            "conditions": refs
            and {"refName": {"includes": refs["include"], "excludes": refs["exclude"]}},
            "rules": rules_from_api(found["rules"]),
            "rulesetId": found["id"],
            "nodeId": found["node_id"],
        }

    def update(self, cloud: GitHub, resource_id: str, old: Props, wanted: Props) -> None:  # noqa: ARG002
        """Replace all of it."""
        cloud.put(cloud.repository(*_place(resource_id)), ruleset_body(wanted))

    def delete(self, cloud: GitHub, resource_id: str, state: Props) -> None:  # noqa: ARG002
        """Delete it."""
        cloud.delete(cloud.repository(*_place(resource_id)))


def ruleset_body(wanted: Props) -> dict[str, Any]:
    """What GitHub is told of a ruleset."""
    refs = wanted.get("conditions", {}).get("refName")
    return {
        "name": wanted["name"],
        "target": wanted["target"],
        "enforcement": wanted["enforcement"],
        "bypass_actors": [_renamed(actor, _to_api) for actor in wanted.get("bypassActors", [])],
        "conditions": {"ref_name": {"include": refs["includes"], "exclude": refs["excludes"]}}
        if refs
        else {},
        "rules": rules_to_api(wanted["rules"]),
    }


def rules_to_api(rules: Props) -> list[dict[str, Any]]:
    """A block of rules as GitHub's list of them."""
    listed: list[dict[str, Any]] = [
        {"type": snake(name)} for name in _SWITCHES if rules.get(name, False)
    ]
    if rules.get("update", False):
        allowed = rules.get("updateAllowsFetchAndMerge", False)
        parameters = {"update_allows_fetch_and_merge": allowed}
        listed.append({"type": "update", "parameters": parameters})
    return listed + [
        {"type": _TYPES.get(name, snake(name)), "parameters": _renamed(rules[name], _to_api)}
        for name in _RULES
        if name in rules
    ]


def rules_from_api(listed: list[dict[str, Any]]) -> Props:
    """GitHub's list of rules as a block."""
    types = {value: key for key, value in _TYPES.items()}
    rules: Props = {}
    for rule in listed:
        name = types.get(rule["type"], camel(rule["type"]))
        parameters: Props = _renamed(rule.get("parameters", {}), _from_api)
        rules |= {name: parameters} if name in _RULES else {name: True, **parameters}
    return rules


def _place(resource_id: str) -> tuple[str, str, str]:
    repository, number_ = parted(resource_id, 2)
    return repository, "rulesets", number_


def _renamed(value: Any, rename: Callable[[str], str]) -> Any:
    if is_map(value):
        return {rename(key): _renamed(item, rename) for key, item in value.items()}
    if is_list(value):
        return [_renamed(item, rename) for item in value]
    return value


def _to_api(name: str) -> str:
    return _PARAMETERS.get(name, snake(name))


def _from_api(name: str) -> str:
    names = {value: key for key, value in _PARAMETERS.items()}
    return names.get(name, camel(name))


HANDLERS = [RepositoryRuleset()]
