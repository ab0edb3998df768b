"""Issues and comments."""

from typing import Any

REPOSITORY = "/repos/neonhub/neonhub"
ISSUES = f"{REPOSITORY}/issues"


def test_an_issue_is_opened_edited_and_closed(github: Any):
    body = {"title": "Drift", "body": "found", "labels": ["drift"], "assignees": ["reviewer"]}
    created = github.request("POST", ISSUES, body)

    assert created.status_code == 201
    url = f"{ISSUES}/{created.json['number']}"
    assert created.json["labels"][0]["name"] == "drift"
    assert created.json["assignee"]["login"] == "reviewer"
    closed = github.request("PATCH", url, {"state": "closed", "state_reason": "not_planned"}).json
    assert (closed["state"], closed["state_reason"]) == ("closed", "not_planned")
    assert closed["closed_at"]
    assert closed["body"] == "found"
    assert github.request("PATCH", url, {"state": "open"}).json["state_reason"] == "reopened"


def test_issues_are_filtered_by_state_and_label(github: Any):
    github.request("POST", ISSUES, {"title": "one", "labels": ["drift"]})
    github.request("POST", ISSUES, {"title": "two"})
    github.request("PATCH", f"{ISSUES}/2", {"state": "closed"})

    def titles(query: str) -> list[str]:
        return [issue["title"] for issue in github.json(f"{ISSUES}{query}")]

    assert titles("") == ["one"]
    assert titles("?state=all") == ["two", "one"]
    assert titles("?state=all&labels=drift") == ["one"]
    assert titles("?state=closed") == ["two"]


def test_a_title_is_needed(github: Any):
    assert github.request("POST", ISSUES, {}).status_code == 422
    assert github.request("POST", ISSUES, {"title": " "}).status_code == 422


def test_a_comment_is_kept_up_to_date(github: Any):
    github.request("POST", ISSUES, {"title": "one"})
    comment = github.request("POST", f"{ISSUES}/1/comments", {"body": "first"}).json
    github.request("PATCH", f"{ISSUES}/comments/{comment['id']}", {"body": "second"})

    found = github.json(f"{ISSUES}/1/comments")
    assert [(item["id"], item["body"]) for item in found] == [(comment["id"], "second")]
    assert github.json(f"{ISSUES}/1")["comments"] == 1
    assert github.request("DELETE", f"{ISSUES}/comments/{comment['id']}").status_code == 204
    assert github.get(f"{ISSUES}/comments/{comment['id']}").status_code == 404


def test_switched_off_issues_are_gone(github: Any):
    github.request("PATCH", REPOSITORY, {"has_issues": False})

    assert github.request("POST", ISSUES, {"title": "one"}).status_code == 410
