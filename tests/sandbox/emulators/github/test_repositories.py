"""Repositories: found by name and by id, created, changed, deleted."""

from typing import Any

import pytest

REPOSITORY = "/repos/neonhub/neonhub"


def test_a_seeded_repository_has_a_default_branch_and_numeric_ids(github: Any):
    found = github.json(REPOSITORY)

    assert found["full_name"] == "neonhub/neonhub"
    assert found["default_branch"] == "main"
    assert isinstance(found["id"], int)
    assert isinstance(found["owner"]["id"], int)
    assert found["id"] != found["owner"]["id"]
    assert found["node_id"]


def test_ids_and_everything_else_survive_a_restart(github: Any):
    before = github.json(REPOSITORY)
    github.restart()

    assert github.json(REPOSITORY) == before


def test_names_are_found_whatever_their_letter_case(github: Any):
    assert github.json("/repos/NeonHub/NEONHUB")["full_name"] == "neonhub/neonhub"


def test_a_repository_is_also_found_by_its_id(github: Any):
    found = github.json(REPOSITORY)

    assert github.json(f"/repositories/{found['id']}") == found


@pytest.mark.parametrize(
    ("path", "owner"), [("/user/repos", "sandbox"), ("/orgs/neonhub/repos", "neonhub")]
)
def test_a_repository_is_created_for_a_user_or_an_organisation(github: Any, path: str, owner: str):
    response = github.request("POST", path, {"name": "fresh", "private": True})

    assert response.status_code == 201
    assert response.json["full_name"] == f"{owner}/fresh"
    assert response.json["visibility"] == "private"
    assert [found["name"] for found in github.json(f"/users/{owner}/repos")][-1] == "fresh"


def test_a_repository_starts_empty_unless_asked_otherwise(github: Any):
    github.request("POST", "/orgs/neonhub/repos", {"name": "bare"})
    github.request("POST", "/orgs/neonhub/repos", {"name": "begun", "auto_init": True})

    assert github.get("/repos/neonhub/bare/git/ref/heads/main").status_code == 409
    assert github.get("/repos/neonhub/bare/contents").status_code == 404
    assert github.json("/repos/neonhub/begun/contents/README.md")["type"] == "file"


def test_a_taken_name_is_refused(github: Any):
    response = github.request("POST", "/orgs/neonhub/repos", {"name": "NeonHub"})

    assert response.status_code == 422
    assert response.json["errors"][0]["message"] == "name already exists on this account"


@pytest.mark.parametrize("name", ["a/b", "..", "a b", ""])
def test_a_name_github_would_not_take_is_refused(github: Any, name: str):
    assert github.request("POST", "/orgs/neonhub/repos", {"name": name}).status_code == 422


def test_settings_change_and_the_rest_stays(github: Any):
    response = github.request("PATCH", REPOSITORY, {"description": "Backups", "has_wiki": False})

    assert response.status_code == 200
    found = github.json(REPOSITORY)
    assert (found["description"], found["has_wiki"], found["has_issues"]) == (
        "Backups",
        False,
        True,
    )


def test_a_setting_of_the_wrong_type_is_refused(github: Any):
    response = github.request("PATCH", REPOSITORY, {"has_wiki": "no"})

    assert response.status_code == 422
    assert "has_wiki" in response.json["message"]


def test_a_default_branch_must_exist(github: Any):
    assert github.request("PATCH", REPOSITORY, {"default_branch": "next"}).status_code == 422
    github.branch("next")
    assert github.request("PATCH", REPOSITORY, {"default_branch": "next"}).status_code == 200
    assert github.git("symbolic-ref", "HEAD").strip() == "refs/heads/next"


def test_a_renamed_repository_keeps_its_id_and_its_files(github: Any):
    before = github.json(REPOSITORY)
    response = github.request("PATCH", REPOSITORY, {"name": "renamed", "description": "moved"})

    assert response.json["id"] == before["id"]
    assert github.get(REPOSITORY).status_code == 404
    assert github.json("/repos/neonhub/renamed")["description"] == "moved"
    assert github.json("/repos/neonhub/renamed/contents/README.md")["path"] == "README.md"


def test_topics_are_replaced_as_a_whole(github: Any):
    github.request("PUT", f"{REPOSITORY}/topics", {"names": ["backup", "PostgreSQL"]})

    assert github.json(f"{REPOSITORY}/topics") == {"names": ["backup", "postgresql"]}


def test_an_archived_repository_is_read_only(github: Any):
    github.request("PATCH", REPOSITORY, {"archived": True})

    assert github.put_file("a.txt", "text").status_code == 403
    assert github.get(REPOSITORY).status_code == 200


def test_a_deleted_repository_is_gone_with_its_files(github: Any):
    assert github.request("DELETE", REPOSITORY).status_code == 204

    assert github.get(REPOSITORY).status_code == 404
    assert not (github.data_dir / "repositories" / "neonhub" / "neonhub").exists()
