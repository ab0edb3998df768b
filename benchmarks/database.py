"""The databases that are measured: small rows and vectors, indexed as an application would."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from sandbox.postgres import PostgresServer
from sandbox.processes import Supervisor, free_port

ROWS = 1_500_000
"""Small rows of the database at its single size."""
VECTORS = 60_000
"""Vectors of 1536 dimensions at its single size."""
SMALL_TABLES = 48
"""Tables of the small database, which holds 10 MB."""

_SERVER = ("max_wal_size=8GB", "maintenance_work_mem=64MB", "shared_buffers=128MB")
"""A server as PostgreSQL comes, but for WAL, which would end every run in a checkpoint."""

_TABLES = """
CREATE EXTENSION vector;
CREATE TABLE organizations (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL);
CREATE TABLE events (
    id bigint GENERATED ALWAYS AS IDENTITY, organization_id bigint NOT NULL, kind text NOT NULL,
    actor uuid NOT NULL, occurred_at timestamptz NOT NULL, amount numeric(12, 2) NOT NULL,
    note text);
CREATE TABLE embeddings (
    id bigint GENERATED ALWAYS AS IDENTITY, organization_id bigint NOT NULL,
    content text NOT NULL, embedding vector(1536) NOT NULL);
"""

_ROWS = """
SELECT setseed(0.42);
INSERT INTO organizations (name) SELECT 'organization ' || i FROM generate_series(1, 1000) i;
INSERT INTO events (organization_id, kind, actor, occurred_at, amount, note)
SELECT 1 + i % 1000, (ARRAY['created', 'updated', 'viewed', 'deleted'])[1 + i % 4],
       gen_random_uuid(), '2025-01-01'::timestamptz + i * interval '17 seconds',
       round((random() * 10000)::numeric, 2),
       CASE WHEN i % 3 = 0 THEN 'order ' || md5(i::text) || ' was seen by the team' END
  FROM generate_series(1, {rows}) i;
"""

_VECTORS = """
SELECT setseed({seed});
INSERT INTO embeddings (organization_id, content, embedding)
SELECT 1 + i % 1000, 'chunk ' || i || ' ' || repeat(md5(i::text) || ' ', 4),
       (SELECT array_agg(0.0255 * random_normal())::vector
          FROM generate_series(1, 1536) WHERE i > 0)
  FROM generate_series({first}, {last}) i;
"""

_INDEXES = """
SET maintenance_work_mem = '2GB';
SET max_parallel_maintenance_workers = 2;
SET min_parallel_table_scan_size = '8kB';
ALTER TABLE events ADD PRIMARY KEY (id);
ALTER TABLE events ADD FOREIGN KEY (organization_id) REFERENCES organizations;
CREATE INDEX events_of_organization ON events (organization_id, occurred_at);
ALTER TABLE embeddings ADD PRIMARY KEY (id);
ALTER TABLE embeddings ADD FOREIGN KEY (organization_id) REFERENCES organizations;
CREATE INDEX embeddings_by_meaning ON embeddings USING hnsw (embedding vector_cosine_ops);
"""


@contextmanager
def server(home: Path) -> Generator[PostgresServer]:
    """A server whose databases stay in `home` for the next run."""
    postgres = PostgresServer(home=home / "postgres", port=free_port(), settings=_SERVER)
    supervisor = Supervisor(home / "run", home / "logs")
    postgres.prepare()
    supervisor.start(postgres.server())
    try:
        supervisor.wait(postgres.server())
        yield postgres
    finally:
        supervisor.stop("postgres")


def ensure(postgres: PostgresServer, name: str, *, size: float, indexes: bool) -> str:
    """A database of so many times the single size, made once; its name."""
    if not _exists(postgres, name):
        with _draft(postgres, name) as connection:
            connection.execute(_TABLES)
            connection.execute(sql.SQL(_ROWS).format(rows=round(ROWS * size)))
            vectors, step = round(VECTORS * size), 5000
            for first in range(1, vectors + 1, step):
                last = min(first + step - 1, vectors)
                connection.execute(
                    sql.SQL(_VECTORS).format(seed=first / (vectors + 1), first=first, last=last)
                )
            if indexes:
                connection.execute(_INDEXES)
            connection.execute("VACUUM ANALYZE")
    return name


def ensure_small(postgres: PostgresServer, name: str) -> str:
    """A database of 48 tables that hold 10 MB together, made once; its name."""
    if not _exists(postgres, name):
        with _draft(postgres, name) as connection:
            for number in range(SMALL_TABLES):
                table = sql.Identifier(f"model_{number:02d}")
                connection.execute(
                    sql.SQL(
                        "CREATE TABLE {} (id bigint PRIMARY KEY, name text, created timestamptz)"
                    ).format(table)
                )
                connection.execute(
                    sql.SQL(
                        "INSERT INTO {} SELECT i, 'row ' || i || ' ' || md5(i::text), now()"
                        " FROM generate_series(1, 1900) i"
                    ).format(table)
                )
            connection.execute("VACUUM ANALYZE")
    return name


def ensure_huge(postgres: PostgresServer, name: str, base: str) -> str:
    """A copy of a database whose vectors are all that it holds, made once; its name."""
    if not _exists(postgres, name):
        with _draft(postgres, name, template=base) as connection:
            connection.execute("DROP TABLE events, organizations")
    return name


def megabytes(postgres: PostgresServer, name: str) -> int:
    """Bytes on disk of a database's tables, without indexes, in millions."""
    with psycopg.connect(postgres.url(name)) as connection:
        (found,) = connection.execute(
            "SELECT sum(pg_table_size(oid))::bigint FROM pg_class"
            " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        ).fetchone() or (0,)
    return round(found / 1e6)


def drop(postgres: PostgresServer, name: str) -> None:
    """Drop a database that a run restored."""
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        connection.execute(statement.format(sql.Identifier(name)))


def create(postgres: PostgresServer, name: str, template: str = "template1") -> None:
    """Create a database."""
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))


def _exists(postgres: PostgresServer, name: str) -> bool:
    with psycopg.connect(postgres.url()) as connection:
        found = connection.execute("SELECT FROM pg_database WHERE datname = %s", [name])
        return found.fetchone() is not None


@contextmanager
def _draft(
    postgres: PostgresServer, name: str, template: str = "template1"
) -> Generator[psycopg.Connection]:
    """A database that has its name only once it is filled."""
    draft = f"{name}_draft"
    drop(postgres, draft)
    create(postgres, draft, template)
    with psycopg.connect(postgres.url(draft), autocommit=True) as connection:
        yield connection
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
        connection.execute(rename.format(sql.Identifier(draft), sql.Identifier(name)))
