"""Databases that nobody thought of: random schemas and rows, backed up, restored and compared.

NEONHUB_BACKUP_TEST_EXAMPLES gives the number of databases; more than the usual ones are random.
"""

import json
import os
import random
import secrets
import string
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from psycopg import sql

from neonhub_backup.backup import take_backup
from neonhub_backup.domain.configuration import (
    Configuration,
    Database,
    DirectoryStore,
    Encryption,
)
from neonhub_backup.encryption import decryptor
from neonhub_backup.holdings.source import Source
from neonhub_backup.postgres.connection import parse_url
from neonhub_backup.processes import Programs
from neonhub_backup.restore.whole import restore_into
from neonhub_backup.stores.factory import open_stores
from sandbox import keys
from sandbox.postgres import PostgresServer
from tests.end_to_end.compare import contents_of, differences, schema_of

USUAL = 20
EXAMPLES = int(os.environ.get("NEONHUB_BACKUP_TEST_EXAMPLES", USUAL))
URL = "ANY_DATABASE_URL"

Values = st.SearchStrategy[str]
"""What a type accepts as text."""

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=30)
INCOMPRESSIBLE = st.integers(0, 2**32).map(
    lambda seed: random.Random(seed).randbytes(9000).hex()  # noqa: S311 - repeatable on purpose
)
"""Long enough to be stored out of line."""
INT4 = st.integers(-(2**31), 2**31 - 1)
INT8 = st.integers(-(2**63), 2**63 - 1)
DATES = st.dates().map(str) | st.sampled_from(["infinity", "-infinity", "0044-03-15 BC"])
TIMES = st.times().map(str)
STAMPS = st.datetimes().map(str) | st.sampled_from(["infinity", "-infinity", "294276-12-31"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
).map(json.dumps)
SMALL_FLOATS = st.floats(-1000, 1000, width=16)


def _floats(width: int) -> Values:
    return st.floats(width=width).map(repr)  # pyright: ignore[reportArgumentType] - 32 or 64


def _range(bounds: Values) -> Values:
    """Ranges of what sorts as text as it does as a value."""
    pairs = st.tuples(bounds, bounds).map(sorted)
    ends = st.sampled_from(["[)", "(]", "[]", "()"])
    whole = st.tuples(pairs, ends).map("{0[1][0]}{0[0][0]},{0[0][1]}{0[1][1]}".format)
    return whole | st.sampled_from(["empty", "(,)"])


def _one_of_many(text: str) -> str:
    return "{}" if text == "empty" else f"{{{text}}}"


def _vector(size: int) -> Values:
    return st.lists(SMALL_FLOATS, min_size=size, max_size=size).map(
        lambda numbers: f"[{','.join(map(str, numbers))}]"
    )


def _array(values: Values) -> Values:
    quoted = values.map(lambda value: '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"')
    flat = st.lists(quoted | st.just("NULL"), max_size=4).map(
        lambda items: f"{{{','.join(items)}}}"
    )
    deep = st.lists(quoted, min_size=2, max_size=2).map(
        lambda items: f"{{{{{items[0]}}},{{{items[1]}}}}}"
    )
    return flat | deep


SCALARS: dict[str, Values] = {
    "boolean": st.sampled_from(["true", "false"]),
    "smallint": st.integers(-(2**15), 2**15 - 1).map(str),
    "integer": INT4.map(str),
    "bigint": INT8.map(str),
    "numeric": st.decimals()
    .map(str)
    .filter(lambda text: "sNaN" not in text and "-NaN" not in text),
    "numeric(12,3)": st.decimals(-(10**8), 10**8, places=3).map(str),
    "real": _floats(32),
    "double precision": _floats(64),
    "text": TEXT | INCOMPRESSIBLE | st.just("ü" * 70_000),
    "varchar(30)": TEXT,
    "character(31)": TEXT,
    '"char"': st.sampled_from(string.ascii_letters),
    "name": st.text(string.printable.strip(), max_size=60),
    "bytea": (st.binary(max_size=40).map(bytes.hex) | INCOMPRESSIBLE).map(
        lambda text: f"\\x{text}"
    ),
    "json": JSON,
    "jsonb": JSON.filter(lambda text: "\\u0000" not in text),
    "uuid": st.uuids().map(str),
    "date": DATES,
    "time": TIMES,
    "time with time zone": TIMES.map(lambda time: f"{time}+05:30"),
    "timestamp": STAMPS,
    "timestamptz": STAMPS.map(lambda at: at if at.endswith("infinity") else f"{at} UTC"),
    "interval": st.tuples(*[st.integers(-9999, 9999)] * 3).map(
        "{0[0]} mon {0[1]} day {0[2]} s".format
    ),
    "point": st.tuples(SMALL_FLOATS, SMALL_FLOATS).map(str),
    "inet": st.ip_addresses().map(str),
    "cidr": st.ip_addresses(v=4).map(str),
    "macaddr": st.binary(min_size=6, max_size=6).map(bytes.hex),
    "bit varying": st.text("01", max_size=70),
    "money": st.integers(-(10**9), 10**9).map(str),
    "pg_lsn": st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)).map(
        "{0[0]:X}/{0[1]:X}".format
    ),
    "tsvector": st.lists(st.text(string.ascii_letters, min_size=1, max_size=8), max_size=5).map(
        " ".join
    ),
    "tsquery": st.text(string.ascii_letters, min_size=1, max_size=8),
    "int4range": _range(st.integers(1000, 9999).map(str)),
    "int8multirange": _range(st.integers(10**17, 10**18 - 1).map(str)).map(_one_of_many),
    "daterange": _range(st.dates().map(str)),
    "vector(3)": _vector(3),
    "halfvec(4)": _vector(4),
    "sparsevec(5)": st.sampled_from(["{}/5", "{1:1.5,5:-2}/5"]),
    "xid8": st.integers(0, 2**64 - 1).map(str),
}
"""Types of binary and of text form."""

