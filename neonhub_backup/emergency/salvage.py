"""Saving what can still be read of a damaged database, table by table, when no backup can be made.

Everything is compressed and encrypted like a backup, into a directory of this machine. Nothing here
is a backup: it is what is left, for whoever looks for what the restore did not bring back.
"""

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from urllib.parse import quote

from neonhub_backup.compression import COMPRESS
from neonhub_backup.encryption import encryptor
from neonhub_backup.errors import ProgramError
from neonhub_backup.files import telling
from neonhub_backup.postgres.connection import Target, connect, query, quoted
from neonhub_backup.postgres.dump import pg_dump_words
from neonhub_backup.postgres.programs import Suite
from neonhub_backup.processes import Command, Pipeline, Programs

log = logging.getLogger(__name__)

SUFFIX = ".sql.zst.gpg"
INCOMPLETE = ".incomplete"
"""End of the names of files that hold only what could be read before the damage."""


@dataclass(frozen=True)
class Salvaged:
    """What was saved, and what was not."""

    directory: Path
    saved: tuple[str, ...]
    """Tables, and what else there is, that were read to their end."""
    unreadable: dict[str, str]
    """Why each of the others was not."""


def salvage(
    target: Target, suite: Suite, public_keys: Sequence[str], directory: Path, programs: Programs
) -> Salvaged:
    """Dump each table alone, and go on when one cannot be read.

    Raises:
        DatabaseError: the database cannot be reached at all.
        StoreError: the directory cannot be written.
        EncryptionError: a public key cannot be used.
    """
    with telling(directory):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    saved: list[str] = []
    unreadable: dict[str, str] = {}
    with encryptor(public_keys) as encrypt:
        for number, (name, arguments) in enumerate(_parts(target)):
            plain = quote(name.replace('"', ""), " ")[:150]
            path = directory / f"{number:04d}-{plain}{SUFFIX}"
            command = Command([*pg_dump_words(suite), *arguments], target.environment())
            try:
                _save([command, COMPRESS, encrypt.command()], path, programs)
            except ProgramError as error:
                if programs.stopped:
                    raise
                unreadable[name] = str(error)
                log.warning("%s could not be read to its end: %s", name, error)
            else:
                saved.append(name)
    return Salvaged(directory, tuple(saved), unreadable)


def _parts(target: Target) -> list[tuple[str, list[str]]]:
    """What is dumped alone, each with the arguments that choose it."""
    with connect(target) as connection:
        rows = query(
            connection,
            """
            SELECT n.nspname::text, c.relname::text, c.relkind::text
              FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relkind IN ('r', 'S') AND c.relpersistence <> 't'
               AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
             ORDER BY 3, 1, 2
            """,
        )
    named = [
        (quoted(cast("str", schema), cast("str", name)), kind == "S") for schema, name, kind in rows
    ]
    parts = [("definitions", ["--schema-only"]), ("large objects", _LARGE_OBJECTS)]
    sequences = [f"--table={name}" for name, is_sequence in named if is_sequence]
    if sequences:
        parts.append(("sequences", ["--data-only", *sequences]))
    tables = [name for name, is_sequence in named if not is_sequence]
    return parts + [(name, ["--data-only", f"--table={name}"]) for name in tables]


_LARGE_OBJECTS = ["--data-only", "--large-objects", "--exclude-table=*.*"]


def _save(commands: Sequence[Command], path: Path, programs: Programs) -> None:
    """Write what the commands say; under another name until they have said all of it."""
    partial = path.with_name(path.name + INCOMPLETE)
    with telling(partial):
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file, Pipeline(programs, commands) as pipeline:
        for block in pipeline.blocks():
            with telling(partial):
                file.write(block)
        with telling(partial):
            file.flush()
            os.fsync(descriptor)
        pipeline.finish()
    with telling(path):
        partial.rename(path)
