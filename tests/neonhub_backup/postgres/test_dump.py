"""What is asked of psql and pg_dump: every row once, every name quoted, no password in sight."""

from pathlib import Path
from typing import Literal, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neonhub_backup.domain.manifest import Server
from neonhub_backup.errors import ProgramError
from neonhub_backup.postgres.connection import Connection, Target
from neonhub_backup.postgres.dump import (
    Piece,
    archive_command,
    copy_command,
    copy_query,
    is_queued,
    pieces,
    rows_said,
    schema_command,
)
from neonhub_backup.postgres.programs import Suite
from neonhub_backup.postgres.snapshot import Snapshot, TableRows
from neonhub_backup.processes import DATA

BLOCK = 8192
SUITE = Suite(Path("/opt/pg/bin"), 18)
TARGET = Target({"host": "db", "user": "app", "password": "hunter2", "dbname": "shop"})


def _table(
    schema: str = "public",
    name: str = "users",
    columns: tuple[str, ...] = ("id",),
    form: Literal["binary", "text"] = "binary",
    blocks: int = 1,
    size: int | None = None,
    *,
    splittable: bool = True,
) -> TableRows:
    return TableRows(
        schema, name, columns, form, blocks, blocks * BLOCK if size is None else size, splittable
    )


def _snapshot(*tables: TableRows) -> Snapshot:
    server = Server(
        version="18.6",
        version_num=180006,
        encoding="UTF8",
        locale_provider="c",
        collate="C",
        ctype="C",
        locale=None,
        superuser="postgres",
    )
    return Snapshot("00000003-1B-1", cast("Connection", None), server, {}, (), 0, tables)


@settings(deadline=None)
@given(
    blocks=st.integers(min_value=1, max_value=5000),
    extra=st.integers(min_value=0, max_value=100 * BLOCK),
    chunk=st.integers(min_value=1, max_value=6000 * BLOCK),
)
def test_the_pieces_of_a_table_hold_every_block_exactly_once(
    blocks: int, extra: int, chunk: int
) -> None:
    found = pieces(_table(blocks=blocks, size=blocks * BLOCK + extra), chunk)

    covered: list[int] = []
    for piece in found:
        end = blocks if piece.end is None else piece.end
        covered += range(piece.first or 0, end)
    assert covered == list(range(blocks))


@settings(deadline=None)
@given(
    blocks=st.integers(min_value=1, max_value=5000),
    chunk=st.integers(min_value=1, max_value=6000 * BLOCK),
)
def test_the_first_and_the_last_piece_are_open(blocks: int, chunk: int) -> None:
    found = pieces(_table(blocks=blocks), chunk)

    assert found[0].first is None
    assert found[-1].end is None


@settings(deadline=None)
@given(
    blocks=st.integers(min_value=1, max_value=5000),
    extra=st.integers(min_value=0, max_value=100 * BLOCK),
    chunk=st.integers(min_value=1, max_value=6000 * BLOCK),
)
def test_the_pieces_share_the_table_s_size(blocks: int, extra: int, chunk: int) -> None:
    table = _table(blocks=blocks, size=blocks * BLOCK + extra)

    assert sum(piece.bytes for piece in pieces(table, chunk)) == pytest.approx(table.bytes)


def test_a_small_table_is_read_whole() -> None:
    assert pieces(_table(blocks=1000)) == [Piece(_table(blocks=1000))]


def test_a_heap_without_a_block_needs_no_piece() -> None:
    assert pieces(_table(blocks=0)) == []


@pytest.mark.parametrize("blocks", [0, 1, 10_000_000])
def test_a_table_that_cannot_be_split_is_read_whole(blocks: int) -> None:
    table = _table(blocks=blocks, splittable=False)

    (piece,) = pieces(table)

    assert (piece.first, piece.end, piece.bytes) == (None, None, table.bytes)


def test_a_whole_table_is_copied_by_its_columns() -> None:
    piece = Piece(_table(columns=("id", "email")))

    assert copy_query(piece) == ('COPY "public"."users" ("id", "email") TO STDOUT (FORMAT binary)')


def test_a_table_without_columns_is_copied_too() -> None:
    piece = Piece(_table(columns=(), form="text"))

    assert copy_query(piece) == 'COPY "public"."users" TO STDOUT (FORMAT text)'


def test_quotes_dots_and_spaces_stay_inside_a_name() -> None:
    piece = Piece(_table('a "b".c', "d; DROP", ('x"', "y z", "ü.ü")))

    assert copy_query(piece) == (
        'COPY "a ""b"".c"."d; DROP" ("x""", "y z", "ü.ü") TO STDOUT (FORMAT binary)'
    )


