"""What clouds are told of a repository."""

from components.repository import Repository


def test_runs_are_known_by_names_and_by_names_with_numbers() -> None:
    repository = Repository(owner="octocat", owner_id=123456, name="app", repository_id=456789)

    assert repository.subjects("production-backup") == (
        "repo:octocat/app:environment:production-backup",
        "repo:octocat@123456/app@456789:environment:production-backup",
    )
