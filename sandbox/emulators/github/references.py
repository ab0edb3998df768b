"""Branches, git references and the history behind them."""

from typing import Any

from sandbox.emulators.github import commits, git
from sandbox.emulators.github.errors import ApiError, conflict, not_found, unprocessable
from sandbox.emulators.github.routing import NO_CONTENT, Reply, RepositoryCall, Routes
from sandbox.emulators.github.storage import node_id

routes = Routes()


def _render_ref(call: RepositoryCall, ref: str, sha: str) -> dict[str, Any]:
    api = f"{call.repository_api}/git"
    return {
        "ref": ref,
        "node_id": node_id("Ref", int(sha[:8], 16)),
        "url": f"{api}/{ref}",
        "object": {"type": "commit", "sha": sha, "url": f"{api}/commits/{sha}"},
    }


@routes.repository("GET", "/git/ref/<path:name>")
def show_ref(call: RepositoryCall, name: str) -> Reply:
    ref = f"refs/{name}"
    return Reply(_render_ref(call, ref, _existing(call, ref)))


@routes.repository("GET", "/git/matching-refs/<path:name>")
def list_refs(call: RepositoryCall, name: str) -> Reply:
    wanted = f"refs/{name}"
    found = [
        (ref, sha) for ref, sha in call.repository.git.refs().items() if ref.startswith(wanted)
    ]
    return call.page(found, lambda item: _render_ref(call, *item))


@routes.repository("POST", "/git/refs")
def create_ref(call: RepositoryCall) -> Reply:
    ref = call.require("ref", str)
    sha = call.require("sha", str)
    if not ref.startswith("refs/") or ref.count("/") < 2 or not call.repository.git.valid_ref(ref):
        raise unprocessable(
            "Reference name must start with 'refs/', have two slashes and be valid for git."
        )
    if ref in call.repository.git.refs():
        raise unprocessable("Reference already exists")
    if not call.repository.git.holds(sha):
        raise unprocessable("Object does not exist")
    _set(call, ref, sha, was=None)
    headers = {"Location": f"{call.repository_api}/git/{ref}"}
    return Reply(_render_ref(call, ref, sha), 201, headers)


@routes.repository("PATCH", "/git/refs/<path:name>")
def update_ref(call: RepositoryCall, name: str) -> Reply:
    ref = f"refs/{name}"
    sha = call.require("sha", str)
    present = call.repository.git.refs(ref).get(ref)
    if present is None:
        raise unprocessable("Reference does not exist")
    if not call.repository.git.holds(sha):
        raise unprocessable("Object does not exist")
    forced = call.optional("force", bool) or False
    if not forced and not call.repository.git.is_ancestor(present, sha):
        raise unprocessable("Update is not a fast forward")
    _set(call, ref, sha, was=present)
    return Reply(_render_ref(call, ref, sha))


@routes.repository("DELETE", "/git/refs/<path:name>")
def delete_ref(call: RepositoryCall, name: str) -> Reply:
    ref = f"refs/{name}"
    if ref not in call.repository.git.refs(ref):
        raise unprocessable("Reference does not exist")
    if ref == f"refs/heads/{call.repository.state.settings.default_branch}":
        raise unprocessable("Cannot delete the default branch")
    call.repository.git.delete_ref(ref)
    return NO_CONTENT


@routes.repository("GET", "/branches")
def list_branches(call: RepositoryCall) -> Reply:
    found = call.repository.git.refs("refs/heads/")
    return call.page(list(found), lambda ref: _render_branch(call, ref, found[ref]))


@routes.repository("GET", "/branches/<path:branch>")
def show_branch(call: RepositoryCall, branch: str) -> Reply:
    sha = call.repository.git.branch(branch)
    if sha is None:
        raise ApiError(404, "Branch not found")
    shown = _render_branch(call, f"refs/heads/{branch}", sha)
    commit = commits.render(call, call.repository.git.commit(sha))
    url = f"{call.repository_api}/branches/{branch}"
    page = f"{call.host}/{call.repository.full_name}/tree/{branch}"
    return Reply({**shown, "commit": commit, "_links": {"self": url, "html": page}})


@routes.repository("POST", "/branches/<path:branch>/rename")
def rename_branch(call: RepositoryCall, branch: str) -> Reply:
    name = call.require("new_name", str)
    sha = call.repository.git.branch(branch)
    if sha is None:
        raise ApiError(404, "Branch not found")
    if call.repository.git.branch(name) is not None:
        raise unprocessable(f"Branch {name} already exists")
    _set(call, f"refs/heads/{name}", sha, was=None)
    if branch == call.repository.state.settings.default_branch:
        call.repository.git.point_head_at(name)
        call.repository.state.settings.default_branch = name
    for issue in call.repository.state.issues.values():
        if issue.pull_request is not None and issue.state == "open":
            issue.pull_request.head = _renamed(issue.pull_request.head, branch, name)
            issue.pull_request.base = _renamed(issue.pull_request.base, branch, name)
    call.repository.git.delete_ref(f"refs/heads/{branch}")
    return Reply(_render_branch(call, f"refs/heads/{name}", sha), 201)


@routes.repository("GET", "/commits")
def list_commits(call: RepositoryCall) -> Reply:
    start = commits.revision(call, call.query.get("sha"))
    found = call.repository.git.log(start, call.query.get("path"))
    return call.page(found, lambda commit: commits.render(call, commit))


@routes.repository("GET", "/commits/<path:name>")
def show_commit(call: RepositoryCall, name: str) -> Reply:
    sha = call.repository.git.resolve(name)
    if sha is None:
        raise unprocessable(f"No commit found for SHA: {name}")
    commit = call.repository.git.commit(sha)
    files = [commits.render_change(change) for change in call.repository.git.changes(commit)]
    added = sum(file["additions"] for file in files)
    deleted = sum(file["deletions"] for file in files)
    stats = {"additions": added, "deletions": deleted, "total": added + deleted}
    return Reply({**commits.render(call, commit), "stats": stats, "files": files})


def _render_branch(call: RepositoryCall, ref: str, sha: str) -> dict[str, Any]:
    return {
        "name": ref.removeprefix("refs/heads/"),
        "commit": {"sha": sha, "url": f"{call.repository_api}/commits/{sha}"},
        "protected": False,
    }


def _existing(call: RepositoryCall, ref: str) -> str:
    found = call.repository.git.refs()
    if not found:
        raise conflict("Git Repository is empty.")
    if ref not in found:
        raise not_found()
    return found[ref]


def _renamed(branch: str, old: str, new: str) -> str:
    return new if branch == old else branch


def _set(call: RepositoryCall, ref: str, sha: str, *, was: str | None) -> None:
    try:
        call.repository.git.set_ref(ref, sha, was=was)
    except git.GitError as error:
        raise unprocessable(f"{ref} cannot be set: {error}") from error
