"""Repositories themselves: create, find, change, delete."""

from typing import Any

from pydantic import ValidationError

from sandbox.emulators.github import accounts, clock
from sandbox.emulators.github.errors import ApiError, invalid, malformed, not_found
from sandbox.emulators.github.models import Account, Settings
from sandbox.emulators.github.routing import (
    NO_CONTENT,
    Call,
    Reply,
    RepositoryCall,
    Routes,
    required,
)
from sandbox.emulators.github.storage import Repository, is_valid_name, node_id

routes = Routes()


def render(call: Call, repository: Repository) -> dict[str, Any]:
    """A repository as every answer shows it."""
    state = repository.state
    url = f"{call.api}/repos/{repository.full_name}"
    page = f"{call.host}/{repository.full_name}"
    return {
        "id": state.id,
        "node_id": node_id("Repository", state.id),
        "name": repository.name,
        "full_name": repository.full_name,
        "owner": accounts.simple(call, call.store.account(repository.owner)),
        "private": state.settings.visibility != "public",
        "html_url": page,
        "fork": False,
        "url": url,
        "git_url": repository.git.path.as_uri(),
        "ssh_url": repository.git.path.as_uri(),
        "clone_url": repository.git.path.as_uri(),
        "svn_url": page,
        "size": 0,
        "stargazers_count": 0,
        "watchers_count": 0,
        "language": None,
        "forks_count": 0,
        "open_issues_count": sum(issue.state == "open" for issue in state.issues.values()),
        "has_pages": False,
        "disabled": False,
        "license": None,
        "topics": state.topics,
        "permissions": {
            "admin": True,
            "maintain": True,
            "push": True,
            "triage": True,
            "pull": True,
        },
        **state.settings.model_dump(),
        "created_at": state.created_at,
        "updated_at": state.updated_at,
        "pushed_at": state.updated_at,
    }


@routes.repository("GET", "")
def show(call: RepositoryCall) -> Reply:
    return Reply(render(call, call.repository))


@routes.plain("POST", "/user/repos")
def create_for_viewer(call: Call) -> Reply:
    return _create(call, call.viewer)


@routes.plain("POST", "/orgs/<login>/repos")
def create_for_organization(call: Call, login: str) -> Reply:
    owner = call.store.account(login)
    if owner.type != "Organization":
        raise not_found()
    return _create(call, owner)


@routes.plain("GET", "/user/repos")
def list_for_viewer(call: Call) -> Reply:
    return call.page(list(call.store.repositories()), lambda found: render(call, found))


@routes.plain("GET", "/users/<login>/repos")
@routes.plain("GET", "/orgs/<login>/repos")
def list_for_owner(call: Call, login: str) -> Reply:
    owner = call.store.account(login)
    owned = [found for found in call.store.repositories() if found.owner == owner.login]
    return call.page(owned, lambda found: render(call, found))


@routes.repository("PATCH", "")
def update(call: RepositoryCall) -> Reply:
    state = call.repository.state
    changed = _settings(call, state.settings)
    if state.settings.archived and changed.archived:
        raise ApiError(403, "Repository was archived so is read-only.")
    if changed.default_branch != state.settings.default_branch:
        if call.repository.git.branch(changed.default_branch) is None:
            raise invalid(
                "Repository",
                "default_branch",
                "invalid",
                f"The branch {changed.default_branch} was not found. Please push that ref first "
                "or create it via the Git Data API.",
            )
        call.repository.git.point_head_at(changed.default_branch)
    name = call.optional("name", str) or call.repository.name
    if name != call.repository.name:
        _refuse_name(call, call.repository.owner, name)
        call.store.rename_repository(call.repository, name)
    if changed != state.settings:
        state.settings = changed
        state.updated_at = clock.after(state.updated_at)
    return Reply(render(call, call.repository))


@routes.repository("DELETE", "")
def delete(call: RepositoryCall) -> Reply:
    call.store.delete_repository(call.repository)
    return NO_CONTENT


@routes.repository("GET", "/topics")
def show_topics(call: RepositoryCall) -> Reply:
    return Reply({"names": call.repository.state.topics})


@routes.repository("PUT", "/topics")
def replace_topics(call: RepositoryCall) -> Reply:
    names = required("names", call.array("names"))
    call.repository.state.topics = [str(name).lower() for name in names]
    return Reply({"names": call.repository.state.topics})


@routes.repository("GET", "/vulnerability-alerts")
def show_vulnerability_alerts(call: RepositoryCall) -> Reply:
    if not call.repository.state.vulnerability_alerts:
        raise ApiError(404, "Vulnerability alerts are disabled.")
    return NO_CONTENT


@routes.repository("PUT", "/vulnerability-alerts")
def enable_vulnerability_alerts(call: RepositoryCall) -> Reply:
    call.repository.state.vulnerability_alerts = True
    return NO_CONTENT


@routes.repository("DELETE", "/vulnerability-alerts")
def disable_vulnerability_alerts(call: RepositoryCall) -> Reply:
    call.repository.state.vulnerability_alerts = False
    return NO_CONTENT


def _create(call: Call, owner: Account) -> Reply:
    name = call.require("name", str)
    _refuse_name(call, owner.login, name)
    # GitHub ignores a default branch here: it can only be one that exists.
    settings = _settings(call, Settings()).model_copy(update={"default_branch": "main"})
    created = call.store.create_repository(
        owner, name, settings, initialise=call.optional("auto_init", bool) or False
    )
    location = {"Location": f"{call.api}/repos/{created.full_name}"}
    return Reply(render(call, created), 201, location)


def _refuse_name(call: Call, owner: str, name: str) -> None:
    if not is_valid_name(name):
        raise invalid(
            "Repository",
            "name",
            "invalid",
            "name can only contain ASCII letters, digits, and the characters ., -, and _",
        )
    taken = call.store.find_repository(owner, name)
    if taken is not None and not (isinstance(call, RepositoryCall) and _same(call, taken)):
        raise invalid("Repository", "name", "custom", "name already exists on this account")


def _same(call: RepositoryCall, other: Repository) -> bool:
    return call.repository.state.id == other.state.id


def _settings(call: Call, present: Settings) -> Settings:
    wanted = {key: value for key, value in call.body.items() if key in Settings.model_fields}
    private = call.optional("private", bool)
    if private is not None and "visibility" not in wanted:
        wanted["visibility"] = "private" if private else "public"
    try:
        return Settings.model_validate({**present.model_dump(), **wanted})
    except ValidationError as error:
        first = error.errors()[0]
        raise malformed(f"For 'properties/{first['loc'][0]}': {first['msg']}.") from error
