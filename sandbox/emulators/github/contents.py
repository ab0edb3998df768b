"""Files of a repository; every write is a commit."""

import base64
import binascii
import textwrap
from pathlib import PurePosixPath
from typing import Any

from sandbox.emulators.github import commits, git
from sandbox.emulators.github.errors import ApiError, conflict, not_found, unprocessable
from sandbox.emulators.github.routing import Reply, RepositoryCall, Routes, required

routes = Routes()

_LARGE = 1_000_000
_TOO_LARGE = 100_000_000


def render(
    call: RepositoryCall, entry: git.Entry, ref: str, content: bytes | None = None
) -> dict[str, Any]:
    """A file or folder; with its content when that is given."""
    url = f"{call.repository_api}/contents/{entry.path}?ref={ref}"
    kind = {"blob": "file", "tree": "dir", "commit": "submodule"}[entry.kind]
    git_kind = "trees" if kind == "dir" else "blobs"
    git_url = f"{call.repository_api}/git/{git_kind}/{entry.sha}"
    view = "tree" if kind == "dir" else "blob"
    page = f"{call.host}/{call.repository.full_name}/{view}/{ref}/{entry.path}"
    shown: dict[str, Any] = {
        "name": entry.path.rpartition("/")[2],
        "path": entry.path,
        "sha": entry.sha,
        "size": entry.size,
        "url": url,
        "html_url": page,
        "git_url": git_url,
        "download_url": url if kind == "file" else None,
        "type": kind,
        "_links": {"self": url, "git": git_url, "html": page},
    }
    if content is None:
        return shown
    if len(content) > _LARGE:
        return {**shown, "content": "", "encoding": "none"}
    lines = textwrap.wrap(base64.b64encode(content).decode(), 60)
    return {**shown, "content": "".join(f"{line}\n" for line in lines), "encoding": "base64"}


@routes.repository("GET", "/contents/<path:path>")
@routes.repository("GET", "/contents")
def show(call: RepositoryCall, path: str = "") -> Reply:
    repository = call.repository.git
    name = call.query.get("ref") or call.repository.state.settings.default_branch
    if not repository.refs():
        raise ApiError(404, "This repository is empty.")
    commit = commits.revision(call, name)
    path = path.strip("/")
    entry = repository.entry(commit, path) if path else None
    if path and entry is None:
        raise not_found()
    if entry is None or entry.kind == "tree":
        return Reply([render(call, found, name) for found in repository.entries(commit, path)])
    if entry.size > _TOO_LARGE:
        raise ApiError(403, "This API returns blobs up to 100 MB in size.")
    content = repository.blob(entry.sha)
    if "raw" in call.accept:
        return Reply(content)
    return Reply(render(call, entry, name, content))


@routes.repository("PUT", "/contents/<path:path>")
def write(call: RepositoryCall, path: str) -> Reply:
    message = call.require("message", str)
    content = _decoded(call.require("content", str))
    branch = call.optional("branch", str) or call.repository.state.settings.default_branch
    parent = commits.tip(call, branch)
    existing = _checked(call, parent, path, call.optional("sha", str))
    commit = _commit(call, branch, parent, path, content, message)
    entry = call.repository.git.entry(commit.sha, path)
    if entry is None:
        raise ApiError(500, f"{path} is missing from the commit that wrote it.")
    return Reply(
        {"content": render(call, entry, branch), "commit": commits.render_git(call, commit)},
        201 if existing is None else 200,
    )


@routes.repository("DELETE", "/contents/<path:path>")
def remove(call: RepositoryCall, path: str) -> Reply:
    # Clients that cannot send a body with DELETE put the fields into the query.
    message = required("message", call.optional("message", str) or call.query.get("message"))
    sha = required("sha", call.optional("sha", str) or call.query.get("sha"))
    branch = (
        call.optional("branch", str)
        or call.query.get("branch")
        or call.repository.state.settings.default_branch
    )
    parent = commits.tip(call, branch)
    if parent is None or call.repository.git.entry(parent, path) is None:
        raise not_found()
    _checked(call, parent, path, sha)
    commit = _commit(call, branch, parent, path, None, message)
    return Reply({"content": None, "commit": commits.render_git(call, commit)})


def _checked(
    call: RepositoryCall, parent: str | None, path: str, sha: str | None
) -> git.Entry | None:
    """The file as it is, once the caller has proven to know that it is so."""
    if any(part in ("", ".", "..", ".git") for part in path.split("/")):
        raise unprocessable("path contains a malformed path component")
    existing = None if parent is None else call.repository.git.entry(parent, path)
    for folder in PurePosixPath(path).parents:
        above = None if parent is None else call.repository.git.entry(parent, str(folder))
        if above is not None and above.kind != "tree":
            raise unprocessable(f"{folder} is a file, so nothing can be written below it.")
    if existing is not None and existing.kind != "blob":
        raise unprocessable(f"{path} is a folder, so it cannot be written as a file.")
    if existing is not None and sha is None:
        raise unprocessable('Invalid request.\n\n"sha" wasn\'t supplied.')
    if sha is not None and (existing is None or existing.sha != sha):
        raise conflict(f"{path} does not match {sha}")
    return existing


def _commit(
    call: RepositoryCall,
    branch: str,
    parent: str | None,
    path: str,
    content: bytes | None,
    message: str,
) -> git.Commit:
    # GitHub's rule: the author defaults to the committer, who defaults to the token's owner.
    committer = commits.person(call, "committer", commits.viewer_person(call))
    author = commits.person(call, "author", committer)
    try:
        sha = call.repository.git.commit_files(
            branch,
            {path: content},
            parent=parent,
            message=message,
            author=author,
            committer=committer,
        )
    except git.GitError as error:
        raise unprocessable(f"path cannot be written: {error}") from error
    return call.repository.git.commit(sha)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error as error:
        raise unprocessable("content is not valid Base64") from error
