"""Taking a backup: one snapshot, many streams, every store in one pass, the manifest last."""

import getpass
import hashlib
import logging
import os
import socket
import tempfile
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Lock as Mutex
from types import TracebackType
from typing import TypeVar

from neonhub_backup import __version__
from neonhub_backup.compression import COMPRESS
from neonhub_backup.domain.configuration import Configuration, Database
from neonhub_backup.domain.layout import ARCHIVE, MANIFEST, Location, chunk_name, new_location
from neonhub_backup.domain.manifest import (
    Chunk,
    Manifest,
    NeonSnapshot,
    Origin,
    Schema,
    StoredObject,
    Table,
    dump_manifest,
)
from neonhub_backup.domain.retention import RetentionPolicy, Tier
from neonhub_backup.encryption import Encryptor, encryptor
from neonhub_backup.errors import DatabaseError, IntegrityError, ProgramError, StoreError
from neonhub_backup.holdings.catalogue import Catalogue
from neonhub_backup.postgres.connection import Target, parse_url
from neonhub_backup.postgres.contents import contents_command, missing_objects
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
from neonhub_backup.postgres.programs import Suite, client_programs
from neonhub_backup.postgres.schema import fingerprint
from neonhub_backup.postgres.snapshot import (
    LOCK_TIMEOUT_SECONDS,
    Snapshot,
    TableRows,
    hold_snapshot,
)
from neonhub_backup.processes import Command, Pipeline, Programs, run
from neonhub_backup.progress import Progress, phase
from neonhub_backup.stores.base import Lock, Store, Upload
from neonhub_backup.streams import settle, workers
from neonhub_backup.wording import shown

log = logging.getLogger(__name__)

MIB = 1 << 20

T = TypeVar("T")

_Raised = tuple[type[BaseException] | None, BaseException | None, TracebackType | None]


@dataclass(frozen=True)
class Backup:
    """A finished backup."""

    manifest: Manifest
    location: Location
    stored: tuple[Store, ...]
    failed: dict[str, StoreError]
    """Why each store that lacks it does."""


