"""Commits as the API shows them, and what writing one needs."""

from typing import Any

from sandbox.emulators.github import accounts, clock, git
from sandbox.emulators.github.errors import ApiError, conflict, not_found
from sandbox.emulators.github.routing import Call, RepositoryCall, required, typed
from sandbox.emulators.github.storage import node_id


def viewer_person(call: Call) -> git.Person:
    """The token's owner, now."""
    return git.Person(name=call.viewer.login, email=call.viewer.email, date=clock.now())


def person(call: Call, field: str, default: git.Person) -> git.Person:
    """The `author` or `committer` of a request."""
    values = call.object(field)
    if values is None:
        return default
    return git.Person(
        name=required(f"{field}.name", typed(f"{field}.name", values.get("name"), str)),
        email=required(f"{field}.email", typed(f"{field}.email", values.get("email"), str)),
        date=typed(f"{field}.date", values.get("date"), str) or clock.now(),
    )


def tip(call: RepositoryCall, branch: str) -> str | None:
    """The tip of a branch; None on the default branch of an empty repository, 404 when unknown."""
    found = call.repository.git.branch(branch)
    if found is None and (
        branch != call.repository.state.settings.default_branch or call.repository.git.refs()
    ):
        raise ApiError(404, f"Branch {branch} not found")
    return found


def revision(call: RepositoryCall, name: str | None) -> str:
    """The commit that a branch, tag or sha means, by default the default branch."""
    found = call.repository.git.resolve(name or call.repository.state.settings.default_branch)
    if found is not None:
        return found
    if not call.repository.git.refs():
        raise conflict("Git Repository is empty.")
    raise ApiError(404, f"No commit found for the ref {name}") if name else not_found()


def render_git(call: RepositoryCall, commit: git.Commit) -> dict[str, Any]:
    """A commit as git knows it."""
    url = f"{call.repository_api}/git"
    page = f"{call.host}/{call.repository.full_name}/commit"
    return {
        "sha": commit.sha,
        "node_id": node_id("Commit", int(commit.sha[:8], 16)),
        "url": f"{url}/commits/{commit.sha}",
        "html_url": f"{page}/{commit.sha}",
        "author": vars(commit.author),
        "committer": vars(commit.committer),
        "message": commit.message,
        "tree": {"sha": commit.tree, "url": f"{url}/trees/{commit.tree}"},
        "parents": [
            {"sha": sha, "url": f"{url}/commits/{sha}", "html_url": f"{page}/{sha}"}
            for sha in commit.parents
        ],
        "verification": {
            "verified": False,
            "reason": "unsigned",
            "signature": None,
            "payload": None,
            "verified_at": None,
        },
    }


def render(call: RepositoryCall, commit: git.Commit) -> dict[str, Any]:
    """A commit as the repository's history shows it."""
    known = render_git(call, commit)
    url = f"{call.repository_api}/commits"
    moved = ("sha", "node_id", "html_url", "parents")
    return {
        "sha": commit.sha,
        "node_id": known["node_id"],
        "commit": {
            **{key: value for key, value in known.items() if key not in moved},
            "comment_count": 0,
        },
        "url": f"{url}/{commit.sha}",
        "html_url": known["html_url"],
        "comments_url": f"{url}/{commit.sha}/comments",
        "author": _account(call, commit.author),
        "committer": _account(call, commit.committer),
        "parents": [{**parent, "url": f"{url}/{parent['sha']}"} for parent in known["parents"]],
    }


def render_change(change: git.Change) -> dict[str, Any]:
    """What a commit did to a file."""
    return {
        "filename": change.path,
        "status": change.status,
        "additions": change.additions,
        "deletions": change.deletions,
        "changes": change.additions + change.deletions,
    }


def _account(call: Call, someone: git.Person) -> dict[str, Any] | None:
    login = someone.email.partition("@")[0].partition("+")[2]
    return accounts.by_login(call, login) if login else None
