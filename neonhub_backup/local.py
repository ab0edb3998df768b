"""Quick backups by `pg_dump` into one file of SQL, and their restore by `psql`.

What stays on a developer's machine. Backups to stores are `backup`'s work.
"""

import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from neonhub_backup.compression import DECOMPRESS
from neonhub_backup.encryption import Decryptor, Encryptor
from neonhub_backup.errors import (
    ConfigurationError,
    DatabaseError,
    IntegrityError,
    ProgramError,
    TargetError,
)
from neonhub_backup.files import new_file
from neonhub_backup.postgres.connection import Target, connect, server_major
from neonhub_backup.postgres.placement import look
from neonhub_backup.postgres.programs import Suite, client_programs
from neonhub_backup.postgres.snapshot import LOCK_TIMEOUT_SECONDS
from neonhub_backup.processes import Command, Pipeline, Programs, StoppedError
from neonhub_backup.progress import phase

_ENDING_BYTES = 4096
_HEAD_BYTES = 64 << 10
_ENDING = re.compile(
    rb"\n--\n-- PostgreSQL database dump complete\n--\n\s*(\\unrestrict \w+\s*)?\Z"
)
"""How every dump of pg_dump ends that was written to its end."""
_FROM = re.compile(rb"^-- Dumped from database version (\d+)", re.MULTILINE)
_NO_ROLE = re.compile(r'role ".*" does not exist')
_RESTRICTED = re.compile(rb"^\\restrict ", re.MULTILINE)
_UNDERSTOOD_SINCE = {13: 22, 14: 19, 15: 14, 16: 10, 17: 6}
"""Minor versions of psql from which it knows \\restrict; every one of 18 does."""

_FORM = re.compile(r"(\.(gz|zst|gpg))+$")
"""How the names of files end that are compressed or encrypted."""
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_ARCHIVE = b"PGDMP"
_ENCRYPTED = (b"\x84", b"\x85", b"\x8c", b"\xc1", b"-----BEGIN PGP MESSAGE")
"""How OpenPGP messages begin: with a session key, and no SQL does so; or armoured."""


class Content(StrEnum):
    """What of a database is dumped; the value begins the file's name."""

    ALL = "backup"
    SCHEMA = "schema"
    DATA = "data"


class Compression(StrEnum):
    """By which program the file is compressed."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"

    @property
    def suffix(self) -> str:
        """What it adds to a file's name."""
        return {"none": "", "gzip": ".gz", "zstd": ".zst"}[self]

    def commands(self) -> list[Command]:
        """The program, if there is one; pigz, which uses all cores, rather than gzip."""
        match self:
            case Compression.NONE:
                return []
            case Compression.GZIP:
                return [Command([shutil.which("pigz") or "gzip", "-c"])]
            case Compression.ZSTD:
                return [Command(["zstd", "--quiet", "--no-progress", "-T0", "-c"])]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What to dump, and how it is kept.

    Raises:
        ConfigurationError: the dump is to drop tables and to create none.
    """

    content: Content = Content.ALL
    tables: Sequence[str] = ()
    """Patterns as `pg_dump --table` takes them. Empty: all tables."""
    clean: bool = False
    """Whether the dump drops what it creates first, to be restored over what is there."""
    compression: Compression = Compression.NONE
    roles: bool = True
    """Whether owners and privileges are dumped too. Without, all belongs to whoever restores it."""

    def __post_init__(self) -> None:
        if self.clean and self.content is Content.DATA:
            raise ConfigurationError(
                "--clean drops tables and --data-only creates none, so nothing was dumped: leave"
                " one of the two out"
            )

    def file_name(self, now: datetime, *, encrypted: bool) -> str:
        """E.g. `backup_20260105_020000.sql.gz`, by the clock on the wall, as `date` does."""
        of_tables = self.tables and self.content is Content.ALL
        stem = "tables" if of_tables else self.content.value
        return f"{stem}_{now:%Y%m%d_%H%M%S}.sql{self.suffix(encrypted=encrypted)}"

    def suffix(self, *, encrypted: bool) -> str:
        """What follows `.sql` in the file's name."""
        return self.compression.suffix + (".gpg" if encrypted else "")


@dataclass(frozen=True)
class Dumped:
    """A dump that is complete."""

    path: Path
    bytes: int
    server_major: int


@dataclass(frozen=True)
class DumpFile:
    """A file of SQL that pg_dump wrote to its end."""

    path: Path
    readers: tuple[Command, ...]
    """What makes SQL of it."""
    server_major: int | None
    """Major version of the server that it is from. None: it does not say."""
    restricted: bool
    """Whether only a psql that knows `\\restrict` can run it."""