@pytest.mark.parametrize(
    ("first", "end", "condition"),
    [
        (None, 10, "ctid < '(10,0)'::tid"),
        (10, 20, "ctid >= '(10,0)'::tid AND ctid < '(20,0)'::tid"),
        (20, None, "ctid >= '(20,0)'::tid"),
    ],
)
def test_a_piece_is_a_range_of_blocks_without_the_rows_of_children(
    first: int | None, end: int | None, condition: str
) -> None:
    piece = Piece(_table(columns=("id", "n"), blocks=30), first, end)

    assert copy_query(piece) == (
        f'COPY (SELECT "id", "n" FROM ONLY "public"."users" WHERE {condition})'  # noqa: S608 - nothing runs it
        " TO STDOUT (FORMAT binary)"
    )


def test_a_piece_is_read_in_the_snapshot_and_in_settings_of_its_own() -> None:
    command = copy_command(SUITE, TARGET, "00000003-1B-1", Piece(_table(form="text")))

    assert command.script is not None
    lines = command.script.splitlines()
    assert lines[:2] == [
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;",
        "SET TRANSACTION SNAPSHOT '00000003-1B-1';",
    ]
    assert {
        "SET LOCAL row_security = off;",
        "SET LOCAL search_path = '';",
        "SET LOCAL \"DateStyle\" = 'ISO';",
        "SET LOCAL \"IntervalStyle\" = 'postgres';",
        "SET LOCAL extra_float_digits = 3;",
        "SET LOCAL lc_monetary = 'C';",
    } < set(lines)


def test_the_rows_go_into_a_pipe_and_only_their_number_is_said() -> None:
    piece = Piece(_table())

    script = copy_command(SUITE, TARGET, "1", piece).script

    assert script is not None
    assert f"{copy_query(piece)} \\g {DATA}\n\\echo rows :ROW_COUNT\n" in script


def test_no_name_is_mistaken_for_the_pipe() -> None:
    table = _table("{data}", "DATA", ("data", "$data"))

    script = copy_command(SUITE, TARGET, "1", Piece(table)).script

    assert script is not None
    assert script.count(DATA) == 1


def test_a_piece_waits_in_no_queue_of_those_who_wait_for_the_snapshot() -> None:
    script = copy_command(SUITE, TARGET, "1", Piece(_table())).script

    assert script is not None
    before, _, after = script.partition('LOCK TABLE ONLY "public"."users" IN ACCESS SHARE MODE;\n')
    assert "SET LOCAL lock_timeout = '1s';" in before
    assert "COPY" in after


@pytest.mark.parametrize(
    ("said", "queued"),
    [
        ("psql:<stdin>:12: FEHLER:  55P03: storniere Anfrage", True),
        ("ERROR: canceling statement due to statement timeout Query was: LOCK TABLE a", True),
        ("ERROR: permission denied for table a Query was: LOCK TABLE a", False),
        ("ERROR: canceling statement due to statement timeout Query was: SELECT 1", False),
        ("", False),
    ],
)
def test_a_lock_that_was_waited_for_in_vain_is_told_from_other_failures(
    said: str, *, queued: bool
) -> None:
    failed = ProgramError("failed")
    failed.said = said

    assert is_queued(failed) == queued


@pytest.mark.parametrize("said", ["rows 3\n", "\nrows 3\n\n", "a notice\nrows 3\n"])
def test_the_number_of_rows_is_read_from_what_psql_said(said: str) -> None:
    assert rows_said(said) == 3


@pytest.mark.parametrize("said", ["", "rows\n", "3\n", "rows 1\nrows 2\n"])
def test_no_number_of_rows_is_made_up(said: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - which words Python has for it does not matter
        rows_said(said)


def test_the_archive_leaves_out_the_rows_of_every_table_by_name() -> None:
    command = archive_command(
        SUITE, TARGET, _snapshot(_table(), _table('we"ird.', "*"), _table("Größe", "a b"))
    )

    assert [word for word in command.argv if word.startswith("--exclude")] == [
        '--exclude-table-data="public"."users"',
        '--exclude-table-data="we""ird."."*"',
        '--exclude-table-data="Größe"."a b"',
    ]


def test_the_archive_is_read_in_the_snapshot() -> None:
    command = archive_command(SUITE, TARGET, _snapshot())

    assert command.argv[0] == "/opt/pg/bin/pg_dump"
    assert {"--snapshot=00000003-1B-1", "--format=custom"} < set(command.argv)


def test_a_schema_can_be_read_outside_of_a_snapshot() -> None:
    command = schema_command(SUITE, TARGET)

    assert "--schema-only" in command.argv
    assert not [word for word in command.argv if word.startswith("--snapshot")]


def test_a_password_is_passed_by_the_environment_alone() -> None:
    for command in (
        archive_command(SUITE, TARGET, _snapshot(_table())),
        schema_command(SUITE, TARGET, "1"),
        copy_command(SUITE, TARGET, "1", Piece(_table())),
    ):
        assert "hunter2" not in " ".join(command.argv) + (command.script or "")
        assert command.environment["PGPASSWORD"] == "hunter2"
        assert "--no-password" in command.argv
