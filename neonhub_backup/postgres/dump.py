"""Command lines and scripts that read a database within one snapshot; nothing here runs them."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from neonhub_backup.errors import ProgramError
from neonhub_backup.postgres.connection import Target, quoted
from neonhub_backup.postgres.programs import Suite
from neonhub_backup.postgres.snapshot import (
    LOCK_TIMEOUT_SECONDS,
    QUEUE_SECONDS,
    READ_SETTINGS,
    Snapshot,
    TableRows,
)
from neonhub_backup.processes import DATA, Command

_LOCK_NOT_AVAILABLE = "55P03"

CHUNK_BYTES = 128 << 20
"""Size on disk above which a table is read in pieces, side by side."""


@dataclass(frozen=True)
class Piece:
    """A range of a table's blocks, `first` to before `end`; None is open."""

    table: TableRows
    first: int | None = None
    end: int | None = None

    @property
    def bytes(self) -> float:
        """Its share of the table's size, to begin with the largest."""
        if self.first is None and self.end is None:
            return self.table.bytes
        end = self.table.blocks if self.end is None else self.end
        return self.table.bytes * (end - (self.first or 0)) / self.table.blocks


def pieces(table: TableRows, chunk_bytes: int = CHUNK_BYTES) -> list[Piece]:
    """Split a table into pieces of about `chunk_bytes`; the last one is open-ended.

    A heap without a single block has no rows in any snapshot that is still held, and no pieces.
    """
    if not table.splittable:
        return [Piece(table)]
    if table.blocks == 0:
        return []
    number = min(math.ceil(table.bytes / chunk_bytes), table.blocks)
    bounds = [round(table.blocks * i / number) for i in range(number)]
    starts = [bound or None for bound in bounds]
    return [
        Piece(table, first, end) for first, end in zip(starts, [*bounds[1:], None], strict=True)
    ]


def copy_query(piece: Piece) -> str:
    """The `COPY` statement that reads a piece."""
    table = piece.table
    name = quoted(table.schema, table.name)
    columns = ", ".join(quoted(column) for column in table.columns)
    bounds = [
        f"ctid {operator} '({block},0)'::tid"
        for operator, block in ((">=", piece.first), ("<", piece.end))
        if block is not None
    ]
    if bounds:
        source = f"(SELECT {columns} FROM ONLY {name} WHERE {' AND '.join(bounds)})"  # noqa: S608 - quoted
    else:
        source = f"{name} ({columns})" if columns else name
    return f"COPY {source} TO STDOUT (FORMAT {table.form})"


def copy_command(suite: Suite, target: Target, snapshot: str, piece: Piece) -> Command:
    """psql reading one piece; it says the number of rows after the data.

    It fails when someone who is to change the table's definition is before it; see `is_queued`.
    """
    name = quoted(piece.table.schema, piece.table.name)
    script = f"""\
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SET TRANSACTION SNAPSHOT '{snapshot}';
{READ_SETTINGS}SET LOCAL lock_timeout = '{QUEUE_SECONDS}s';
\\set VERBOSITY verbose
LOCK TABLE ONLY {name} IN ACCESS SHARE MODE;
\\set VERBOSITY default
{copy_query(piece)} \\g {DATA}
\\echo rows :ROW_COUNT
COMMIT;
"""
    return Command(
        [suite.path("psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--no-password"],
        target.environment(),
        script,
    )


def is_queued(failed: ProgramError) -> bool:
    """Whether psql or pg_dump gave up waiting for a lock."""
    # psql says the error's code. pg_dump says it in words only, with the statement.
    said = failed.said
    return _LOCK_NOT_AVAILABLE in said or ("LOCK TABLE" in said and "timeout" in said)


def rows_said(text: str) -> int:
    """The number of rows in what `copy_command` said."""
    (count,) = [line.removeprefix("rows ") for line in text.splitlines() if line[:5] == "rows "]
    return int(count)


def archive_command(suite: Suite, target: Target, snapshot: Snapshot) -> Command:
    """pg_dump of everything but the rows of the tables that `COPY` reads.

    They are named one by one, in quotes, where nothing is a pattern: `*` would drop the values of
    sequences and the data of materialised views with them.
    """
    return Command(
        [
            *pg_dump_words(suite, snapshot.name),
            *("--format=custom", "--compress=0"),
            *(
                f"--exclude-table-data={quoted(table.schema, table.name)}"
                for table in snapshot.tables
            ),
        ],
        target.environment(),
    )


def schema_command(suite: Suite, target: Target, snapshot: str | None = None) -> Command:
    """pg_dump of the schema alone as text, for its fingerprint."""
    return Command([*pg_dump_words(suite, snapshot), "--schema-only"], target.environment())


def pg_dump_words(suite: Suite, snapshot: str | None = None) -> Iterable[str]:
    """How every command line begins that waits for locks as long as a backup does."""
    yield suite.path("pg_dump")
    yield "--no-password"
    yield f"--lock-wait-timeout={LOCK_TIMEOUT_SECONDS}s"
    if snapshot is not None:
        yield f"--snapshot={snapshot}"