def destination(output: Path | None, wanted: Wanted, now: datetime, *, encrypted: bool) -> Path:
    """Where a dump goes: a file, or in a directory under a name with the time in it.

    Raises:
        ConfigurationError: the file's name says another form than was asked for.
    """
    place = output if output is not None else Path()
    if place.is_dir():
        return place / wanted.file_name(now, encrypted=encrypted)
    suffix = wanted.suffix(encrypted=encrypted)
    bare = _FORM.sub("", place.name)
    if place.name != bare + suffix:
        raise ConfigurationError(
            f"--output {place} ends like another form than the one asked for, so nothing was"
            f" dumped: name it {bare}{suffix}, or change --compress or --encrypt"
        )
    return place


def dump_command(suite: Suite, target: Target, wanted: Wanted) -> Command:
    """pg_dump as SQL."""
    only = {Content.ALL: [], Content.SCHEMA: ["--schema-only"], Content.DATA: ["--data-only"]}
    return Command(
        [
            *(suite.path("pg_dump"), "--no-password"),
            f"--lock-wait-timeout={LOCK_TIMEOUT_SECONDS}s",
            *only[wanted.content],
            *(["--clean", "--if-exists"] if wanted.clean else []),
            *([] if wanted.roles else ["--no-owner", "--no-privileges"]),
            *(["--strict-names"] if wanted.tables else []),
            *(f"--table={table}" for table in wanted.tables),
        ],
        target.environment(),
    )


def dump(
    target: Target, wanted: Wanted, path: Path, programs: Programs, encrypt: Encryptor | None
) -> Dumped:
    """Dump a database into a new file, which has its name only once it is complete.

    What is not encrypted is read back to its last line first.

    Raises:
        BackupError: there is no such file then.
    """
    with connect(target) as connection:
        major = server_major(connection)
    commands = [
        dump_command(client_programs(major), target, wanted),
        *wanted.compression.commands(),
        *([encrypt.command()] if encrypt is not None else []),
    ]
    size = 0
    with new_file(path) as file:
        with (
            phase(programs.progress, "dumping", {path.name: 0}),
            Pipeline(programs, commands) as pipeline,
        ):
            for block in pipeline.blocks():
                file.write(block)
                size += len(block)
                programs.progress.advance(path.name, len(block))
            pipeline.finish()
        if encrypt is None:
            _read_back(file.partial, path, programs)
        file.commit()
    return Dumped(path, size, major)


def inspect(path: Path, programs: Programs, key: Callable[[], Decryptor]) -> DumpFile:
    """Read a dump to its end, whatever it is compressed by; `key` is asked for if encrypted.

    Raises:
        ConfigurationError: there is no such file, or it is no SQL.
        IntegrityError: its end is missing, or it is damaged.
    """
    readers = [_reader(path)]
    while (layer := _layer(_head(readers, path, programs), path, key)) is not None:
        readers.append(layer)
    head, ending = b"", b""
    with Pipeline(programs, readers) as pipeline:
        for block in pipeline.blocks():
            if len(head) < _HEAD_BYTES:
                head += bytes(block[: _HEAD_BYTES - len(head)])
            ending = (ending + bytes(block[-_ENDING_BYTES:]))[-_ENDING_BYTES:]
        _finish(pipeline, path)
    if _ENDING.search(ending) is None:
        raise IntegrityError(
            f"{path} does not end as pg_dump ends what it has written to the end, so it is cut off"
            " or no dump of one database and nothing was run: use another dump"
        )
    server = _FROM.search(head)
    return DumpFile(
        path,
        tuple(readers),
        int(server[1]) if server is not None else None,
        _RESTRICTED.search(head) is not None,
    )


def restore(
    dumped: DumpFile, target: Target, programs: Programs, *, single_transaction: bool
) -> None:
    """Run a dump in a database, to its first error.

    Raises:
        TargetError: the server is older than the dump's.
        DatabaseError: the database refused it; in one transaction, nothing was changed.
    """
    with connect(target) as connection:
        major = server_major(connection)
    if dumped.server_major is not None and major < dumped.server_major:
        raise TargetError(
            f"{target} runs PostgreSQL {major}, older than the {dumped.server_major} that"
            f" {dumped.path} was dumped from, so nothing was changed: restore into"
            f" {dumped.server_major} or newer"
        )
    suite = client_programs(major)
    if dumped.restricted:
        _check_knows_restrict(suite, dumped.path)
    psql = _restore_command(suite, target, single_transaction=single_transaction)
    try:
        with Pipeline(programs, [*dumped.readers, psql]) as pipeline:
            pipeline.finish()
    except StoppedError:
        raise
    except ProgramError as error:
        fix = (
            "create that role, or dump without owners by --no-roles"
            if _NO_ROLE.search(error.said)
            else "correct that and try again"
        )
        kept = (
            f"nothing was changed: {fix}"
            if single_transaction
            else f"it holds a part of the dump now: {fix}, in an empty database;"
            " --single-transaction keeps all or nothing"
        )
        raise DatabaseError(
            f"{target} did not take {dumped.path} ({error.said}), so {kept}"
        ) from error
    except BaseException as stop:
        if not single_transaction:
            stop.add_note(f"{target} holds a part of {dumped.path}: empty it, and try again")
        raise
    with connect(target) as connection:
        connection.execute("ANALYZE")


