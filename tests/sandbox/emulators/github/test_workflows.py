"""Workflows: the files on the default branch, switched on and off."""

from typing import Any

import pytest

REPOSITORY = "/repos/neonhub/neonhub"
WORKFLOWS = f"{REPOSITORY}/actions/workflows"
PATH = ".github/workflows/backup.yml"


def test_workflow_files_are_listed_under_their_own_names(github: Any):
    github.put_file(PATH, "name: Back up\non: push\n")
    github.put_file(".github/workflows/broken.yaml", "a: [\n")
    github.put_file(".github/workflows/notes.md", "no workflow")

    found = github.json(WORKFLOWS)
    assert found["total_count"] == 2
    assert [(item["path"], item["name"], item["state"]) for item in found["workflows"]] == [
        (PATH, "Back up", "active"),
        (".github/workflows/broken.yaml", ".github/workflows/broken.yaml", "active"),
    ]


def test_a_workflow_is_switched_off_and_on_by_id_or_file_name(github: Any):
    github.put_file(PATH, "name: Back up\n")
    number = github.json(f"{WORKFLOWS}/backup.yml")["id"]

    assert github.request("PUT", f"{WORKFLOWS}/backup.yml/disable").status_code == 204
    github.restart()
    assert github.json(f"{WORKFLOWS}/{number}")["state"] == "disabled_manually"
    assert github.request("PUT", f"{WORKFLOWS}/{number}/enable").status_code == 204
    assert github.json(f"{WORKFLOWS}/backup.yml")["state"] == "active"


def test_only_the_default_branch_counts(github: Any):
    github.branch("next")
    github.put_file(PATH, "name: Back up\n", branch="next")

    assert github.json(WORKFLOWS)["total_count"] == 0
    assert github.request("PUT", f"{WORKFLOWS}/backup.yml/disable").status_code == 404


def test_github_may_disable_a_workflow_and_a_client_enables_it_again(github: Any):
    github.put_file(PATH, "name: Back up\n")

    answer = github.control("PATCH", f"{WORKFLOWS}/backup.yml", {"state": "disabled_inactivity"})
    assert answer.status_code == 200
    github.restart()
    assert github.json(WORKFLOWS)["workflows"][0]["state"] == "disabled_inactivity"
    assert github.request("PUT", f"{WORKFLOWS}/backup.yml/enable").status_code == 204
    assert github.json(f"{WORKFLOWS}/backup.yml")["state"] == "active"


def test_a_workflow_can_be_as_old_as_a_test_needs_it(github: Any):
    github.put_file(PATH, "name: Back up\n")
    body = {"created_at": "2026-01-01T02:00:00+02:00"}

    assert github.control("PATCH", f"{WORKFLOWS}/backup.yml", body).json["state"] == "active"
    assert github.json(f"{WORKFLOWS}/backup.yml")["created_at"] == "2026-01-01T00:00:00Z"


@pytest.mark.parametrize("body", [{"state": "asleep"}, {"created_at": "yesterday"}])
def test_a_workflow_is_put_into_no_state_that_github_does_not_have(github: Any, body: Any):
    github.put_file(PATH, "name: Back up\n")
    before = github.json(f"{WORKFLOWS}/backup.yml")

    assert github.control("PATCH", f"{WORKFLOWS}/backup.yml", body).status_code == 422
    assert github.json(f"{WORKFLOWS}/backup.yml") == before


def test_what_github_does_by_itself_is_no_part_of_its_api(github: Any):
    github.put_file(PATH, "name: Back up\n")

    body = {"state": "disabled_inactivity"}
    assert github.request("PATCH", f"{WORKFLOWS}/backup.yml", body).status_code == 404


def test_without_the_token_nobody_does_what_github_does_by_itself(github: Any):
    github.put_file(PATH, "name: Back up\n")

    answer = github.client.patch(
        f"/_control{WORKFLOWS}/backup.yml", json={}, headers={"User-Agent": "tests"}
    )
    assert answer.status_code == 401
