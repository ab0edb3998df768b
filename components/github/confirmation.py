"""Whether GitHub knows repositories, branches and reviewers as the settings do."""

from dataclasses import dataclass
from urllib.parse import quote

import pulumi_github as github

from components.github.rest import ask
from components.github.reviewers import NOBODY, Reviewers, find_reviewers
from components.repository import Repository
from components.sections import PROJECT, Settings
from components.settings import SettingsError


@dataclass(frozen=True, kw_only=True)
class Confirmed:
    """What GitHub knows by numbers."""

    restore: Reviewers
    """Who agrees to a restore."""
    deploy: Reviewers
    """Who agrees to a deployment."""


def confirm_all(settings: Settings, source: str) -> Confirmed:
    """Ask GitHub about all that the settings name, before anything is built.

    Raises:
        SettingsError: something is unknown, or known otherwise.
    """
    github, infrastructure = settings.github, settings.infrastructure
    confirm(settings.repository, source, branch=github.branch)
    restore = find_reviewers(
        settings.repository,
        users=github.restore.users,
        teams=github.restore.teams,
        setting="github.restore",
        source=source,
    )
    deploy = NOBODY
    own = settings.infrastructure_repository
    if infrastructure is not None and own is not None:
        confirm(own, source, branch=infrastructure.branch, section="infrastructure")
        deploy = find_reviewers(
            own,
            users=infrastructure.deploy.users,
            teams=infrastructure.deploy.teams,
            setting="infrastructure.deploy",
            source=source,
        )
    return Confirmed(restore=restore, deploy=deploy)


def confirm(
    repository: Repository, source: str, *, branch: str | None = None, section: str = "github"
) -> None:
    """Ask GitHub, before anything is built.

    The numbers are written down and not looked up, since whoever takes over an abandoned name
    would be looked up just as well. A wrong one would show only when a scheduled run is refused.

    Args:
        repository: as the settings have it.
        source: the file they are written in.
        branch: a branch that it must have. None: not asked for.
        section: the part of the settings that names the repository.

    Raises:
        SettingsError: the repository is unknown, has other numbers, or lacks the branch.
    """
    try:
        found = github.get_repository(full_name=repository.full_name)
        owner = github.get_user(username=repository.owner)
    except Exception as error:  # the SDK raises nothing narrower
        raise SettingsError(
            f"{_unknown(repository, source, section)}. The answer was: {error}"
        ) from error
    if not found.repo_id:
        raise SettingsError(_unknown(repository, source, section))
    differences = [
        f"{PROJECT}:{key} is {written}, but GitHub says {actual}"
        for key, written, actual in (
            ("github.ownerId", repository.owner_id, int(owner.id)),
            (f"{section}.repositoryId", repository.repository_id, found.repo_id),
        )
        if written != actual
    ]
    if differences:
        raise SettingsError(
            f"{source}: {' and '.join(differences)}, so the clouds would refuse the runs of"
            f" {repository.full_name}; write GitHub's numbers if that repository is still yours"
        )
    if branch is not None and not _has(repository, branch):
        raise SettingsError(
            f"{source}: {PROJECT}:{section}.branch is {branch}, but {repository.full_name} has no"
            " such branch, so nothing was changed; correct the name, or push the branch first"
        )


def _has(repository: Repository, branch: str) -> bool:
    return ask(f"repos/{repository.full_name}/git/ref/heads/{quote(branch)}").found


def _unknown(repository: Repository, source: str, section: str) -> str:
    return (
        f"{source}: GitHub shows no repository {repository.full_name} to this token, so nothing was"
        f" changed; correct github:owner or {PROJECT}:{section}.repository, or give the token"
        " access"
    )
