"""Actions variables of repositories and environments."""

# ruff: noqa: S105 - "token" is Pulumi's word for the name of a type

import re
from collections.abc import Iterable
from typing import Any, ClassVar

from sandbox.providers.framework import Handler
from sandbox.providers.github.client import GitHub
from sandbox.providers.github.names import joined, parted
from sandbox.providers.schema import Problem, Schema, text
from sandbox.providers.values import Props


def checked_name(field: str, name: Any) -> Iterable[Problem]:
    """A problem unless GitHub takes the name for a variable or secret."""
    if isinstance(name, str) and (
        not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) or name.upper().startswith("GITHUB_")
    ):
        yield Problem(
            field,
            f"'{field}' is '{name}', which GitHub refuses: use letters, digits and underscores, "
            "no digit first, and not GITHUB_ at the start",
        )


class ActionsVariable(Handler[GitHub]):
    """A variable of a repository. Its id is `repository:name`."""

    token = "github:index/actionsVariable:ActionsVariable"
    inputs: ClassVar[Schema] = {
        "repository": text(required=True, replaces=True, identity=True),
        "variableName": text(required=True, replaces=True, identity=True, same=str.upper),
        "value": text(required=True),
    }
    outputs = ("createdAt", "updatedAt", "repositoryId")
    volatile = ("updatedAt",)
    places: ClassVar[tuple[str, ...]] = ("repository",)
    """The inputs that say whose variable it is."""

    def problems(self, inputs: Props) -> Iterable[Problem]:
        """Names that GitHub refuses."""
        return checked_name("variableName", inputs["variableName"])

    def create(self, cloud: GitHub, wanted: Props) -> str:
        """Add it; one of that name is an error."""
        places = [wanted[place] for place in self.places]
        body = {"name": wanted["variableName"], "value": wanted["value"]}
        cloud.post(self._scope(cloud, *places), body)
        return joined(*places, wanted["variableName"])

    def read(self, cloud: GitHub, resource_id: str, known: Props) -> Props | None:  # noqa: ARG002
        """The variable and when it was set."""
        *places, name = parted(resource_id, len(self.places) + 1)
        found = cloud.get(f"{self._scope(cloud, *places)}/{name}")
        return {
            **dict(zip(self.places, places, strict=True)),
            "variableName": name,
            "value": found["value"],
            "createdAt": found["created_at"],
            "updatedAt": found["updated_at"],
            "repositoryId": cloud.repository_id(places[0]),
        }

    def update(self, cloud: GitHub, resource_id: str, old: Props, wanted: Props) -> None:  # noqa: ARG002
        """Set another value."""
        *places, name = parted(resource_id, len(self.places) + 1)
        cloud.patch(f"{self._scope(cloud, *places)}/{name}", {"value": wanted["value"]})

    def delete(self, cloud: GitHub, resource_id: str, state: Props) -> None:  # noqa: ARG002
        """Delete it."""
        *places, name = parted(resource_id, len(self.places) + 1)
        cloud.delete(f"{self._scope(cloud, *places)}/{name}")

    def _scope(self, cloud: GitHub, repository: str, environment: str | None = None) -> str:
        if environment is None:
            return cloud.repository(repository, "actions", "variables")
        return cloud.repository(repository, "environments", environment, "variables")


class ActionsEnvironmentVariable(ActionsVariable):
    """A variable of an environment. Its id is `repository:environment:name`."""

    token = "github:index/actionsEnvironmentVariable:ActionsEnvironmentVariable"
    inputs: ClassVar[Schema] = {
        **ActionsVariable.inputs,
        "environment": text(required=True, replaces=True, identity=True),
    }
    places: ClassVar[tuple[str, ...]] = ("repository", "environment")


HANDLERS = [ActionsVariable(), ActionsEnvironmentVariable()]
