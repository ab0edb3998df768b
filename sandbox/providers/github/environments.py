"""Deployment environments, and which branches and tags may use them."""

# ruff: noqa: S105 - "token" is Pulumi's word for the name of a type

from collections.abc import Iterable
from typing import Any, ClassVar

from sandbox.providers.framework import Handler
from sandbox.providers.github.client import GitHub
from sandbox.providers.github.names import exactly_one, joined, parted
from sandbox.providers.schema import (
    Problem,
    Prop,
    Schema,
    block,
    blocks,
    flag,
    number,
    or_nothing,
    text,
)
from sandbox.providers.values import Props, is_list, is_map

_LONGEST_WAIT_MINUTES = 43200
_MOST_REVIEWERS = 6
_IDS = Prop(kind="list", item=number(), unordered=True)


class RepositoryEnvironment(Handler[GitHub]):
    """An environment and who or what holds its jobs back. Its id is `repository:environment`."""

    token = "github:index/repositoryEnvironment:RepositoryEnvironment"
    inputs: ClassVar[Schema] = {
        "repository": text(required=True, replaces=True, identity=True),
        "environment": text(required=True, replaces=True, identity=True),
        "canAdminsBypass": flag(default=True),
        "preventSelfReview": flag(default=False),
        "waitTimer": number(same=or_nothing),
        "reviewers": blocks({"teams": _IDS, "users": _IDS}),
        "deploymentBranchPolicy": block(
            {"protectedBranches": flag(required=True), "customBranchPolicies": flag(required=True)}
        ),
    }
    outputs = ("repositoryId",)

    def problems(self, inputs: Props) -> Iterable[Problem]:
        """What GitHub refuses, and what the real plugin would drop without a word."""
        wait = inputs.get("waitTimer", 0)
        if isinstance(wait, int) and not 0 <= wait <= _LONGEST_WAIT_MINUTES:
            yield Problem(
                "waitTimer", f"'waitTimer' must be 0 to {_LONGEST_WAIT_MINUTES} minutes, not {wait}"
            )
        reviewers = inputs.get("reviewers", [])
        if is_list(reviewers) and len(reviewers) > 1:
            yield Problem(
                "reviewers",
                "'reviewers' has several entries, of which the real plugin uses only the first: "
                "put all users and teams into one",
            )
        elif is_list(reviewers) and reviewers and is_map(reviewers[0]):
            lists: list[Any] = [reviewers[0].get(kind, []) for kind in ("teams", "users")]
            count = sum(len(each) for each in lists if is_list(each))
            if count > _MOST_REVIEWERS:
                yield Problem(
                    "reviewers",
                    f"'reviewers' names {count} users and teams: GitHub takes {_MOST_REVIEWERS} "
                    "in all",
                )

    def create(self, cloud: GitHub, wanted: Props) -> str:
        """Make it, or take over one of that name, as the real plugin does."""
        self._put(cloud, wanted)
        return joined(wanted["repository"], wanted["environment"])

    def read(self, cloud: GitHub, resource_id: str, known: Props) -> Props | None:
        """The environment with its protection rules."""
        repository, environment = parted(resource_id, 2)
        found = cloud.get(cloud.repository(repository, "environments", environment))
        rules = {rule["type"]: rule for rule in found["protection_rules"]}
        review = rules.get("required_reviewers")
        policy = found["deployment_branch_policy"]
        return {
            "repository": repository,
            "environment": environment,
            "repositoryId": cloud.repository_id(repository),
            "canAdminsBypass": found["can_admins_bypass"],
            # GitHub tells it only where there are reviewers.
            "preventSelfReview": known.get("preventSelfReview", False)
            if review is None
            else review["prevent_self_review"],
            "waitTimer": rules.get("wait_timer", {}).get("wait_timer"),
            "reviewers": None if review is None else [_by_type(review["reviewers"])],
            "deploymentBranchPolicy": policy
            and {
                "protectedBranches": policy["protected_branches"],
                "customBranchPolicies": policy["custom_branch_policies"],
            },
        }

    def update(self, cloud: GitHub, resource_id: str, old: Props, wanted: Props) -> None:  # noqa: ARG002
        """Replace all of its protection."""
        self._put(cloud, wanted)

    def delete(self, cloud: GitHub, resource_id: str, state: Props) -> None:  # noqa: ARG002
        """Delete it with its secrets and variables."""
        cloud.delete(cloud.repository(*_place(resource_id, 2)))

    def _put(self, cloud: GitHub, wanted: Props) -> None:
        path = cloud.repository(wanted["repository"], "environments", wanted["environment"])
        cloud.put(path, environment_body(wanted))


