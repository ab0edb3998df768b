"""The manifest: what a backup holds and how to prove it, written last."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from neonhub_backup.domain.retention import Tier
from neonhub_backup.domain.sealing import BrokenSealError, UnreadableError, digest, seal, unseal
from neonhub_backup.errors import IntegrityError

FORMAT = "neonhub-backup/1"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StoredObject(_Part):
    """One object below the backup's prefix."""

    name: str
    bytes: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Chunk(StoredObject):
    """A piece of one table's rows."""

    rows: int = Field(ge=0)


class Table(_Part):
    """The rows of one ordinary table, or of one partition."""

    schema_name: str
    name: str
    columns: tuple[str, ...]
    """Columns in the order of the stream; generated ones are left out."""
    form: Literal["binary", "text"]
    """The format of its `COPY` streams."""
    disk_bytes: int = Field(ge=0)
    """Bytes it took on the server's disk with its out-of-line values, without indexes."""
    chunks: tuple[Chunk, ...]

    @property
    def rows(self) -> int:
        """Exact number of rows in the dump's snapshot."""
        return sum(chunk.rows for chunk in self.chunks)

    @property
    def bytes(self) -> int:
        """Bytes stored for it."""
        return sum(chunk.bytes for chunk in self.chunks)

    @property
    def identity(self) -> tuple[str, str]:
        """Schema and name, unquoted."""
        return self.schema_name, self.name


class VectorIndex(_Part):
    """An index of vectors, whose building decides when a restored database can be searched."""

    schema_name: str
    name: str
    table: str
    method: str
    """`hnsw` or `ivfflat`."""
    bytes: int = Field(ge=0)
    """Size on disk in the source, and about the memory in which it is built quickly."""


class Server(_Part):
    """The server the backup was taken from, as far as a restore must match it."""

    version: str
    version_num: int
    encoding: str
    locale_provider: str
    """`c` libc, `i` ICU, `b` builtin."""
    collate: str
    ctype: str
    locale: str | None
    superuser: str
    """Name of the bootstrap superuser, owner of what nobody else owns."""

    @property
    def major(self) -> int:
        """Major version, e.g. 18."""
        return self.version_num // 10000


class Origin(_Part):
    """Where a backup was taken, for the chain of custody."""

    host: str
    user: str
    run: str | None
    """Address of the workflow run that took it. None: it was no workflow."""


class Schema(_Part):
    """Every object of the schema with a digest of its definition."""

    fingerprint: str
    """sha256 over `objects`."""
    objects: dict[str, str]
    """Identity, e.g. `INDEX public users_email_key`, to the first 16 hex digits of a sha256."""


class NeonSnapshot(_Part):
    """A branch of Neon that keeps the same database as it was when the backup began."""

    project: str
    """The project's id."""
    branch: str
    """Name of the branch."""
    branch_id: str
    created: datetime
    """When it was made: within seconds of the backup's own snapshot, after it."""


class Manifest(_Part):
    """All that must be true of a backup."""

    format: Literal["neonhub-backup/1"] = FORMAT
    name: str
    tier: Tier
    environment: str
    database: str
    started: datetime
    finished: datetime
    tool_version: str
    origin: Origin
    rewrapped_from: str | None = None
    """Name of the backup of which this one is a copy for other keys. None: of none."""
    neon_snapshot: NeonSnapshot | None = None
    """What was kept in Neon at the same time, as long as it lasts there. None: nothing."""
    server: Server
    extensions: dict[str, str]
    """Name to version."""
    roles: tuple[str, ...]
    """Roles that own something in the database or are granted something."""
    schema_: Schema = Field(alias="schema")
    archive: StoredObject
    archive_major: int
    """Major version of the pg_dump that wrote the archive; no older pg_restore can read it."""
    large_objects: int
    """How many the archive holds."""
    tables: tuple[Table, ...]
    vector_indexes: tuple[VectorIndex, ...] = ()
    recipients: tuple[str, ...]
    """Fingerprints of the GPG keys that can read the backup."""

    def objects(self) -> tuple[StoredObject, ...]:
        """Every object but the manifest itself."""
        return (self.archive, *(chunk for table in self.tables for chunk in table.chunks))

    @property
    def table_rows(self) -> dict[str, int]:
        """Rows by `schema.name`; of both tables, where a dot in a name makes two the same."""
        found: dict[str, int] = {}
        for table in self.tables:
            name = ".".join(table.identity)
            found[name] = found.get(name, 0) + table.rows
        return found

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(table.rows for table in self.tables)

    @property
    def bytes(self) -> int:
        """Bytes stored, without the manifest."""
        return sum(stored.bytes for stored in self.objects())


def dump_manifest(manifest: Manifest) -> bytes:
    """The manifest as stored: JSON whose `digest` seals everything else."""
    return seal(_content(manifest))


def manifest_digest(manifest: Manifest) -> str:
    """What seals the stored manifest: the same for every copy of one backup."""
    return digest(_content(manifest))


def load_manifest(stored: bytes, key: str) -> Manifest:
    """Read a stored manifest.

    Raises:
        IntegrityError: it is not one, or was changed after it was written.
    """
    refusal = "restore another backup, or bring back the object's earlier version"
    try:
        content = unseal(stored)
    except UnreadableError as error:
        raise IntegrityError(
            f"{key} is not a manifest, so nothing is restored: {refusal}"
        ) from error
    except BrokenSealError as error:
        raise IntegrityError(
            f"{key} was changed after it was written, so nothing it says can be trusted: {refusal}"
        ) from error
    try:
        return Manifest.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise IntegrityError(
            f"{key} has a field this version cannot read ({where}: {first['msg']}):"
            " restore with the version named in its tool_version"
        ) from error


def _content(manifest: Manifest) -> dict[str, Any]:
    return manifest.model_dump(mode="json", by_alias=True)
