"""The table of what the local GitHub provider knows."""

import os
from typing import ClassVar

from sandbox.providers.framework import LocalProvider, ProviderError
from sandbox.providers.github import (
    contents,
    environments,
    repositories,
    rulesets,
    secrets,
    variables,
)
from sandbox.providers.github.client import GitHub, GitHubError, UnreachableError
from sandbox.providers.schema import Schema, text
from sandbox.providers.values import Props

_NOT_FOUND, _CONFLICT = 404, 409
_VARIABLES = {"baseUrl": "GITHUB_BASE_URL", "token": "GITHUB_TOKEN", "owner": "GITHUB_OWNER"}
"""What the real plugin reads where a configuration key is missing."""


class GitHubProvider(LocalProvider[GitHub]):
    """Serves pulumi-github's resource types against the GitHub at `github:baseUrl`."""

    package = "github"
    config: ClassVar[Schema] = {
        "baseUrl": text(),
        "token": text(secret=True),
        "owner": text(),
    }

    def __init__(self) -> None:
        super().__init__(
            handlers=[
                *contents.HANDLERS,
                *environments.HANDLERS,
                *repositories.HANDLERS,
                *rulesets.HANDLERS,
                *secrets.HANDLERS,
                *variables.HANDLERS,
            ],
            functions=repositories.FUNCTIONS,
        )
        self._github: GitHub | None = None

    def connect(self, settings: Props) -> None:
        """Take the configuration and see that the token opens that GitHub.

        What it does not say the environment may, as with the real plugin; but that one falls back
        to github.com, which is no place for a sandbox.
        """
        found = {name: os.environ[key] for name, key in _VARIABLES.items() if os.environ.get(key)}
        settings = found | settings
        missing = [f"github:{name}" for name in self.config if not settings.get(name)]
        if missing:
            raise ProviderError(
                f"{' and '.join(missing)} must be known before anything else: set it, or its"
                " variable in the environment, such as GITHUB_BASE_URL"
            )
        github = GitHub(
            base_url=f"{settings['baseUrl'].rstrip('/')}/",
            token=settings["token"],
            owner=settings["owner"],
        )
        github.get("user")
        self._github = github

    def cloud(self, properties: Props) -> GitHub:  # noqa: ARG002 - the same for all resources
        """The GitHub of the configuration."""
        if self._github is None:
            raise ProviderError("the provider is asked for a resource before it was configured")
        return self._github

    def is_gone(self, error: Exception) -> bool:
        """Whether GitHub says that the thing does not exist."""
        return isinstance(error, GitHubError) and error.status == _NOT_FOUND

    def reason(self, error: Exception) -> str | None:
        """GitHub's own words, and what to do about them where that is certain."""
        if isinstance(error, UnreachableError):
            return f"{error}: is the emulator running?"
        if not isinstance(error, GitHubError):
            return None
        if error.status == _CONFLICT and "does not match" in error.message:
            return f"{error}; it was changed behind the stack's back: run `pulumi refresh` first"
        return str(error)