class DeploymentPolicy(Handler[GitHub]):
    """A pattern of branches or tags. Its id is `repository:environment:policy id`."""

    token = (
        "github:index/repositoryEnvironmentDeploymentPolicy:RepositoryEnvironmentDeploymentPolicy"
    )
    inputs: ClassVar[Schema] = {
        "repository": text(required=True, replaces=True, identity=True),
        "environment": text(required=True, replaces=True, identity=True),
        "branchPattern": text(),
        "tagPattern": text(),
    }
    outputs = ("policyId", "repositoryId")

    def problems(self, inputs: Props) -> Iterable[Problem]:
        """A policy is for branches or for tags."""
        return exactly_one(inputs, ("branchPattern", "tagPattern"))

    def compared(self) -> Schema:
        """GitHub renames a policy, but a branch policy never becomes one for tags."""
        return {**self.inputs, "policyType": text(replaces=True)}

    def wanted(self, cloud: GitHub, inputs: Props) -> Props:  # noqa: ARG002
        """The inputs and what they make it."""
        return {**inputs, "policyType": "tag" if "tagPattern" in inputs else "branch"}

    def create(self, cloud: GitHub, wanted: Props) -> str:
        """Add it to an environment that takes custom policies."""
        repository, environment = wanted["repository"], wanted["environment"]
        path = cloud.repository(repository, *_policies(environment))
        made = cloud.post(path, {"name": _pattern(wanted), "type": wanted["policyType"]})
        return joined(repository, environment, made["id"])

    def read(self, cloud: GitHub, resource_id: str, known: Props) -> Props | None:  # noqa: ARG002
        """The policy under its id."""
        repository, environment, policy = parted(resource_id, 3)
        found = cloud.get(cloud.repository(repository, *_policies(environment), policy))
        return {
            "repository": repository,
            "environment": environment,
            "policyId": found["id"],
            "policyType": found["type"],
            "repositoryId": cloud.repository_id(repository),
            "tagPattern" if found["type"] == "tag" else "branchPattern": found["name"],
        }

    def update(self, cloud: GitHub, resource_id: str, old: Props, wanted: Props) -> None:  # noqa: ARG002
        """Change the pattern."""
        cloud.put(cloud.repository(*_place(resource_id, 3)), {"name": _pattern(wanted)})

    def delete(self, cloud: GitHub, resource_id: str, state: Props) -> None:  # noqa: ARG002
        """Take it away from the environment."""
        cloud.delete(cloud.repository(*_place(resource_id, 3)))


def environment_body(wanted: Props) -> dict[str, Any]:
    """What GitHub is told of an environment. It resets whatever is left out."""
    given: list[Props] = wanted.get("reviewers", [])
    reviewers = given[0] if given else Props()
    policy = wanted.get("deploymentBranchPolicy")
    return {
        "wait_timer": wanted.get("waitTimer", 0),
        "can_admins_bypass": wanted["canAdminsBypass"],
        "prevent_self_review": wanted["preventSelfReview"],
        "reviewers": [
            {"type": kind, "id": each}
            for kind, key in (("Team", "teams"), ("User", "users"))
            for each in reviewers.get(key, [])
        ],
        "deployment_branch_policy": policy
        and {
            "protected_branches": policy["protectedBranches"],
            "custom_branch_policies": policy["customBranchPolicies"],
        },
    }


def _by_type(reviewers: list[dict[str, Any]]) -> dict[str, list[int]]:
    ids: dict[str, list[int]] = {"teams": [], "users": []}
    for each in reviewers:
        ids["teams" if each["type"] == "Team" else "users"].append(each["reviewer"]["id"])
    return ids


def _policies(environment: str) -> tuple[str, str, str]:
    return "environments", environment, "deployment-branch-policies"


def _place(resource_id: str, count: int) -> tuple[str, ...]:
    repository, environment, *policy = parted(resource_id, count)
    if not policy:
        return repository, "environments", environment
    return (repository, *_policies(environment), *policy)


def _pattern(wanted: Props) -> str:
    return wanted.get("branchPattern") or wanted["tagPattern"]


HANDLERS = [RepositoryEnvironment(), DeploymentPolicy()]
