"""The databases behind branches, on one PostgreSQL server."""

import os
import subprocess
from pathlib import Path

import psycopg
from psycopg import sql

from neonhub_backup.postgres.connection import Target, parse_url


class Databases:
    """Copies databases as branches are made: the one that is copied stays in use meanwhile."""

    def __init__(self, url: str, programs: Path) -> None:
        self._target = parse_url(url, "the emulator's server")
        self._programs = programs

    @property
    def target(self) -> Target:
        """The server, as its superuser."""
        return self._target

    def copy(self, source: str, copy: str, *, is_open: bool) -> None:
        """Make a copy, to which nobody can connect until it is opened.

        Not with `CREATE DATABASE … TEMPLATE`, which refuses while anybody is connected to the
        template: no branch of Neon waits for that.
        """
        self._run(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(copy)))
        with subprocess.Popen(
            [str(self._programs / "pg_dump"), "--format=plain"],
            env=self._environment(source),
            stdout=subprocess.PIPE,
        ) as dump:
            subprocess.run(
                [
                    *(str(self._programs / "psql"), "--no-psqlrc", "--quiet"),
                    *("--set=ON_ERROR_STOP=1", "--single-transaction"),
                ],
                env=self._environment(copy),
                stdin=dump.stdout,
                stdout=subprocess.DEVNULL,
                check=True,
            )
        if dump.returncode != 0:
            raise subprocess.CalledProcessError(dump.returncode, "pg_dump")
        if not is_open:
            self._allow(copy, allowed=False)

    def open(self, name: str) -> None:
        """Let everybody connect."""
        self._allow(name, allowed=True)

    def drop(self, name: str) -> None:
        """Delete one with all connections to it."""
        self._run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def rename(self, old: str, new: str) -> None:
        """Give one another name; connections to it end, as in a restore of Neon's."""
        self._allow(old, allowed=False)
        self._run(
            sql.SQL(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}"
            ).format(old)
        )
        self._run(
            sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
                sql.Identifier(old), sql.Identifier(new)
            )
        )
        self._allow(new, allowed=True)

    def url(self, name: str, host: str) -> str:
        """How clients reach one, by a name that is for show: the address goes along."""
        known = self._target.parameters
        return (
            f"postgresql://{known['user']}:{known['password']}@{host}:{known['port']}/{name}"
            f"?hostaddr={known['host']}"
        )

    def _allow(self, name: str, *, allowed: bool) -> None:
        self._run(
            sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}").format(
                sql.Identifier(name), sql.SQL("true" if allowed else "false")
            )
        )

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(**self._target.parameters, autocommit=True) as connection:  # pyright: ignore[reportArgumentType] - libpq reads numbers from texts
            connection.execute(statement)

    def _environment(self, name: str) -> dict[str, str]:
        return {**os.environ, **self._target.with_database(name).environment()}
