"""A GitHub repository as the clouds know it."""

from dataclasses import dataclass

ISSUER = "token.actions.githubusercontent.com"
"""Who signs the tokens of workflow runs."""


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A repository by its names, which can be reused, and its numbers, which cannot."""

    owner: str
    """Organisation or user."""
    owner_id: int
    """Number of the owner."""
    name: str
    """Name without its owner."""
    repository_id: int
    """Number of the repository."""

    @property
    def full_name(self) -> str:
        """`owner/name`."""
        return f"{self.owner}/{self.name}"

    def subjects(self, environment: str) -> tuple[str, str]:
        """Both forms of the `sub` claim of a run in a GitHub environment.

        Repositories created, renamed or transferred since the summer of 2026 have the form with
        numbers; older ones keep the one without until they opt in.
        """
        numbered = f"{self.owner}@{self.owner_id}/{self.name}@{self.repository_id}"
        return (
            f"repo:{self.full_name}:environment:{environment}",
            f"repo:{numbered}:environment:{environment}",
        )
