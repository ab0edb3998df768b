"""Backups in a directory store, encrypted for real, that hold no database."""

import hashlib
import subprocess
from collections.abc import Sequence
from pathlib import Path

from neonhub_backup.domain.layout import ARCHIVE, MANIFEST, Location, chunk_name
from neonhub_backup.domain.manifest import Chunk, Manifest, StoredObject, Table, dump_manifest
from neonhub_backup.encryption import encryptor
from neonhub_backup.gpg import gpg
from tests.neonhub_backup.keys import Key
from tests.neonhub_backup.samples import manifest

CONTENTS = {
    ARCHIVE: b"an archive",
    chunk_name(0, 0, "binary"): bytes(range(256)) * 20_000,
    chunk_name(0, 1, "binary"): b"",
}
"""What the objects of every such backup hold, by their names. One is larger than any pipe."""


def store_backup(
    folder: Path, place: Location, keys: Sequence[Key], database: str = "app"
) -> Manifest:
    """Write one into the folder of a directory store."""
    with encryptor([key.public for key in keys]) as encrypt:
        recipients = encrypt.recipients
        sealed = {
            name: subprocess.run(
                encrypt.command().argv, input=content, capture_output=True, check=True
            ).stdout
            for name, content in CONTENTS.items()
        }
    stored = [
        StoredObject(name=name, bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
        for name, content in sealed.items()
    ]
    rows = Table(
        schema_name="public",
        name="rows",
        columns=("id",),
        form="binary",
        disk_bytes=8192,
        chunks=tuple(Chunk(**one.model_dump(), rows=7) for one in stored[1:]),
    )
    written = manifest(place, database).model_copy(
        update={"archive": stored[0], "tables": (rows,), "recipients": recipients}
    )
    for name, content in {**sealed, MANIFEST: dump_manifest(written)}.items():
        path = folder / place.prefix / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return written


def opened(folder: Path, place: Location, key: Key, home: Path) -> dict[str, bytes]:
    """What the objects of a backup hold, read in a keyring that has nothing but this key."""
    subprocess.run([*gpg(home), "--import"], input=key.private.encode(), check=True)
    return {
        name: subprocess.run(
            [*gpg(home), "--decrypt", str(folder / place.prefix / name)],
            capture_output=True,
            check=True,
        ).stdout
        for name in CONTENTS
    }
