"""Who may be asked to review."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from components.github.reviewers import NOBODY, Reviewers, find_reviewers
from components.repository import Repository
from components.settings import SettingsError

AskGitHub = Callable[..., dict[str, Any]]
REPOSITORY = Repository(owner="neonhub", owner_id=11, name="app", repository_id=22)
PLATFORM = "orgs/neonhub/teams/platform"
ANSWERS = {
    "repos/neonhub/app/collaborators/ada/permission": {"permission": "read", "user": {"id": 1}},
    "repos/neonhub/app/collaborators/eve/permission": {"permission": "none", "user": {"id": 2}},
    PLATFORM: {"id": 3},
    f"{PLATFORM}/repos/neonhub/app": None,
    "orgs/neonhub/teams/design": {"id": 4},
}


def find(users: Sequence[str] = (), teams: Sequence[str] = ()) -> Reviewers:
    return find_reviewers(
        REPOSITORY, users=users, teams=teams, setting="github.restore", source="Pulumi.prod.yaml"
    )


def test_names_become_numbers(ask_github: AskGitHub) -> None:
    found: list[Reviewers] = []
    ask_github(lambda: found.append(find(["ada"], ["platform"])), ANSWERS)

    assert found == [Reviewers(users=(1,), teams=(3,))]


def test_without_names_nobody_is_asked_for(ask_github: AskGitHub) -> None:
    found: list[Reviewers] = []
    ask_github(lambda: found.append(find()), {})

    assert found == [NOBODY]


def test_all_who_are_unknown_or_may_not_read_are_named_at_once(ask_github: AskGitHub) -> None:
    with pytest.raises(SettingsError) as refused:
        ask_github(lambda: find(["ada", "eve", "bob"], ["design", "nobody"]), ANSWERS)

    message = str(refused.value)
    assert message.startswith("Pulumi.prod.yaml: neonhub-backup:github.restore.users: the user eve")
    assert "the user eve may not read neonhub/app" in message
    assert "the user bob is unknown" in message
    assert "the team design may not read neonhub/app" in message
    assert "the team nobody is unknown in neonhub" in message
    assert "ada" not in message


def test_a_name_cannot_reach_another_address(ask_github: AskGitHub) -> None:
    elsewhere = "orgs/neonhub/teams/x/../platform"
    reachable = {elsewhere: {"id": 3}, f"{elsewhere}/repos/neonhub/app": None}

    with pytest.raises(SettingsError, match=r"the team x/\.\./platform is unknown"):
        ask_github(lambda: find([], ["x/../platform"]), reachable)


def test_more_than_github_takes_are_refused() -> None:
    Reviewers(users=(1, 2, 3), teams=(4, 5, 6))

    with pytest.raises(ValueError, match="7 reviewers, and GitHub takes 6"):
        Reviewers(users=(1, 2, 3), teams=(4, 5, 6, 7))


@pytest.mark.parametrize(
    ("reviewers", "four_eyes"),
    [
        (NOBODY, False),
        (Reviewers(users=(1,)), False),
        (Reviewers(users=(1, 2)), True),
        (Reviewers(teams=(1,)), True),
    ],
)
def test_nobody_agrees_to_their_own_run_unless_nobody_else_could(
    reviewers: Reviewers, *, four_eyes: bool
) -> None:
    assert reviewers.four_eyes is four_eyes
