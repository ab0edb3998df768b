"""A migration is rolled back whole or not at all, and nothing that it touches is lost."""

import secrets
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from neonhub_backup.domain.configuration import Recovery
from neonhub_backup.journal import Event, peek_journal
from sandbox.postgres import PostgresServer
from tests.end_to_end.compare import contents_of, schema_of
from tests.end_to_end.tool.conftest import SMALL, Tool
from tests.end_to_end.tool.journals import done, journal

NAME = "20251026_add_connector_kind_enum"
DOWN = """\
ALTER TABLE connectors ALTER COLUMN kind TYPE text;
DROP TYPE IF EXISTS "ConnectorKind" CASCADE;
"""
MIGRATIONS = """
CREATE TABLE _prisma_migrations (
    id text PRIMARY KEY, migration_name text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(), finished_at timestamptz,
    rolled_back_at timestamptz);
INSERT INTO _prisma_migrations (id, migration_name, finished_at) VALUES
    ('1', '20251001_init', now()), ('2', '20251026_add_connector_kind_enum', NULL);
"""
SET_MARK = (
    "UPDATE _prisma_migrations SET rolled_back_at = now() WHERE migration_name = '{migration}'"
)
MARK = ("psql", "--no-psqlrc", f"--command={SET_MARK}")


def ask(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(query.encode())
        return cursor.fetchall() if cursor.description else []


@pytest.fixture
def down(tmp_path: Path) -> Path:
    """The SQL that undoes the migration."""
    path = tmp_path / "down.sql"
    path.write_text(DOWN)
    return path


@pytest.fixture
def migrated(
    postgres18: PostgresServer,
    create_database: Callable[..., str],
    tool_for: Callable[[PostgresServer, str], Tool],
) -> Tool:
    """An installation for a database of its own, whose newest migration has failed half-way."""
    tool = tool_for(
        postgres18, create_database(postgres18, f"migrated_{secrets.token_hex(4)}", SMALL)
    )
    tool.recovery = Recovery(mark_rolled_back=MARK)
    ask(tool.url(tool.database), MIGRATIONS)
    return tool


def rolling_back(down: Path, *options: str) -> tuple[str, ...]:
    return ("rollback", "migration", NAME, "--sql", str(down), *options)


def untouched(tool: Tool, before: object) -> bool:
    url = tool.url(tool.database)
    return before == (schema_of(url, tool.server.bin_dir), contents_of(url), tool.databases())


def state_of(tool: Tool) -> object:
    url = tool.url(tool.database)
    return schema_of(url, tool.server.bin_dir), contents_of(url), tool.databases()


def test_what_it_touches_is_kept_then_undone_and_marked(migrated: Tool, down: Path) -> None:
    url = migrated.url(migrated.database)
    databases = migrated.databases()

    result = migrated.json(*rolling_back(down, "--yes"))

    assert result["tables"] == ['"public"."connectors"']
    assert '-CREATE TYPE public."ConnectorKind" AS ENUM (\n' in result["difference"]
    assert '-    kind public."ConnectorKind" NOT NULL\n' in result["difference"]
    assert "+    kind text NOT NULL\n" in result["difference"]
    assert ask(url, "SELECT pg_typeof(kind)::text FROM connectors LIMIT 1") == [("text",)]
    marked = ask(url, "SELECT migration_name FROM _prisma_migrations WHERE rolled_back_at < now()")
    assert marked == [(NAME,)]
    assert done(migrated) == ["apply", "mark", "compare"]
    assert migrated.databases() == databases
    assert {path.name for path in Path(result["directory"]).iterdir()} == {
        *("schema-before.sql", "schema.diff", "tables.sql.zst.gpg"),
    }


def test_the_rows_that_are_kept_can_be_loaded_without_this_tool(
    migrated: Tool, down: Path, create_database: Callable[..., str]
) -> None:
    before = contents_of(migrated.url(migrated.database))
    result = migrated.json(*rolling_back(down, "--yes"))
    kept = Path(result["directory"]) / "tables.sql.zst.gpg"
    side = migrated.url(create_database(migrated.server, f"{migrated.database}_before"))

    home = migrated.home.parent / "t" / "gpg"
    home.mkdir(mode=0o700)
    key = migrated.environment["NEONHUB_BACKUP_PRIVATE_KEY_FILE"]
    gpg = f"gpg --homedir {home} --batch --quiet"
    script = f"""
        set -eu -o pipefail
        {gpg} --import {key}
        {gpg} --decrypt {kept} | zstd -d |
            {migrated.server.bin_dir}/psql --no-psqlrc --set=ON_ERROR_STOP=1 --quiet '{side}'
    """
    subprocess.run(["bash", "-c", script], check=True, capture_output=True)

    table = '"public"."connectors"' if '"public"."connectors"' in before else "public.connectors"
    assert contents_of(side)[table] == before[table]
    assert ask(side, "SELECT count(*) FROM events") == [(0,)]


def test_a_dry_run_tells_what_it_touches_and_changes_and_changes_nothing(
    migrated: Tool, down: Path
) -> None:
    before = state_of(migrated)

    said = migrated.run(*rolling_back(down, "--dry-run")).stdout

    assert untouched(migrated, before)
    assert not journal(migrated).exists()
    assert 'touches "public"."connectors"' in said
    assert "+    kind text NOT NULL\n" in said
    assert f"'{NAME}'" in said
    assert "nothing was changed" in said


def test_the_procedures_own_example_would_have_lost_a_column(
    demo: str,
    postgres18: PostgresServer,
    tool_for: Callable[[PostgresServer, str], Tool],
    tmp_path: Path,
) -> None:
    name = f"{demo}_{secrets.token_hex(4)}"
    with psycopg.connect(postgres18.url(), autocommit=True) as connection:
        copying = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute(copying.format(sql.Identifier(name), sql.Identifier(demo)))
    tool = tool_for(postgres18, name)
    drop = 'DROP TYPE IF EXISTS "ConnectorKind" CASCADE;'
    alter = "ALTER TABLE connectors ALTER COLUMN category TYPE TEXT;"
    as_written, reordered = tmp_path / "written.sql", tmp_path / "reordered.sql"
    as_written.write_text(f"{drop}\n{alter}\n")
    reordered.write_text(f"{alter}\n{drop}\n")

    said = tool.run(*rolling_back(as_written, "--yes"), expect=4).stderr
    result = tool.json(*rolling_back(reordered, "--yes"))

    assert f'line 2 of {as_written}: column "category" of' in said
    assert "nothing was changed" in said
    assert '"public"."connectors"' in result["tables"]
    assert ask(tool.url(name), "SELECT count(category) FROM connectors") == [(15,)]
    assert "CREATE TYPE" in result["difference"]


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("SELECT 1;\nALTER TABLE connectorz ADD a int;", 4, 'line 2 of {}: relation "connectorz"'),
        ("COMMIT;", 2, "line 1 of {} begins with COMMIT"),
        ("SELECT 1;\n\nCREATE INDEX CONCURRENTLY ON events (id);", 2, "inside a transaction block"),
        ("\\i other.sql", 2, "a command of psql"),
    ],
)
def test_sql_that_could_not_be_undone_is_refused_before_anything_happens(
    text: str, code: int, message: str, migrated: Tool, down: Path
) -> None:
    down.write_text(text)
    before = state_of(migrated)

    said = migrated.run(*rolling_back(down, "--yes"), expect=code).stderr

    assert message.format(down) in said
    assert untouched(migrated, before)


