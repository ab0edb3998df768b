"""What the components of GitHub do there over time, under the real engine."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.local_github.emulator import REPOSITORY, Emulator, Stack, serving

PROGRAM = (Path(__file__).parent / "local_github" / "components.py").read_text()
CONFIGURATION, WORKFLOW = ".neonhub-backup/production.yaml", ".github/workflows/backup.yml"
FIRST = {CONFIGURATION: "tiers: 1\n", WORKFLOW: "name: Back up\n"}
SECOND = {**FIRST, CONFIGURATION: "tiers: 2\n"}
THIRD = {**FIRST, CONFIGURATION: "tiers: 3\n"}
ENVIRONMENT = f"{REPOSITORY}/environments/production-restore"
SECRET = f"{ENVIRONMENT}/secrets/DATABASE_URL"


@pytest.fixture
def github(tmp_path: Path) -> Iterator[Emulator]:
    """A GitHub of its own for each test: their histories would mix."""
    with serving(tmp_path / "github") as emulator:
        yield emulator


@pytest.fixture
def stack(tmp_path: Path, github: Emulator) -> Stack:
    """Not deployed yet."""
    found = github.get(REPOSITORY)
    home = tmp_path / "stack"
    home.mkdir()
    return Stack(
        home,
        github,
        PROGRAM,
        {
            "owner_id": found["owner"]["id"],
            "repository_id": found["id"],
            "branch": "main",
            "users": [],
            "teams": [],
            "wait_minutes": 0,
            "database_url": "postgres://first",
            "contents": FIRST,
            "delivery": "commit",
        },
    )


@pytest.fixture
def proposing(stack: Stack, github: Emulator) -> Stack:
    """A stack whose files come by pull requests, in a GitHub that deletes merged branches."""
    github.call("PATCH", REPOSITORY, {"delete_branch_on_merge": True})
    stack.settings["delivery"] = "pull-request"
    stack.up()
    return stack


def _secrets(github: Emulator) -> dict[str, str]:
    return github.secrets("production-restore")


def _open(github: Emulator) -> list[dict[str, Any]]:
    return github.get(f"{REPOSITORY}/pulls")


def _count(github: Emulator) -> int:
    """How many pull requests there have ever been."""
    return len(github.get(f"{REPOSITORY}/pulls?state=all&per_page=100"))


def _only(github: Emulator) -> dict[str, Any]:
    (found,) = _open(github)
    return found


def _merge(github: Emulator) -> None:
    number = _only(github)["number"]
    assert github.call("PUT", f"{REPOSITORY}/pulls/{number}/merge", {})["merged"]


def _branches(github: Emulator) -> list[str]:
    return github.git("branch", "--format=%(refname:short)").split()


def _edit(github: Emulator, path: str, text: str) -> None:
    """Commit to main as somebody else would."""
    place = f"{REPOSITORY}/contents/{path}"
    body = {"message": "Tamper", "content": base64.b64encode(text.encode()).decode()}
    github.call("PUT", place, {**body, "sha": github.get(place)["sha"]})


def _on_main(github: Emulator, path: str) -> str:
    return github.git("show", f"main:{path}")


def test_each_new_value_of_a_secret_is_sealed_in_place_and_survives(stack: Stack, github: Emulator):
    stack.up()
    created = github.get(SECRET)["created_at"]

    for value in ("postgres://second", "postgres://third"):
        said = stack.up(database_url=value)
        assert "1 updated" in said, said
        assert _secrets(github) == {"DATABASE_URL": value}
        assert github.get(SECRET)["created_at"] == created
    assert "unchanged" in stack.up("--refresh", "--expect-no-changes")
    assert _secrets(github) == {"DATABASE_URL": "postgres://third"}


def test_a_secret_that_someone_deleted_is_put_back(stack: Stack, github: Emulator):
    stack.up()
    github.call("DELETE", SECRET)
    assert github.get(SECRET) is None
    said = stack.up("--refresh")

    assert "1 created" in said, said
    assert _secrets(github) == {"DATABASE_URL": "postgres://first"}


def test_a_restore_waits_for_a_reviewer_and_then_for_a_while(stack: Stack, github: Emulator):
    stack.up(users=["reviewer"], teams=["platform"], wait_minutes=30)
    rules = {rule["type"]: rule for rule in github.get(ENVIRONMENT)["protection_rules"]}
    asked = rules["required_reviewers"]

    assert rules["wait_timer"]["wait_timer"] == 30
    assert asked["prevent_self_review"] is True
    assert {(each["type"], each["reviewer"].get("login", each["reviewer"].get("slug"))) for each in
            asked["reviewers"]} == {("User", "reviewer"), ("Team", "platform")}  # fmt: skip
    stack.up("--refresh", "--expect-no-changes")

    stack.up(users=[], teams=[], wait_minutes=0)
    rules = {rule["type"] for rule in github.get(ENVIRONMENT)["protection_rules"]}
    assert rules == {"branch_policy"}


def test_unknown_reviewers_are_refused_before_anything_changes(stack: Stack, github: Emulator):
    said = stack.up(users=["reviewer", "nobody"], teams=["nowhere"], fails=True)

    assert "github.restore.users: the user nobody is unknown" in said
    assert "github.restore.teams: the team nowhere is unknown in neonhub" in said
    assert github.get(f"{REPOSITORY}/environments")["total_count"] == 0


def test_reviewers_without_access_are_refused_before_anything_changes(
    stack: Stack, github: Emulator
):
    github.call("PATCH", REPOSITORY, {"visibility": "private"})
    github.call("DELETE", f"orgs/neonhub/teams/platform/{REPOSITORY}")
    said = stack.up(users=["reviewer"], teams=["platform"], fails=True)

    assert "the user reviewer may not read neonhub/neonhub" in said
    assert "the team platform may not read neonhub/neonhub" in said
    assert github.get(f"{REPOSITORY}/environments")["total_count"] == 0

    github.call("PUT", f"{REPOSITORY}/collaborators/reviewer")
    github.call("PUT", f"orgs/neonhub/teams/platform/{REPOSITORY}")
    stack.up()
    assert github.get(ENVIRONMENT) is not None


def test_a_branch_that_does_not_exist_is_refused_before_anything_changes(
    stack: Stack, github: Emulator
):
    said = stack.up(branch="trunk", fails=True)

    assert "github.branch is trunk, but neonhub/neonhub has no such branch" in said
    assert github.get(f"{REPOSITORY}/environments")["total_count"] == 0


def test_drift_in_a_committed_file_is_put_back_by_an_up_that_refreshes(
    stack: Stack, github: Emulator
):
    stack.up()
    _edit(github, WORKFLOW, "name: Tampered\n")

    stack.up()
    assert _on_main(github, WORKFLOW) == "name: Tampered\n"
    stack.up("--refresh")
    assert _on_main(github, WORKFLOW) == FIRST[WORKFLOW]


def test_a_project_may_refresh_always_so_that_every_up_puts_drift_back(
    stack: Stack, github: Emulator
):
    stack.describe(refresh="always")
    stack.up()
    _edit(github, WORKFLOW, "name: Tampered\n")
    stack.up()

    assert _on_main(github, WORKFLOW) == FIRST[WORKFLOW]


def test_files_wait_in_a_pull_request_until_someone_merges_it(proposing: Stack, github: Emulator):
    pull = _only(github)

    assert pull["title"] == "Update the backups of production"
    assert all(f"`{path}`" in pull["body"] for path in FIRST)
    assert github.git("show", f"{pull['head']['ref']}:{WORKFLOW}") == FIRST[WORKFLOW]
    assert github.get(f"{REPOSITORY}/contents/{WORKFLOW}") is None
    proposing.up("--expect-no-changes")
    proposing.up("--refresh", "--expect-no-changes")

    _merge(github)
    assert {path: _on_main(github, path) for path in FIRST} == FIRST


@pytest.mark.parametrize(
    ("options", "deleted"),
    [((), True), (("--refresh",), True), ((), False)],
    ids=["plain", "refreshing", "the branch stays"],
)
def test_after_the_merge_all_is_quiet_until_the_next_change(
    proposing: Stack, github: Emulator, options: tuple[str, ...], *, deleted: bool
):
    github.call("PATCH", REPOSITORY, {"delete_branch_on_merge": deleted})
    _merge(github)

    proposing.up(*options)
    proposing.up(*options, "--expect-no-changes")
    assert _open(github) == []
    assert _count(github) == 1

    proposing.up(*options, contents=SECOND)
    pull = _only(github)
    files = github.git("diff", "--name-only", f"main...{pull['head']['ref']}").split()
    assert files == [CONFIGURATION]
    _merge(github)
    proposing.up(*options)
    assert {path: _on_main(github, path) for path in SECOND} == SECOND


@pytest.mark.parametrize("options", [(), ("--refresh",)], ids=["plain", "refreshing"])
def test_a_change_straight_after_the_merge_is_proposed(
    proposing: Stack, github: Emulator, options: tuple[str, ...]
):
    _merge(github)
    proposing.up(*options, contents=SECOND)
    _merge(github)
    proposing.up(*options, contents=FIRST)
    _merge(github)
    proposing.up(*options, contents=SECOND)

    assert _count(github) == 4
    _merge(github)
    assert _on_main(github, CONFIGURATION) == SECOND[CONFIGURATION]


def test_a_change_before_the_merge_takes_the_place_of_the_first_proposal(
    proposing: Stack, github: Emulator
):
    first = _only(github)["number"]
    proposing.up(contents=THIRD)

    assert _only(github)["number"] != first
    assert github.get(f"{REPOSITORY}/pulls/{first}")["merged"] is False
    _merge(github)
    assert {path: _on_main(github, path) for path in THIRD} == THIRD


def test_a_change_that_is_taken_back_closes_its_pull_request(proposing: Stack, github: Emulator):
    _merge(github)
    proposing.up(contents=SECOND)
    proposing.up(contents=FIRST)

    assert _open(github) == []


def test_a_refused_pull_request_is_not_opened_again(proposing: Stack, github: Emulator):
    pull = _only(github)
    github.call("PATCH", f"{REPOSITORY}/pulls/{pull['number']}", {"state": "closed"})
    github.call("DELETE", f"{REPOSITORY}/git/refs/heads/{pull['head']['ref']}")

    proposing.up("--expect-no-changes")
    proposing.up("--refresh")
    proposing.up("--refresh", "--expect-no-changes")
    assert _open(github) == []
    assert _count(github) == 1


def test_an_edited_file_and_a_reverted_merge_are_proposed_anew_by_a_plain_up(
    proposing: Stack, github: Emulator
):
    _merge(github)
    _edit(github, WORKFLOW, "name: Tampered\n")
    proposing.up()
    assert _count(github) == 2
    _merge(github)

    # What a revert of that merge does.
    _edit(github, WORKFLOW, "name: Tampered\n")
    proposing.up()
    assert _count(github) == 3
    _merge(github)
    assert _on_main(github, WORKFLOW) == FIRST[WORKFLOW]


def test_commits_to_other_files_leave_the_pull_request_alone(proposing: Stack, github: Emulator):
    _edit(github, "README.md", "More\n")

    proposing.up("--expect-no-changes")
    assert _count(github) == 1


def test_destroy_closes_the_pull_request_and_leaves_what_was_merged(
    proposing: Stack, github: Emulator
):
    _merge(github)
    proposing.up(contents=SECOND)
    proposing.run("destroy", "--yes", "--skip-preview")

    assert _open(github) == []
    assert json.loads(proposing.run("stack", "export"))["deployment"].get("resources", []) == []
    assert {path: _on_main(github, path) for path in FIRST} == FIRST
    assert "main" in _branches(github)
