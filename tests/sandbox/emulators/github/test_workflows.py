"""Workflows: the files on the default branch, switched on and off."""

from typing import Any

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
