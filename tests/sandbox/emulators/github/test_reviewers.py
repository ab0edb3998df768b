"""Who may read a repository, and so review what its environments run."""

from typing import Any

REPOSITORY = "/repos/neonhub/neonhub"
ENVIRONMENT = f"{REPOSITORY}/environments/production-restore"
TEAM = "/orgs/neonhub/teams/platform"
PERMISSION = f"{REPOSITORY}/collaborators/reviewer/permission"


def _review(github: Any, kind: str, number: int) -> int:
    body = {"reviewers": [{"type": kind, "id": number}]}
    return github.request("PUT", ENVIRONMENT, body).status_code


def test_anybody_may_review_what_is_public(github: Any):
    found = github.json(PERMISSION)

    assert found["permission"] == "read"
    assert found["user"]["login"] == "reviewer"
    assert _review(github, "User", found["user"]["id"]) == 200


def test_what_is_private_is_for_collaborators(github: Any):
    github.request("PATCH", REPOSITORY, {"visibility": "private"})
    found = github.json(PERMISSION)

    assert found["permission"] == "none"
    assert _review(github, "User", found["user"]["id"]) == 422
    assert github.request("PUT", f"{REPOSITORY}/collaborators/reviewer").status_code == 204
    assert github.json(PERMISSION)["permission"] == "write"
    assert _review(github, "User", found["user"]["id"]) == 200


def test_the_token_s_owner_may_do_everything(github: Any):
    github.request("PATCH", REPOSITORY, {"visibility": "private"})

    found = github.json(f"{REPOSITORY}/collaborators/sandbox/permission")
    assert found["permission"] == "admin"


def test_an_unknown_user_and_an_organisation_are_no_collaborators(github: Any):
    assert github.get(f"{REPOSITORY}/collaborators/nobody/permission").status_code == 404
    assert github.get(f"{REPOSITORY}/collaborators/neonhub/permission").status_code == 404


def test_a_team_reviews_while_it_may_read(github: Any):
    team = github.store.add_team("neonhub/platform")

    assert github.json(TEAM)["id"] == team.id
    assert github.get(f"{TEAM}{REPOSITORY}").status_code == 204
    assert _review(github, "Team", team.id) == 200
    rules = {rule["type"]: rule for rule in github.json(ENVIRONMENT)["protection_rules"]}
    assert rules["required_reviewers"]["reviewers"][0]["reviewer"]["slug"] == "platform"

    assert github.request("DELETE", f"{TEAM}{REPOSITORY}").status_code == 204
    assert github.get(f"{TEAM}{REPOSITORY}").status_code == 404
    assert _review(github, "Team", team.id) == 422
    assert github.request("PUT", f"{TEAM}{REPOSITORY}").status_code == 204
    assert _review(github, "Team", team.id) == 200


def test_a_team_is_no_user(github: Any):
    team = github.store.add_team("neonhub/platform")

    assert _review(github, "User", team.id) == 422


def test_an_unknown_team_is_not_found(github: Any):
    assert github.get(TEAM).status_code == 404
    assert github.get(f"{TEAM}{REPOSITORY}").status_code == 404


def test_teams_outlive_a_restart(github: Any):
    team = github.store.add_team("neonhub/platform")
    github.restart()

    assert github.json(TEAM)["id"] == team.id
    assert github.store.add_team("NeonHub/Platform").id == team.id
