"""An archive in a directory: files as PostgreSQL writes them, taken back with `cp` if need be.

A base backup is a data directory beside `base.json`, which describes it. It gets its name once
PostgreSQL's own `pg_verifybackup` has read it and everything is on the disk.
"""

import filecmp
import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from neonhub_backup.archiving.archive import BASE_NAME, Archive, Base, refuse_other
from neonhub_backup.archiving.segments import parse_lsn
from neonhub_backup.errors import (
    DatabaseError,
    IntegrityError,
    MissingObjectError,
    NoBackupError,
    ProgramError,
)
from neonhub_backup.files import PARTIAL, new_file, sync_directory
from neonhub_backup.postgres.connection import Connection, Target, connect, query, value
from neonhub_backup.postgres.programs import exact_programs
from neonhub_backup.processes import Command, Programs, run
from neonhub_backup.stores.base import read_whole
from neonhub_backup.stores.directory import DirectoryStore
from neonhub_backup.temporary import remove_folder

DESCRIPTION = "base.json"
_DATA = "data"
_BLOCK_BYTES = 1 << 20


class DirectoryArchive(Archive):
    """An archive on a local disk or a mount."""

    def __init__(self, store: DirectoryStore, name: str) -> None:
        """Nothing is contacted before first use."""
        super().__init__(store, name)
        self.directory = store

    def create_base(self, target: Target, programs: Programs) -> str:
        """Take a base backup, verify it, and only then give it its name.

        Raises:
            DatabaseError: the server cannot be reached, or keeps data elsewhere.
            ProgramError: a program is missing or fails.
            StoreError: the disk refuses.
        """
        with connect(target) as connection:
            facts = _facts(connection)
        started = datetime.now(UTC)
        name = started.strftime(BASE_NAME)
        self.check_system(facts["system"])
        suite = exact_programs(("pg_basebackup", "pg_verifybackup"), facts["major"])
        place = self.base_place(name)
        draft = place.with_name(f"{PARTIAL}{name}")
        with self.directory.telling("write", f"{self.prefix}base/{name}"):
            if not Path(self.store.address).is_dir():
                raise FileNotFoundError(2, "No such file or directory")
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft.mkdir(mode=0o700)
        try:
            data = draft / _DATA
            run(programs, _take(suite.path("pg_basebackup"), data, target))
            run(programs, verify(suite.path("pg_verifybackup"), data))
            with connect(target) as connection:
                ended = value(connection, datetime, "SELECT now()")
            text = json.dumps(_description(data, facts, started, ended), indent=2)
            with new_file(draft / DESCRIPTION) as file:
                file.write(text.encode())
                file.commit()
            with self.directory.telling("write", f"{self.prefix}base/{name}"):
                draft.rename(place)
                sync_directory(place.parent)
        finally:
            if draft.exists():
                remove_folder(draft)
        return name

    @property
    def folder(self) -> Path:
        """The folder of all base backups."""
        return self.directory.path("list", f"{self.prefix}base")

    def drafts(self, before: datetime) -> Iterator[str]:
        """Folders of base backups that nobody has been writing since then."""
        for place in sorted(self.folder.glob(f"{PARTIAL}*")):
            if place.stat().st_mtime < before.timestamp():
                yield place.name

    def base_place(self, name: str) -> Path:
        """The folder of a base backup."""
        return self.directory.path("reach", f"{self.prefix}base/{name}")

    def restore_base(self, base: Base, data: Path, programs: Programs) -> None:
        """Copy a base backup, which is verified meanwhile."""
        source = self.base_place(base.name) / _DATA
        suite = exact_programs(("postgres", "pg_verifybackup"), base.major)
        copy = ["cp", "--recursive", "--preserve=mode,timestamps", "--reflink=auto"]
        with ThreadPoolExecutor() as threads:
            copied = threads.submit(run, programs, Command([*copy, f"{source}/.", str(data)]))
            verified = threads.submit(run, programs, verify(suite.path("pg_verifybackup"), source))
            try:
                verified.result()
                copied.result()
            except BaseException as error:
                programs.stop()
                if isinstance(error, ProgramError) and verified.exception() is error:
                    raise IntegrityError(
                        f"base backup {base.name} of {self.here} is not what was written"
                        f" ({error.said}), so nothing was recovered from it: recover from an older"
                        " one with --base"
                    ) from error
                raise

    def _send(self, path: Path) -> None:
        key = self.wal_key(path.name)
        place = self.directory.path("write", key)
        if place.exists():
            if filecmp.cmp(path, place, shallow=False):
                return
            raise refuse_other(self, path.name)
        with path.open("rb") as file, self.store.upload(key, None) as upload:
            shutil.copyfileobj(file, upload, _BLOCK_BYTES)
            upload.commit()

    def _bring(self, name: str, target: Path) -> None:
        try:
            with self.store.download(self.wal_key(name)) as blocks, target.open("wb") as file:
                file.writelines(blocks)
        except MissingObjectError as error:
            raise NoBackupError(f"{name} is not in {self.here}: recovery ends before it") from error

    def _base_keys(self) -> Iterator[str]:
        for place in self.folder.glob(f"*/{DESCRIPTION}"):
            if not place.parent.name.startswith(PARTIAL):
                yield place.relative_to(self.store.address).as_posix()

    def _read_base(self, key: str) -> Base | None:
        try:
            found: dict[str, Any] = json.loads(read_whole(self.store, key))
            return Base(
                name=key.split("/")[-2],
                started=datetime.fromisoformat(found["started"]),
                ended=datetime.fromisoformat(found["ended"]),
                timeline=int(found["timeline"]),
                begin=parse_lsn(found["begin"]),
                end=parse_lsn(found["end"]),
                segment_bytes=int(found["segment_bytes"]),
                system=str(found["system"]),
                major=int(found["major"]),
                bytes=int(found["bytes"]),
            )
        except (ValueError, KeyError) as error:
            raise IntegrityError(
                f"{self.store.address}/{key} does not describe a base backup, so it is unknown what"
                " can be recovered: bring back an earlier version, or move its directory away"
            ) from error


