"""Repositories, as resources and as lookups."""

# ruff: noqa: S105 - "token" is Pulumi's word for the name of a type

import json
from typing import Any, ClassVar

from sandbox.providers.framework import Function, Handler, ProviderError
from sandbox.providers.github.client import GitHub, GitHubError
from sandbox.providers.github.names import snake
from sandbox.providers.schema import Naming, Schema, flag, text, texts
from sandbox.providers.values import Props

_OK, _EMPTY, _NOT_FOUND = 200, 204, 404

# The names of the properties, and those of GitHub's fields where they differ in more than case.
_FLAGS_OFF = (
    *("hasIssues", "hasDiscussions", "hasProjects", "hasDownloads", "hasWiki", "isTemplate"),
    *("allowAutoMerge", "allowUpdateBranch", "deleteBranchOnMerge", "webCommitSignoffRequired"),
    "archived",
)
_FLAGS_ON = ("allowMergeCommit", "allowSquashMerge", "allowRebaseMerge")
_WORDS = {
    "squashMergeCommitTitle": "COMMIT_OR_PR_TITLE",
    "squashMergeCommitMessage": "COMMIT_MESSAGES",
    "mergeCommitTitle": "MERGE_MESSAGE",
    "mergeCommitMessage": "PR_TITLE",
}
_TEXTS = {"description": "description", "homepageUrl": "homepage"}
_OUTPUTS = {
    "fullName": "full_name",
    "repoId": "id",
    "nodeId": "node_id",
    "htmlUrl": "html_url",
    "gitCloneUrl": "git_url",
    "httpCloneUrl": "clone_url",
    "sshCloneUrl": "ssh_url",
    "svnUrl": "svn_url",
    "primaryLanguage": "language",
    "private": "private",
}


class Repository(Handler[GitHub]):
    """A repository. Its id is its name."""

    token = "github:index/repository:Repository"
    inputs: ClassVar[Schema] = {
        "name": text(replaces=True, identity=True, naming=Naming(max_length=100)),
        **{name: text() for name in _TEXTS},
        # Off unless asked for: the real plugin sends false for what the program leaves out.
        **{name: flag(default=False) for name in _FLAGS_OFF},
        **{name: flag(default=True) for name in _FLAGS_ON},
        **{name: text(default=default) for name, default in _WORDS.items()},
        "visibility": text(computed=True, choices=("public", "private", "internal")),
        "allowForking": flag(computed=True),
        "defaultBranch": text(computed=True),
        "topics": texts(computed=True),
        "vulnerabilityAlerts": flag(computed=True),
        "autoInit": flag(default=False, write_only=True),
        "archiveOnDestroy": flag(default=False, write_only=True),
    }
    outputs = tuple(_OUTPUTS)
    delete_before_replace = True

    def create(self, cloud: GitHub, wanted: Props) -> str:
        """Make it for the owner, whoever that is."""
        body = {**_body(wanted), "name": wanted["name"], "auto_init": wanted["autoInit"]}
        owner = cloud.get(f"users/{cloud.owner}")
        path = f"orgs/{cloud.owner}/repos" if owner["type"] == "Organization" else "user/repos"
        return cloud.post(path, body)["name"]

    def settle(self, cloud: GitHub, resource_id: str, wanted: Props) -> None:
        """Set what has a request of its own."""
        if "topics" in wanted:
            cloud.put(cloud.repository(resource_id, "topics"), {"names": wanted["topics"]})
        if "vulnerabilityAlerts" in wanted:
            method = "PUT" if wanted["vulnerabilityAlerts"] else "DELETE"
            cloud.request(method, cloud.repository(resource_id, "vulnerability-alerts"))

    def read(self, cloud: GitHub, resource_id: str, known: Props) -> Props | None:
        """The repository as GitHub shows it."""
        found = cloud.get(cloud.repository(resource_id))
        # Only asked for where it matters: that is one more request for each repository.
        alerts = known.get("vulnerabilityAlerts")
        return {**described(found), "vulnerabilityAlerts": alerts}

    def update(self, cloud: GitHub, resource_id: str, old: Props, wanted: Props) -> None:
        """Change what differs in one request, then what has requests of its own."""
        body = _body(wanted)
        if wanted.get("defaultBranch") == old.get("defaultBranch"):
            body.pop("default_branch", None)
        cloud.patch(cloud.repository(resource_id), body)
        self.settle(cloud, resource_id, wanted)

    def delete(self, cloud: GitHub, resource_id: str, state: Props) -> None:
        """Delete it, or archive it if the program says so."""
        if state.get("archiveOnDestroy"):
            cloud.patch(cloud.repository(resource_id), {"archived": True})
        else:
            cloud.delete(cloud.repository(resource_id))


