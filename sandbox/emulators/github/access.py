"""Who may read a repository: its collaborators, and teams of its organisation."""

from typing import Any

from sandbox.emulators.github import accounts
from sandbox.emulators.github.errors import not_found
from sandbox.emulators.github.models import Account, Team
from sandbox.emulators.github.routing import NO_CONTENT, Call, Reply, RepositoryCall, Routes
from sandbox.emulators.github.storage import Repository, node_id

routes = Routes()

_TEAM = "/orgs/<login>/teams/<slug>"
_TEAM_REPOSITORY = f"{_TEAM}/repos/<owner>/<repo>"


def permission(call: RepositoryCall, account: Account) -> str:
    """`admin`, `write`, `read` or `none`."""
    if account.login in (call.viewer.login, call.repository.owner):
        return "admin"
    if account.id in call.repository.state.collaborators:
        return "write"
    return "read" if call.repository.state.settings.visibility == "public" else "none"


def may_review(call: RepositoryCall, kind: str, number: int) -> bool:
    """Whether there is such a user or team, and it may read the repository."""
    if kind == "Team":
        return number in call.repository.state.teams
    account = call.store.account_by_id(number)
    return account is not None and account.type == "User" and permission(call, account) != "none"


def render_team(call: Call, team: Team) -> dict[str, Any]:
    """A team as every answer shows it."""
    return {
        "id": team.id,
        "node_id": node_id("Team", team.id),
        "name": team.slug,
        "slug": team.slug,
        "description": None,
        "privacy": "closed",
        "notification_setting": "notifications_enabled",
        "permission": "pull",
        "url": f"{call.api}/orgs/{team.organization}/teams/{team.slug}",
        "html_url": f"{call.host}/orgs/{team.organization}/teams/{team.slug}",
        "parent": None,
    }


@routes.plain("GET", _TEAM)
def show_team(call: Call, login: str, slug: str) -> Reply:
    return Reply(render_team(call, _team(call, login, slug)))


@routes.plain("GET", _TEAM_REPOSITORY)
def check_team(call: Call, login: str, slug: str, owner: str, repo: str) -> Reply:
    team = _team(call, login, slug)
    if team.id not in call.store.repository(owner, repo).state.teams:
        raise not_found()
    return NO_CONTENT


@routes.plain("PUT", _TEAM_REPOSITORY)
def admit_team(call: Call, login: str, slug: str, owner: str, repo: str) -> Reply:
    team, repository = _team(call, login, slug), call.store.repository(owner, repo)
    _set_teams(call, repository, [*_without(repository, team), team.id])
    return NO_CONTENT


@routes.plain("DELETE", _TEAM_REPOSITORY)
def shut_team_out(call: Call, login: str, slug: str, owner: str, repo: str) -> Reply:
    team, repository = _team(call, login, slug), call.store.repository(owner, repo)
    _set_teams(call, repository, _without(repository, team))
    return NO_CONTENT


@routes.repository("PUT", "/collaborators/<login>")
def admit_collaborator(call: RepositoryCall, login: str) -> Reply:
    """Whoever is invited accepts at once."""
    account = call.store.account(login)
    state = call.repository.state
    state.collaborators = sorted({*state.collaborators, account.id})
    return NO_CONTENT


@routes.repository("GET", "/collaborators/<login>/permission")
def show_permission(call: RepositoryCall, login: str) -> Reply:
    account = call.store.account(login)
    if account.type != "User":
        raise not_found()
    found = permission(call, account)
    return Reply({"permission": found, "role_name": found, "user": accounts.simple(call, account)})


def _team(call: Call, login: str, slug: str) -> Team:
    found = call.store.find_team(login, slug)
    if found is None:
        raise not_found()
    return found


def _without(repository: Repository, team: Team) -> list[int]:
    return [number for number in repository.state.teams if number != team.id]


def _set_teams(call: Call, repository: Repository, teams: list[int]) -> None:
    with call.store.changing(repository) as state:
        state.teams = teams
