"""One consistent view of a database, and what it holds."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock as Mutex
from typing import Literal, LiteralString, cast

import psycopg
from psycopg import sql

from neonhub_backup.domain.manifest import Server, VectorIndex
from neonhub_backup.errors import DatabaseError
from neonhub_backup.postgres.connection import Connection, Target, connect, query, quoted, value

LOCK_TIMEOUT_SECONDS = 60
"""How long to wait for a lock that someone changing a table's definition holds."""

QUEUE_SECONDS = 1
"""How long a session that reads the snapshot waits for a lock. The snapshot's own session has it
already, so whoever stands before us in the queue waits for that one, which waits for us."""

READ_SETTINGS: LiteralString = """\
SET LOCAL statement_timeout = 0;
SET LOCAL row_security = off;
SET LOCAL search_path = '';
SET LOCAL "DateStyle" = 'ISO';
SET LOCAL "IntervalStyle" = 'postgres';
SET LOCAL extra_float_digits = 3;
SET LOCAL lc_monetary = 'C';
"""
"""What rows look like must not depend on the settings of the database or the user."""

_ATTEMPTS = 10
"""How often to begin anew when tables come and go meanwhile."""

OLDEST_MAJOR = 16

BINARY_TYPES = frozenset(
    {
        *("bool", "bytea", "char", "name", "bpchar", "varchar", "text", "json", "jsonb", "uuid"),
        *("int2", "int4", "int8", "float4", "float8", "numeric", "money", "bit", "varbit"),
        *("date", "time", "timetz", "timestamp", "timestamptz", "interval"),
        *("point", "lseg", "path", "box", "polygon", "line", "circle"),
        *("inet", "cidr", "macaddr", "macaddr8", "tsvector"),
        *("xid8", "pg_lsn", "pg_snapshot"),
        *("int4range", "int8range", "numrange", "daterange", "tsrange", "tstzrange"),
        *("int4multirange", "int8multirange", "nummultirange", "datemultirange"),
        *("tsmultirange", "tstzmultirange"),
    }
)
"""Built-in types whose binary form holds no object's number, so that it means the same anywhere.

tsquery is left out: PostgreSQL writes an empty one in a binary form that it refuses to read."""

VECTOR_TYPES = frozenset({"vector", "halfvec", "sparsevec"})


@dataclass(frozen=True)
class TableRows:
    """An ordinary table or a partition, as the dump's snapshot sees it."""

    schema: str
    name: str
    columns: tuple[str, ...]
    form: Literal["binary", "text"]
    blocks: int
    """Blocks of its main file; chunks are ranges of them."""
    bytes: int
    """Bytes on disk with out-of-line values, without indexes."""
    splittable: bool
    """Whether a range of blocks can be read alone."""


@dataclass(frozen=True)
class Snapshot:
    """A view of the database that other sessions can share while it is held."""

    name: str
    connection: Connection
    server: Server
    extensions: dict[str, str]
    roles: tuple[str, ...]
    large_objects: int
    tables: tuple[TableRows, ...]
    vector_indexes: tuple[VectorIndex, ...] = ()
    _turn: Mutex = field(default_factory=Mutex, repr=False, compare=False)

    def copy(self, query: str, write: Callable[[bytes], None]) -> int:
        """Run a `COPY ... TO STDOUT` in the session that has all locks; the number of rows.

        Slower than psql, and one at a time, but it stands in no queue.
        """
        with self._turn, self.connection.cursor() as cursor:
            cursor.execute(READ_SETTINGS)
            with cursor.copy(cast("LiteralString", query)) as rows:
                for block in rows:
                    write(bytes(block))
            return cursor.rowcount


@contextmanager
def hold_snapshot(target: Target) -> Generator[Snapshot]:
    """Open a snapshot, lock every table against changes of its definition, and read the catalogue.

    Raises:
        DatabaseError: unreachable, too old, or a table is locked or may not be read.
    """
    with connect(target, autocommit=False) as connection:
        for setting in ("statement_timeout", "idle_in_transaction_session_timeout"):
            connection.execute(sql.SQL("SET {} = 0").format(sql.Identifier(setting)))
        connection.execute(sql.SQL("SET lock_timeout = {}").format(f"{LOCK_TIMEOUT_SECONDS}s"))
        connection.execute("SET search_path = pg_catalog")
        connection.commit()
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        server = read_server(connection)
        if server.major < OLDEST_MAJOR:
            raise DatabaseError(
                f"{target} runs PostgreSQL {server.version}, which this tool does not know, so"
                f" nothing was read: upgrade it to {OLDEST_MAJOR} or newer"
            )
        yield Snapshot(
            _lock_and_export(connection, target),
            connection,
            server,
            read_extensions(connection),
            _read_roles(connection),
            count_large_objects(connection),
            _read_tables(connection),
            read_vector_indexes(connection),
        )
        connection.rollback()


