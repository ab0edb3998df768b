"""`postgres ensure` says where the programs are, to people and to programs."""

import json

from typer.testing import CliRunner

from neonhub_backup.cli.app import app
from tests.neonhub_backup.machine import PGVECTOR, Machine


def _output(*arguments: str) -> str:
    ended = CliRunner().invoke(app, ["postgres", "ensure", "--major", "16", *arguments])
    assert ended.exit_code == 0, ended.output
    return ended.stdout


def test_people_read_where_the_programs_are(machine: Machine) -> None:
    place = machine.suite(16)

    assert _output() == (
        "installed postgresql-client-16 gnupg zstd\n"
        f"PostgreSQL 16 is in {place}; gpg and zstd are on PATH\n"
    )
    assert _output() == f"PostgreSQL 16 is in {place}; gpg and zstd are on PATH\n"
    assert _output("--server").endswith(
        f"PostgreSQL 16 is in {place}, with pgvector {PGVECTOR}; gpg and zstd are on PATH\n"
    )


def test_programs_read_it_as_json(machine: Machine) -> None:
    machine.has("postgresql-client-16", "postgresql-16", "gnupg", "zstd")

    assert json.loads(_output("--server", "--json")) == {
        "major": 16,
        "directory": str(machine.suite(16)),
        "server": True,
        "pgvector": PGVECTOR,
        "installed": ["postgresql-16-pgvector"],
    }
