"""Others are at work too: backups, restores, and migrations that change what is being read."""

import json
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from psycopg import sql

from neonhub_backup.errors import DatabaseError
from neonhub_backup.postgres.connection import parse_url
from neonhub_backup.postgres.snapshot import hold_snapshot
from sandbox.postgres import PostgresServer
from tests.end_to_end.compare import contents_of
from tests.end_to_end.tool.conftest import SMALL, Tool

TABLES = ("connectors", "events", "embeddings")


@pytest.fixture
def own(
    tool_for: Callable[[PostgresServer, str], Tool],
    postgres18: PostgresServer,
    create_database: Callable[..., str],
) -> Tool:
    """An installation that backs up a database of its own, which the test may change."""
    return tool_for(postgres18, create_database(postgres18, f"own_{secrets.token_hex(4)}", SMALL))


@dataclass
class Gate:
    """Holds up a backup where it compresses, until it is opened."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """Of a run that is to be held up."""
        return {
            "PATH": f"{self.folder}{os.pathsep}{os.environ['PATH']}",
            "NEONHUB_BACKUP_PG_BIN": str(self.folder),
        }

    def wait(self) -> None:
        """Wait until pg_dump has said all, and rows alone are left to be read."""
        _eventually(lambda: all((self.folder / said).exists() for said in ("schema", "archive")))

    def open(self) -> None:
        """Let it go on."""
        (self.folder / "open").touch()


@pytest.fixture
def gate(tmp_path: Path, own: Tool) -> Iterator[Gate]:
    folder = tmp_path / "gate"
    folder.mkdir()
    for program in own.server.bin_dir.iterdir():
        (folder / program.name).symlink_to(program)
    (folder / "pg_dump").unlink()
    scripts = {
        "zstd": f"until [ -e {folder}/open ]; do sleep 0.02; done\n"
        f'exec {shutil.which("zstd")} "$@"\n',
        "pg_dump": f'{own.server.bin_dir}/pg_dump "$@" || exit\n'
        f'case "$*" in *--schema-only*) touch {folder}/schema;;'
        f" *--format=custom*) touch {folder}/archive;; esac\n",
    }
    for name, script in scripts.items():
        (folder / name).write_text(f"#!/bin/bash\n{script}")
        (folder / name).chmod(0o755)
    gate = Gate(folder)
    yield gate
    gate.open()  # a run that a failed test left there must end too


@pytest.fixture
def connection(own: Tool) -> Iterator[psycopg.Connection]:
    """Someone else's connection to the database."""
    with psycopg.connect(own.url(own.database)) as other:
        yield other


def _eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _holds(tool: Tool, question: LiteralString, *values: str) -> bool:
    """What the server says of a question about the database's sessions."""
    with psycopg.connect(tool.url("postgres")) as watching:
        answer = watching.execute(question, [tool.database, *values]).fetchone()
    return answer is not None and bool(answer[0])


def _waits_for_a_lock(tool: Tool, program: str) -> bool:
    waiting = "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    return _holds(tool, f"{waiting} AND datname = %s AND application_name = %s", program)


def _ended(process: subprocess.Popen[str], expect: int = 0) -> tuple[str, str]:
    stdout, stderr = process.communicate(timeout=100)
    assert process.returncode == expect, stdout + stderr
    return stdout, stderr


def _rows(tool: Tool, *tables: str) -> int:
    """How many rows tables have together."""
    with psycopg.connect(tool.url(tool.database)) as reading:
        counts = [
            reading.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table)))
            for table in tables
        ]
        return sum(row[0] for count in counts for row in count)


def test_two_backups_at_once_are_both_whole(tool: Tool) -> None:
    runs = [tool.start("backup", "--json") for _ in range(2)]

    names = [json.loads(_ended(run)[0])[0]["name"] for run in runs]

    assert len(set(names)) == 2
    assert set(tool.names()) == set(names)
    for name in names:
        assert tool.json("drill", name)["proven"] is True


def test_a_backup_while_the_database_is_restored_beside_is_whole(own: Tool) -> None:
    first = own.backup()
    # Those begun in the same second have no order.
    time.sleep(1 - time.time() % 1)
    copy = f"{own.database}_copy"

    restore = own.start("restore", first, "--into", "COPY_URL", COPY_URL=own.url(copy))
    second = own.backup()
    _ended(restore)

    assert own.names() == [second, first]
    assert own.json("drill", second)["proven"] is True
    assert contents_of(own.url(copy)) == contents_of(own.url(own.database))


