"""How long one recovery took, as it is stored below `status/recoveries/`."""

import re
from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from neonhub_backup.domain.layout import RECOVERIES, stamp
from neonhub_backup.domain.manifest import Origin
from neonhub_backup.domain.sealing import UnfitError, read_sealed, seal
from neonhub_backup.errors import IntegrityError

FORMAT = "neonhub-backup-recovery/1"

_KEY = re.compile(rf"{RECOVERIES}[0-9]{{8}}T[0-9]{{6}}Z-[0-9a-f]{{8}}\.json")


class Scenario(StrEnum):
    """The ways back that have an objective of their own."""

    TABLE = "table"
    """Single tables from a backup, into a side schema or in place."""
    BRANCH = "branch"
    """A branch of Neon at a moment."""
    STORE = "store"
    """The whole database from a backup."""
    PITR = "pitr"
    """A server at a moment, from a base backup and archived WAL."""

    @property
    def words(self) -> str:
        """For people."""
        return _WORDS[self]


_WORDS = {
    Scenario.TABLE: "one table",
    Scenario.BRANCH: "a branch of Neon",
    Scenario.STORE: "the database from a store",
    Scenario.PITR: "a point in time from WAL",
}


class Recovery(BaseModel):
    """One recovery that was more than a rehearsal's plan: real data, in a place to use it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal["neonhub-backup-recovery/1"] = FORMAT
    scenario: Scenario
    environment: str
    database: str
    command: str
    """The command, without what was given to it."""
    source: str
    """Name of the backup, of the base backup, or of the branch."""
    store: str | None
    """Name of the store that it was read from. None: it came from none."""
    finished: datetime
    seconds: float = Field(ge=0)
    """From the command's beginning until the data could be used."""
    origin: Origin
    """Where it was run."""
    tool_version: str


def new_recovery_key(finished: datetime) -> str:
    """A key that no other recovery has; keys sort by the second."""
    return f"{RECOVERIES}{stamp(finished)}.json"


def is_recovery_key(key: str) -> bool:
    """Whether a measured recovery is there, and nothing else."""
    return _KEY.fullmatch(key) is not None


def dump_recovery(recovery: Recovery) -> bytes:
    """The recovery as stored: JSON whose `digest` seals everything else."""
    return seal(recovery.model_dump(mode="json"))


def load_recovery(stored: bytes, key: str) -> Recovery:
    """Read a stored recovery.

    Raises:
        IntegrityError: it is none, was changed after it was written, or is of a later version.
    """
    try:
        return read_sealed(Recovery, stored, "measured recovery")
    except UnfitError as error:
        raise IntegrityError(
            f"{key} {error}, so it is left out of what recoveries take: find out who changed it"
        ) from error
