"""What a committed file promises to whoever reads the repository."""

from collections.abc import Callable
from typing import Any

from components.github.committed_files import CommittedFiles, CommittedFilesArgs
from components.github.environment import Environment, EnvironmentArgs

Deploy = Callable[..., dict[str, Any]]


def files() -> CommittedFiles:
    environment = Environment(
        "backup",
        EnvironmentArgs(environment="production-backup", repository="app", branch="main"),
    )
    return CommittedFiles(
        "files",
        CommittedFilesArgs(
            repository="app",
            branch="main",
            contents={".neonhub-backup/production.yaml": "a", ".github/workflows/b.yml": "b"},
            source="Pulumi.prod.yaml",
            after=[environment],
        ),
    )


def test_a_file_is_committed_to_the_branch_whoever_wrote_it_first(deploy: Deploy) -> None:
    asked = deploy(files)

    assert asked["files-production.yaml"].inputs == {
        "repository": "app",
        "branch": "main",
        "file": ".neonhub-backup/production.yaml",
        "content": "a",
        "commitMessage": "Generate .neonhub-backup/production.yaml from Pulumi.prod.yaml",
        "overwriteOnCreate": True,
    }


def test_commits_follow_one_another(deploy: Deploy) -> None:
    asked = deploy(files)

    dependencies = asked["files-b.yml"].options.dependencies
    assert any(urn.endswith("::files-production.yaml") for urn in dependencies)


def test_nothing_is_committed_before_what_it_needs_exists(deploy: Deploy) -> None:
    asked = deploy(files)

    dependencies = asked["files-production.yaml"].options.dependencies
    assert any(urn.endswith("::backup-environment") for urn in dependencies)
