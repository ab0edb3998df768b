"""Issues and the comments on them; pull requests are issues too."""

from typing import Any, cast

from sandbox.emulators.github import accounts, clock
from sandbox.emulators.github.errors import ApiError, invalid, not_found
from sandbox.emulators.github.models import Comment, Issue
from sandbox.emulators.github.routing import (
    NO_CONTENT,
    Reply,
    RepositoryCall,
    Routes,
    as_object,
    one_of,
    required,
    typed,
)
from sandbox.emulators.github.storage import node_id

routes = Routes()

STATES = ("open", "closed")


def find(call: RepositoryCall, number: int) -> Issue:
    """404 when there is none."""
    found = call.repository.state.issues.get(number)
    if found is None:
        raise not_found()
    return found


def add(call: RepositoryCall, title: str) -> Issue:
    """A new open issue by the token's owner, with the next number."""
    moment = clock.now()
    issues = call.repository.state.issues
    issue = Issue(
        id=call.store.next_id(),
        number=max(issues, default=0) + 1,
        author=call.viewer.login,
        title=title,
        body=call.optional("body", str),
        created_at=moment,
        updated_at=moment,
    )
    issues[issue.number] = issue
    return issue


def edit(call: RepositoryCall, issue: Issue) -> None:
    """Take over the title, body and state that a request brings."""
    title = call.optional("title", str)
    if title is not None:
        issue.title = title
    if "body" in call.body:
        issue.body = call.optional("body", str)
    state = call.optional("state", str)
    if state is not None and state != issue.state:
        one_of("Issue", "state", state, STATES)
        issue.state = "closed" if state == "closed" else "open"
        issue.state_reason = "completed" if state == "closed" else "reopened"
        issue.closed_at = clock.now() if state == "closed" else None
    issue.updated_at = clock.after(issue.updated_at)


def listed(call: RepositoryCall, *, pull_requests_only: bool) -> list[Issue]:
    """Those in the state the query asks for (open by default), newest first."""
    state = call.query.get("state", "open")
    one_of("Issue", "state", state, (*STATES, "all"))
    ascending = call.query.get("direction") == "asc"
    found = sorted(call.repository.state.issues.values(), key=lambda issue: issue.number)
    return [
        issue
        for issue in (found if ascending else reversed(found))
        if state in ("all", issue.state)
        and (issue.pull_request is not None or not pull_requests_only)
    ]


def render_label(call: RepositoryCall, name: str) -> dict[str, Any]:
    """Labels come into being with their first use."""
    return {"name": name, "url": f"{call.repository_api}/labels/{name}", "color": "ededed"}


def render(call: RepositoryCall, issue: Issue) -> dict[str, Any]:
    """An issue, or a pull request in its place among the issues."""
    url = f"{call.repository_api}/issues/{issue.number}"
    pulls = f"{call.repository_api}/pulls/{issue.number}"
    page = f"{call.host}/{call.repository.full_name}"
    pull = (
        {}
        if issue.pull_request is None
        else {
            "pull_request": {
                "url": pulls,
                "html_url": f"{page}/pull/{issue.number}",
                "merged_at": issue.pull_request.merged_at,
            }
        }
    )
    kind = "issues" if issue.pull_request is None else "pull"
    return {
        "id": issue.id,
        "node_id": node_id("Issue", issue.id),
        "url": url,
        "repository_url": call.repository_api,
        "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "html_url": f"{page}/{kind}/{issue.number}",
        "number": issue.number,
        "title": issue.title,
        "user": accounts.by_login(call, issue.author),
        "labels": [render_label(call, name) for name in issue.labels],
        "state": issue.state,
        "state_reason": issue.state_reason,
        "locked": False,
        "assignees": [accounts.by_login(call, login) for login in issue.assignees],
        "assignee": accounts.by_login(call, issue.assignees[0]) if issue.assignees else None,
        "milestone": None,
        "comments": len(issue.comments),
        "created_at": issue.created_at,
        "updated_at": issue.updated_at,
        "closed_at": issue.closed_at,
        "author_association": "OWNER",
        "body": issue.body,
        **pull,
    }


@routes.repository("GET", "/issues")
def list_issues(call: RepositoryCall) -> Reply:
    wanted = {label for label in call.query.get("labels", "").split(",") if label}
    creator = call.query.get("creator")
    found = [
        issue
        for issue in listed(call, pull_requests_only=False)
        if wanted <= set(issue.labels) and creator in (None, issue.author)
    ]
    return call.page(found, lambda issue: render(call, issue))


