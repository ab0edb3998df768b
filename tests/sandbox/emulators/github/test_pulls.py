"""Pull requests: opened, followed, merged into real commits."""

from typing import Any

import pytest

REPOSITORY = "/repos/neonhub/neonhub"
PULLS = f"{REPOSITORY}/pulls"
BODY = {"title": "Back up", "head": "next", "base": "main", "body": "Why"}


@pytest.fixture
def opened(github: Any) -> dict[str, Any]:
    """A pull request that adds a file on the branch `next`."""
    github.branch("next")
    github.put_file("a.txt", "text\n", branch="next")
    response = github.request("POST", PULLS, BODY)
    assert response.status_code == 201
    return response.json


def test_a_pull_request_shows_both_its_sides(github: Any, opened: dict[str, Any]):
    found = github.json(f"{PULLS}/{opened['number']}")

    assert (found["title"], found["body"], found["state"]) == ("Back up", "Why", "open")
    assert found["head"]["label"] == "neonhub:next"
    assert found["head"]["sha"] == github.git("rev-parse", "next").strip()
    assert found["base"]["ref"] == "main"
    assert found["mergeable"] is True
    assert found["user"]["login"] == "sandbox"
    assert [item["number"] for item in github.json(f"{PULLS}?head=neonhub:next&base=main")] == [1]
    assert github.json(f"{PULLS}?head=neonhub:other") == []


def test_a_merge_puts_the_change_on_the_base(github: Any, opened: dict[str, Any]):
    url = f"{PULLS}/{opened['number']}"
    head = opened["head"]["sha"]
    response = github.request("PUT", f"{url}/merge", {"sha": head})

    assert response.json["merged"] is True
    assert github.git("show", "main:a.txt") == "text\n"
    assert head in github.git("show", "--no-patch", "--format=%P", response.json["sha"])
    found = github.json(url)
    assert (found["state"], found["merged"]) == ("closed", True)
    assert found["merge_commit_sha"] == response.json["sha"]
    assert github.get(f"{url}/merge").status_code == 204
    assert github.request("PUT", f"{url}/merge").status_code == 405


def test_a_squash_leaves_one_commit_with_one_parent(github: Any, opened: dict[str, Any]):
    url = f"{PULLS}/{opened['number']}/merge"
    sha = github.request("PUT", url, {"merge_method": "squash"}).json["sha"]

    assert github.git("show", "--no-patch", "--format=%P|%s", sha).strip().count(" ") == 2
    assert github.git("log", "-1", "--format=%s", "main").strip() == "Back up (#1)"


def test_an_outdated_merge_is_refused(github: Any, opened: dict[str, Any]):
    github.put_file("b.txt", "more", branch="next")
    url = f"{PULLS}/{opened['number']}/merge"

    assert github.request("PUT", url, {"sha": opened["head"]["sha"]}).status_code == 409


def test_a_conflict_is_seen_and_not_merged(github: Any, opened: dict[str, Any]):
    github.put_file("a.txt", "other\n")
    url = f"{PULLS}/{opened['number']}"

    assert github.json(url)["mergeable"] is False
    assert github.request("PUT", f"{url}/merge").status_code == 405


def test_an_edited_pull_request_is_closed_and_opened_again(github: Any, opened: dict[str, Any]):
    url = f"{PULLS}/{opened['number']}"
    changed = github.request("PATCH", url, {"title": "Better", "state": "closed"}).json

    assert (changed["title"], changed["state"]) == ("Better", "closed")
    assert github.json(PULLS) == []
    assert github.request("PATCH", url, {"state": "open"}).json["state"] == "open"


def test_the_same_pull_request_is_not_opened_twice(github: Any, opened: dict[str, Any]):
    assert opened["state"] == "open"
    response = github.request("POST", PULLS, BODY)

    assert response.status_code == 422
    assert response.json["errors"][0]["message"].startswith("A pull request already exists")


def test_there_must_be_something_to_merge(github: Any):
    github.branch("next")
    response = github.request("POST", PULLS, BODY)

    assert response.status_code == 422
    assert response.json["errors"][0]["message"] == "No commits between main and next"


@pytest.mark.parametrize("side", ["head", "base"])
def test_an_unknown_branch_is_refused(github: Any, side: str):
    github.branch("next")
    response = github.request("POST", PULLS, {**BODY, side: "nowhere"})

    assert response.status_code == 422
    assert response.json["errors"][0]["field"] == side


def test_pull_requests_and_issues_share_their_numbers(github: Any, opened: dict[str, Any]):
    issue = github.request("POST", f"{REPOSITORY}/issues", {"title": "Note"}).json

    assert issue["number"] == opened["number"] + 1
    assert "pull_request" in github.json(f"{REPOSITORY}/issues/{opened['number']}")
    assert github.get(f"{PULLS}/{issue['number']}").status_code == 404
