"""The command line over backups in two directories."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from neonhub_backup.cli.app import app
from neonhub_backup.domain.configuration import (
    Configuration,
    Database,
    DirectoryStore,
    Encryption,
    Objectives,
    render_configuration,
)
from neonhub_backup.errors import BackupError
from neonhub_backup.holdings.selection import Candidate
from neonhub_backup.stores import directory
from tests.neonhub_backup.backups import back_up, copied, directory_store
from tests.neonhub_backup.samples import location

KEY = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n-----END PGP PUBLIC KEY BLOCK-----\n"


class Line:
    """A command line with a configuration of two databases and two stores."""

    def __init__(self, home: Path) -> None:
        self.disk = directory_store(home, "disk")
        self.other = directory_store(home, "other")
        self.databases: Sequence[Database] = (Database(name="app"), Database(name="billing"))
        self.objectives = Objectives()
        self._config = home / "test.yaml"

    @property
    def stores(self) -> Sequence[directory.DirectoryStore]:
        return self.disk, self.other

    def run(self, *arguments: str, expect: type[BackupError] | None = None) -> tuple[str, str]:
        """What it writes, and the sentence with which it fails as expected."""
        configuration = Configuration(
            environment="test",
            databases=tuple(self.databases),
            stores=tuple(
                DirectoryStore(name=store.name, path=Path(store.address)) for store in self.stores
            ),
            encryption=Encryption(public_keys=(KEY,)),
            objectives=self.objectives,
        )
        self._config.write_text(render_configuration(configuration, "a test"))
        ended = CliRunner().invoke(app, ["--config", str(self._config), *arguments])
        if expect is None:
            assert ended.exit_code == 0, ended.exception
            return ended.stdout, ""
        assert type(ended.exception) is expect, ended.exception
        return ended.stdout, str(ended.exception)

    def json(self, *arguments: str, expect: type[BackupError] | None = None) -> Any:
        return json.loads(self.run(*arguments, "--json", expect=expect)[0])


@pytest.fixture
def line(tmp_path: Path) -> Line:
    return Line(tmp_path)


@pytest.fixture
def everywhere(line: Line) -> Candidate:
    """A backup in both stores."""
    backup = back_up(line.disk, location(day=4))
    copied(backup, line.other)
    return backup
