"""What a comparison with a manifest cannot show: whether a restored database can be worked with."""

from collections.abc import Callable

import psycopg
import pytest

from neonhub_backup.postgres.connection import parse_url
from neonhub_backup.restore.neighbours import SAMPLE
from neonhub_backup.restore.soundness import Soundness, examine
from sandbox.postgres import PostgresServer
from tests.end_to_end.databases.loading import awkward

(VECTORS,) = (file for file in awkward(16) if file.stem == "vectors")

Examine = Callable[..., Soundness]


@pytest.fixture
def examined(postgres18: PostgresServer, create_database: Callable[..., str]) -> Examine:
    """Examine a new database, made by these statements."""

    def call(name: str, *statements: str) -> Soundness:
        url = postgres18.url(create_database(postgres18, f"sound_{name}"))
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())
        return examine(parse_url(url, "a test"))

    return call


@pytest.mark.parametrize("major", [16, 18])
def test_vector_search_is_measured_for_every_type_distance_and_kind_of_index(
    major: int,
    postgres_server: Callable[[int], PostgresServer],
    create_database: Callable[..., str],
) -> None:
    server = postgres_server(major)
    url = server.url(create_database(server, "sound_vectors", VECTORS))

    found = examine(parse_url(url, "a test"))

    assert found.defects == ()
    assert {(one.method, one.distance) for one in found.recall} == {
        *(("hnsw", operator) for operator in ("<->", "<#>", "<=>", "<+>", "<~>", "<%>")),
        *(("ivfflat", operator) for operator in ("<->", "<=>", "<~>")),
    }
    # Partial, by expression, of partitions, of a materialised view that holds three vectors.
    assert len(found.recall) == 14
    assert all(one.recall == one.reached == 1.0 for one in found.recall)
    assert {one.sampled for one in found.recall} == {3, SAMPLE}


def test_an_index_of_vectors_that_lacks_rows_is_a_defect(examined: Examine) -> None:
    unseen = (
        "UPDATE pg_index SET indisready = {0}, indisvalid = {0} WHERE indexrelid = 'near'::regclass"
    )
    rows = "INSERT INTO t SELECT ARRAY[random(), 1, n]::vector FROM generate_series(1, 50) AS n"

    found = examined(
        "lacking",
        "CREATE EXTENSION vector",
        "CREATE TABLE t (v vector(3)); CREATE INDEX near ON t USING hnsw (v vector_l2_ops)",
        rows,
        unseen.format("false"),
        rows,
        unseen.format("true"),
    )

    (defect,) = found.defects
    assert defect.startswith('index "public"."near" finds ')
    assert defect.endswith("REINDEX it")


def test_vectors_that_are_near_nothing_are_left_out(examined: Examine) -> None:
    found = examined(
        "zero",
        "CREATE EXTENSION vector",
        "CREATE TABLE t (v vector(2)); INSERT INTO t VALUES ('[0,0]'), (NULL)",
        "CREATE INDEX near ON t USING hnsw (v vector_cosine_ops)",
    )

    assert found.defects == ()
    assert [(one.sampled, one.recall) for one in found.recall] == [(0, None)]
    assert "it holds nothing that is near anything" in found.notes[0]


def test_a_broken_order_and_an_unusable_index_are_defects(examined: Examine) -> None:
    found = examined(
        "broken",
        "CREATE TYPE size AS ENUM ('large')",
        # Only a value that was squeezed in has its order looked up.
        "ALTER TYPE size ADD VALUE 'small' BEFORE 'large'",
        "CREATE TABLE t (s size, n integer)",
        "INSERT INTO t SELECT CASE WHEN n < 500 THEN 'small' ELSE 'large' END::size, n"
        " FROM generate_series(1, 1000) AS n",
        "CREATE INDEX by_size ON t (s); CREATE INDEX by_n ON t (n)",
        "UPDATE pg_enum SET enumsortorder = -enumsortorder WHERE enumtypid = 'size'::regtype",
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'by_n'::regclass",
    )

    assert [defect.partition(" of ")[0].partition(":")[0] for defect in found.defects] == [
        "index public.by_n",
        "index public.by_size is corrupt",
    ]
    assert "is not valid, so that no query uses it and it enforces nothing" in found.defects[0]


def test_what_the_server_lacks_for_a_check_is_said(
    postgres16: PostgresServer, create_database: Callable[..., str]
) -> None:
    url = postgres16.url(create_database(postgres16, "sound_without_amcheck"))

    found = examine(parse_url(url, "a test"))

    assert found.notes == ("no B-tree was walked through: the server has no extension amcheck",)


@pytest.mark.parametrize(
    ("name", "column", "statement", "sound"),
    [
        ("empty", "id serial", "", True),
        ("unused", "id serial", "INSERT INTO t (id) VALUES (1)", False),
        ("fresh", "id serial", "INSERT INTO t DEFAULT VALUES", True),
        ("identity", "id int GENERATED ALWAYS AS IDENTITY", "INSERT INTO t DEFAULT VALUES", True),
        (
            "identity_behind",
            "id int GENERATED ALWAYS AS IDENTITY",
            "INSERT INTO t (id) OVERRIDING SYSTEM VALUE VALUES (3)",
            False,
        ),
        (
            "strides",
            "id int GENERATED ALWAYS AS IDENTITY (INCREMENT 50)",
            "INSERT INTO t DEFAULT VALUES; INSERT INTO t (id) OVERRIDING SYSTEM VALUE VALUES (50)",
            True,
        ),
        (
            "down",
            "id int GENERATED BY DEFAULT AS IDENTITY (INCREMENT -1)",
            "INSERT INTO t VALUES (7), (-1)",
            False,
        ),
        (
            "again",
            "id int GENERATED BY DEFAULT AS IDENTITY (MAXVALUE 9 CYCLE)",
            "INSERT INTO t VALUES (9)",
            True,
        ),
        (
            "null",
            "id serial, n int",
            "ALTER TABLE t ALTER id DROP NOT NULL; INSERT INTO t VALUES (NULL)",
            True,
        ),
    ],
)
def test_a_sequence_is_behind_when_its_next_value_is_in_use_or_passed(
    name: str, column: str, statement: str, sound: bool, examined: Examine
) -> None:
    found = examined(f"sequence_{name}", f"CREATE TABLE t ({column}); {statement}")

    assert (found.defects == ()) is sound
