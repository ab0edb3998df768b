"""An archive in an operations bucket, which the programs of barman-cloud write and read."""

import filecmp
import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from neonhub_backup.archiving.archive import Archive, Base, refuse_other, unreachable
from neonhub_backup.archiving.directory import refuse_tablespaces
from neonhub_backup.archiving.segments import parse_lsn
from neonhub_backup.domain import configuration
from neonhub_backup.domain.layout import WAL
from neonhub_backup.errors import (
    DatabaseError,
    IntegrityError,
    NoBackupError,
    ProgramError,
    StoreError,
)
from neonhub_backup.postgres.connection import Target, connect, value
from neonhub_backup.processes import Command, Programs, run
from neonhub_backup.stores.base import Store, read_whole

log = logging.getLogger(__name__)

BucketStore = configuration.S3Store | configuration.GcsStore
Compression = Literal["lz4", "gzip", "none"]

_DESCRIPTION = "backup.info"
_ABSENT = 1
"""Exit code of barman-cloud-wal-restore when there is no such file."""
_SEGMENT_BYTES = 1 << 24
"""A segment's size, where barman found nothing remarkable about it."""
_LINE = re.compile(r"(?P<name>\w+)=(?P<value>.*)")


class BucketArchive(Archive):
    """An archive in S3 or Cloud Storage."""

    def __init__(
        self, store: Store, settings: BucketStore, name: str, compression: Compression, jobs: int
    ) -> None:
        """`settings` are those of `store`, with the operations bucket."""
        super().__init__(store, name)
        self._settings = settings
        self._compression: Compression = compression
        self._jobs = jobs

    def create_base(self, target: Target, programs: Programs) -> str:
        """Take a base backup of the server on this machine, whose files barman reads.

        Raises:
            DatabaseError: the server is on another machine, or keeps data outside.
            ProgramError: barman is missing or fails.
        """
        if not target.is_local:
            raise DatabaseError(
                f"{target} is on another machine, and a base backup into a bucket reads the"
                " server's own files, so none was taken: run this on that machine"
            )
        with connect(target) as connection:
            refuse_tablespaces(connection)
            system = value(
                connection, str, "SELECT system_identifier::text FROM pg_control_system()"
            )
        self.check_system(system)
        before = set(self._base_keys())
        argv = backup_arguments(self._settings, self.name, self._compression, self._jobs)
        command = self._command("backup", argv)
        # Without a name, it connects to the database `postgres`, as it should.
        reached = {
            name: text for name, text in target.environment().items() if name != "PGDATABASE"
        }
        run(programs, Command(command.argv, {**command.environment, **reached}))
        new = sorted(set(self._base_keys()) - before)
        if not new:
            raise IntegrityError(
                f"barman-cloud-backup succeeded and {self.here} has no new base backup, so there is"
                " none: see whether its lifecycle deletes what is new, and try again"
            )
        return new[-1].split("/")[-2]

    def restore_base(self, base: Base, data: Path, programs: Programs) -> None:
        """Download a base backup."""
        place = [*place_arguments(self._settings, self.name), base.name, str(data)]
        run(programs, self._command("restore", place))

    def _send(self, path: Path) -> None:
        # A server that ended before it heard of an upload sends the same file again.
        if any(True for _ in self.store.list(self.wal_key(path.name))) and self._is_there(path):
            return
        argv = archive_arguments(self._settings, self.name, self._compression, path)
        code, said = self._run(self._command("wal-archive", argv))
        if code != 0:
            raise unreachable(self, f"{path.name} did not get into", said)

    def _bring(self, name: str, target: Path) -> None:
        argv = ["--no-partial", *place_arguments(self._settings, self.name), name, str(target)]
        code, said = self._run(self._command("wal-restore", argv))
        if code == _ABSENT:
            raise NoBackupError(f"{name} is not in {self.here}: recovery ends before it")
        if code != 0:
            raise unreachable(self, f"{name} cannot be read from", said)

    def _is_there(self, path: Path) -> bool:
        """Whether a file of this name, which is there, is this one.

        Where it cannot be read it is sent again, since the bucket keeps the version before.
        """
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / path.name
            try:
                self._bring(path.name, copy)
            except (NoBackupError, StoreError) as error:
                log.warning("%s; so it is not known whether it is the same, and sent again", error)
                return False
            if not filecmp.cmp(path, copy, shallow=False):
                raise refuse_other(self, path.name)
        return True

    def _base_keys(self) -> Iterator[str]:
        for listed in self.store.list(f"{self.prefix}base/"):
            if listed.key.endswith(f"/{_DESCRIPTION}"):
                yield listed.key

    def _read_base(self, key: str) -> Base | None:
        return read_description(key.split("/")[-2], read_whole(self.store, key).decode())

    def _command(self, name: str, argv: Sequence[str]) -> Command:
        return Command([_program(f"barman-cloud-{name}"), *argv], environment(self._settings))

    def _run(self, command: Command) -> tuple[int, str]:
        done = subprocess.run(
            command.argv,
            env={**os.environ, **command.environment},
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        return done.returncode, " ".join(done.stderr.split())


def environment(settings: BucketStore) -> dict[str, str]:
    """What barman's programs are told by variables: all but where and what."""
    quiet = {"PYTHONWARNINGS": "ignore"}
    match settings:
        case configuration.S3Store():
            return {**quiet, "AWS_DEFAULT_REGION": settings.region}
        case configuration.GcsStore():
            emulator = settings.endpoint_url
            return {**quiet, "STORAGE_EMULATOR_HOST": emulator} if emulator else quiet


def place_arguments(settings: BucketStore, name: str) -> list[str]:
    """Which archive, in which bucket of which provider."""
    match settings:
        case configuration.S3Store():
            options = ["--cloud-provider", "aws-s3"]
            if settings.endpoint_url:
                options += ["--endpoint-url", settings.endpoint_url]
            if settings.path_style:
                options += ["--addressing-style", "path"]
            scheme = "s3"
        case configuration.GcsStore():
            options = ["--cloud-provider", "google-cloud-storage"]
            scheme = "gs"
    return [*options, f"{scheme}://{settings.bucket}/{WAL.rstrip('/')}", name]


def archive_arguments(
    settings: BucketStore, name: str, compression: Compression, path: Path
) -> list[str]:
    """What barman-cloud-wal-archive is given."""
    return [*_compress(compression), *place_arguments(settings, name), str(path)]


def backup_arguments(
    settings: BucketStore, name: str, compression: Compression, jobs: int
) -> list[str]:
    """What barman-cloud-backup is given."""
    options = [*_compress(compression), "--immediate-checkpoint", "--jobs", str(jobs)]
    return [*options, *place_arguments(settings, name)]


def read_description(name: str, text: str) -> Base | None:
    """A base backup as barman describes it; None for one that failed.

    Raises:
        IntegrityError: it is no such description.
    """
    found = {each["name"]: each["value"] for each in _LINE.finditer(text)}
    if found.get("status") != "DONE":
        return None
    try:
        return Base(
            name=name,
            started=_time(found["begin_time"]),
            ended=_time(found["end_time"]),
            timeline=int(found["timeline"]),
            begin=parse_lsn(found["begin_xlog"]),
            end=parse_lsn(found["end_xlog"]),
            segment_bytes=int(found.get("xlog_segment_size", _SEGMENT_BYTES)),
            system=found["systemid"],
            major=int(found["version"]) // 10000,
            bytes=int(found["size"]) if found.get("size", "").isdigit() else None,
        )
    except (ValueError, KeyError) as error:
        raise IntegrityError(
            f"{_DESCRIPTION} of base backup {name} is not as barman writes it ({error}), so it is"
            " unknown what can be recovered: bring back its earlier version"
        ) from error


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _compress(compression: Compression) -> list[str]:
    return [] if compression == "none" else [f"--{compression}"]


def _program(name: str) -> str:
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which(name)
    if found is None:
        raise ProgramError(
            f"{name} is not installed, so the archive in a bucket can be neither written nor read:"
            " install requirements/physical.txt, or Debian's package barman-cli-cloud"
        )
    return found
