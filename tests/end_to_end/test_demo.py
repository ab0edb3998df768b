"""The demo database on a real server."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import psycopg
import pytest

from sandbox.demo.seed import SeedRefusedError, seed
from sandbox.postgres import PostgresServer
from tests.end_to_end.compare import contents_of, differences, schema_of

FEW = 0.02
_SEEDING = """EXISTS (SELECT FROM pg_stat_activity
    WHERE datname = current_database() AND query ~ '^INSERT INTO')"""


@pytest.fixture
def empty_database(postgres18: PostgresServer) -> Iterator[str]:
    """The URL that the database's owner uses, who is no superuser."""
    postgres18.ensure_database("demo_trial", "demo_owner", "secret")
    yield postgres18.url("demo_trial", "demo_owner", "secret")
    with psycopg.connect(postgres18.url(), autocommit=True) as connection:
        connection.execute("DROP DATABASE demo_trial WITH (FORCE)")


def test_it_holds_what_the_user_s_database_holds(
    empty_database: str, postgres18: PostgresServer
) -> None:
    made = seed(empty_database)

    assert made.created
    assert made.tables == 48
    contents = contents_of(empty_database)
    assert contents["public.connectors"].rows == 15
    assert contents["public.document_chunks"].rows + contents["public.agent_memories"].rows > 5000
    assert all(content.rows for content in contents.values())
    # What the user's own validation of a dump looks for.
    schema = schema_of(empty_database, postgres18.bin_dir)
    assert 'CREATE TYPE public."ConnectorKind"' in schema
    assert "CREATE TABLE public.connectors" in schema
    assert re.search(r"vector\(1536\).*USING hnsw", schema, re.DOTALL)


def test_seeding_again_changes_nothing(empty_database: str) -> None:
    seed(empty_database, FEW)
    before = contents_of(empty_database)

    assert not seed(empty_database, FEW).created
    assert differences(before, contents_of(empty_database)) == []


def test_the_same_scale_gives_the_same_rows(
    postgres_server: Callable[[int], PostgresServer], empty_database: str
) -> None:
    seed(empty_database, FEW)
    other = postgres_server(16)
    with psycopg.connect(other.url(), autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS demo_trial")
        connection.execute("CREATE DATABASE demo_trial")
    seed(other.url("demo_trial"), FEW)

    assert differences(contents_of(empty_database), contents_of(other.url("demo_trial"))) == []


def test_a_killed_seed_leaves_nothing_in_the_way_of_the_next(empty_database: str) -> None:
    running = subprocess.Popen(
        [sys.executable, "-m", "sandbox.demo", "--database-url", empty_database, "--rows", "3"]
    )
    with psycopg.connect(empty_database, autocommit=True) as connection:
        _wait_for(connection, _SEEDING)
        running.send_signal(signal.SIGKILL)
        running.wait()

    assert seed(empty_database, FEW).created


def test_another_scale_than_the_seed_s_is_refused(empty_database: str) -> None:
    seed(empty_database, FEW)

    with pytest.raises(SeedRefusedError, match=r"at scale 0\.02.* ask for 0\.02 instead of 1"):
        seed(empty_database)


def test_a_database_with_other_tables_is_left_alone(empty_database: str) -> None:
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute("CREATE TABLE precious (id integer)")

    with pytest.raises(SeedRefusedError, match="not the demo's"):
        seed(empty_database)
    assert list(contents_of(empty_database)) == ["public.precious"]


def test_a_server_that_keeps_pgvector_from_us_is_refused_with_the_fix(
    postgres_server: Callable[[int], PostgresServer],
) -> None:
    # Version 16 is offered as built: pgvector takes a superuser.
    server = postgres_server(16)
    server.ensure_database("demo_without_vectors", "demo_owner", "secret")

    with pytest.raises(SeedRefusedError, match=r"CREATE EXTENSION vector .* as a superuser"):
        seed(server.url("demo_without_vectors", "demo_owner", "secret"), FEW)


def _wait_for(connection: psycopg.Connection, condition: str, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if connection.execute(f"SELECT {condition}".encode()).fetchone() == (True,):
            return
        time.sleep(0.05)
    pytest.fail(f"not true within {seconds} s: {condition}")