def check_target(target: Target, *, into_existing: bool) -> None:
    """Refuse a database that holds something already, unless that is what is wanted.

    Raises:
        TargetError: it has tables.
    """
    with connect(target) as connection:
        tables = look(connection, target).tables
    if tables and not into_existing:
        raise TargetError(
            f"{target} already holds {tables} tables, views or sequences, so nothing was changed:"
            " create an empty database for the dump, or give --into-existing to add it to what is"
            " there, in one transaction"
        )


def psql_knows_restrict(said: str) -> bool:
    """Whether a psql that says this for `--version` can run what newer versions of pg_dump write.

    Those begin with `\\restrict`, which keeps what is in a dump from running psql's own commands.
    """
    version = re.search(r"\(PostgreSQL\) (\d+)(?:\.(\d+))?", said)
    if version is None:
        return False
    major, minor = int(version[1]), int(version[2] or 0)
    return major > max(_UNDERSTOOD_SINCE) or minor >= _UNDERSTOOD_SINCE.get(major, minor + 1)


def _check_knows_restrict(suite: Suite, path: Path) -> None:
    psql = suite.path("psql")
    said = subprocess.run([psql, "--version"], capture_output=True, text=True, check=False).stdout
    if not psql_knows_restrict(said):
        needed = _UNDERSTOOD_SINCE.get(suite.major)
        newer = f"{suite.major}.{needed}" if needed is not None else "18"
        raise ProgramError(
            f"{path} begins with \\restrict, which {psql} ({said.strip()}) does not know yet, so"
            f" nothing was run: install postgresql-client {newer} or newer"
        )


def _restore_command(suite: Suite, target: Target, *, single_transaction: bool) -> Command:
    return Command(
        [
            *(suite.path("psql"), "--no-psqlrc", "--no-password", "--quiet"),
            *("--set=ON_ERROR_STOP=1", "--output=/dev/null"),
            *(["--single-transaction"] if single_transaction else []),
            "--file=-",
        ],
        target.environment(),
    )


def _read_back(partial: Path, path: Path, programs: Programs) -> None:
    try:
        inspect(partial, programs, _needs_no_key)
    except IntegrityError as error:
        raise IntegrityError(
            f"what was written for {path} is not a whole dump when it is read back, though pg_dump"
            " ended well, so there is no such file: check the disk, and dump again"
        ) from error


def _needs_no_key() -> Decryptor:
    raise AssertionError("this dump was not encrypted")


def _reader(path: Path) -> Command:
    if not path.is_file():
        raise ConfigurationError(
            f"{path} is not a file, so there is nothing to restore: give the path of a dump"
        )
    return Command(["cat", "--", str(path)])


def _head(readers: Sequence[Command], path: Path, programs: Programs) -> bytes:
    """The first bytes of what the readers make of the file."""
    with Pipeline(programs, readers) as pipeline:
        head = bytes(next(pipeline.blocks(), b""))
        if not head:
            _finish(pipeline, path)
        return head


def _finish(pipeline: Pipeline, path: Path) -> None:
    try:
        pipeline.finish()
    except StoppedError:
        raise
    except ProgramError as error:
        raise IntegrityError(
            f"{path} cannot be read to its end ({error.said}), so it is damaged or cut off and"
            " nothing was run: use another dump"
        ) from error


def _layer(head: bytes, path: Path, key: Callable[[], Decryptor]) -> Command | None:
    """What takes off the outermost layer. None: it is text already."""
    if head.startswith(_GZIP):
        return Command(["gzip", "--decompress", "--stdout"])
    if head.startswith(_ZSTD):
        return DECOMPRESS
    if head.startswith(_ENCRYPTED):
        return key().command()
    if head.startswith(_ARCHIVE):
        raise ConfigurationError(
            f"{path} is an archive of pg_dump --format=custom, which is no SQL, so nothing was run:"
            " restore it with pg_restore"
        )
    return None