NAMES = st.one_of(
    st.text(string.ascii_lowercase, min_size=1, max_size=8),
    st.text(
        st.characters(exclude_characters="\0", exclude_categories=("Cs",)), min_size=1, max_size=12
    ),
    st.sampled_from(
        ["select", "Order By", 'a"b', "a'b", "a.b", "a\\b", "%s", "a b\n", "$$", "ñ" * 31]
    ),
)


@dataclass(repr=False)
class Sql:
    """A database as the statements that make it."""

    statements: list[sql.Composed] = field(default_factory=list[sql.Composed])

    def add(self, text: str, *parts: sql.Composable) -> None:
        """One statement; each {} is a name, a value or another piece of SQL."""
        self.statements.append(sql.SQL(text).format(*parts))  # pyright: ignore[reportArgumentType] - this module's own texts

    def run(self, url: str) -> None:
        """Make it; what failed is shown up to there."""
        with psycopg.connect(url) as connection:
            for statement in self.statements:
                note(statement.as_string(connection)[:400])
                connection.execute(statement)


Kinds = dict[str, tuple[sql.Composable, Values]]
"""The types that a database's tables may use, as SQL writes them, with their values."""
Columns = list[tuple[sql.Identifier, sql.Composable, Values]]
Name = tuple[str, str]
"""Of a table: schema and its own."""


def _kinds(draw: st.DrawFn, made: Sql, schema: str) -> Kinds:
    """Built-in types, an enum, a domain, a composite one, and arrays of some of them."""
    known: Kinds = {
        name: (sql.SQL(name), values)  # pyright: ignore[reportArgumentType] - keys of SCALARS
        for name, values in SCALARS.items()
    }
    labels = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    enum, domain, pair = (sql.Identifier(schema, name) for name in ("Kind", "positive", "pair"))
    made.add("CREATE TYPE {} AS ENUM ({})", enum, _listed(map(sql.Literal, labels)))
    made.add("CREATE DOMAIN {} AS integer CHECK (VALUE > 0)", domain)
    made.add("CREATE TYPE {} AS (n integer, kind {})", pair, enum)
    known["enum"] = enum, st.sampled_from(labels)
    known["domain"] = domain, st.integers(1, 2**31 - 1).map(str)
    known["composite"] = pair, INT4.map(lambda number: f"({number},)")
    for name in draw(st.lists(st.sampled_from(sorted(known)), max_size=3, unique=True)):
        of, values = known[name]
        known[f"{name}[]"] = sql.SQL("{}[]").format(of), _array(values)
    return known


