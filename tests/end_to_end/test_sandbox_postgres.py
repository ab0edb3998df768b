"""What the sandbox's PostgreSQL promises to the databases in it."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from neonhub_backup.postgres.user import server_user_prefix
from sandbox.postgres import PostgresServer


@pytest.mark.parametrize("major", [16, 18])
def test_every_major_version_has_pgvector(
    postgres_server: Callable[[int], PostgresServer], major: int
) -> None:
    with psycopg.connect(postgres_server(major).url(), autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        found = connection.execute("SELECT '[3,4]'::vector <-> '[0,0]'").fetchone()
        version = connection.info.server_version

    assert found == (5.0,)
    assert version // 10000 == major


def test_the_owner_of_a_database_can_create_pgvector_without_being_superuser(
    postgres18: PostgresServer,
) -> None:
    postgres18.ensure_database("owned", "owner", "secret")

    url = postgres18.url("owned", "owner", "secret")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION vector")
        superuser = connection.execute("SELECT current_setting('is_superuser')").fetchone()

    assert superuser == ("off",)


def test_preparing_a_database_twice_changes_nothing(postgres18: PostgresServer) -> None:
    postgres18.ensure_database("twice", "twice_owner", "secret")
    postgres18.ensure_database("twice", "twice_owner", "secret")

    psycopg.connect(postgres18.url("twice", "twice_owner", "secret")).close()


def test_a_wrong_password_is_refused(postgres18: PostgresServer) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(postgres18.url("postgres", "postgres", "wrong"))


def test_programs_in_a_directory_closed_to_others_can_be_run(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    program = closed / "bin" / "program"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    closed.chmod(0o700)
    prefix, _ = server_user_prefix([program])

    # As initdb asks: access(2), which looks at the real user.
    ask = "import os, sys; sys.exit(not os.access(sys.argv[1], os.R_OK | os.X_OK))"
    asked = subprocess.run([*prefix, sys.executable, "-c", ask, str(program)], check=False)

    assert asked.returncode == 0