def test_an_unknown_migration_is_refused_with_those_that_may_be_meant(
    migrated: Tool, down: Path
) -> None:
    wrong = ("rollback", "migration", NAME.replace("kind", "kin"), "--sql", str(down), "--yes")

    assert f"did you mean {NAME}?" in migrated.run(*wrong, expect=2).stderr


def test_nobody_confirming_nothing_is_changed(migrated: Tool, down: Path) -> None:
    before = state_of(migrated)

    said = migrated.run(*rolling_back(down), expect=12).stderr

    assert "--yes" in said
    assert untouched(migrated, before)


def test_a_table_in_use_is_not_waited_for_for_ever(migrated: Tool, down: Path) -> None:
    with psycopg.connect(migrated.url(migrated.database)) as connection:
        connection.execute("SELECT FROM connectors")

        said = migrated.run(
            *rolling_back(down, "--yes", "--lock-timeout-seconds", "1"), expect=4
        ).stderr

    assert "somebody holds a lock" in said
    assert done(migrated) == []


def test_after_a_failed_mark_the_same_command_only_marks(migrated: Tool, down: Path) -> None:
    migrated.recovery = Recovery(mark_rolled_back=("sh", "-c", "exit 3", "{migration}"))

    failed = migrated.run(*rolling_back(down, "--yes"), expect=13).stderr
    assert "failed with exit code 3" in failed
    assert "the SQL has taken effect" in failed
    migrated.recovery = Recovery(mark_rolled_back=MARK)
    migrated.run(*rolling_back(down, "--yes"))

    assert done(migrated) == ["apply", "mark", "compare"]