def read_server(connection: Connection) -> Server:
    """The server's version, and the settings of the database that a copy must share."""
    (row,) = query(
        connection,
        """
        SELECT current_setting('server_version'), current_setting('server_version_num')::int,
               pg_encoding_to_char(encoding), datlocprovider::text, datcollate, datctype,
               to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale',
               (SELECT rolname::text FROM pg_roles WHERE oid = 10)
          FROM pg_database d WHERE datname = current_database()
        """,
    )
    version, number, encoding, provider, collate, ctype, locale, icu_locale, superuser = row
    return Server(
        version=cast("str", version),
        version_num=cast("int", number),
        encoding=cast("str", encoding),
        locale_provider=cast("str", provider),
        collate=cast("str", collate),
        ctype=cast("str", ctype),
        # PostgreSQL 17 renamed daticulocale.
        locale=cast("str | None", locale or icu_locale),
        superuser=cast("str", superuser),
    )


def read_extensions(connection: Connection) -> dict[str, str]:
    """Installed extensions with their versions."""
    rows = query(connection, "SELECT extname::text, extversion FROM pg_extension ORDER BY 1")
    return {cast("str", name): cast("str", version) for name, version in rows}


def count_rows(connection: Connection, table: tuple[str, str]) -> int:
    """Exact number of a table's rows, without those of children."""
    name = sql.Identifier(*table)
    ((rows,),) = query(connection, sql.SQL("SELECT count(*) FROM ONLY {}").format(name))
    return cast("int", rows)


def count_large_objects(connection: Connection) -> int:
    """How many large objects the database holds."""
    return value(connection, int, "SELECT count(*) FROM pg_largeobject_metadata")


def read_vector_indexes(connection: Connection) -> tuple[VectorIndex, ...]:
    """Indexes of vectors with their sizes, those of partitions one by one."""
    rows = query(
        connection,
        """
        SELECT n.nspname::text, c.relname::text, t.relname::text, a.amname::text,
               pg_relation_size(c.oid)
          FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam
          JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE a.amname IN ('hnsw', 'ivfflat') AND c.relkind = 'i' AND c.relpersistence <> 't'
         ORDER BY 1, 2
        """,
    )
    return tuple(
        VectorIndex(
            schema_name=cast("str", schema),
            name=cast("str", name),
            table=cast("str", table),
            method=cast("str", method),
            bytes=cast("int", size),
        )
        for schema, name, table, method, size in rows
    )


def _read_roles(connection: Connection) -> tuple[str, ...]:
    rows = query(
        connection,
        """
        SELECT DISTINCT r.rolname::text
          FROM pg_shdepend s JOIN pg_roles r ON r.oid = s.refobjid
         WHERE s.refclassid = 'pg_authid'::regclass
           AND s.dbid IN (SELECT oid FROM pg_database WHERE datname = current_database())
           AND r.rolname !~ '^pg_'
        UNION
        -- What the bootstrap superuser owns is recorded nowhere but in the objects themselves.
        SELECT r.rolname::text FROM pg_roles r
         WHERE r.oid = 10 AND EXISTS (
               SELECT FROM (SELECT oid, relowner, 'pg_class'::regclass FROM pg_class
                            UNION ALL SELECT oid, proowner, 'pg_proc'::regclass FROM pg_proc
                            UNION ALL SELECT oid, nspowner, 'pg_namespace'::regclass
                                        FROM pg_namespace WHERE nspname !~ '^pg_'
                            UNION ALL SELECT oid, typowner, 'pg_type'::regclass FROM pg_type
                           ) o (id, owner, class)
                WHERE o.owner = r.oid AND o.id >= 16384
                  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = o.class
                                     AND d.objid = o.id AND d.deptype IN ('e', 'i')))
         ORDER BY 1
        """,
    )
    return tuple(cast("str", name) for (name,) in rows)


_TABLES = """
    SELECT n.nspname::text, c.relname::text, c.oid
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind = 'r' AND c.relpersistence <> 't'
       AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_'
       AND NOT EXISTS (SELECT FROM pg_depend d
                        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                          AND d.deptype = 'e')
"""


