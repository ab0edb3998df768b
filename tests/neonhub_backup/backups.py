"""Backups for tests that need their objects and no server: encrypted for real, and small."""

import hashlib
import subprocess
from collections.abc import Iterable
from pathlib import Path

from neonhub_backup.domain import configuration
from neonhub_backup.domain.layout import MANIFEST, Location, chunk_name
from neonhub_backup.domain.manifest import Chunk, Schema, StoredObject, Table, dump_manifest
from neonhub_backup.holdings.selection import Candidate
from neonhub_backup.stores.base import Store, write_whole
from neonhub_backup.stores.directory import DirectoryStore
from tests.neonhub_backup.samples import SHA256, manifest

TEXT = b"1\tone\n2\ttwo\n3\tthree\n"


def directory_store(path: Path, name: str) -> DirectoryStore:
    """An empty store of this name below `path`."""
    (path / name).mkdir()
    return DirectoryStore(configuration.DirectoryStore(name=name, path=path / name))


def described(name: str, content: bytes) -> StoredObject:
    """What a manifest says of an object."""
    return StoredObject(name=name, bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


def back_up(
    store: Store,
    place: Location,
    *,
    archive: bytes = b"archive",
    rows: bytes = b"rows",
    count: int = 3,
    database: str = "app",
    schema: Iterable[str] = (),
) -> Candidate:
    """A backup of one table with one object of rows; what is given is stored as it is."""
    content = manifest(place, database)
    name = chunk_name(0, 0, "text")
    chunk = Chunk(**described(name, rows).model_dump(), rows=count)
    table = Table(
        schema_name="public",
        name="connectors",
        columns=("id", "name"),
        form="text",
        disk_bytes=8192,
        chunks=(chunk,),
    )
    whole = content.model_copy(
        update={
            "archive": described(content.archive.name, archive),
            "tables": (table,),
            "schema_": Schema(fingerprint=SHA256, objects=dict.fromkeys(schema, SHA256[:16])),
        }
    )
    write_whole(store, place.prefix + whole.archive.name, archive)
    write_whole(store, place.prefix + name, rows)
    write_whole(store, place.prefix + MANIFEST, dump_manifest(whole))
    return Candidate(store, place, whole)


def copied(candidate: Candidate, store: Store) -> Candidate:
    """The same backup in another store."""
    place = candidate.location
    names = [*(one.name for one in candidate.manifest.objects()), MANIFEST]
    for name in names:
        with candidate.store.download(place.prefix + name) as blocks:
            write_whole(store, place.prefix + name, b"".join(blocks))
    return Candidate(store, place, candidate.manifest)


def file_of(store: DirectoryStore, place: Location, name: str) -> Path:
    """The file of an object of a directory store."""
    return Path(store.address) / place.prefix / name


def damage(path: Path, content: bytes) -> None:
    """Write something else into an object's file."""
    path.unlink()
    path.write_bytes(content)


def zstd(content: bytes) -> bytes:
    """Compressed as a backup's objects are."""
    return subprocess.run(
        ["zstd", "-1", "-c"], input=content, stdout=subprocess.PIPE, check=True
    ).stdout
