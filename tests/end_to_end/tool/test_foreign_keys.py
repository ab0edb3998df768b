"""Rows that were loaded past a foreign key are found, whatever kind of key it is."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from neonhub_backup.postgres.connection import Connection
from neonhub_backup.postgres.foreign_keys import violations
from sandbox.postgres import PostgresServer

TABLES = """
CREATE TABLE brand (id int PRIMARY KEY, "Code, Old" text UNIQUE, a int, b int, UNIQUE (a, b));
CREATE TABLE agent (id bigint PRIMARY KEY, brand int CONSTRAINT of_brand REFERENCES brand);
CREATE TABLE agent_old () INHERITS (agent);
"""


@pytest.fixture
def connection(postgres18: PostgresServer) -> Iterator[Connection]:
    """A database in which keys bind nobody until the test asks."""
    with psycopg.connect(postgres18.url(), autocommit=True) as outside:
        outside.execute("DROP DATABASE IF EXISTS keys WITH (FORCE)")
        outside.execute("CREATE DATABASE keys")
    with psycopg.connect(postgres18.url("keys"), autocommit=True) as inside:
        inside.execute("SET session_replication_role = replica")
        inside.execute(TABLES)
        yield inside


def said(connection: Connection, *tables: str) -> list[str]:
    names = [("public", table) for table in tables] or None
    return [str(violation) for violation in violations(connection, names)]


def test_rows_that_refer_to_nothing_are_counted_and_shown(connection: Connection) -> None:
    connection.execute("INSERT INTO brand VALUES (1)")
    connection.execute("INSERT INTO agent SELECT n, n FROM generate_series(1, 9) n")

    (line,) = said(connection)
    assert line.startswith('8 rows of "public"."agent" break "of_brand": their ("brand") (')
    assert line.endswith(', … are not in "public"."brand" ("id")')
    assert line.count("(") == 5


def test_null_and_what_is_there_break_nothing(connection: Connection) -> None:
    connection.execute("INSERT INTO brand VALUES (1)")
    connection.execute("INSERT INTO agent VALUES (1, 1), (2, NULL)")

    assert said(connection) == []


def test_both_directions_of_a_table_are_checked_and_no_other(connection: Connection) -> None:
    connection.execute("CREATE TABLE visit (agent bigint CONSTRAINT by_agent REFERENCES agent)")
    connection.execute("INSERT INTO agent VALUES (1, 5)")
    connection.execute("INSERT INTO visit VALUES (7)")

    assert len(said(connection, "agent")) == 2
    assert [line.split('"')[5] for line in said(connection, "visit")] == ["by_agent"]
    assert [line.split('"')[5] for line in said(connection, "brand")] == ["of_brand"]
    assert said(connection, "agent_old") == []


def test_rows_of_children_are_bound_by_no_key_of_their_parent(connection: Connection) -> None:
    connection.execute("INSERT INTO agent_old VALUES (1, 5)")

    assert said(connection) == []


def test_a_key_of_several_columns_with_match_full_takes_no_half_of_one(
    connection: Connection,
) -> None:
    connection.execute("INSERT INTO brand (id, a, b) VALUES (1, 1, 1)")
    connection.execute(
        "CREATE TABLE half (a int, b int,"
        " CONSTRAINT both_or_none FOREIGN KEY (a, b) REFERENCES brand (a, b) MATCH FULL)"
    )
    connection.execute("INSERT INTO half VALUES (1, 1), (NULL, NULL), (1, NULL)")

    (line,) = said(connection)
    assert line.startswith('1 rows of "public"."half" break "both_or_none"')
    assert "(1, null)" in line


def test_a_partition_is_checked_by_the_key_of_what_it_is_part_of(connection: Connection) -> None:
    connection.execute(
        "CREATE TABLE day (at int PRIMARY KEY, brand int CONSTRAINT of_day REFERENCES brand)"
        " PARTITION BY RANGE (at)"
    )
    connection.execute("CREATE TABLE day_1 PARTITION OF day FOR VALUES FROM (0) TO (10)")
    connection.execute("INSERT INTO day VALUES (1, 77)")

    assert [line.split('"')[1:6:4] for line in said(connection, "day_1")] == [["public", "of_day"]]
    assert len(said(connection)) == 1


def test_a_key_over_periods_wants_all_of_them_covered(connection: Connection) -> None:
    connection.execute("CREATE EXTENSION btree_gist")
    connection.execute(
        "CREATE TABLE price (id int, during daterange, PRIMARY KEY (id, during WITHOUT OVERLAPS))"
    )
    connection.execute(
        "CREATE TABLE sale (price int, during daterange,"
        " FOREIGN KEY (price, PERIOD during) REFERENCES price (id, PERIOD during))"
    )
    connection.execute("INSERT INTO price VALUES (1, '[2026-01-01,2026-01-05)')")
    connection.execute("INSERT INTO price VALUES (1, '[2026-01-05,2026-02-01)')")
    connection.execute("INSERT INTO sale VALUES (1, '[2026-01-02,2026-01-20)')")
    assert said(connection) == []

    connection.execute("INSERT INTO sale VALUES (1, '[2026-01-20,2026-02-20)')")

    assert len(said(connection)) == 1


def test_names_and_collations_of_any_kind_do_not_matter(connection: Connection) -> None:
    connection.execute('CREATE TABLE odd ("a.b" text COLLATE "C" REFERENCES brand ("Code, Old"))')
    connection.execute("INSERT INTO odd VALUES ('it''s')")

    assert len(said(connection)) == 1


@pytest.mark.parametrize("promise", ["NOT VALID", "NOT ENFORCED"])
def test_what_the_server_does_not_vouch_for_is_no_promise(
    promise: str, connection: Connection
) -> None:
    connection.execute("CREATE TABLE loose (brand int)")
    connection.execute("INSERT INTO loose VALUES (5)")
    key = "ALTER TABLE loose ADD FOREIGN KEY (brand) REFERENCES brand {}"
    connection.execute(sql.SQL(key).format(sql.SQL(promise)))  # pyright: ignore[reportArgumentType] - one of two above

    assert said(connection) == []
