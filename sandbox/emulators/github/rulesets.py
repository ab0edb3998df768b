"""Rulesets of a repository: kept and shown, not enforced."""

from typing import Any

from sandbox.emulators.github import clock
from sandbox.emulators.github.errors import invalid, malformed, not_found, unprocessable
from sandbox.emulators.github.models import Ruleset
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

TARGETS = ("branch", "tag", "push")
ENFORCEMENTS = ("disabled", "active", "evaluate")
RULES = (
    "branch_name_pattern",
    "code_scanning",
    "commit_author_email_pattern",
    "commit_message_pattern",
    "committer_email_pattern",
    "copilot_code_review",
    "creation",
    "deletion",
    "file_extension_restriction",
    "file_path_restriction",
    "max_file_path_length",
    "max_file_size",
    "merge_queue",
    "non_fast_forward",
    "pull_request",
    "required_deployments",
    "required_linear_history",
    "required_signatures",
    "required_status_checks",
    "tag_name_pattern",
    "update",
    "workflows",
)


@routes.repository("GET", "/rulesets")
def list_rulesets(call: RepositoryCall) -> Reply:
    found = list(call.repository.state.rulesets.values())
    return call.page(found, lambda ruleset: _summary(call, ruleset))


@routes.repository("POST", "/rulesets")
def create(call: RepositoryCall) -> Reply:
    name = call.require("name", str)
    call.require("enforcement", str)
    wanted = _wanted(call)
    _refuse_taken(call, name, among=None)
    moment = clock.now()
    number = call.store.next_id()
    ruleset = Ruleset.model_validate(
        {
            "target": "branch",
            "bypass_actors": [],
            "conditions": {},
            "rules": [],
            **wanted,
            "id": number,
            "created_at": moment,
            "updated_at": moment,
        }
    )
    call.repository.state.rulesets[number] = ruleset
    return Reply(_render(call, ruleset), 201)


@routes.repository("GET", "/rulesets/<int:ruleset>")
def show(call: RepositoryCall, ruleset: int) -> Reply:
    return Reply(_render(call, _find(call, ruleset)))


@routes.repository("PUT", "/rulesets/<int:ruleset>")
def update(call: RepositoryCall, ruleset: int) -> Reply:
    found = _find(call, ruleset)
    wanted = _wanted(call)
    _refuse_taken(call, wanted.get("name", found.name), among=ruleset)
    moment = clock.after(found.updated_at)
    changed = Ruleset.model_validate({**found.model_dump(), **wanted, "updated_at": moment})
    call.repository.state.rulesets[ruleset] = changed
    return Reply(_render(call, changed))


@routes.repository("DELETE", "/rulesets/<int:ruleset>")
def delete(call: RepositoryCall, ruleset: int) -> Reply:
    _find(call, ruleset)
    del call.repository.state.rulesets[ruleset]
    return NO_CONTENT


def _find(call: RepositoryCall, number: int) -> Ruleset:
    found = call.repository.state.rulesets.get(number)
    if found is None:
        raise not_found()
    return found


def _refuse_taken(call: RepositoryCall, name: str, *, among: int | None) -> None:
    for ruleset in call.repository.state.rulesets.values():
        if ruleset.id != among and ruleset.name == name:
            raise invalid("RepositoryRuleset", "name", "custom", "Name must be unique")


def _wanted(call: RepositoryCall) -> dict[str, Any]:
    """The fields that the request brings, each of the right form."""
    values: dict[str, Any] = {"name": call.optional("name", str)}
    for field, allowed in (("target", TARGETS), ("enforcement", ENFORCEMENTS)):
        given = call.optional(field, str)
        values[field] = given and one_of("RepositoryRuleset", field, given, allowed)
    values["conditions"] = call.object("conditions")
    for field in ("bypass_actors", "rules"):
        if field in call.body and call.body[field] is None:
            raise unprocessable(f"Invalid property /{field}: data cannot be null.")
        values[field] = call.objects(field)
    for rule in call.objects("rules") or []:
        kind = required("rules.type", typed("rules.type", rule.get("type"), str))
        if kind not in RULES:
            raise malformed(f"Invalid rule '{kind}': it must be one of {', '.join(RULES)}.")
    return {key: value for key, value in values.items() if value is not None}


def _summary(call: RepositoryCall, ruleset: Ruleset) -> dict[str, Any]:
    page = f"{call.host}/{call.repository.full_name}/rules/{ruleset.id}"
    return {
        "id": ruleset.id,
        "node_id": node_id("RepositoryRuleset", ruleset.id),
        "name": ruleset.name,
        "target": ruleset.target,
        "source_type": "Repository",
        "source": call.repository.full_name,
        "enforcement": ruleset.enforcement,
        "created_at": ruleset.created_at,
        "updated_at": ruleset.updated_at,
        "_links": {
            "self": {"href": f"{call.repository_api}/rulesets/{ruleset.id}"},
            "html": {"href": page},
        },
    }


def _render(call: RepositoryCall, ruleset: Ruleset) -> dict[str, Any]:
    return {
        **_summary(call, ruleset),
        "bypass_actors": ruleset.bypass_actors,
        "current_user_can_bypass": "never",
        "conditions": ruleset.conditions,
        "rules": ruleset.rules,
    }
