"""A backup is restored beside the live database, takes its name by one command, gives it back."""

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from neonhub_backup.domain.configuration import DirectoryStore
from sandbox.postgres import PostgresServer
from sandbox.processes import free_port
from tests.end_to_end.compare import contents_of, differences
from tests.end_to_end.tool.conftest import Tool


@pytest.fixture
def live(postgres18: PostgresServer) -> str:
    """A live database with another content than the backup's, a grant, settings and a comment."""
    name = f"live_{free_port()}"
    database = sql.Identifier(name)
    with psycopg.connect(postgres18.url(), autocommit=True) as connection:
        for statement in (
            "CREATE DATABASE {}",
            "COMMENT ON DATABASE {} IS 'the shop'",
            "ALTER DATABASE {} SET statement_timeout TO '77s'",
            "ALTER DATABASE {} CONNECTION LIMIT 50",
            "ALTER ROLE postgres IN DATABASE {} SET work_mem TO '5MB'",
            "GRANT CREATE ON DATABASE {} TO pg_monitor",
        ):
            connection.execute(sql.SQL(statement).format(database))
    with psycopg.connect(postgres18.url(name)) as connection:
        connection.execute("CREATE TABLE public.precious AS SELECT 42 AS answer")
    return name


def properties(tool: Tool, name: str) -> tuple[object, ...] | None:
    """What belongs to a database and is in none of its tables."""
    with psycopg.connect(tool.url("postgres")) as connection:
        return connection.execute(
            """
            SELECT datconnlimit, datdba::regrole::text,
                   (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(datacl) a),
                   shobj_description(oid, 'pg_database'),
                   (SELECT array_agg(setrole || setconfig::text ORDER BY setrole)
                      FROM pg_db_role_setting WHERE setdatabase = oid)
              FROM pg_database WHERE datname = %s
            """,
            [name],
        ).fetchone()


def test_what_was_promoted_can_be_reverted_and_that_too(tool: Tool, live: str) -> None:
    tool.backup()
    expected = contents_of(tool.url(tool.database))
    before, its_own = contents_of(tool.url(live)), properties(tool, live)
    tool.environment["LIVE_URL"] = tool.url(live)

    left = tool.json("restore", "--into", "LIVE_URL", "--beside")

    assert left["beside"].startswith(f"{live}_restored_")
    assert left["promote"].endswith(f"promote --into LIVE_URL --from {left['beside']}")
    assert contents_of(tool.url(live)) == before
    databases = tool.databases()
    planned = tool.json("restore", "promote", "--into", "LIVE_URL", "--dry-run")
    assert (planned["was"], planned["backup"]) == (left["beside"], left["name"])
    assert tool.databases() == databases

    promoted = tool.json("restore", "promote", "--into", "LIVE_URL")

    assert promoted["was"] == left["beside"]
    assert promoted["set_aside"].startswith(f"{live}_before_")
    assert differences(expected, contents_of(tool.url(live))) == []
    assert properties(tool, live) == its_own
    assert contents_of(tool.url(promoted["set_aside"])) == before

    reverted = tool.json("restore", "revert", "--into", "LIVE_URL")

    assert reverted["was"] == promoted["set_aside"]
    assert contents_of(tool.url(live)) == before
    assert properties(tool, live) == its_own
    # Names of what is set aside tell apart whole seconds.
    time.sleep(1)
    again = tool.run("restore", "revert", "--into", "LIVE_URL").stdout
    assert f"{reverted['set_aside']} (what was there before) is now named {live}" in again
    assert differences(expected, contents_of(tool.url(live))) == []


def test_only_the_environment_s_name_confirms_each_step(tool: Tool, live: str) -> None:
    tool.backup()
    tool.environment["LIVE_URL"] = tool.url(live)
    to_live = ("--into", "LIVE_URL", "--confirm")

    for command in (("restore", "--beside"), ("restore", "promote"), ("restore", "revert")):
        databases = tool.databases()
        refused = tool.run(*command, *to_live, "production", expect=12)
        assert "--confirm is not the name of the environment" in refused.stderr
        assert tool.databases() == databases

        tool.run(*command, *to_live, "test")
        # What is set aside is named by the second.
        time.sleep(1 - time.time() % 1)

    assert tool.databases() > {live}
    with psycopg.connect(tool.url(live)) as connection:
        assert connection.execute("SELECT answer FROM public.precious").fetchone() == (42,)


def test_a_database_in_use_keeps_its_name_unless_its_users_may_be_disconnected(
    tool: Tool, live: str
) -> None:
    tool.backup()
    url = tool.url(live)
    tool.environment["LIVE_URL"] = url
    left = tool.json("restore", "--into", "LIVE_URL", "--beside")
    databases = tool.databases()
    with psycopg.connect(url, application_name="the shop") as user:
        refused = tool.run("restore", "promote", "--into", "LIVE_URL", expect=9)

        assert "1 connections are open" in refused.stderr
        assert "postgres of the shop from 127.0.0.1, idle" in refused.stderr
        assert tool.databases() == databases

        done = tool.json("restore", "promote", "--into", "LIVE_URL", "--disconnect")

        assert len(done["disconnected"]) == 1
        with pytest.raises(psycopg.OperationalError):
            user.execute("SELECT")
    assert left["beside"] not in tool.databases()


