"""Deployment environments, their protection, and which branches and tags may use them."""

from typing import Any

from sandbox.emulators.github import access, accounts, clock
from sandbox.emulators.github.errors import ApiError, invalid, not_found, unprocessable
from sandbox.emulators.github.models import BranchPolicy, DeploymentPolicy, Environment, Reviewer
from sandbox.emulators.github.routing import (
    NO_CONTENT,
    Reply,
    RepositoryCall,
    Routes,
    one_of,
    required,
    typed,
)
from sandbox.emulators.github.storage import node_id

routes = Routes()

_LONGEST_WAIT_MINUTES = 43200
_MOST_REVIEWERS = 6


def find(call: RepositoryCall, name: str) -> Environment:
    """The environment of that name, whatever its letter case; 404 when there is none."""
    return call.repository.state.environments[_key(call, name)]


@routes.repository("GET", "/environments")
def list_environments(call: RepositoryCall) -> Reply:
    found = list(call.repository.state.environments)
    return call.page(found, lambda name: _render(call, name), "environments")


@routes.repository("GET", "/environments/<environment>")
def show(call: RepositoryCall, environment: str) -> Reply:
    return Reply(_render(call, _key(call, environment)))


@routes.repository("PUT", "/environments/<environment>")
def create_or_replace(call: RepositoryCall, environment: str) -> Reply:
    wait_timer = call.optional("wait_timer", int) or 0
    if not 0 <= wait_timer <= _LONGEST_WAIT_MINUTES:
        raise unprocessable(f"wait_timer must be from 0 to {_LONGEST_WAIT_MINUTES} minutes.")
    reviewers = _reviewers(call)
    policy = _branch_policy(call)
    environments = call.repository.state.environments
    name = next((n for n in environments if n.lower() == environment.lower()), environment)
    if name not in environments:
        moment = clock.now()
        number = call.store.next_id()
        environments[name] = Environment(id=number, created_at=moment, updated_at=moment)
    found = environments[name]
    found.wait_timer = wait_timer
    found.reviewers = reviewers
    found.prevent_self_review = call.optional("prevent_self_review", bool) or False
    bypass = call.optional("can_admins_bypass", bool)
    found.can_admins_bypass = True if bypass is None else bypass
    found.deployment_branch_policy = policy
    if policy is None or not policy.custom_branch_policies:
        found.policies = {}
    for kind in ("wait_timer", "required_reviewers", "branch_policy"):
        if kind not in found.rule_ids:
            found.rule_ids[kind] = call.store.next_id()
    found.updated_at = clock.after(found.updated_at)
    return Reply(_render(call, name))


@routes.repository("DELETE", "/environments/<environment>")
def delete(call: RepositoryCall, environment: str) -> Reply:
    del call.repository.state.environments[_key(call, environment)]
    return NO_CONTENT


_POLICIES = "/environments/<environment>/deployment-branch-policies"


@routes.repository("GET", _POLICIES)
def list_policies(call: RepositoryCall, environment: str) -> Reply:
    found = list(find(call, environment).policies.values())
    return call.page(found, _render_policy, "branch_policies")


@routes.repository("POST", _POLICIES)
def create_policy(call: RepositoryCall, environment: str) -> Reply:
    found = find(call, environment)
    if found.deployment_branch_policy is None or (
        not found.deployment_branch_policy.custom_branch_policies
    ):
        raise not_found()
    name = call.require("name", str)
    kind = call.optional("type", str) or "branch"
    one_of("DeploymentBranchPolicy", "type", kind, ("branch", "tag"))
    _refuse_taken(found, name, kind, among=None)
    policy = DeploymentPolicy.model_validate(
        {"id": call.store.next_id(), "name": name, "type": kind}
    )
    found.policies[policy.id] = policy
    return Reply(_render_policy(policy))


@routes.repository("GET", f"{_POLICIES}/<int:policy>")
def show_policy(call: RepositoryCall, environment: str, policy: int) -> Reply:
    return Reply(_render_policy(_policy(call, environment, policy)))


@routes.repository("PUT", f"{_POLICIES}/<int:policy>")
def update_policy(call: RepositoryCall, environment: str, policy: int) -> Reply:
    found = _policy(call, environment, policy)
    name = call.require("name", str)
    _refuse_taken(find(call, environment), name, found.type, among=policy)
    found.name = name
    return Reply(_render_policy(found))


