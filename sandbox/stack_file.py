"""What `Pulumi.local.yaml` says about the servers that stand in for the clouds.

The keys are those of the real plugins and of this program: the addresses are written nowhere else.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote, urlsplit

import yaml

from sandbox.errors import SandboxError

STACK = "local"

_STORAGE = "gcp:storageCustomEndpoint"
_GOOGLE = re.compile(r"gcp:\w+CustomEndpoint")


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Where the stack expects each server."""

    moto_port: int
    github_port: int
    github_token: str
    github_repository: str
    """`owner/name`."""
    gcs_port: int
    database_url: str
    postgres_port: int

    @property
    def moto_url(self) -> str:
        """Where AWS is."""
        return f"http://127.0.0.1:{self.moto_port}"

    @property
    def github_url(self) -> str:
        """Where GitHub's REST API is, as `github:baseUrl` has it."""
        return f"http://127.0.0.1:{self.github_port}/api/v3/"

    @property
    def gcs_url(self) -> str:
        """Where Google Cloud is, Cloud Storage and all that its stacks need beside it."""
        return f"http://127.0.0.1:{self.gcs_port}"

    @property
    def ports(self) -> tuple[int, ...]:
        """Every port, to find each in the text of the file."""
        return (self.moto_port, self.github_port, self.gcs_port, self.postgres_port)

    @property
    def database(self) -> str:
        """The demo database's name."""
        return urlsplit(self.database_url).path.removeprefix("/")

    @property
    def database_user(self) -> str:
        """Who owns the demo database."""
        return unquote(urlsplit(self.database_url).username or "")

    @property
    def database_password(self) -> str:
        """The owner's password."""
        return unquote(urlsplit(self.database_url).password or "")


def read(path: Path) -> Addresses:
    """Raises SandboxError, which names the key, when one is missing or points elsewhere."""
    if not path.exists():
        raise SandboxError(f"{path} does not exist, so nothing says where the servers are")
    settings = cast("Mapping[str, Any]", yaml.safe_load(path.read_text())["config"])

    def value(key: str) -> Any:
        if key not in settings:
            raise SandboxError(
                f"{path.name} has no `{key}`, so one server has no address: restore it from git"
            )
        return settings[key]

    def port(key: str, address: str) -> int:
        parts = urlsplit(address)
        if parts.hostname != "127.0.0.1" or parts.port is None:
            raise SandboxError(
                f"`{key}` in {path.name} is {address}, where the sandbox can start nothing:"
                " it needs the host 127.0.0.1 and a port"
            )
        return parts.port

    endpoints = cast("list[dict[str, str]]", value("aws:endpoints"))[0]
    moto = {port("aws:endpoints", address) for address in endpoints.values()}
    if len(moto) != 1:
        raise SandboxError(
            f"`aws:endpoints` in {path.name} names several ports, but one server answers for all of"
            " AWS: give every service the same one"
        )
    storage = port(_STORAGE, value(_STORAGE))
    for key, address in settings.items():
        if _GOOGLE.fullmatch(key) and port(key, address) != storage:
            raise SandboxError(
                f"`{key}` and `{_STORAGE}` in {path.name} name different ports, but one server"
                " answers for all of Google Cloud: give both the same one"
            )
    database_url = cast("str", value("neonhub-backup:databaseUrl"))
    repository = cast("Mapping[str, Any]", value("neonhub-backup:github"))["repository"]
    return Addresses(
        moto_port=moto.pop(),
        github_port=port("github:baseUrl", value("github:baseUrl")),
        github_token=value("github:token"),
        github_repository=f"{value('github:owner')}/{repository}",
        gcs_port=storage,
        database_url=database_url,
        postgres_port=port("neonhub-backup:databaseUrl", database_url),
    )


def with_ports(text: str, ports: Mapping[int, int]) -> str:
    """The stack file's text with every port replaced by another one."""
    for old, new in ports.items():
        text = text.replace(f"127.0.0.1:{old}", f"127.0.0.1:{new}")
    return text
