"""What GitHub refuses is told in its words, and what a job needs is found in its environment."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from neonhub_backup import delivery
from neonhub_backup.errors import ConfigurationError, DeliveryError
from neonhub_backup.github.api import Repository, own_repository, run_page
from tests.github_server import job_variables, seed, served_repository


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    with served_repository(seed(tmp_path / "seeded"), tmp_path / "data") as made:
        yield made


def test_a_refusal_is_told_in_githubs_words(repository: Repository) -> None:
    refusal = r"GitHub refused it with 404: .*Not Found.*; POST issues/99/comments was not done"
    with pytest.raises(DeliveryError, match=refusal):
        repository.send("POST", "issues/99/comments", {"body": "hello"})


def test_a_github_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "PAUSES", ())
    nowhere = Repository(api="http://127.0.0.1:1", name="a/b", token="t")  # noqa: S106 - no token
    with pytest.raises(DeliveryError, match=r"GitHub did not answer .*; GET issues was not done"):
        nowhere.send("GET", "issues")


def test_a_job_knows_its_repository_and_its_run(repository: Repository) -> None:
    variables = job_variables(repository)

    assert own_repository(variables) == repository
    assert run_page(variables) == "https://github.com/neonhub/neonhub-backup/actions/runs/7"


def test_a_job_without_its_token_is_told_so(repository: Repository) -> None:
    variables = job_variables(repository) | {"GITHUB_TOKEN": ""}

    with pytest.raises(ConfigurationError, match="GITHUB_TOKEN is not set"):
        own_repository(variables)