@routes.repository("POST", "/issues")
def create(call: RepositoryCall) -> Reply:
    if not call.repository.state.settings.has_issues:
        raise ApiError(410, "Issues has been disabled in this repository.")
    title = call.require("title", str)
    if not title.strip():
        raise invalid("Issue", "title", "missing_field")
    labels, assignees = _labels(call), _assignees(call)
    issue = add(call, title)
    issue.labels, issue.assignees = labels or [], assignees or []
    shown = render(call, issue)
    return Reply(shown, 201, {"Location": shown["url"]})


@routes.repository("GET", "/issues/<int:issue_number>")
def show(call: RepositoryCall, issue_number: int) -> Reply:
    return Reply(render(call, find(call, issue_number)))


@routes.repository("PATCH", "/issues/<int:issue_number>")
def update(call: RepositoryCall, issue_number: int) -> Reply:
    issue = find(call, issue_number)
    labels, assignees = _labels(call), _assignees(call)
    edit(call, issue)
    issue.labels = issue.labels if labels is None else labels
    issue.assignees = issue.assignees if assignees is None else assignees
    reason = call.optional("state_reason", str)
    if reason is not None:
        one_of(
            "Issue", "state_reason", reason, ("completed", "not_planned", "duplicate", "reopened")
        )
        issue.state_reason = cast("Any", reason)
    return Reply(render(call, issue))


@routes.repository("GET", "/issues/<int:issue_number>/comments")
def list_comments(call: RepositoryCall, issue_number: int) -> Reply:
    issue = find(call, issue_number)
    return call.page(issue.comments, lambda comment: _render_comment(call, issue, comment))


@routes.repository("POST", "/issues/<int:issue_number>/comments")
def create_comment(call: RepositoryCall, issue_number: int) -> Reply:
    issue = find(call, issue_number)
    moment = clock.now()
    comment = Comment(
        id=call.store.next_id(),
        author=call.viewer.login,
        body=call.require("body", str),
        created_at=moment,
        updated_at=moment,
    )
    issue.comments.append(comment)
    issue.updated_at = clock.after(issue.updated_at)
    shown = _render_comment(call, issue, comment)
    return Reply(shown, 201, {"Location": shown["url"]})


@routes.repository("GET", "/issues/comments/<int:comment>")
def show_comment(call: RepositoryCall, comment: int) -> Reply:
    return Reply(_render_comment(call, *_comment(call, comment)))


@routes.repository("PATCH", "/issues/comments/<int:comment>")
def update_comment(call: RepositoryCall, comment: int) -> Reply:
    issue, found = _comment(call, comment)
    found.body = call.require("body", str)
    found.updated_at = clock.after(found.updated_at)
    return Reply(_render_comment(call, issue, found))


@routes.repository("DELETE", "/issues/comments/<int:comment>")
def delete_comment(call: RepositoryCall, comment: int) -> Reply:
    issue, found = _comment(call, comment)
    issue.comments.remove(found)
    return NO_CONTENT


def _comment(call: RepositoryCall, number: int) -> tuple[Issue, Comment]:
    for issue in call.repository.state.issues.values():
        for comment in issue.comments:
            if comment.id == number:
                return issue, comment
    raise not_found()


def _labels(call: RepositoryCall) -> list[str] | None:
    given = call.array("labels")
    if given is None:
        return None
    return [label if isinstance(label, str) else _label_name(label) for label in given]


def _label_name(label: Any) -> str:
    name: Any = as_object("labels", label).get("name")
    return required("labels.name", typed("labels.name", name, str))


def _assignees(call: RepositoryCall) -> list[str] | None:
    given = call.array("assignees")
    if given is None:
        return None
    return [call.store.account(str(login)).login for login in given]


def _render_comment(call: RepositoryCall, issue: Issue, comment: Comment) -> dict[str, Any]:
    page = f"{call.host}/{call.repository.full_name}/issues/{issue.number}"
    return {
        "id": comment.id,
        "node_id": node_id("IssueComment", comment.id),
        "url": f"{call.repository_api}/issues/comments/{comment.id}",
        "html_url": f"{page}#issuecomment-{comment.id}",
        "issue_url": f"{call.repository_api}/issues/{issue.number}",
        "body": comment.body,
        "user": accounts.by_login(call, comment.author),
        "created_at": comment.created_at,
        "updated_at": comment.updated_at,
        "author_association": "OWNER",
    }
