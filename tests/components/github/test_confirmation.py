"""What is asked of GitHub before anything is built."""

from collections.abc import Callable
from typing import Any

import pytest

from components.github.confirmation import confirm
from components.repository import Repository
from components.settings import SettingsError

Deploy = Callable[..., dict[str, Any]]
REPOSITORY = Repository(owner="neonhub", owner_id=11, name="app", repository_id=22)


def lookups(owner_id: str = "11", repository_id: int = 22) -> dict[str, dict[str, Any]]:
    return {
        "github:index/getRepository:getRepository": {"repoId": repository_id},
        "github:index/getUser:getUser": {"id": owner_id},
    }


def test_a_repository_with_the_numbers_that_are_written_is_confirmed(deploy: Deploy) -> None:
    assert deploy(lambda: confirm(REPOSITORY, "Pulumi.prod.yaml"), lookups()) == {}


def test_a_repository_that_does_not_exist_is_refused(deploy: Deploy) -> None:
    with pytest.raises(SettingsError, match="GitHub shows no repository neonhub/app to this"):
        deploy(lambda: confirm(REPOSITORY, "Pulumi.prod.yaml"), lookups(repository_id=0))


def test_a_branch_that_exists_is_confirmed(ask_github: Deploy) -> None:
    answers = {"repos/neonhub/app/git/ref/heads/release/1": {"object": {"sha": "abc"}}}

    asked = ask_github(
        lambda: confirm(REPOSITORY, "Pulumi.prod.yaml", branch="release/1"), answers, lookups()
    )

    assert asked == {}


def test_a_branch_that_does_not_exist_is_refused(ask_github: Deploy) -> None:
    with pytest.raises(
        SettingsError, match=r"github\.branch is trunk, but neonhub/app has no such"
    ):
        ask_github(lambda: confirm(REPOSITORY, "Pulumi.prod.yaml", branch="trunk"), {}, lookups())


def test_another_repository_is_told_by_its_own_settings(deploy: Deploy) -> None:
    with pytest.raises(SettingsError) as refused:
        deploy(
            lambda: confirm(REPOSITORY, "Pulumi.prod.yaml", section="infrastructure"),
            lookups(repository_id=777),
        )

    assert "infrastructure.repositoryId is 22, but GitHub says 777" in str(refused.value)


def test_someone_else_s_repository_of_the_same_name_is_refused(deploy: Deploy) -> None:
    with pytest.raises(SettingsError) as refused:
        deploy(lambda: confirm(REPOSITORY, "Pulumi.prod.yaml"), lookups("666", 777))

    assert "github.ownerId is 11, but GitHub says 666" in str(refused.value)
    assert "github.repositoryId is 22, but GitHub says 777" in str(refused.value)