@st.composite
def databases(draw: st.DrawFn) -> Sql:
    """A schema, types, tables of every kind, and their rows."""
    made = Sql()
    made.add("CREATE EXTENSION vector")
    schema = draw(NAMES.filter(lambda name: not name.startswith("pg_")))
    made.add("CREATE SCHEMA IF NOT EXISTS {}", sql.Identifier(schema))
    kinds = _kinds(draw, made, schema)
    makers = [_plain, _plain, _with_extras, _partitioned, _inherited, _bare]
    for number in range(draw(st.integers(0, 4))):
        # The number keeps tables apart from each other and from types.
        name = f"{draw(NAMES)[:20]}{number}"
        draw(st.sampled_from(makers))(draw, made, kinds, (schema, name))
    return made


def _columns(draw: st.DrawFn, kinds: Kinds) -> Columns:
    chosen = draw(st.lists(st.sampled_from(sorted(kinds)), min_size=1, max_size=5))
    return [
        (sql.Identifier(f"{draw(NAMES)[:20]}{number}"), *kinds[kind])
        for number, kind in enumerate(chosen)
    ]


def _listed(parts: Iterable[sql.Composable]) -> sql.Composed:
    return sql.SQL(", ").join(parts)


def _defined(columns: Columns) -> sql.Composed:
    return _listed(sql.SQL("{} {}").format(name, kind) for name, kind, _ in columns)


def _fill(draw: st.DrawFn, made: Sql, table: Name, columns: Columns) -> None:
    names = _listed(name for name, _, _ in columns)
    for _ in range(draw(st.integers(0, 4))):
        values = _listed(sql.Literal(draw(st.none() | accepted)) for _, _, accepted in columns)
        made.add("INSERT INTO {} ({}) VALUES ({})", sql.Identifier(*table), names, values)


def _plain(draw: st.DrawFn, made: Sql, kinds: Kinds, table: Name) -> None:
    """Columns and rows; perhaps one column that was dropped."""
    columns, name = _columns(draw, kinds), sql.Identifier(*table)
    made.add("CREATE TABLE {} ({})", name, _defined(columns))
    if draw(st.booleans()):
        made.add("ALTER TABLE {} ADD COLUMN gone text DEFAULT 'x'", name)
        made.add("ALTER TABLE {} DROP COLUMN gone", name)
    _fill(draw, made, table, columns)


def _with_extras(draw: st.DrawFn, made: Sql, kinds: Kinds, table: Name) -> None:
    """An identity, generated columns, references to its own rows, an index, a sequence ahead."""
    columns, name = _columns(draw, kinds), sql.Identifier(*table)
    made.add(
        "CREATE TABLE {} (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,"
        " parent bigint REFERENCES {}, twice bigint GENERATED ALWAYS AS (id * 2) STORED,"
        " thrice bigint GENERATED ALWAYS AS (id * 3) VIRTUAL, {})",
        *(name, name, _defined(columns)),
    )
    made.add("CREATE INDEX ON {} (twice)", name)
    _fill(draw, made, table, columns)
    made.add("UPDATE {} SET parent = id", name)
    if draw(st.booleans()):
        made.add("ALTER TABLE {} ALTER COLUMN id RESTART WITH 4711", name)


