"""A self-hosted server that archives its WAL with the tool, and everything that can befall it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psycopg

from neonhub_backup.domain.configuration import (
    Archiving,
    Check,
    Configuration,
    Database,
    DirectoryStore,
    Encryption,
    Objectives,
    Store,
    render_configuration,
)
from neonhub_backup.domain.duration import parse_duration
from neonhub_backup.postgres.user import server_user_prefix
from sandbox import keys
from sandbox.postgres import PostgresServer, bin_dir
from sandbox.processes import Supervisor, free_port

DATABASE = "shop"
_PATIENCE_SECONDS = 60


@dataclass
class Archived:
    """A server, its archive, and the tool beside it."""

    home: Path
    server: PostgresServer
    store: Store
    archiving: Archiving
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    """What the server and the tool are given to reach the store."""
    checks: Sequence[Check] = ()

    @property
    def supervisor(self) -> Supervisor:
        """Keeps the server."""
        return Supervisor(self.server.home / "run", self.server.home / "logs")

    @property
    def config(self) -> Path:
        """The configuration file, written anew."""
        configuration = Configuration(
            environment="test",
            databases=(
                Database(name=DATABASE, archiving=self.archiving, checks=tuple(self.checks)),
            ),
            stores=(self.store,),
            encryption=Encryption(
                public_keys=(keys.public_key(self.home.parent / "keys").read_text(),)
            ),
            objectives=Objectives(rpo=parse_duration("1h")),
        )
        path = self.home / "test.yaml"
        path.write_text(render_configuration(configuration, "a test"))
        return path

    def start(self) -> None:
        """Start it with the settings that the tool writes for it."""
        self.server.prepare()
        with (self.server.data / "postgresql.conf").open("a") as file:
            file.write(self.run("wal", "settings").stdout)
        server = replace(self.server.server(), environment=dict(self.environment))
        self.supervisor.start(server)
        self.supervisor.wait(server)

    def stop(self) -> None:
        """Shut it down."""
        self.supervisor.stop("postgres")

    def kill(self) -> None:
        """End it without a warning, and lose its disk."""
        (pid, *_) = (self.server.data / "postmaster.pid").read_text().splitlines()
        os.kill(int(pid), signal.SIGKILL)
        self.supervisor.stop("postgres")
        shutil.rmtree(self.server.data)

    def sql(self, text: str, database: str = DATABASE) -> list[tuple[Any, ...]]:
        """Run a statement, whose time is that of its commit at the latest."""
        with psycopg.connect(self.server.url(database), autocommit=True) as connection:
            cursor = connection.execute(text.encode())
            return cursor.fetchall() if cursor.description else []

    def archive_all(self) -> None:
        """End the segment, and wait until all before it is archived."""
        # An empty segment is not ended.
        self.sql("SELECT pg_logical_emit_message(true, 'test', '')")
        ((segment,),) = self.sql("SELECT pg_walfile_name(pg_switch_wal())")
        wait_until(lambda: self._last_archived() >= segment)

    def _last_archived(self) -> str:
        ((name,),) = self.sql("SELECT coalesce(last_archived_wal, '') FROM pg_stat_archiver")
        return name

    def run(
        self, *arguments: str, expect: int = 0, live: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run the tool to its end, which must have this exit code."""
        process = self.begin(*arguments, live=live)
        stdout, stderr = process.communicate(timeout=300)
        done = subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)
        said = f"exit code {done.returncode}: {done.stdout}{done.stderr}"
        assert done.returncode == expect, said
        return done

    def begin(self, *arguments: str, live: bool = True) -> subprocess.Popen[str]:
        """Run the tool without waiting for it."""
        url = {"DATABASE_URL": self.server.url(DATABASE)} if live else {}
        return subprocess.Popen(
            [sys.executable, "-m", "neonhub_backup", "--config", str(self.config), *arguments],
            env={
                **os.environ,
                **self.environment,
                **url,
                "NEONHUB_BACKUP_PG_BIN": str(bin_dir(self.server.major)),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )

    def json(self, *arguments: str, live: bool = True) -> Any:
        """Run the tool and read its JSON."""
        return json.loads(self.run(*arguments, "--json", live=live).stdout)


@contextmanager
def archived(
    home: Path,
    key_home: Path,
    major: int,
    store: Store,
    *,
    archiving: Archiving | None = None,
    environment: Mapping[str, str] | None = None,
) -> Generator[Archived]:
    """A server under way that archives into a store, with an empty database `shop`."""
    home.mkdir(parents=True)
    if not (home.parent / "keys").exists():
        (home.parent / "keys").symlink_to(key_home)
    server = PostgresServer(home=home / "server", port=free_port(), major=major)
    if isinstance(store, DirectoryStore):
        _, owner = server_user_prefix([store.path])
        if owner is not None:
            os.chown(store.path, *owner)
    found = Archived(
        home, server, store, archiving or Archiving(store=store.name), environment or {}
    )
    try:
        found.start()
        found.sql(f"CREATE DATABASE {DATABASE}", "postgres")
        yield found
    finally:
        found.stop()


@contextmanager
def running(found: Archived, data: Path) -> Generator[Callable[[str], list[tuple[Any, ...]]]]:
    """Start a recovered data directory as its owner would; what asks it questions."""
    port = free_port()
    prefix, _ = server_user_prefix([found.server.bin_dir, data])
    options = [f"-cport={port}", "-clisten_addresses=127.0.0.1", "-cunix_socket_directories="]
    log = data.with_name(f"{data.name}.log")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*prefix, str(found.server.bin_dir / "postgres"), "-D", str(data), *options],
            env={**os.environ, **found.environment},
            stdout=output,
            stderr=output,
            cwd="/",
        )
    url = found.server.url(DATABASE).replace(f":{found.server.port}/", f":{port}/")

    def ask(text: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(url, autocommit=True) as connection:
            cursor = connection.execute(text.encode())
            return cursor.fetchall() if cursor.description else []

    def answers() -> bool:
        assert process.poll() is None, log.read_text()
        try:
            ask("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    try:
        wait_until(answers)
        yield ask
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def wait_until(happened: Callable[[], bool]) -> None:
    """Wait for something that must happen within a minute."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < deadline, "it did not happen within a minute"
        time.sleep(0.1)