def take_backup(
    configuration: Configuration,
    database: Database,
    stores: Sequence[Store],
    programs: Programs,
    *,
    tier: Tier | None,
    snapshot_beside: Callable[[Tier], NeonSnapshot | None] = lambda _: None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Backup:
    """Back up one database to every store. Tier None takes the one that is owed.

    `snapshot_beside` is called with the tier once the backup's own snapshot is held, and may keep
    the same state elsewhere.

    Raises:
        BackupError: nothing was written, or no store has all of it; then no manifest exists.
    """
    target = parse_url(database.url(), database.url_variable)
    with (
        encryptor(configuration.encryption.public_keys) as encrypt,
        hold_snapshot(target) as snapshot,
    ):
        suite = client_programs(snapshot.server.major)
        destinations = _Destinations(stores)
        chosen = tier or _owed(configuration.retention, database, destinations, now())
        location = new_location(chosen, now())
        destinations.place(location, configuration.retention)
        log.info("backing up %s as %s backup %s", target, chosen, location.name)
        beside = snapshot_beside(chosen)
        taker = _Taker(programs, suite, target, snapshot, encrypt, destinations)
        schema, archive, tables = taker.take()
        manifest = Manifest(
            name=location.name,
            tier=chosen,
            environment=configuration.environment,
            database=database.name,
            started=location.started,
            finished=now(),
            tool_version=__version__,
            origin=origin(),
            neon_snapshot=beside,
            server=snapshot.server,
            extensions=snapshot.extensions,
            roles=snapshot.roles,
            schema=schema,
            archive=archive,
            archive_major=suite.major,
            large_objects=snapshot.large_objects,
            tables=tables,
            vector_indexes=snapshot.vector_indexes,
            recipients=encrypt.recipients,
        )
    with destinations.upload(MANIFEST) as upload:
        upload.write(dump_manifest(manifest))
        upload.commit()
    return Backup(manifest, location, destinations.remaining(), destinations.failed)


def origin() -> Origin:
    """This machine, this user and, in GitHub Actions, this run."""
    server, repository, run_id = (
        os.environ.get(f"GITHUB_{name}") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID")
    )
    known = server and repository and run_id
    return Origin(
        host=socket.gethostname(),
        user=os.environ.get("GITHUB_ACTOR") or _user(),
        run=f"{server}/{repository}/actions/runs/{run_id}" if known else None,
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # containers run as users that have no name
        return str(os.getuid())


def _owed(
    retention: RetentionPolicy, database: Database, destinations: "_Destinations", now: datetime
) -> Tier:
    """The highest tier that any store is owed, else the lowest there is."""
    owed: list[Tier] = []
    for store in destinations.remaining():
        with destinations.surviving(store):
            newest = Catalogue(store).newest_by_tier(database.name, now)
            if (tier := retention.owed(now, newest)) is not None:
                owed.append(tier)
    destinations.remaining()
    return max(owed, key=list(Tier).index, default=next(iter(retention.rules())))


class _Destinations:
    """All stores at once; one that fails is left out from then on and remembered."""

    def __init__(self, stores: Sequence[Store]) -> None:
        self._stores = tuple(stores)
        self._guard = Mutex()
        self._prefix = ""
        self._lock: Lock | None = None
        self.failed: dict[str, StoreError] = {}

    def place(self, location: Location, retention: RetentionPolicy) -> None:
        """Say where objects go and how long they are locked."""
        self._prefix = location.prefix
        until = retention.locked_until(location.tier, location.started)
        if retention.lock_mode is not None and until is not None:
            self._lock = Lock(retention.lock_mode, until)

    def remaining(self) -> tuple[Store, ...]:
        """The stores that have everything so far.

        Raises:
            StoreError: none has.
        """
        with self._guard:
            left = tuple(store for store in self._stores if store.name not in self.failed)
            if not left:
                *others, last = self.failed.values()
                if others:
                    raise StoreError("; ".join(str(error) for error in (*others, last)))
                raise last
            return left

    @contextmanager
    def surviving(self, store: Store) -> Generator[None]:
        """Note a store's failure instead of ending the run for all."""
        try:
            yield
        except StoreError as error:
            with self._guard:
                first = store.name not in self.failed
                self.failed.setdefault(store.name, error)
            if first:
                log.warning("%s", error)

    @contextmanager
    def upload(self, name: str) -> Generator[Upload]:
        """One object to every remaining store."""
        with ExitStack() as stack:
            uploads: dict[str, tuple[Store, Upload]] = {}
            for store in self.remaining():
                with self.surviving(store):
                    manager = store.upload(self._prefix + name, self._lock)
                    uploads[store.name] = store, manager.__enter__()
                    stack.push(partial(self._leave, store, manager))
            yield _Tee(self, uploads)

    def _leave(
        self, store: Store, manager: AbstractContextManager[Upload], *raised: *_Raised
    ) -> None:
        # What one store cannot clean up must not end the run for the others.
        with self.surviving(store):
            manager.__exit__(*raised)


class _Tee:
    def __init__(
        self, destinations: _Destinations, uploads: dict[str, tuple[Store, Upload]]
    ) -> None:
        self._destinations = destinations
        self._uploads = uploads

    def write(self, block: bytes | memoryview) -> None:
        self._each(lambda upload: upload.write(block))

    def commit(self) -> None:
        self._each(lambda upload: upload.commit())

    def _each(self, act: Callable[[Upload], None]) -> None:
        for store, upload in self._uploads.values():
            if store.name not in self._destinations.failed:
                with self._destinations.surviving(store):
                    act(upload)
        self._destinations.remaining()


@dataclass
class _Ratio:
    """How many bytes are stored for one on disk, learned from the pieces that are done."""

    stored: float = 0.6
    disk: float = 1.0

    def learn(self, stored: int, disk: float) -> None:
        """Count a piece, the large ones for more."""
        self.stored += stored / MIB
        self.disk += disk / MIB

    @property
    def now(self) -> float:
        """What to expect of the next."""
        return max(self.stored / self.disk, 0.001)


@dataclass
class _Told:
    """What was told of a piece, in bytes on disk, though only what is stored can be counted."""

    progress: Progress
    piece: Piece
    ratio: _Ratio
    bytes: int = 0

    def of_stored(self, count: int) -> None:
        """So many more bytes were stored."""
        self._to(min(self.bytes + round(count / self.ratio.now), int(self.piece.bytes)))

    def all(self, stored: int) -> None:
        """The piece is done."""
        self.ratio.learn(stored, self.piece.bytes)
        self._to(int(self.piece.bytes))

    def _to(self, known: int) -> None:
        table = self.piece.table
        self.progress.advance(f"{table.schema}.{table.name}", known - self.bytes)
        self.bytes = known


@dataclass
class _Taker:
    """Runs the streams of one backup side by side."""

    programs: Programs
    suite: Suite
    target: Target
    snapshot: Snapshot
    encrypt: Encryptor
    destinations: _Destinations
    ratio: _Ratio = field(default_factory=_Ratio)

    def take(self) -> tuple[Schema, StoredObject, tuple[Table, ...]]:
        """Write every object but the manifest."""
        plan = [
            (
                table,
                [
                    (piece, chunk_name(number, part, table.form))
                    for part, piece in enumerate(pieces(table))
                ],
            )
            for number, table in enumerate(self.snapshot.tables)
        ]
        work = [item for _, items in plan for item in items]
        work.sort(key=lambda item: item[0].bytes, reverse=True)
        sizes = {f"{table.schema}.{table.name}": table.bytes for table in self.snapshot.tables}
        with phase(self.programs.progress, "rows", sizes), workers() as pool:
            archive = pool.submit(self._archive)
            schema = pool.submit(self._schema)
            chunks = {name: pool.submit(self._chunk, piece, name) for piece, name in work}
            settle([archive, schema, *chunks.values()], self.programs)
        tables = tuple(
            _table(table, [chunks[name].result() for _, name in items]) for table, items in plan
        )
        described, dump = schema.result()
        stored, contents = archive.result()
        self._check_contents(dump, contents)
        return described, stored, tables

    def _check_contents(self, dump: str, contents: str) -> None:
        """See that the archive has every object that the manifest's schema will name."""
        missing = missing_objects(dump, contents)
        if missing:
            raise IntegrityError(
                f"the archive of {self.target} lacks what pg_dump read in the same snapshot"
                f" ({shown(missing)}), so a restore from it would be incomplete and there is no new"
                " backup: try again, and if it is so again, install another minor version of"
                f" PostgreSQL {self.suite.major}'s programs"
            )

    def _archive(self) -> tuple[StoredObject, str]:
        """The archive, and its table of contents."""
        with self._naming_the_lock():
            return self._store_fed(ARCHIVE, lambda _: None, self._feed_archive)

    def _feed_archive(self, pipeline: Pipeline) -> str:
        command = archive_command(self.suite, self.target, self.snapshot)
        with (
            tempfile.NamedTemporaryFile(prefix="nhb-") as contents,
            Pipeline(self.programs, [command]) as dump,
            Pipeline(
                self.programs, [contents_command(self.suite, contents.name)], fed=True
            ) as lister,
        ):
            reads = True
            for block in dump.blocks():
                pipeline.write(block)
                reads = reads and lister.offer(block)
            # In this order: a dump that was cut off has no whole table of contents either.
            dump.finish()
            lister.finish()
            return Path(contents.name).read_bytes().decode(errors="replace")

    def _schema(self) -> tuple[Schema, str]:
        """The manifest's schema, and the dump that it is a digest of."""
        command = schema_command(self.suite, self.target, self.snapshot.name)
        with self._naming_the_lock():
            dump = run(self.programs, command)
        return fingerprint(dump), dump

    @contextmanager
    def _naming_the_lock(self) -> Generator[None]:
        try:
            yield
        except ProgramError as error:
            if not is_queued(error):
                raise
            raise DatabaseError(
                f"someone waited to change the definition of a table of {self.target} just when"
                f" pg_dump came to read it, for {LOCK_TIMEOUT_SECONDS} s ({error.said}), so nothing"
                " incomplete is kept: let the migration end and try again"
            ) from error

    def _chunk(self, piece: Piece, name: str) -> Chunk:
        command = copy_command(self.suite, self.target, self.snapshot.name, piece)
        told = _Told(self.programs.progress, piece, self.ratio)
        try:
            stored, said = self._store(command, name, told.of_stored)
            rows = rows_said(said)
        except ProgramError as error:
            if not is_queued(error):
                raise
            log.info(
                "someone waits to change the definition of %s.%s until this backup has ended",
                *(piece.table.schema, piece.table.name),
            )
            stored, rows = self._store_unqueued(piece, name, told.of_stored)
        told.all(stored.bytes)
        return Chunk(**stored.model_dump(), rows=rows)

    def _store(
        self, source: Command, name: str, tell: Callable[[int], None]
    ) -> tuple[StoredObject, str]:
        commands = [source, COMPRESS, self.encrypt.command()]
        with (
            self.destinations.upload(name) as upload,
            Pipeline(self.programs, commands) as pipeline,
        ):
            stored = _pass_on(pipeline, upload, name, tell)
            said = pipeline.finish()
            upload.commit()
        return stored, said

    def _store_unqueued(
        self, piece: Piece, name: str, tell: Callable[[int], None]
    ) -> tuple[StoredObject, int]:
        """Store a piece as the snapshot's own session reads it."""
        return self._store_fed(
            name, tell, lambda pipeline: self.snapshot.copy(copy_query(piece), pipeline.write)
        )

    def _store_fed(
        self, name: str, tell: Callable[[int], None], feed: Callable[[Pipeline], T]
    ) -> tuple[StoredObject, T]:
        """Store what `feed` writes, and return what it returns."""

        def fed(pipeline: Pipeline) -> T:
            try:
                return feed(pipeline)
            finally:
                pipeline.end_input()

        commands = [COMPRESS, self.encrypt.command()]
        with (
            self.destinations.upload(name) as upload,
            ThreadPoolExecutor(1, "feeder") as feeder,
            Pipeline(self.programs, commands, fed=True) as pipeline,
        ):
            feeding = feeder.submit(fed, pipeline)
            stored = _pass_on(pipeline, upload, name, tell)
            found = feeding.result()
            pipeline.finish()
            upload.commit()
        return stored, found


def _pass_on(
    pipeline: Pipeline, upload: Upload, name: str, tell: Callable[[int], None]
) -> StoredObject:
    digest, size = hashlib.sha256(), 0
    for block in pipeline.blocks():
        digest.update(block)
        size += len(block)
        upload.write(block)
        tell(len(block))
    log.debug("%s has %d bytes", name, size)
    return StoredObject(name=name, bytes=size, sha256=digest.hexdigest())


def _table(table: TableRows, chunks: Sequence[Chunk]) -> Table:
    return Table(
        schema_name=table.schema,
        name=table.name,
        columns=table.columns,
        form=table.form,
        disk_bytes=table.bytes,
        chunks=tuple(chunks),
    )