def _partitioned(draw: st.DrawFn, made: Sql, kinds: Kinds, table: Name) -> None:
    columns, name = _columns(draw, kinds), sql.Identifier(*table)
    made.add("CREATE TABLE {} ({}, part integer) PARTITION BY LIST (part)", name, _defined(columns))
    some, rest = (sql.Identifier(table[0], table[1] + suffix) for suffix in ("some", "rest"))
    made.add("CREATE TABLE {} PARTITION OF {} FOR VALUES IN (1, NULL)", some, name)
    made.add("CREATE TABLE {} PARTITION OF {} DEFAULT", rest, name)
    part = sql.Identifier("part"), sql.SQL("integer"), st.sampled_from(["1", "2", "3"])
    _fill(draw, made, table, [*columns, part])


def _inherited(draw: st.DrawFn, made: Sql, kinds: Kinds, table: Name) -> None:
    columns, child = _columns(draw, kinds), (table[0], f"{table[1]}child")
    made.add("CREATE TABLE {} ({})", sql.Identifier(*table), _defined(columns))
    heir = "CREATE TABLE {} (more text) INHERITS ({})"
    made.add(heir, sql.Identifier(*child), sql.Identifier(*table))
    _fill(draw, made, table, columns)
    _fill(draw, made, child, [*columns, (sql.Identifier("more"), sql.SQL("text"), TEXT)])


def _bare(draw: st.DrawFn, made: Sql, _: Kinds, table: Name) -> None:
    """A table without columns, which can have rows all the same."""
    made.add("CREATE TABLE {} ()", sql.Identifier(*table))
    for _number in range(draw(st.integers(0, 3))):
        made.add("INSERT INTO {} DEFAULT VALUES", sql.Identifier(*table))


@pytest.fixture(scope="module")
def installation(
    postgres18: PostgresServer, key_home: Path
) -> Iterator[tuple[PostgresServer, str]]:
    """A server, and a public key whose private one is at hand."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEONHUB_BACKUP_PG_BIN", str(postgres18.bin_dir))
        patch.setenv("NEONHUB_BACKUP_PRIVATE_KEY_FILE", str(keys.private_key(key_home)))
        yield postgres18, keys.public_key(key_home).read_text()


@settings(
    max_examples=EXAMPLES,
    derandomize=EXAMPLES == USUAL,
    deadline=None,
    database=None,
    # A smaller database would be easier to read, but each attempt takes a second or two.
    phases=[Phase.generate] if EXAMPLES == USUAL else [Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(made=databases())
def test_any_database_comes_back_equal(installation: tuple[PostgresServer, str], made: Sql) -> None:
    server, public_key = installation
    with (
        _dropped_after(server) as (name, copy),
        TemporaryDirectory() as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        made.run(server.url(name))
        patch.setenv(URL, server.url(name))
        _backed_up_and_restored(Path(folder), public_key, server.url(copy))

        url, bin_dir = server.url(name), server.bin_dir
        assert differences(contents_of(url), contents_of(server.url(copy))) == []
        assert differences(schema_of(url, bin_dir), schema_of(server.url(copy), bin_dir)) == []


def _backed_up_and_restored(folder: Path, public_key: str, copy: str) -> None:
    database = Database(name="any", url_variable=URL)
    configuration = Configuration(
        environment="test",
        databases=(database,),
        stores=(DirectoryStore(name="disk", path=folder),),
        encryption=Encryption(public_keys=(public_key,)),
    )
    stores = open_stores(configuration)
    taken = take_backup(configuration, database, stores, Programs(), tier=None)
    with decryptor() as decrypt:
        restore_into(
            Source(stores[0], taken.location, taken.manifest, decrypt),
            parse_url(copy, "the copy"),
            Programs(),
            datetime.now(UTC),
            set_aside=False,
            roles=True,
        )


@contextmanager
def _dropped_after(server: PostgresServer) -> Generator[tuple[str, str]]:
    """A new database's name, and one for its copy."""
    name = f"any_{secrets.token_hex(6)}"
    names = name, f"{name}_copy"
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield names
        finally:
            for each in names:
                drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
                connection.execute(drop.format(sql.Identifier(each)))