def described(found: dict[str, Any]) -> Props:
    """GitHub's description of a repository under the names of the properties."""
    plain = ("name", "visibility", "topics", "defaultBranch", "allowForking")
    names = {name: snake(name) for name in (*plain, *_FLAGS_OFF, *_FLAGS_ON, *_WORDS)}
    return {name: found.get(field) for name, field in {**names, **_TEXTS, **_OUTPUTS}.items()}


def _body(wanted: Props) -> dict[str, Any]:
    names = (*_FLAGS_OFF, *_FLAGS_ON, *_WORDS, "visibility", "allowForking", "defaultBranch")
    body = {snake(name): wanted[name] for name in names if name in wanted}
    return {**body, **{field: wanted.get(name, "") for name, field in _TEXTS.items()}}


def _get_repository(cloud: GitHub, args: Props) -> Props:
    full_name = args.get("fullName") or f"{cloud.owner}/{args.get('name', '')}"
    owner, _, name = full_name.partition("/")
    if not owner or not name:
        raise ProviderError("looking up a repository needs 'name', or 'fullName' as owner/name")
    found = cloud.get(f"repos/{owner}/{name}")
    lists: dict[str, list[Any]] = {"pages": [], "repositoryLicenses": [], "templates": []}
    facts = {"id": name, "fork": found["fork"], **described(found), **lists}
    return {key: "" if value is None else value for key, value in facts.items()}


def _get_user(cloud: GitHub, args: Props) -> Props:
    found = cloud.get(f"users/{args['username']}")
    same = ("login", "name", "company", "blog", "location", "email", "bio", "followers")
    other = ("following", "avatarUrl", "gravatarId", "siteAdmin", "publicRepos", "publicGists")
    times = ("createdAt", "updatedAt", "nodeId")
    facts = {name: found.get(snake(name)) for name in (*same, *other, *times)}
    return {
        **{name: "" if value is None else value for name, value in facts.items()},
        "id": str(found["id"]),
        "username": args["username"],
        "suspendedAt": "",
        "gpgKeys": [],
        "sshKeys": [],
    }


def _get_rest_api(cloud: GitHub, args: Props) -> Props:
    """Any GET. That there is nothing is an answer, every other refusal an error."""
    endpoint = args["endpoint"]
    try:
        found = cloud.get(endpoint)
        code = _EMPTY if found is None else _OK
    except GitHubError as error:
        if error.status != _NOT_FOUND:
            raise
        code, found = _NOT_FOUND, {"message": error.message}
    return {
        "id": endpoint,
        "endpoint": endpoint,
        "code": code,
        "status": str(code),
        "headers": "{}",
        "body": "" if found is None else json.dumps(found),
    }


HANDLERS = [Repository()]
FUNCTIONS = [
    Function(
        "github:index/getRepository:getRepository",
        _get_repository,
        {"name": text(), "fullName": text(), "description": text(), "homepageUrl": text()},
    ),
    Function("github:index/getUser:getUser", _get_user, {"username": text(required=True)}),
    Function(
        "github:index/getRestApi:getRestApi", _get_rest_api, {"endpoint": text(required=True)}
    ),
]