def test_a_restore_over_the_live_database_waits_for_no_backup_of_it_and_changes_nothing(
    own: Tool, gate: Gate
) -> None:
    own.backup()
    held = own.start("backup", **gate.environment)
    gate.wait()
    databases = own.databases()

    refused = own.run(
        *("restore", "latest", "--into", "DATABASE_URL", "--set-aside-existing"), expect=9
    )

    assert "nothing was changed" in refused.stderr
    assert own.databases() == databases
    gate.open()
    _ended(held)


def test_a_table_that_stays_locked_is_named_after_a_while(
    own: Tool, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neonhub_backup.postgres.snapshot.LOCK_TIMEOUT_SECONDS", 1)
    connection.execute("LOCK TABLE events")
    target = parse_url(own.url(own.database), "DATABASE_URL")

    with (
        pytest.raises(DatabaseError, match=r'"public"\."events" of .* stayed locked for 1 s'),
        hold_snapshot(target),
    ):
        pass


def test_a_migration_that_ends_while_a_backup_begins_leaves_no_table_empty(
    own: Tool, connection: psycopg.Connection
) -> None:
    # A snapshot from before the table was written anew would find it empty.
    connection.execute("ALTER TABLE events ALTER COLUMN payload TYPE varchar(70)")
    process = own.start("backup")
    _eventually(lambda: _waits_for_a_lock(own, "neonhub-backup"))
    connection.commit()

    _ended(process)

    proven = own.json("drill")
    assert proven["proven"] is True
    assert proven["rows"] == _rows(own, *TABLES)


def test_a_table_that_is_dropped_while_a_backup_begins_is_not_in_it(
    own: Tool, connection: psycopg.Connection
) -> None:
    connection.execute("DROP TABLE embeddings")
    process = own.start("backup")
    _eventually(lambda: _waits_for_a_lock(own, "neonhub-backup"))
    connection.commit()

    _ended(process)

    assert own.json("drill")["rows"] == _rows(own, "connectors", "events")


def test_what_is_created_or_written_during_a_backup_is_not_in_it(
    own: Tool, gate: Gate, connection: psycopg.Connection
) -> None:
    rows = _rows(own, *TABLES)
    process = own.start("backup", **gate.environment)
    gate.wait()
    connection.execute("CREATE TABLE later AS SELECT 1 AS id")
    connection.execute("DELETE FROM events")
    connection.commit()
    gate.open()

    _ended(process)

    assert own.json("drill")["rows"] == rows


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE events ADD COLUMN extra integer",
        "ALTER TABLE embeddings SET UNLOGGED",
        "TRUNCATE connectors CASCADE",
        "DROP TABLE connectors CASCADE",
        "VACUUM FULL events",
    ],
)
def test_a_migration_that_begins_during_a_backup_waits_for_it_and_the_backup_is_whole(
    own: Tool, gate: Gate, statement: LiteralString
) -> None:
    _add_larger_tables(own)
    before = contents_of(own.url(own.database))
    process = own.start("backup", **gate.environment)
    gate.wait()

    def migrate() -> None:
        url = own.url(own.database)
        with psycopg.connect(url, application_name="migration", autocommit=True) as other:
            other.execute(statement)

    with ThreadPoolExecutor(1) as migrations:
        migration = migrations.submit(migrate)
        _eventually(lambda: _waits_for_a_lock(own, "migration"))
        gate.open()
        _, stderr = _ended(process)
        migration.result(timeout=60)

    if "connectors" in statement:
        assert "waits to change the definition of public.connectors until" in stderr
    copy = own.url(f"{own.database}_copy")
    own.run("restore", "latest", "--into", "COPY_URL", COPY_URL=copy)
    assert contents_of(copy) == before


def _add_larger_tables(tool: Tool) -> None:
    """Larger than `connectors`, so that it is read last, however many streams run side by side."""
    with psycopg.connect(tool.url(tool.database)) as making:
        for number in range(16):
            making.execute(
                sql.SQL(
                    "CREATE TABLE {} AS SELECT n, md5(n::text) FROM generate_series(1, 500) AS n"
                ).format(sql.Identifier(f"larger_{number}"))
            )
