"""Who must agree before a run may enter a GitHub environment."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

from components.github.rest import ask
from components.repository import Repository
from components.settings import PROJECT, SettingsError

MOST = 6
"""Users and teams that an environment takes together."""


@dataclass(frozen=True, kw_only=True)
class Reviewers:
    """Users and teams by their numbers, any of whom may agree. None at all: nobody is asked."""

    users: tuple[int, ...] = ()
    """Numbers of users."""
    teams: tuple[int, ...] = ()
    """Numbers of teams."""

    def __post_init__(self) -> None:
        """Refuse more than GitHub takes."""
        count = len(self.users) + len(self.teams)
        if count > MOST:
            raise ValueError(
                f"{count} reviewers, and GitHub takes {MOST}, so the environment would be refused;"
                " give a team that all of them are in"
            )

    def __bool__(self) -> bool:
        """Whether anybody is asked."""
        return bool(self.users or self.teams)

    @property
    def four_eyes(self) -> bool:
        """Whether nobody may agree to a run of their own: a single user would be locked out."""
        return bool(self.teams) or len(self.users) > 1


NOBODY = Reviewers()


def find_reviewers(
    repository: Repository,
    *,
    users: Iterable[str],
    teams: Iterable[str],
    setting: str,
    source: str,
) -> Reviewers:
    """Ask GitHub for their numbers, before anything is built.

    GitHub takes only reviewers who may read the repository:
    https://docs.github.com/en/rest/deployments/environments#create-or-update-an-environment

    Args:
        repository: what they are to review.
        users: logins.
        teams: slugs of teams of the repository's owner.
        setting: where they are written, such as github.restore.
        source: the file they are written in.

    Raises:
        SettingsError: some are unknown or may not read the repository; all of them are named.
    """
    problems: list[str] = []
    found: dict[str, list[int]] = {"users": [], "teams": []}
    asked = (("users", "user", _user, users), ("teams", "team", _team, teams))
    for key, noun, number_of, names in asked:
        for name in names:
            try:
                answer = number_of(repository, name)
            except Exception as error:  # the SDK raises nothing narrower
                raise SettingsError(
                    f"{source}: {PROJECT}:{setting}.{key}: GitHub did not say who {name} is, so"
                    f" nothing was changed; the answer was: {error}"
                ) from error
            if isinstance(answer, int):
                found[key].append(answer)
            else:
                problems.append(f"{PROJECT}:{setting}.{key}: the {noun} {name} {answer}")
    if problems:
        raise SettingsError(
            f"{source}: {'; '.join(problems)}: GitHub would refuse the environment, so nothing was"
            " changed; correct the names, or give them access"
        )
    return Reviewers(users=tuple(found["users"]), teams=tuple(found["teams"]))


def _user(repository: Repository, login: str) -> int | str:
    """The number, or what is wrong."""
    place = f"repos/{repository.full_name}/collaborators/{quote(login, safe='')}/permission"
    answer = ask(place)
    if not answer.found:
        return "is unknown"
    if answer.value["permission"] == "none":
        return f"may not read {repository.full_name}"
    return answer.value["user"]["id"]


def _team(repository: Repository, slug: str) -> int | str:
    """The number, or what is wrong."""
    place = f"orgs/{repository.owner}/teams/{quote(slug, safe='')}"
    answer = ask(place)
    if not answer.found:
        return f"is unknown in {repository.owner}"
    if not ask(f"{place}/repos/{repository.full_name}").found:
        return f"may not read {repository.full_name}"
    return answer.value["id"]