def _lock_and_export(connection: Connection, target: Target) -> str:
    """Lock every table, then open and export the snapshot; its name.

    In this order: a snapshot from before a migration wrote a table anew would find it empty.
    https://www.postgresql.org/docs/current/mvcc-caveats.html
    """
    for _ in range(_ATTEMPTS):
        tables = table_names(connection)
        connection.rollback()
        try:
            for table in sorted(tables):
                _lock(connection, target, table)
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
            connection.rollback()
            continue
        name = value(connection, str, "SELECT pg_export_snapshot()")
        if table_names(connection) <= tables:
            return name
        connection.rollback()
    raise DatabaseError(
        f"someone kept creating and dropping tables in {target} while the backup began, so nothing"
        " was written: let the migration end and try again"
    )


def table_names(connection: Connection) -> set[tuple[str, str]]:
    """Schema and name of every ordinary table that is no extension's."""
    rows = query(connection, f"SELECT nspname, relname FROM ({_TABLES}) t")  # noqa: S608 - our own text
    return {(cast("str", schema), cast("str", name)) for schema, name in rows}


def _lock(connection: Connection, target: Target, table: tuple[str, str]) -> None:
    try:
        # It takes no snapshot, unlike a query.
        connection.execute(
            sql.SQL("LOCK TABLE ONLY {} IN ACCESS SHARE MODE").format(sql.Identifier(*table))
        )
    except psycopg.errors.LockNotAvailable as error:
        raise DatabaseError(
            f"{quoted(*table)} of {target} stayed locked for {LOCK_TIMEOUT_SECONDS} s by someone"
            " changing its definition, so nothing was written: let the migration end and try again"
        ) from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise DatabaseError(
            f"{quoted(*table)} of {target} may not be read by this user, so nothing was written:"
            " grant it with GRANT pg_read_all_data, a backup without the table would be no backup"
        ) from error


def _read_tables(connection: Connection) -> tuple[TableRows, ...]:
    rows = query(
        connection,
        f"""
        WITH tables AS ({_TABLES}),
        columns AS (
            SELECT a.attrelid, a.attnum, a.attname::text AS name,
                   coalesce(element.typname, base.typname)::text AS type_name,
                   coalesce(element.typtype, base.typtype)::text AS type_kind,
                   coalesce(element.typnamespace, base.typnamespace) = 'pg_catalog'::regnamespace
                       AS built_in,
                   element.oid IS NOT NULL AS is_array,
                   EXISTS (SELECT FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
                            WHERE d.classid = 'pg_type'::regclass AND d.objid = base.oid
                              AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
                              AND e.extname = 'vector') AS of_pgvector
              FROM pg_attribute a
              JOIN LATERAL (
                  WITH RECURSIVE chain AS (
                      SELECT t.* FROM pg_type t WHERE t.oid = a.atttypid
                      UNION ALL
                      SELECT t.* FROM pg_type t JOIN chain ON t.oid = chain.typbasetype
                       WHERE chain.typtype = 'd')
                  SELECT * FROM chain WHERE typtype <> 'd'
              ) base ON true
              LEFT JOIN pg_type element
                     ON element.oid = base.typelem
                    AND base.typsubscript = 'array_subscript_handler'::regproc
             WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
        )
        SELECT t.nspname, t.relname,
               coalesce(array_agg(k.name ORDER BY k.attnum)
                            FILTER (WHERE k.name IS NOT NULL), '{{}}'),
               coalesce(bool_and(
                   CASE WHEN k.is_array THEN k.built_in AND k.type_name = ANY(%s)
                        WHEN k.type_kind = 'e' THEN true
                        ELSE k.built_in AND k.type_name = ANY(%s)
                             OR k.of_pgvector AND k.type_name = ANY(%s) END
               ) FILTER (WHERE k.name IS NOT NULL), true),
               pg_relation_size(t.oid) / current_setting('block_size')::int,
               pg_table_size(t.oid),
               (SELECT amname = 'heap' FROM pg_am JOIN pg_class c ON c.relam = pg_am.oid
                 WHERE c.oid = t.oid)
          FROM tables t LEFT JOIN columns k ON k.attrelid = t.oid
         GROUP BY t.nspname, t.relname, t.oid
         ORDER BY 1, 2
        """,  # noqa: S608 - the inserted text is our own
        sorted(BINARY_TYPES),
        sorted(BINARY_TYPES),
        sorted(VECTOR_TYPES),
    )
    return tuple(
        TableRows(
            schema=cast("str", schema),
            name=cast("str", name),
            columns=tuple(cast("list[str]", columns)),
            form="binary" if binary else "text",
            blocks=cast("int", blocks),
            bytes=cast("int", size),
            splittable=bool(heap),
        )
        for schema, name, columns, binary, blocks, size, heap in rows
    )
