"""What a drill found out about one copy of a backup, as it is stored below `drills/`."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from neonhub_backup.domain.manifest import Origin
from neonhub_backup.domain.retention import Tier
from neonhub_backup.domain.sealing import UnfitError, read_sealed, seal
from neonhub_backup.errors import IntegrityError

FORMAT = "neonhub-backup-drill/1"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Answer(_Part):
    """One of the stack's own queries."""

    name: str
    problem: str | None
    """What is wrong with its answer. None: it was the expected one."""


class Recall(_Part):
    """How well an approximate index finds what an exact scan finds."""

    index: str
    """Schema and name, quoted."""
    table: str
    method: str
    """`hnsw` or `ivfflat`."""
    distance: str
    """The operator, e.g. `<=>`."""
    sampled: int = Field(ge=0)
    """Stored vectors whose neighbours were looked for both ways."""
    neighbours: int
    """How many of each."""
    recall: float | None
    """Share of the exact neighbours that one search of the index finds, 0 to 1. None: nothing was
    sampled."""
    reached: float | None
    """Share that it finds when the search goes on; less than 1: rows are missing in the index.
    None: nothing was sampled, or the server's pgvector cannot search on."""


class Counts(_Part):
    """How much was compared or checked."""

    tables: int
    rows: int
    large_objects: int
    objects: int
    """Objects of the store, the manifest among them."""
    bytes: int
    """Bytes of the store, without the manifest."""
    schema_objects: int
    foreign_keys: int
    sequences: int
    """Pairs of a sequence and a column that it fills."""
    indexes: int
    """Indexes of any kind that are in use, as the server says."""
    btrees: int
    """Those among them whose structure was walked through."""


class Seconds(_Part):
    """How long each step took."""

    verify: float | None
    """Every object seen to be there with its size, before any is read. None: the drill did not get
    there, as for the others."""
    data: float | None
    """From the first byte read, and compared with its digest, until every row could be queried."""
    search: float | None
    """From the first byte read until every index was built."""
    compare: float | None
    """Everything compared and checked."""
    total: float
    """From the beginning of the drill to its end."""

    objective: float | None
    """What the stack promises for `recovery`. None: nothing."""

    @property
    def recovery(self) -> float | None:
        """Time from the decision to restore until the database can be used. None: unknown."""
        return None if self.search is None else (self.verify or 0.0) + self.search

    @property
    def late(self) -> str | None:
        """By how much the recovery misses what is promised, in words. None: it does not."""
        took, promised = self.recovery, self.objective
        if took is None or promised is None or took <= promised:
            return None
        return f"recovery took {took / 60:.1f} min, and the objective is {promised / 60:.1f} min"


class Proof(_Part):
    """All that a drill found."""

    format: Literal["neonhub-backup-drill/1"] = FORMAT
    backup: str
    tier: Tier
    database: str
    environment: str
    manifest_digest: str
    """The digest of the manifest that the restored copy was compared with."""
    store: str
    """Name of the store that the copy was read from, as the configuration calls it."""
    address: str
    """Where that is, e.g. `s3://bucket`."""
    started: datetime
    finished: datetime
    tool_version: str
    origin: Origin
    """Where the drill ran."""
    server: str | None
    """Version of the server that it was restored into. None: the drill did not get there."""
    settings: dict[str, str]
    """The settings of that server that its speed depends on."""
    counts: Counts
    seconds: Seconds
    checks: tuple[Answer, ...]
    recall: tuple[Recall, ...]
    differences: tuple[str, ...]
    """Everything in which the restored copy is not what the manifest, and the stack's own queries,
    promise."""
    defects: tuple[str, ...]
    """What is wrong with the data itself, faithfully restored."""
    notes: tuple[str, ...]
    """What was left unchecked, or is remarkable without being wrong."""
    accepts_defects: bool
    """Whether defects leave a backup proven."""
    proven: bool

    @model_validator(mode="after")
    def _says_what_it_found(self) -> "Proof":
        if self.proven != proves(
            self.differences, self.defects, accepts_defects=self.accepts_defects
        ):
            raise ValueError("proven contradicts what was found")
        return self


def proves(differences: object, defects: object, *, accepts_defects: bool) -> bool:
    """Whether a drill that found this proves the backup."""
    return not differences and (accepts_defects or not defects)


def dump_proof(proof: Proof) -> bytes:
    """The proof as stored: JSON whose `digest` seals everything else."""
    return seal(proof.model_dump(mode="json"))


def load_proof(stored: bytes, key: str) -> Proof:
    """Read a stored proof.

    Raises:
        IntegrityError: it is none, was changed after it was written, or is of a later version.
    """
    try:
        return read_sealed(Proof, stored, "result of a drill")
    except UnfitError as error:
        raise IntegrityError(
            f"{key} {error}, so it proves nothing: drill the backup once more"
        ) from error
