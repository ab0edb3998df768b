"""The tool as its users run it: a configuration file, environment variables, a command line."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from neonhub_backup.domain.configuration import (
    Check,
    Configuration,
    Database,
    DirectoryStore,
    Encryption,
    Objectives,
    Recovery,
    Store,
    render_configuration,
)
from neonhub_backup.domain.retention import RetentionPolicy
from sandbox import keys
from sandbox.demo.seed import seed
from sandbox.postgres import PostgresServer
from tests.end_to_end.databases.loading import load

SMALL = Path(__file__).with_name("small.sql")


@dataclass
class Tool:
    """One installation: its configuration, its keys, its store."""

    home: Path
    server: PostgresServer
    database: str
    environment: dict[str, str]
    stores: Sequence[Store] = field(default_factory=list[Store])
    checks: Sequence[Check] = ()
    required: Sequence[str] = ()
    recovery: Recovery = field(default_factory=Recovery)
    retention: RetentionPolicy = field(default_factory=RetentionPolicy)
    objectives: Objectives = field(default_factory=Objectives)

    @property
    def store(self) -> Path:
        """The directory store, where there is no other."""
        return self.home / "store"

    @property
    def config(self) -> Path:
        """The configuration file, written anew from what this object says now."""
        configuration = Configuration(
            environment="test",
            databases=(
                Database(
                    name=self.database,
                    checks=tuple(self.checks),
                    required=tuple(self.required),
                    recovery=self.recovery,
                ),
            ),
            stores=tuple(self.stores),
            encryption=Encryption(
                public_keys=(keys.public_key(self.home.parent / "keys").read_text(),)
            ),
            retention=self.retention,
            objectives=self.objectives,
        )
        path = self.home / "test.yaml"
        path.write_text(render_configuration(configuration, "a test"))
        return path

    def url(self, database: str) -> str:
        """Another database of the same server."""
        return self.server.url(database)

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Run the tool without waiting for it."""
        return self._start(self.config, arguments, environment)

    def run_with(self, config: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the tool with another configuration file."""
        process = self._start(config, arguments, {})
        stdout, stderr = process.communicate(timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)

    def _start(
        self, config: Path, arguments: Sequence[str], environment: Mapping[str, str]
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "neonhub_backup", "--config", str(config), *arguments],
            env={**os.environ, **self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )

    def run(
        self, *arguments: str, expect: int = 0, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run the tool to its end, which must have this exit code."""
        process = self.start(*arguments, **environment)
        stdout, stderr = process.communicate(timeout=300)
        assert process.returncode == expect, f"exit code {process.returncode}: {stdout}{stderr}"
        return subprocess.CompletedProcess(process.args, expect, stdout, stderr)

    def json(self, *arguments: str, expect: int = 0) -> Any:
        """Run the tool and read its JSON."""
        return json.loads(self.run(*arguments, "--json", expect=expect).stdout)

    def backup(self) -> str:
        """Take a backup; its name."""
        (taken,) = self.json("backup")
        return taken["name"]

    def names(self) -> list[str]:
        """The backups that `list` shows, newest first."""
        return [item["name"] for item in self.json("list")]

    def files(self) -> list[Path]:
        """Everything in the directory store."""
        return sorted(path for path in self.store.rglob("*") if path.is_file())

    def databases(self) -> set[str]:
        """The server's databases."""
        with psycopg.connect(self.server.url()) as connection:
            return {name for (name,) in connection.execute("SELECT datname FROM pg_database")}


@pytest.fixture(scope="session")
def key_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A throwaway key pair."""
    home = tmp_path_factory.mktemp("keys")
    keys.ensure(home)
    return home


@pytest.fixture
def tool_for(tmp_path: Path, key_home: Path) -> Callable[[PostgresServer, str], Tool]:
    """An installation for a database of a server, with a directory store."""

    def make(server: PostgresServer, database: str) -> Tool:
        home = tmp_path / "tool"
        (home / "store").mkdir(parents=True)
        # Everything temporary of a run lies here, so that what it leaves behind is seen.
        (tmp_path / "t").mkdir()
        (tmp_path / "keys").symlink_to(key_home)
        environment = {
            "DATABASE_URL": server.url(database),
            "NEONHUB_BACKUP_PG_BIN": str(server.bin_dir),
            "NEONHUB_BACKUP_PRIVATE_KEY_FILE": str(keys.private_key(key_home)),
            "TMPDIR": str(tmp_path / "t"),
            "XDG_STATE_HOME": str(tmp_path / "state"),
        }
        store = DirectoryStore(name="disk", path=home / "store")
        return Tool(home, server, database, environment, [store])

    return make


@pytest.fixture(scope="session")
def create_database() -> Callable[..., str]:
    """Create a database, filled from SQL files; the same name again is the same database."""
    made: set[tuple[int, str]] = set()

    def create(server: PostgresServer, name: str, *files: Path, rows: int | None = None) -> str:
        if (server.port, name) not in made:
            with psycopg.connect(server.url(), autocommit=True) as connection:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            for file in files:
                load(file, server.url(name), server.bin_dir, rows=rows)
            made.add((server.port, name))
        return name

    return create


@pytest.fixture(scope="session")
def demo(postgres18: PostgresServer, create_database: Callable[..., str]) -> str:
    """The demo database with a tenth of its rows."""
    name = create_database(postgres18, "demo")
    seed(postgres18.url(name), 0.1)
    return name


@pytest.fixture
def tool(
    tool_for: Callable[[PostgresServer, str], Tool],
    postgres18: PostgresServer,
    create_database: Callable[..., str],
) -> Tool:
    """An installation that backs up a small database."""
    return tool_for(postgres18, create_database(postgres18, "small", SMALL))
