"""Fill an empty database with the demo's schema and rows, once."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files

import psycopg
from psycopg import sql

MARKED_TYPE = '"ConnectorKind"'
"""The type whose comment says that the seed is complete, and at which scale."""
_MARK = "NeonHub demo data at scale "
_LOCK = 4_815_162_342
_ANY_TABLES = "SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = 'public')"
_SIZES = """
SELECT count(*) FILTER (WHERE NOT relispartition AND relkind IN ('r', 'p')),
    coalesce(sum(reltuples) FILTER (WHERE relkind = 'r'), 0)::bigint,
    pg_database_size(current_database())
FROM pg_class WHERE relnamespace = 'public'::regnamespace
"""


class SeedRefusedError(Exception):
    """The database cannot take the demo, or holds something that the seed must not touch."""


@dataclass(frozen=True, kw_only=True)
class Seed:
    """What the database holds after a call of `seed`."""

    created: bool
    """False: the demo was already complete, and nothing was changed."""
    tables: int
    """Without the partitions of `events`."""
    rows: int
    """As the server estimates them."""
    size_bytes: int


def scripts() -> Iterator[tuple[str, str]]:
    """The path under `sql/` and the text of each file, in the order in which they run."""
    folder = files("sandbox.demo") / "sql"

    def below(name: str) -> list[str]:
        return sorted(f"{name}/{file.name}" for file in (folder / name).iterdir())

    for path in (
        *below("schema"),
        "generators.sql",
        *below("data"),
        "search_and_reports.sql",
    ):
        yield path, (folder / path).read_text(encoding="utf-8")


def seed(database_url: str, scale: float = 1.0) -> Seed:
    """Create the demo in one transaction: whenever it is interrupted, nothing of it stays.

    Raises SeedRefusedError if the schema `public` holds other tables, or the demo at another scale,
    or if pgvector is missing and this role cannot create it.
    """
    with psycopg.connect(database_url, application_name="neonhub demo seed") as connection:
        # Whoever seeds at the same time waits here, then finds the seed complete.
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        found = _scale_found(connection)
        if found is None:
            _create(connection, scale)
        elif found != scale:
            raise SeedRefusedError(
                f"The database already holds the demo at scale {found:g}, and rows are never added "
                f"to it: ask for {found:g} instead of {scale:g}, or seed an empty database."
            )
        tables, rows, size_bytes = connection.execute(_SIZES).fetchone() or (0, 0, 0)
    return Seed(created=found is None, tables=tables, rows=rows, size_bytes=size_bytes)


def _scale_found(connection: psycopg.Connection) -> float | None:
    comment = connection.execute(
        "SELECT obj_description(to_regtype(%s), 'pg_type')", [f"public.{MARKED_TYPE}"]
    ).fetchone()
    if comment and comment[0] and comment[0].startswith(_MARK):
        return float(comment[0].removeprefix(_MARK))
    occupied = connection.execute(_ANY_TABLES).fetchone()
    if occupied and occupied[0]:
        raise SeedRefusedError(
            "The schema public already has tables that are not the demo's, and the seed would mix "
            "with them: name an empty database in --database-url or DATABASE_URL."
        )
    return None


def _create(connection: psycopg.Connection, scale: float) -> None:
    connection.execute("SET LOCAL client_min_messages = warning")
    connection.execute("SET LOCAL search_path = public")
    # Enough for the HNSW index to be built without a second pass.
    connection.execute("SET LOCAL maintenance_work_mem = '128MB'")
    connection.execute("SET LOCAL TimeZone = 'UTC'")
    connection.execute("SELECT set_config('demo.scale', %s, true)", [str(scale)])
    try:
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.FeatureNotSupported) as error:
        raise SeedRefusedError(
            "The database lacks pgvector, without which there are no embeddings, and it cannot be "
            f"added ({error.diag.message_primary}): install it on the server, then run CREATE "
            "EXTENSION vector in this database as a superuser."
        ) from error
    for _, text in scripts():
        connection.execute(text.encode())
    connection.execute(
        sql.SQL("COMMENT ON TYPE {} IS {}").format(
            sql.SQL(MARKED_TYPE), sql.Literal(f"{_MARK}{scale!r}")
        )
    )
