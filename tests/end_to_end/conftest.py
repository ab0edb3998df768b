"""Servers for end-to-end tests: on free ports, in temporary directories, gone with the session."""

from collections.abc import Callable, Iterator

import pytest

from sandbox.postgres import PostgresServer
from sandbox.processes import Supervisor, free_port
from sandbox.stack_file import STACK
from sandbox.throwaway import Throwaway

THROWAWAY = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "max_wal_size=4GB")
"""Settings of a PostgreSQL server whose data nobody needs after a crash."""


@pytest.fixture(scope="session")
def postgres_server(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[int], PostgresServer]]:
    """Call it with a major version, 16 or 18: the same server every time, its superuser's URLs."""
    servers: dict[int, PostgresServer] = {}
    home = tmp_path_factory.mktemp("postgres")

    def supervisor(major: int) -> Supervisor:
        return Supervisor(home / str(major) / "run", home / str(major) / "logs")

    def start(major: int) -> PostgresServer:
        if major not in servers:
            postgres = PostgresServer(
                home=home / str(major), port=free_port(), major=major, settings=THROWAWAY
            )
            postgres.prepare()
            server = postgres.server()
            supervisor(major).start(server)
            servers[major] = postgres
            supervisor(major).wait(server)
        return servers[major]

    yield start
    for major in servers:
        supervisor(major).stop("postgres")


@pytest.fixture(scope="session")
def postgres18(postgres_server: Callable[[int], PostgresServer]) -> PostgresServer:
    """PostgreSQL 18 with pgvector."""
    return postgres_server(18)


@pytest.fixture(scope="session")
def postgres16(postgres_server: Callable[[int], PostgresServer]) -> PostgresServer:
    """PostgreSQL 16 with pgvector."""
    return postgres_server(16)


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Throwaway]:
    """A copy of the project with all its servers running; its stack is not deployed yet."""
    throwaway = Throwaway.create(tmp_path_factory.mktemp("sandbox"))
    try:
        throwaway.start()
        throwaway.pulumi("stack", "select", "--create", STACK)
        yield throwaway
    finally:
        throwaway.stop()
