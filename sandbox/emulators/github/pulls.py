"""Pull requests between branches of one repository."""

from typing import Any

from sandbox.emulators.github import accounts, clock, commits, issues, repositories
from sandbox.emulators.github.errors import ApiError, conflict, invalid, not_found
from sandbox.emulators.github.models import Issue, PullRequest
from sandbox.emulators.github.routing import NO_CONTENT, Reply, RepositoryCall, Routes, one_of
from sandbox.emulators.github.storage import node_id

routes = Routes()


@routes.repository("GET", "/pulls")
def list_pulls(call: RepositoryCall) -> Reply:
    head = call.query.get("head")
    wanted = None if head is None else head.rpartition(":")[2]
    base = call.query.get("base")
    found = [
        (issue, pull)
        for issue in issues.listed(call, pull_requests_only=True)
        if (pull := issue.pull_request) is not None
        and wanted in (None, pull.head)
        and base in (None, pull.base)
    ]
    return call.page(found, lambda item: _render(call, *item))


@routes.repository("POST", "/pulls")
def create(call: RepositoryCall) -> Reply:
    title = call.require("title", str)
    if not title.strip():
        raise invalid("PullRequest", "title", "missing_field")
    owner, _, head = call.require("head", str).rpartition(":")
    base = call.require("base", str)
    repository = call.repository
    head_sha, base_sha = repository.git.branch(head), repository.git.branch(base)
    if head_sha is None or owner.lower() not in ("", repository.owner.lower()):
        raise invalid("PullRequest", "head", "invalid")
    if base_sha is None:
        raise invalid("PullRequest", "base", "invalid")
    if not repository.git.between(base_sha, head_sha):
        raise _custom(f"No commits between {base} and {head}")
    _refuse_second(call, head, base)
    number = call.store.next_id()
    issue = issues.add(call, title)
    pull = PullRequest(
        id=number,
        head=head,
        base=base,
        head_sha=head_sha,
        base_sha=base_sha,
        draft=call.optional("draft", bool) or False,
        maintainer_can_modify=call.optional("maintainer_can_modify", bool) or False,
    )
    issue.pull_request = pull
    shown = _render(call, issue, pull)
    return Reply(_detailed(call, issue, pull), 201, {"Location": shown["url"]})


@routes.repository("GET", "/pulls/<int:pull_number>")
def show(call: RepositoryCall, pull_number: int) -> Reply:
    return Reply(_detailed(call, *_find(call, pull_number)))


@routes.repository("PATCH", "/pulls/<int:pull_number>")
def update(call: RepositoryCall, pull_number: int) -> Reply:
    issue, pull = _find(call, pull_number)
    base = call.optional("base", str)
    if base is not None and base != pull.base:
        if call.repository.git.branch(base) is None:
            raise invalid("PullRequest", "base", "invalid")
        _refuse_second(call, pull.head, base)
        pull.base = base
    if call.optional("state", str) == "open" and issue.state == "closed":
        if pull.merged_at is not None or call.repository.git.branch(pull.head) is None:
            raise _custom("state cannot be changed: it was merged or its branch is gone.")
        _refuse_second(call, pull.head, pull.base)
    modifiable = call.optional("maintainer_can_modify", bool)
    if modifiable is not None:
        pull.maintainer_can_modify = modifiable
    _follow(call, issue, pull)
    issues.edit(call, issue)
    return Reply(_detailed(call, issue, pull))


@routes.repository("GET", "/pulls/<int:pull_number>/merge")
def is_merged(call: RepositoryCall, pull_number: int) -> Reply:
    _, pull = _find(call, pull_number)
    if pull.merged_at is None:
        raise not_found()
    return NO_CONTENT


@routes.repository("PUT", "/pulls/<int:pull_number>/merge")
def merge(call: RepositoryCall, pull_number: int) -> Reply:
    issue, pull = _find(call, pull_number)
    method = call.optional("merge_method", str) or "merge"
    one_of("PullRequest", "merge_method", method, ("merge", "squash", "rebase"))
    if method == "rebase":
        raise ApiError(405, "Rebase merges are not built into this emulator: use merge or squash.")
    _refuse_method(call, method)
    head = call.repository.git.branch(pull.head)
    base = call.repository.git.branch(pull.base)
    if issue.state != "open" or pull.draft or head is None or base is None:
        raise ApiError(405, "Pull Request is not mergeable")
    expected = call.optional("sha", str)
    if expected not in (None, head):
        raise conflict("Head branch was modified. Review and try the merge again.")
    tree = call.repository.git.merged_tree(base, head)
    if tree is None:
        raise ApiError(405, "Pull Request is not mergeable")
    parents = [base, head] if method == "merge" else [base]
    message = _merge_message(call, issue, pull, method)
    person = commits.viewer_person(call)
    sha = call.repository.git.commit_merge(pull.base, tree, parents, message, person)
    pull.head_sha, pull.base_sha = head, base
    pull.merge_commit_sha = sha
    pull.merged_by = call.viewer.login
    issue.updated_at = clock.after(issue.updated_at)
    pull.merged_at = issue.closed_at = issue.updated_at
    issue.state = "closed"
    if call.repository.state.settings.delete_branch_on_merge:
        call.repository.git.delete_ref(f"refs/heads/{pull.head}")
    return Reply({"sha": sha, "merged": True, "message": "Pull Request successfully merged"})