@routes.repository("DELETE", f"{_POLICIES}/<int:policy>")
def delete_policy(call: RepositoryCall, environment: str, policy: int) -> Reply:
    _policy(call, environment, policy)
    del find(call, environment).policies[policy]
    return NO_CONTENT


def _key(call: RepositoryCall, name: str) -> str:
    for known in call.repository.state.environments:
        if known.lower() == name.lower():
            return known
    raise not_found()


def _policy(call: RepositoryCall, environment: str, number: int) -> DeploymentPolicy:
    policies = find(call, environment).policies
    if number not in policies:
        raise not_found()
    return policies[number]


def _refuse_taken(environment: Environment, name: str, kind: str, *, among: int | None) -> None:
    for policy in environment.policies.values():
        if policy.id != among and (policy.name, policy.type) == (name, kind):
            raise ApiError(303, f"A {kind} policy named {name} already exists.")


def _reviewers(call: RepositoryCall) -> list[Reviewer]:
    given = call.objects("reviewers") or []
    if len(given) > _MOST_REVIEWERS:
        raise unprocessable(f"An environment takes at most {_MOST_REVIEWERS} reviewers.")
    found: list[Reviewer] = []
    for values in given:
        kind = required("reviewers.type", typed("reviewers.type", values.get("type"), str))
        number = required("reviewers.id", typed("reviewers.id", values.get("id"), int))
        one_of("Environment", "reviewers", kind, ("User", "Team"))
        if not access.may_review(call, kind, number):
            raise invalid(
                "Environment",
                "reviewers",
                "invalid",
                f"There is no {kind.lower()} with id {number} that may read this repository.",
            )
        found.append(Reviewer.model_validate({"type": kind, "id": number}))
    return found


def _branch_policy(call: RepositoryCall) -> BranchPolicy | None:
    given = call.object("deployment_branch_policy")
    if given is None:
        return None
    name = "deployment_branch_policy"
    answers = [
        required(f"{name}.{key}", typed(f"{name}.{key}", given.get(key), bool))
        for key in ("protected_branches", "custom_branch_policies")
    ]
    if answers[0] == answers[1]:
        raise unprocessable(
            "protected_branches and custom_branch_policies cannot have the same value"
        )
    return BranchPolicy(protected_branches=answers[0], custom_branch_policies=answers[1])


def _render(call: RepositoryCall, name: str) -> dict[str, Any]:
    found = call.repository.state.environments[name]
    rules: list[dict[str, Any]] = []
    if found.wait_timer:
        rules.append({**_rule(found, "wait_timer"), "wait_timer": found.wait_timer})
    if found.reviewers:
        rules.append(
            {
                **_rule(found, "required_reviewers"),
                "prevent_self_review": found.prevent_self_review,
                "reviewers": [_render_reviewer(call, reviewer) for reviewer in found.reviewers],
            }
        )
    if found.deployment_branch_policy is not None:
        rules.append(_rule(found, "branch_policy"))
    policy = found.deployment_branch_policy
    return {
        "id": found.id,
        "node_id": node_id("Environment", found.id),
        "name": name,
        "url": f"{call.repository_api}/environments/{name}",
        "html_url": f"{call.host}/{call.repository.full_name}/deployments?environment={name}",
        "created_at": found.created_at,
        "updated_at": found.updated_at,
        "can_admins_bypass": found.can_admins_bypass,
        "protection_rules": rules,
        "deployment_branch_policy": None if policy is None else policy.model_dump(),
    }


def _rule(environment: Environment, kind: str) -> dict[str, Any]:
    number = environment.rule_ids[kind]
    return {"id": number, "node_id": node_id("GateRule", number), "type": kind}


def _render_reviewer(call: RepositoryCall, reviewer: Reviewer) -> dict[str, Any]:
    if reviewer.type == "Team":
        team = call.store.team_by_id(reviewer.id)
        return {"type": "Team", "reviewer": team and access.render_team(call, team)}
    account = call.store.account_by_id(reviewer.id)
    return {"type": "User", "reviewer": account and accounts.simple(call, account)}


def _render_policy(policy: DeploymentPolicy) -> dict[str, Any]:
    return {
        "id": policy.id,
        "node_id": node_id("DeploymentBranchPolicy", policy.id),
        "name": policy.name,
        "type": policy.type,
    }
