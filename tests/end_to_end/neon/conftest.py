"""Projects for tests: where a key and a project are named in the environment, the real one."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from sandbox.emulators.neon.models import Plan
from sandbox.postgres import PostgresServer
from tests.end_to_end.neon.hosted import (
    REAL_KEY,
    REAL_PROJECT,
    Hosted,
    emulated,
    is_real,
    real,
)

NOTES = "CREATE TABLE notes (line text); INSERT INTO notes VALUES ('first')"

_numbers = count(1)


@pytest.fixture
def emulated_project(
    tmp_path: Path, postgres18: PostgresServer
) -> Iterator[Callable[[Plan], Hosted]]:
    """Call it with a plan: a project of the sandbox whose production has one line of notes."""
    with ExitStack() as stack:

        def make(plan: Plan) -> Hosted:
            name = f"notes_{os.getpid()}_{next(_numbers)}"
            with psycopg.connect(postgres18.url(), autocommit=True) as connection:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            with psycopg.connect(postgres18.url(name), autocommit=True) as connection:
                connection.execute(NOTES)
            return stack.enter_context(emulated(tmp_path / name, postgres18, name, plan))

        yield make


@pytest.fixture
def project(request: pytest.FixtureRequest) -> Iterator[Hosted]:
    """A project whose production has one line of notes: a real one if there is a key."""
    if is_real():
        with real(os.environ[REAL_KEY], os.environ[REAL_PROJECT]) as hosted:
            hosted.execute("CREATE TABLE notes (line text)")
            hosted.execute("INSERT INTO notes VALUES ('first')")
            yield hosted
    else:
        yield request.getfixturevalue("emulated_project")("launch_v3")
