"""Branches, references and history."""

from typing import Any

import pytest

REPOSITORY = "/repos/neonhub/neonhub"


def _tip(github: Any, branch: str = "main") -> str:
    return github.json(f"{REPOSITORY}/git/ref/heads/{branch}")["object"]["sha"]


def test_a_reference_is_created_moved_and_deleted(github: Any):
    first = _tip(github)
    github.branch("release/1.0")
    github.put_file("a.txt", "text")
    url = f"{REPOSITORY}/git/refs/heads/release/1.0"

    assert github.request("PATCH", url, {"sha": _tip(github)}).status_code == 200
    assert github.request("PATCH", url, {"sha": first}).status_code == 422
    assert github.request("PATCH", url, {"sha": first, "force": True}).status_code == 200
    assert _tip(github, "release/1.0") == first
    assert github.request("DELETE", url).status_code == 204
    assert github.request("DELETE", url).status_code == 422
    assert github.get(f"{REPOSITORY}/git/ref/heads/release/1.0").status_code == 404


@pytest.mark.parametrize(
    ("ref", "sha", "message"),
    [
        ("refs/heads/main", None, "Reference already exists"),
        ("refs/heads/next", "0" * 39 + "1", "Object does not exist"),
        ("heads/next", None, "Reference name must start with 'refs/'"),
        ("refs/heads/a..b", None, "Reference name must start with 'refs/'"),
    ],
)
def test_an_impossible_reference_is_refused(github: Any, ref: str, sha: str | None, message: str):
    body = {"ref": ref, "sha": sha or _tip(github)}
    response = github.request("POST", f"{REPOSITORY}/git/refs", body)

    assert response.status_code == 422
    assert response.json["message"].startswith(message)


def test_the_default_branch_cannot_be_deleted(github: Any):
    assert github.request("DELETE", f"{REPOSITORY}/git/refs/heads/main").status_code == 422


def test_branches_are_listed_and_shown(github: Any):
    github.branch("next")

    assert [b["name"] for b in github.json(f"{REPOSITORY}/branches")] == ["main", "next"]
    assert github.json(f"{REPOSITORY}/branches/next")["commit"]["sha"] == _tip(github)
    assert github.get(f"{REPOSITORY}/branches/none").json["message"] == "Branch not found"


def test_a_renamed_default_branch_stays_the_default(github: Any):
    tip = _tip(github)
    body = {"new_name": "trunk"}

    assert github.request("POST", f"{REPOSITORY}/branches/main/rename", body).status_code == 201
    assert github.json(REPOSITORY)["default_branch"] == "trunk"
    assert _tip(github, "trunk") == tip


def test_the_history_of_one_file_leaves_out_the_others(github: Any):
    sha = github.put_file("a.txt", "one", message="A1").json["content"]["sha"]
    github.put_file("b.txt", "one", message="B1")
    github.put_file("a.txt", "two", message="A2", sha=sha)

    found = github.json(f"{REPOSITORY}/commits?path=a.txt")
    assert [item["commit"]["message"] for item in found] == ["A2", "A1"]
    assert found[0]["author"]["login"] == "sandbox"
    assert len(github.json(f"{REPOSITORY}/commits?sha=main")) == 4


def test_a_commit_tells_what_it_did(github: Any):
    github.put_file("a.txt", "one\ntwo\n")
    found = github.json(f"{REPOSITORY}/commits/main")

    assert found["sha"] == _tip(github)
    assert found["stats"] == {"additions": 2, "deletions": 0, "total": 2}
    assert found["files"][0] | {"filename": "a.txt", "status": "added"} == found["files"][0]
    assert len(found["parents"]) == 1


def test_an_unknown_commit_is_refused(github: Any):
    assert github.get(f"{REPOSITORY}/commits/{'0' * 39}1").status_code == 422
    assert github.get(f"{REPOSITORY}/commits?sha=nowhere").status_code == 404
    assert github.get(f"{REPOSITORY}/commits?sha=--all").status_code == 404
