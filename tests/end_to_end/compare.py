"""Whether two databases are the same: the schema that `pg_dump` sees, and every content."""

import difflib
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import LiteralString, NamedTuple, cast

import psycopg

# Lines that differ between two dumps of one database, or name the programs instead of the schema.
_NOISE = re.compile(
    r"^(-- Dumped (from database|by pg_dump) version .*|\\(un)?restrict \w+)\n", re.MULTILINE
)

# Text output depends on these; a digest must not.
_SETTINGS: LiteralString = """
SET search_path = pg_catalog;
SET DateStyle = 'ISO, YMD';
SET IntervalStyle = 'postgres';
SET TimeZone = 'UTC';
SET extra_float_digits = 1;
SET bytea_output = 'hex';
SET lc_monetary = 'C';
SET row_security = off
"""

# One row for each table, materialised view and sequence: its name, and the query for its content.
# Vectors and byte strings enter as the digest of their binary form: many times quicker than text.
# The rows are written as ROW(...)::text, so that NULL differs from '' and no column name can clash.
_QUERIES: LiteralString = r"""
SELECT format('%I.%I', namespace.nspname, class.relname),
    CASE
        WHEN class.relkind = 'S' THEN format(
            'SELECT 1, format(''%%s, called: %%s'', last_value, is_called) FROM %s', name)
        WHEN NOT class.relispopulated THEN 'SELECT 0, ''not populated'''
        ELSE format(
            'SELECT count(*), coalesce(sum(hashtextextended(ROW(%s)::text, 0)), 0)::text '
            'FROM ONLY %s AS r', columns, name)
    END
FROM pg_class AS class
    JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace,
    LATERAL (SELECT format('%I.%I', namespace.nspname, class.relname) AS name) AS named,
    LATERAL (
        SELECT string_agg(
            CASE WHEN type.typname IN ('vector', 'halfvec', 'sparsevec', 'bytea')
                THEN format('md5(%I.%I(r.%I))', home.nspname, send.proname, attname)
                ELSE format('r.%I', attname) END,
            ', ' ORDER BY attname) AS columns
        FROM pg_attribute
            JOIN pg_type AS type ON type.oid = atttypid
            LEFT JOIN pg_proc AS send ON send.oid = type.typsend
            LEFT JOIN pg_namespace AS home ON home.oid = send.pronamespace
        WHERE attrelid = class.oid AND attnum > 0 AND NOT attisdropped
    ) AS listed
WHERE class.relkind IN ('r', 'm', 'S') AND class.relpersistence <> 't'
    AND namespace.nspname <> 'information_schema' AND namespace.nspname !~ '^pg_'
ORDER BY 1
"""

_LARGE_OBJECTS: LiteralString = """
SELECT 'large object ' || oid, octet_length(lo_get(oid)), concat_ws(
    ' ', md5(lo_get(oid)), 'of', lomowner::regrole,
    (SELECT string_agg(entry, ',' ORDER BY entry) FROM unnest(lomacl::text[]) AS entry),
    quote_nullable(obj_description(oid, 'pg_largeobject')))
FROM pg_largeobject_metadata ORDER BY oid
"""


class Content(NamedTuple):
    """What one table, materialised view, sequence or large object holds."""

    rows: int
    """For a large object, its bytes."""
    digest: str
    """Of every row in any order; for a sequence, its state."""


def schema_of(url: str, bin_dir: Path) -> str:
    """What `pg_dump --schema-only` writes, without what differs from one run to the next."""
    command = [str(bin_dir / "pg_dump"), "--schema-only", "--dbname", url]
    ran = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return _NOISE.sub("", ran.stdout.decode())


def contents_of(url: str) -> dict[str, Content]:
    """The content of everything that holds some, each table without its children's rows.

    All of it is read in one snapshot. It fails, rather than skip a row, for a user whom row-level
    security limits.
    """
    with psycopg.connect(url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        connection.execute(_SETTINGS)
        queries = cast(
            "list[tuple[str, LiteralString]]",  # built by the server, which quoted every name
            connection.execute(_QUERIES).fetchall(),
        )
        found: dict[str, Content] = {}
        for name, query in queries:
            for rows, digest in connection.execute(query):
                found[name] = Content(rows, digest)
        for name, size, digest in connection.execute(_LARGE_OBJECTS):
            found[name] = Content(size, digest)
    return found


def differences(
    expected: str | Mapping[str, Content], actual: str | Mapping[str, Content]
) -> list[str]:
    """One line for each difference between two schemas, or between two databases' contents."""
    if isinstance(expected, str) or isinstance(actual, str):
        lines = difflib.unified_diff(
            str(expected).splitlines(), str(actual).splitlines(), "expected", "actual", "", "", 2
        )
        return [line.rstrip("\n") for line in lines]
    found: list[str] = []
    for name in sorted(expected.keys() | actual.keys()):
        ours, theirs = expected.get(name), actual.get(name)
        if ours is None:
            found.append(f"{name}: not expected, but there")
        elif theirs is None:
            found.append(f"{name}: missing")
        elif ours.rows != theirs.rows:
            found.append(f"{name}: {ours.rows} rows expected, {theirs.rows} found")
        elif ours.digest != theirs.digest:
            found.append(f"{name}: content differs ({ours.digest} expected, {theirs.digest} found)")
    return found