def test_a_mark_can_be_left_out_with_a_reason(migrated: Tool, down: Path) -> None:
    migrated.recovery = Recovery(mark_rolled_back=("pnpm-is-not-here", "{migration}"))

    refused = migrated.run(*rolling_back(down, "--yes"), expect=2).stderr
    migrated.run(*rolling_back(down, "--yes", "--skip-step", "mark", "--reason", "by hand"))

    assert "pnpm-is-not-here, which is not installed here" in refused
    assert done(migrated) == ["apply", "compare"]


@pytest.mark.parametrize("committed", [True, False])
def test_killed_at_the_commit_the_server_tells_what_became_of_it(
    committed: bool, migrated: Tool, down: Path
) -> None:
    url = migrated.url(migrated.database)
    migrated.run(*rolling_back(down, "--yes"))
    lines = journal(migrated).read_text().splitlines(keepends=True)
    (noted,) = [number for number, line in enumerate(lines) if '"event":"noted"' in line]
    if not committed:
        # As if that transaction were another one, which was undone.
        with psycopg.connect(url) as connection:
            row = connection.execute("SELECT pg_current_xact_id()::text").fetchone()
            connection.rollback()
        assert row is not None
        before = peek_journal(journal(migrated)).entries[noted].facts["transaction"]
        lines[noted] = lines[noted].replace(f'"{before}"', f'"{row[0]}"')
        down.write_text("ALTER TABLE connectors ADD tried_again int;")
    journal(migrated).write_text("".join(lines[: noted + 1]))
    ask(url, "UPDATE _prisma_migrations SET rolled_back_at = NULL")

    migrated.run(*rolling_back(down, "--yes"))

    tried_again = ask(
        url, "SELECT count(*) FROM pg_attribute WHERE attname = 'tried_again' AND attnum > 0"
    )
    assert tried_again == [(0 if committed else 1,)]
    assert done(migrated) == ["apply", "mark", "compare"]


def test_killed_while_it_marks_the_next_run_does_the_rest(
    migrated: Tool, down: Path, tmp_path: Path
) -> None:
    once = 'test -e "$0" && exit 0; touch "$0"; kill -9 "$PPID"'
    migrated.recovery = Recovery(
        mark_rolled_back=("sh", "-c", once, str(tmp_path / "killed"), "{migration}")
    )

    process = migrated.start(*rolling_back(down, "--yes"))
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    migrated.run(*rolling_back(down, "--yes"))

    assert done(migrated) == ["apply", "mark", "compare"]
    assert peek_journal(journal(migrated)).entries[-1].event is Event.CLOSED
