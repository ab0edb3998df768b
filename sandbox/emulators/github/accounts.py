"""Users, organisations, and what the API says about itself."""

from typing import Any

from sandbox.emulators.github.errors import not_found
from sandbox.emulators.github.models import Account
from sandbox.emulators.github.routing import Call, Reply, Routes
from sandbox.emulators.github.storage import node_id

routes = Routes()


def simple(call: Call, account: Account) -> dict[str, Any]:
    """An account as it appears inside other things."""
    api = f"{call.api}/users/{account.login}"
    return {
        "login": account.login,
        "id": account.id,
        "node_id": node_id(account.type, account.id),
        "avatar_url": "",
        "gravatar_id": "",
        "url": api,
        "html_url": f"{call.host}/{account.login}",
        "followers_url": f"{api}/followers",
        "following_url": f"{api}/following{{/other_user}}",
        "gists_url": f"{api}/gists{{/gist_id}}",
        "starred_url": f"{api}/starred{{/owner}}{{/repo}}",
        "subscriptions_url": f"{api}/subscriptions",
        "organizations_url": f"{api}/orgs",
        "repos_url": f"{api}/repos",
        "events_url": f"{api}/events{{/privacy}}",
        "received_events_url": f"{api}/received_events",
        "type": account.type,
        "site_admin": False,
    }


def by_login(call: Call, login: str) -> dict[str, Any] | None:
    """As `simple`; None for somebody this GitHub does not know."""
    found = call.store.find_account(login)
    return None if found is None else simple(call, found)


def full(call: Call, account: Account) -> dict[str, Any]:
    """An account when it is asked for itself."""
    owned = [r for r in call.store.repositories() if r.owner == account.login]
    return {
        **simple(call, account),
        "name": account.login,
        "company": None,
        "blog": "",
        "location": None,
        "email": account.email,
        "hireable": None,
        "bio": None,
        "public_repos": sum(r.state.settings.visibility == "public" for r in owned),
        "public_gists": 0,
        "followers": 0,
        "following": 0,
        "created_at": account.created_at,
        "updated_at": account.created_at,
    }


@routes.plain("GET", "/user")
def show_viewer(call: Call) -> Reply:
    return Reply(full(call, call.viewer))


@routes.plain("GET", "/users/<login>")
def show_user(call: Call, login: str) -> Reply:
    return Reply(full(call, call.store.account(login)))


@routes.plain("GET", "/user/<int:number>")
def show_user_by_id(call: Call, number: int) -> Reply:
    account = call.store.account_by_id(number)
    if account is None:
        raise not_found()
    return Reply(full(call, account))


@routes.plain("GET", "/users/<login>/keys")
@routes.plain("GET", "/users/<login>/gpg_keys")
def list_keys(call: Call, login: str) -> Reply:
    """Nobody has keys here; the real Pulumi plugin asks for them with every user."""
    call.store.account(login)
    return Reply([])


@routes.plain("GET", "/orgs/<login>")
def show_organization(call: Call, login: str) -> Reply:
    account = call.store.account(login)
    if account.type != "Organization":
        raise not_found()
    return Reply({**full(call, account), "description": None, "web_commit_signoff_required": False})


@routes.plain("GET", "/meta")
def show_meta(_call: Call) -> Reply:
    return Reply({"verifiable_password_authentication": False, "installed_version": "sandbox"})