def verify(program: str, data: Path) -> Command:
    """Read a base backup and compare every file with its manifest."""
    return Command([program, "--exit-on-error", "--quiet", str(data)])


def refuse_tablespaces(connection: Connection) -> None:
    """A base backup holds the data directory; what lies outside would be restored over itself.

    Raises:
        DatabaseError: the server has tablespaces.
    """
    found = query(
        connection, "SELECT spcname FROM pg_tablespace WHERE spcname !~ '^pg_' ORDER BY spcname"
    )
    if found:
        names = ", ".join(str(name) for (name,) in found)
        raise DatabaseError(
            f"the server keeps data outside of its data directory, in tablespace {names}, which a"
            " recovery beside it would write over, so no base backup was taken: move its tables"
            " into pg_default and drop it"
        )


def _facts(connection: Connection) -> dict[str, Any]:
    refuse_tablespaces(connection)
    ((system, segment_bytes),) = query(
        connection,
        "SELECT system_identifier::text, bytes_per_wal_segment"
        " FROM pg_control_system(), pg_control_init()",
    )
    return {
        "system": system,
        "segment_bytes": segment_bytes,
        "major": connection.info.server_version // 10000,
    }


def _take(program: str, data: Path, target: Target) -> Command:
    argv = [program, "--pgdata", str(data), "--wal-method=stream", "--checkpoint=fast"]
    environment = {
        name: text
        for name, text in target.environment().items()
        # It connects for replication, to no database.
        if name != "PGDATABASE"
    }
    return Command([*argv, "--no-password"], environment)


def _description(
    data: Path, facts: dict[str, Any], started: datetime, ended: datetime
) -> dict[str, Any]:
    (span,) = json.loads((data / "backup_manifest").read_text())["WAL-Ranges"]
    files = (path for path in data.rglob("*") if path.is_file())
    return {
        **facts,
        "started": started.isoformat(),
        "ended": ended.isoformat(),
        "timeline": span["Timeline"],
        "begin": span["Start-LSN"],
        "end": span["End-LSN"],
        "bytes": sum(path.stat().st_size for path in files),
    }