@pytest.fixture
def vacuumed(postgres18: PostgresServer) -> Iterator[str]:
    """The URL of a database of an ordinary user, in which a vacuum does not come to its end."""
    name = f"vacuumed_{free_port()}"
    owner = sql.Identifier(name)
    database = postgres18.url(name, name, "secret")
    running = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'autovacuum worker'"
    with psycopg.connect(postgres18.url(), autocommit=True) as server:
        server.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD 'secret'").format(owner))
        server.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(owner, owner))
        with psycopg.connect(database) as connection:
            connection.execute(
                "CREATE TABLE busy WITH (autovacuum_vacuum_cost_delay = 100,"
                " autovacuum_vacuum_cost_limit = 1, autovacuum_vacuum_insert_threshold = 1)"
                " AS SELECT generate_series(1, 100000) AS id"
            )
        server.execute("ALTER SYSTEM SET autovacuum_naptime = '1s'")
        server.execute("SELECT pg_reload_conf()")
        try:
            until = time.monotonic() + 60
            while server.execute(f"{running} AND datname = %s", [name]).fetchone() == (0,):
                assert time.monotonic() < until, "no vacuum has begun"
                time.sleep(0.1)
            yield database
        finally:
            server.execute("ALTER SYSTEM RESET autovacuum_naptime")
            server.execute("SELECT pg_reload_conf()")
            # It would go on for minutes.
            server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE backend_type = 'autovacuum worker'"
            )


def test_a_vacuum_keeps_no_ordinary_user_from_swapping(tool: Tool, vacuumed: str) -> None:
    tool.backup()
    tool.environment["LIVE_URL"] = vacuumed
    tool.run("restore", "--into", "LIVE_URL", "--beside", "--no-roles")

    promoted = tool.json("restore", "promote", "--into", "LIVE_URL")

    assert promoted["set_aside"].startswith("vacuumed_")


def test_only_what_a_restore_finished_is_promoted(tool: Tool, live: str) -> None:
    tool.environment["LIVE_URL"] = tool.url(live)
    impostor = f"{live}_restored_20260101T000000Z"
    with psycopg.connect(tool.url("postgres"), autocommit=True) as connection:
        name = sql.Identifier(impostor)
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
        connection.execute(
            sql.SQL("COMMENT ON DATABASE {} IS 'Restored by neonhub-backup: soon'").format(name)
        )
    databases = tool.databases()

    for arguments in ([], ["--from", impostor]):
        refused = tool.run("restore", "promote", "--into", "LIVE_URL", *arguments, expect=9)
        assert "no finished copy" in refused.stderr
    assert (
        "nothing to revert to"
        in tool.run("restore", "revert", "--into", "LIVE_URL", expect=9).stderr
    )
    assert tool.databases() == databases


class TestFromSeveralStores:
    """The next copy is read when one cannot be."""

    @pytest.fixture
    def twice(self, tool: Tool) -> Tool:
        """An installation with two directories, the first of which is about to fail."""
        (tool.home / "first").mkdir()
        tool.stores = [
            DirectoryStore(name="first", path=tool.home / "first"),
            DirectoryStore(name="second", path=tool.store),
        ]
        return tool

    @pytest.mark.parametrize("fault", ["gone", "corrupt"])
    def test_the_second_gives_everything_back(self, twice: Tool, fault: str) -> None:
        name = twice.backup()
        copy = f"from_second_{fault}"
        if fault == "gone":
            shutil.rmtree(twice.home / "first")
        else:
            _corrupt(next((twice.home / "first").rglob("rows/*")))

        done = twice.run(
            "restore", "latest", "--into", "COPY_URL", "--json", COPY_URL=twice.url(copy)
        )

        result = json.loads(done.stdout)
        assert (result["name"], result["store"]) == (name, "second")
        assert str(twice.home / "first") in done.stderr
        original = contents_of(twice.url(twice.database))
        assert differences(original, contents_of(twice.url(copy))) == []
        assert not [one for one in twice.databases() if one.startswith(f"{copy}_")]


def test_the_newest_backup_before_a_time_is_restored(tool: Tool) -> None:
    older = tool.backup()
    time.sleep(1)
    newer = tool.backup()
    listed = {item["name"]: item["started"] for item in tool.json("list")}
    tool.environment["COPY_URL"] = tool.url("before_a_time")
    plan = ["restore", "--into", "COPY_URL", "--dry-run"]

    assert tool.json(*plan)["name"] == newer
    assert tool.json(*plan, "--at", listed[older])["name"] == older
    assert tool.json(*plan, "--tier", "annual")["name"] == older
    said = tool.run(*plan, "--at", "2020-01-01T00:00:00Z", expect=7).stderr
    assert "begun at 2020-01-01T00:00:00Z or before" in said
    assert "before_a_time" not in tool.databases()


def _corrupt(path: Path) -> None:
    content = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(content[:50] + bytes([content[50] ^ 1]) + content[51:])
