"""Whether GitHub knows a repository as the settings do."""

import pulumi_github as github

from components.repository import Repository
from components.sections import PROJECT
from components.settings import SettingsError


def confirm(repository: Repository, source: str) -> None:
    """Ask GitHub, before anything is built.

    The numbers are written down and not looked up, since whoever takes over an abandoned name
    would be looked up just as well. A wrong one would show only when a scheduled run is refused.

    Raises:
        SettingsError: the repository is unknown, or has other numbers.
    """
    try:
        found = github.get_repository(full_name=repository.full_name)
        owner = github.get_user(username=repository.owner)
    except Exception as error:  # the SDK raises nothing narrower
        raise SettingsError(f"{_unknown(repository, source)}. The answer was: {error}") from error
    if not found.repo_id:
        raise SettingsError(_unknown(repository, source))
    differences = [
        f"{PROJECT}:github.{key} is {written}, but GitHub says {actual}"
        for key, written, actual in (
            ("ownerId", repository.owner_id, int(owner.id)),
            ("repositoryId", repository.repository_id, found.repo_id),
        )
        if written != actual
    ]
    if differences:
        raise SettingsError(
            f"{source}: {' and '.join(differences)}, so the clouds would refuse the runs of"
            f" {repository.full_name}; write GitHub's numbers if that repository is still yours"
        )


def _unknown(repository: Repository, source: str) -> str:
    return (
        f"{source}: GitHub shows no repository {repository.full_name} to this token, so nothing was"
        f" changed; correct github:owner or {PROJECT}:github.repository, or give the token access"
    )
