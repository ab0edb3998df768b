"""What is committed: files, branches, and the pull requests between them."""

# ruff: noqa: S105 - "token" is Pulumi's word for the name of a type

import base64
from collections.abc import Iterable
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

from sandbox.providers.framework import Handler, ProviderError
from sandbox.providers.github.client import GitHub, GitHubError
from sandbox.providers.github.names import joined, parted
from sandbox.providers.schema import Problem, Schema, flag, text
from sandbox.providers.values import Props

_NOT_FOUND, _UNPROCESSABLE = 404, 422


class RepositoryFile(Handler[GitHub]):
    """A committed file. Its id is `repository:path:branch`."""

    token = "github:index/repositoryFile:RepositoryFile"
    inputs: ClassVar[Schema] = {
        "repository": text(required=True, replaces=True, identity=True),
        "file": text(required=True, replaces=True, identity=True),
        "branch": text(replaces=True, computed=True),
        "content": text(required=True),
        "commitMessage": text(computed=True, write_only=True),
        "commitAuthor": text(write_only=True),
        "commitEmail": text(write_only=True),
        "overwriteOnCreate": flag(default=False, write_only=True),
    }
    outputs = ("sha", "commitSha", "ref", "repositoryId")
    volatile = ("sha", "commitSha")

    def problems(self, inputs: Props) -> Iterable[Problem]:
        """Half an author."""
        if ("commitAuthor" in inputs) != ("commitEmail" in inputs):
            yield Problem(
                "commitAuthor", "'commitAuthor' and 'commitEmail' belong together: set both or none"
            )

    def create(self, cloud: GitHub, wanted: Props) -> str:
        """Commit it. A file that is there already is only overwritten if the program says so."""
        repository, file = wanted["repository"], wanted["file"]
        branch = wanted.get("branch") or cloud.get(cloud.repository(repository))["default_branch"]
        body = _commit(wanted, "Add", branch)
        existing = _file(cloud, repository, file, branch)
        if existing is not None:
            if not wanted["overwriteOnCreate"]:
                raise ProviderError(
                    f"{file} exists already on {branch}, so it was not overwritten: "
                    "set overwriteOnCreate to true, or import it"
                )
            body["sha"] = existing["sha"]
        cloud.put(_path(cloud, repository, file), {**body, "content": _encoded(wanted["content"])})
        return f"{joined(repository, file)}:{branch}"

    def read(self, cloud: GitHub, resource_id: str, known: Props) -> Props | None:
        """The file at the tip of its branch, and the commit that last changed it."""
        repository, file, branch = _parted(resource_id)
        found = _file(cloud, repository, file, branch)
        if found is None:
            return None
        query = urlencode({"path": file, "sha": branch, "per_page": 1})
        commit = cloud.get(f"{cloud.repository(repository, 'commits')}?{query}")[0]
        return {
            "repository": repository,
            "file": file,
            "branch": branch,
            "ref": branch,
            "content": base64.b64decode(found["content"]).decode(errors="replace"),
            "sha": found["sha"],
            "commitSha": commit["sha"],
            "commitMessage": known.get("commitMessage", commit["commit"]["message"]),
            "repositoryId": cloud.repository_id(repository),
        }

    def update(self, cloud: GitHub, resource_id: str, old: Props, wanted: Props) -> None:
        """Commit the new content, if the file still is as it was last seen."""
        repository, file, branch = _parted(resource_id)
        body = _commit(wanted, "Update", branch)
        body["content"] = _encoded(wanted["content"])
        body["sha"] = _sha(cloud, repository, file, branch, old)
        cloud.put(_path(cloud, repository, file), body)

    def delete(self, cloud: GitHub, resource_id: str, state: Props) -> None:
        """Commit its removal, if the file still is as it was last seen."""
        repository, file, branch = _parted(resource_id)
        sha = _sha(cloud, repository, file, branch, state)
        if sha is not None:
            body = {**_commit(state, "Delete", branch), "sha": sha}
            cloud.delete(_path(cloud, repository, file), body)


class Branch(Handler[GitHub]):
    """A branch. Its id is `repository:branch`."""

    token = "github:index/branch:Branch"
    inputs: ClassVar[Schema] = {
        "repository": text(required=True, replaces=True, identity=True),
        "branch": text(required=True, replaces=True, identity=True),
        "sourceBranch": text(default="main", replaces=True, write_only=True),
        "sourceSha": text(replaces=True, write_only=True),
    }
    outputs = ("ref", "sha")

    def create(self, cloud: GitHub, wanted: Props) -> str:
        """Start it at the source, or take over one of that name, as the real plugin does."""
        repository, branch = wanted["repository"], wanted["branch"]
        sha = wanted.get("sourceSha") or _tip(cloud, repository, wanted["sourceBranch"])["sha"]
        try:
            body = {"ref": f"refs/heads/{branch}", "sha": sha}
            cloud.post(cloud.repository(repository, "git", "refs"), body)
        except GitHubError as error:
            taken = error.status == _UNPROCESSABLE and "already exists" in error.message
            if not taken:
                raise
        return joined(repository, branch)

    def read(self, cloud: GitHub, resource_id: str, known: Props) -> Props | None:  # noqa: ARG002
        """Where the branch is now."""
        repository, branch = parted(resource_id, 2)
        return {
            "repository": repository,
            "branch": branch,
            "ref": f"refs/heads/{branch}",
            "sha": _tip(cloud, repository, branch)["sha"],
        }

    def delete(self, cloud: GitHub, resource_id: str, state: Props) -> None:  # noqa: ARG002
        """Delete it. One that is gone is GitHub's 422, on which the real plugin fails as well."""
        repository, branch = parted(resource_id, 2)
        cloud.delete(f"{cloud.repository(repository, 'git', 'refs', 'heads')}/{quote(branch)}")