def _find(call: RepositoryCall, number: int) -> tuple[Issue, PullRequest]:
    issue = issues.find(call, number)
    if issue.pull_request is None:
        raise not_found()
    return issue, issue.pull_request


def _custom(message: str) -> ApiError:
    detail = {"resource": "PullRequest", "code": "custom", "message": message}
    return ApiError(422, "Validation Failed", [detail])


def _refuse_second(call: RepositoryCall, head: str, base: str) -> None:
    for issue in call.repository.state.issues.values():
        pull = issue.pull_request
        if issue.state == "open" and pull is not None and (pull.head, pull.base) == (head, base):
            owner = call.repository.owner
            raise _custom(f"A pull request already exists for {owner}:{head}.")


def _refuse_method(call: RepositoryCall, method: str) -> None:
    settings = call.repository.state.settings
    allowed = {"merge": settings.allow_merge_commit, "squash": settings.allow_squash_merge}
    if not allowed[method]:
        raise ApiError(405, f"The {method} method is not allowed on this repository.")


def _merge_message(call: RepositoryCall, issue: Issue, pull: PullRequest, method: str) -> str:
    if method == "merge":
        source = f"{call.repository.owner}/{pull.head}"
        title = f"Merge pull request #{issue.number} from {source}"
        text = issue.title
    else:
        title = f"{issue.title} (#{issue.number})"
        text = ""
    title = call.optional("commit_title", str) or title
    given = call.optional("commit_message", str)
    text = text if given is None else given
    return f"{title}\n\n{text}".rstrip()


def _follow(call: RepositoryCall, issue: Issue, pull: PullRequest) -> None:
    """An open pull request shows its branches as they are now."""
    if issue.state == "open":
        pull.head_sha = call.repository.git.branch(pull.head) or pull.head_sha
        pull.base_sha = call.repository.git.branch(pull.base) or pull.base_sha


def _detailed(call: RepositoryCall, issue: Issue, pull: PullRequest) -> dict[str, Any]:
    shown = _render(call, issue, pull)
    mergeable = (
        None
        if issue.state == "closed"
        else call.repository.git.merged_tree(pull.base_sha, pull.head_sha) is not None
    )
    merged_by = None if pull.merged_by is None else accounts.by_login(call, pull.merged_by)
    return {
        **shown,
        "merged": pull.merged_at is not None,
        "mergeable": mergeable,
        "mergeable_state": {True: "clean", False: "dirty", None: "unknown"}[mergeable],
        "merged_by": merged_by,
        "comments": len(issue.comments),
        "commits": len(call.repository.git.between(pull.base_sha, pull.head_sha)),
        "maintainer_can_modify": pull.maintainer_can_modify,
    }


def _render(call: RepositoryCall, issue: Issue, pull: PullRequest) -> dict[str, Any]:
    _follow(call, issue, pull)
    url = f"{call.repository_api}/pulls/{issue.number}"
    return {
        **issues.render(call, issue),
        "id": pull.id,
        "node_id": node_id("PullRequest", pull.id),
        "url": url,
        "issue_url": f"{call.repository_api}/issues/{issue.number}",
        "diff_url": f"{call.host}/{call.repository.full_name}/pull/{issue.number}.diff",
        "patch_url": f"{call.host}/{call.repository.full_name}/pull/{issue.number}.patch",
        "commits_url": f"{url}/commits",
        "merged_at": pull.merged_at,
        "merge_commit_sha": pull.merge_commit_sha,
        "draft": pull.draft,
        "requested_reviewers": [],
        "requested_teams": [],
        "head": _side(call, pull.head, pull.head_sha),
        "base": _side(call, pull.base, pull.base_sha),
        "auto_merge": None,
    }


def _side(call: RepositoryCall, branch: str, sha: str) -> dict[str, Any]:
    return {
        "label": f"{call.repository.owner}:{branch}",
        "ref": branch,
        "sha": sha,
        "user": accounts.by_login(call, call.repository.owner),
        "repo": repositories.render(call, call.repository),
    }
