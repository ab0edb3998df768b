"""Local dumps and their restores: with pg_dump and psql, without any configuration."""

import gzip
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from sandbox.postgres import PostgresServer, bin_dir
from tests.end_to_end.compare import contents_of, differences, schema_of
from tests.end_to_end.tool.conftest import SMALL, Tool

SLOW = """\
CREATE TABLE begun ();
SELECT pg_sleep(60);

--
-- PostgreSQL database dump complete
--

"""
SLEEPING = "SELECT FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'"


@pytest.fixture
def local(tool: Tool) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `local` where there is no configuration, in the tool's home."""

    def run(*arguments: str, expect: int = 0, **environment: str) -> "Ran":
        ended = subprocess.run(
            [sys.executable, "-m", "neonhub_backup", "local", *arguments],
            env={"PATH": "/usr/bin:/bin", **tool.environment, **environment},
            cwd=tool.home,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == expect, ended.stdout + ended.stderr
        assert "Traceback" not in ended.stderr
        return ended

    return run


Ran = subprocess.CompletedProcess[str]
Local = Callable[..., Ran]


def dumps(tool: Tool) -> list[Path]:
    """The files that were dumped; none is left behind unfinished."""
    return sorted(path for path in tool.home.iterdir() if path.is_file())


def equal(tool: Tool, copy: str) -> bool:
    """Whether a database has all that the tool's has."""
    original, found = tool.url(tool.database), tool.url(copy)
    bin_dir = tool.server.bin_dir
    return (
        differences(contents_of(original), contents_of(found)) == []
        and differences(schema_of(original, bin_dir), schema_of(found, bin_dir)) == []
    )


def test_a_dump_comes_back_whole(
    tool: Tool, local: Local, create_database: Callable[..., str]
) -> None:
    copy = create_database(tool.server, "local_plain")

    said = json.loads(local("dump", "--json").stdout)
    local("restore", said["file"], "--into", "COPY", "--single-transaction", COPY=tool.url(copy))

    (path,) = dumps(tool)
    assert re.fullmatch(r"backup_\d{8}_\d{6}\.sql", path.name)
    assert (said["file"], said["bytes"]) == (path.name, path.stat().st_size)
    assert equal(tool, copy)


def test_an_encrypted_dump_needs_the_configuration_and_comes_back(
    tool: Tool, create_database: Callable[..., str]
) -> None:
    copy = create_database(tool.server, "local_encrypted")
    path = tool.home / "copy.sql.zst.gpg"

    tool.run("local", "dump", "--compress", "zstd", "--encrypt", "--output", str(path))
    tool.run("local", "restore", str(path), "--into", "COPY", COPY=tool.url(copy))

    assert equal(tool, copy)


def test_schema_and_rows_come_back_one_after_the_other(
    tool: Tool, local: Local, create_database: Callable[..., str]
) -> None:
    copy = create_database(tool.server, "local_in_two")
    into = ["--into", "COPY", "--into-existing"]

    local("dump", "--schema-only")
    local("dump", "--data-only", "--compress", "gzip")
    data, schema = dumps(tool)
    local("restore", schema.name, *into, COPY=tool.url(copy))
    assert contents_of(tool.url(copy))["public.events"].rows == 0
    local("restore", data.name, *into, COPY=tool.url(copy))

    assert (data.name[:5], schema.name[:7]) == ("data_", "schema_")
    assert equal(tool, copy)


def test_chosen_tables_go_back_over_what_became_of_them(
    tool: Tool, local: Local, create_database: Callable[..., str]
) -> None:
    damaged = create_database(tool.server, "local_damaged", SMALL)

    local("dump", "-t", "connectors", "-t", "events", "--clean", "--output", "connectors.sql")
    with psycopg.connect(tool.url(damaged)) as connection:
        connection.execute("UPDATE connectors SET name = 'damaged ' || id")
        connection.execute("DELETE FROM events WHERE id > 10")
    said = local("restore", "connectors.sql", "--into", "COPY", expect=9, COPY=tool.url(damaged))
    assert "--into-existing" in said.stderr
    into = ["--into", "COPY", "--into-existing"]
    local("restore", "connectors.sql", *into, COPY=tool.url(damaged))

    original, found = contents_of(tool.url(tool.database)), contents_of(tool.url(damaged))
    for table in ("public.connectors", "public.events"):
        assert found[table] == original[table]
    bin_dir = tool.server.bin_dir
    assert schema_of(tool.url(damaged), bin_dir) == schema_of(tool.url(tool.database), bin_dir)


def test_in_one_transaction_a_failure_leaves_no_trace(
    tool: Tool, local: Local, create_database: Callable[..., str]
) -> None:
    present = create_database(tool.server, "local_present", SMALL)
    before = contents_of(tool.url(present))

    local("dump", "-t", "connectors", "--output", "connectors.sql")
    into = ["--into", "COPY", "--into-existing"]
    failed = local("restore", "connectors.sql", *into, expect=4, COPY=tool.url(present))

    assert 'relation "connectors" already exists' in failed.stderr
    assert "nothing was changed" in failed.stderr
    assert contents_of(tool.url(present)) == before


def test_without_one_a_failure_says_that_a_part_is_there(
    tool: Tool, local: Local, create_database: Callable[..., str]
) -> None:
    empty = create_database(tool.server, "local_part")

    local("dump", "-t", "connectors", "--output", "connectors.sql")
    failed = local("restore", "connectors.sql", "--into", "COPY", expect=4, COPY=tool.url(empty))

    assert "ConnectorKind" in failed.stderr
    assert "holds a part of the dump" in failed.stderr


def test_a_dump_without_owners_needs_no_role(
    tool: Tool, local: Local, create_database: Callable[..., str]
) -> None:
    with psycopg.connect(tool.url(create_database(tool.server, "local_owned"))) as connection:
        connection.execute("CREATE ROLE local_owner")
        connection.execute("CREATE TABLE owned ()")
        connection.execute("ALTER TABLE owned OWNER TO local_owner")
    here = {"HERE": tool.url("local_owned"), "COPY": tool.url("local_elsewhere")}
    local("dump", "--from", "HERE", "--output", "owned.sql", **here)
    local("dump", "--from", "HERE", "--output", "bare.sql", "--no-roles", **here)
    with psycopg.connect(tool.url("local_owned")) as connection:
        connection.execute("REASSIGN OWNED BY local_owner TO CURRENT_USER")
        connection.execute("DROP ROLE local_owner")
    create_database(tool.server, "local_elsewhere")

    into = ["--into", "COPY", "--single-transaction"]
    failed = local("restore", "owned.sql", *into, expect=4, **here)
    local("restore", "bare.sql", *into, **here)

    assert "create that role, or dump without owners by --no-roles" in failed.stderr
    assert contents_of(here["COPY"]).keys() == {"public.owned"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "what follows was not cleaned up:\n  interrupted on"),
        (["--single-transaction"], "nothing incomplete was kept"),
    ],
)
def test_a_restore_that_is_interrupted_says_what_it_leaves(
    options: list[str], said: str, tool: Tool
) -> None:
    with psycopg.connect(tool.url("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE interrupted")
    path = tool.home / "slow.sql"
    path.write_text(SLOW)

    restoring = tool.start(
        "local", "restore", str(path), "--into", "COPY", *options, COPY=tool.url("interrupted")
    )
    with psycopg.connect(tool.url("postgres"), autocommit=True) as connection:
        while connection.execute(SLEEPING).fetchone() is None:
            assert restoring.poll() is None
            time.sleep(0.05)
        restoring.send_signal(signal.SIGINT)
        _, errors = restoring.communicate(timeout=30)
        left = contents_of(tool.url("interrupted")).keys()
        connection.execute("DROP DATABASE interrupted WITH (FORCE)")

    assert restoring.returncode == 130
    assert said in errors
    assert left == (set() if options else {"public.begun"})


def test_a_dump_that_is_cut_off_changes_nothing(
    tool: Tool, local: Local, create_database: Callable[..., str]
) -> None:
    empty = create_database(tool.server, "local_cut_off")
    local("dump", "--compress", "gzip", "--output", "whole.sql.gz")
    text = gzip.decompress((tool.home / "whole.sql.gz").read_bytes())
    (tool.home / "half.sql.gz").write_bytes(gzip.compress(text[: len(text) // 2]))

    failed = local("restore", "half.sql.gz", "--into", "COPY", expect=8, COPY=tool.url(empty))

    assert "cut off" in failed.stderr
    assert contents_of(tool.url(empty)) == {}


def test_a_dump_that_fails_leaves_no_file(tool: Tool, local: Local) -> None:
    failed = local("dump", "-t", "nowhere", expect=5)

    assert "nowhere" in failed.stderr
    assert dumps(tool) == []


def test_a_dump_that_lacks_its_end_leaves_no_file(tool: Tool, local: Local, tmp_path: Path) -> None:
    lying = tmp_path / "lying"
    lying.mkdir()
    for name in ("psql", "pg_restore"):
        (lying / name).symlink_to(tool.server.bin_dir / name)
    real = tool.server.bin_dir / "pg_dump"
    script = f'[ "$1" = --version ] && exec {real} --version\n{real} "$@" | head -c 9000\n'
    (lying / "pg_dump").write_text(f"#!/bin/sh\n{script}")
    (lying / "pg_dump").chmod(0o755)

    failed = local("dump", expect=8, NEONHUB_BACKUP_PG_BIN=str(lying))

    assert "is not a whole dump when it is read back" in failed.stderr
    assert dumps(tool) == []


def test_a_file_that_is_there_is_kept(tool: Tool, local: Local) -> None:
    (tool.home / "mine.sql").write_text("mine")

    local("dump", "--output", "mine.sql", expect=2)

    assert (tool.home / "mine.sql").read_text() == "mine"


def test_a_dump_is_not_for_an_older_server(
    local: Local,
    postgres16: PostgresServer,
    create_database: Callable[..., str],
) -> None:
    older = postgres16.url(create_database(postgres16, "local_older"))
    local("dump", "--output", "new.sql")

    failed = local(
        "restore",
        "new.sql",
        "--into",
        "COPY",
        expect=9,
        COPY=older,
        NEONHUB_BACKUP_PG_BIN=str(bin_dir(16)),
    )

    assert "restore into 18 or newer" in failed.stderr