class RepositoryPullRequest(Handler[GitHub]):
    """A pull request. Its id is `owner:repository:number`. Deleting it closes it."""

    token = "github:index/repositoryPullRequest:RepositoryPullRequest"
    inputs: ClassVar[Schema] = {
        "owner": text(computed=True, replaces=True),
        "baseRepository": text(required=True, replaces=True, identity=True),
        "headRef": text(required=True, replaces=True, identity=True),
        "baseRef": text(required=True),
        "title": text(required=True),
        "body": text(),
        "maintainerCanModify": flag(default=False),
    }
    outputs = (
        *("number", "state", "draft", "labels", "baseSha", "headSha"),
        *("openedAt", "openedBy", "updatedAt"),
    )
    volatile = ("baseSha", "headSha", "updatedAt")

    def create(self, cloud: GitHub, wanted: Props) -> str:
        """Open it."""
        owner = wanted.get("owner", cloud.owner)
        # The head is always the provider's own: elsewhere the real plugin means a fork.
        head = wanted["headRef"] if owner == cloud.owner else f"{cloud.owner}:{wanted['headRef']}"
        body = {**_described(wanted), "head": head, "base": wanted["baseRef"]}
        opened = cloud.post(_pulls(owner, wanted["baseRepository"]), body)
        return joined(owner, wanted["baseRepository"], opened["number"])

    def read(self, cloud: GitHub, resource_id: str, known: Props) -> Props | None:  # noqa: ARG002
        """The pull request, open or not."""
        owner, repository, number = parted(resource_id, 3)
        found = cloud.get(f"{_pulls(owner, repository)}/{number}")
        return {
            "owner": owner,
            "baseRepository": repository,
            "headRef": found["head"]["ref"],
            "headSha": found["head"]["sha"],
            "baseRef": found["base"]["ref"],
            "baseSha": found["base"]["sha"],
            "title": found["title"],
            "body": found["body"],
            "maintainerCanModify": found["maintainer_can_modify"],
            "number": found["number"],
            "state": found["state"],
            "draft": found["draft"],
            "labels": [label["name"] for label in found["labels"]],
            "openedAt": _seconds(found["created_at"]),
            "openedBy": found["user"]["login"],
            "updatedAt": _seconds(found["updated_at"]),
        }

    def update(self, cloud: GitHub, resource_id: str, old: Props, wanted: Props) -> None:
        """Change its words or its base."""
        owner, repository, number = parted(resource_id, 3)
        body = _described(wanted)
        if wanted["baseRef"] != old.get("baseRef"):
            body["base"] = wanted["baseRef"]
        cloud.patch(f"{_pulls(owner, repository)}/{number}", body)

    def delete(self, cloud: GitHub, resource_id: str, state: Props) -> None:
        """Close it, unless it is closed or merged."""
        owner, repository, number = parted(resource_id, 3)
        if state.get("state", "open") == "open":
            cloud.patch(f"{_pulls(owner, repository)}/{number}", {"state": "closed"})


def _parted(resource_id: str) -> list[str]:
    repository, rest = parted(resource_id, 2)
    file, _, branch = rest.rpartition(":")
    if not file or not branch:
        raise ProviderError(f"'{resource_id}' is no id of a file: write repository:path:branch")
    return [repository, file, branch]


def _path(cloud: GitHub, repository: str, file: str) -> str:
    return f"{cloud.repository(repository, 'contents')}/{quote(file)}"


def _file(cloud: GitHub, repository: str, file: str, branch: str) -> dict[str, Any] | None:
    try:
        found = cloud.get(f"{_path(cloud, repository, file)}?{urlencode({'ref': branch})}")
    except GitHubError as error:
        if error.status == _NOT_FOUND:
            return None
        raise
    if not isinstance(found, dict):
        raise ProviderError(f"{file} is a folder on {branch}, not a file")
    return found  # pyright: ignore[reportUnknownVariableType] - parsed JSON


def _sha(cloud: GitHub, repository: str, file: str, branch: str, seen: Props) -> str | None:
    """The file as it was last seen; as it is now, if its creation was never finished."""
    if "sha" in seen:
        return seen["sha"]
    found = _file(cloud, repository, file, branch)
    return None if found is None else found["sha"]


def _tip(cloud: GitHub, repository: str, branch: str) -> dict[str, Any]:
    path = f"{cloud.repository(repository, 'git', 'ref', 'heads')}/{quote(branch)}"
    return cloud.get(path)["object"]


def _commit(props: Props, verb: str, branch: str) -> dict[str, Any]:
    file = props["file"]
    own = [f"{each} {file}" for each in ("Add", "Update", "Delete")]
    message = props.get("commitMessage")
    body: dict[str, Any] = {
        "branch": branch,
        "message": f"{verb} {file}" if message in (None, *own) else message,
    }
    if "commitAuthor" in props:
        person = {"name": props["commitAuthor"], "email": props["commitEmail"]}
        body |= {"author": person, "committer": person}
    return body


def _encoded(content: str) -> str:
    return base64.b64encode(content.encode()).decode()


def _pulls(owner: str, repository: str) -> str:
    return f"repos/{quote(owner, safe='')}/{quote(repository, safe='')}/pulls"


def _described(wanted: Props) -> dict[str, Any]:
    return {
        "title": wanted["title"],
        "body": wanted.get("body", ""),
        "maintainer_can_modify": wanted["maintainerCanModify"],
    }


def _seconds(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp())


HANDLERS = [RepositoryFile(), Branch(), RepositoryPullRequest()]
