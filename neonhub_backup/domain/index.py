"""The index of a month: what the manifests of its backups say, in one small object.

It saves whoever looks at many backups from reading every manifest, and proves nothing: each entry
is a copy of what a manifest said, and no restore goes by it.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from neonhub_backup.domain.layout import (
    INDEX,
    STAMP_TIME,
    Location,
    parse_name,
    stamp,
    tier_prefix,
)
from neonhub_backup.domain.manifest import Manifest
from neonhub_backup.domain.retention import Tier
from neonhub_backup.domain.sealing import UnfitError, read_sealed, seal
from neonhub_backup.errors import IntegrityError

FORMAT = "neonhub-backup-index/1"

_MONTH = re.compile(r"(?P<year>[0-9]{4})-(?P<month>0[1-9]|1[0-2])")
_KEY = re.compile(rf"{INDEX}{_MONTH.pattern}/(?P<time>[0-9]{{8}}T[0-9]{{6}}Z)-[0-9a-f]{{8}}\.json")

Count = Annotated[int, Field(ge=0)]


@dataclass(frozen=True, order=True)
class Month:
    """A month of UTC, in which backups began."""

    year: int
    month: int

    def __str__(self) -> str:
        """`YYYY-MM`."""
        return f"{self.year:04}-{self.month:02}"

    @property
    def before(self) -> "Month":
        """The month before it."""
        return Month(self.year, self.month - 1) if self.month > 1 else Month(self.year - 1, 12)

    @property
    def index_prefix(self) -> str:
        """The common start of the keys of its indexes, of which the newest counts."""
        return f"{INDEX}{self}/"

    def prefix(self, tier: Tier) -> str:
        """The common start of the keys of a tier's backups that began in it."""
        return f"{tier_prefix(tier)}{self.year:04}/{self.month:02}/"


def month_of(moment: datetime) -> Month:
    """The month of a moment."""
    utc = moment.astimezone(UTC)
    return Month(utc.year, utc.month)


def parse_month(text: str) -> Month | None:
    """The month that is written `YYYY-MM`; None when none is."""
    match = _MONTH.fullmatch(text)
    return None if match is None else Month(int(match["year"]), int(match["month"]))


def newest_months(now: datetime, number: int) -> Iterator[Month]:
    """So many months, newest first, beginning with the present one."""
    month = month_of(now)
    for _ in range(number):
        yield month
        month = month.before


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Entry(_Part):
    """What the manifest of one backup says, as far as a list of many needs it."""

    name: str
    tier: Tier
    database: str
    started: datetime
    finished: datetime
    rewrapped_from: str | None
    """Name of the backup of which this one is a copy for other keys. None: of none."""
    bytes: Count
    """Bytes stored, without the manifest."""
    table_rows: dict[str, Count]
    """Rows of each table, by `schema.name`."""
    manifest_bytes: Count
    """Size of the manifest as it is stored."""

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(self.table_rows.values())

    @property
    def location(self) -> Location:
        """Where its backup is."""
        place = parse_name(self.name, self.tier)
        if place is None:
            raise ValueError(f"{self.name} is no name of a backup")
        return place


class MonthIndex(_Part):
    """The backups of one store that began in one month."""

    format: Literal["neonhub-backup-index/1"] = FORMAT
    month: str
    """`YYYY-MM`."""
    entries: tuple[Entry, ...]
    """Newest first."""

    @model_validator(mode="after")
    def _names_each_backup_of_its_month_once(self) -> "MonthIndex":
        places = [entry.location for entry in self.entries]
        if any(str(month_of(place.started)) != self.month for place in places):
            raise ValueError(f"it names a backup that did not begin in {self.month}")
        if len(set(places)) < len(places):
            raise ValueError("it names a backup twice")
        return self


def entry_of(manifest: Manifest, manifest_bytes: int) -> Entry:
    """What a manifest of this stored size says."""
    return Entry(
        name=manifest.name,
        tier=manifest.tier,
        database=manifest.database,
        started=manifest.started,
        finished=manifest.finished,
        rewrapped_from=manifest.rewrapped_from,
        bytes=manifest.bytes,
        table_rows=manifest.table_rows,
        manifest_bytes=manifest_bytes,
    )


def dump_index(index: MonthIndex) -> bytes:
    """The index as stored: JSON whose `digest` seals everything else."""
    return seal(index.model_dump(mode="json"))


def load_index(stored: bytes, month: Month, key: str) -> MonthIndex:
    """Read the stored index of a month.

    Raises:
        IntegrityError: it is none, was changed, is another month's, or of a later version.
    """
    instead = f"so the manifests of {month} are read instead: build the index anew"
    try:
        index = read_sealed(MonthIndex, stored, "index of backups")
    except UnfitError as error:
        raise IntegrityError(f"{key} {error}, {instead}") from error
    if index.month != str(month):
        raise IntegrityError(f"{key} is the index of {index.month}, {instead}")
    return index


def newest_index(keys: Iterable[str], month: Month) -> str | None:
    """The key among these that counts for a month; None when it has no index."""
    return max((key for key in keys if _written(key, month) is not None), default=None)


def new_index_key(month: Month, now: datetime, newest: str | None) -> str:
    """The key of a month's next index, which is to count from now on.

    It sorts after the present one even if that was written by a clock that is ahead.
    """
    before = None if newest is None else _written(newest, month)
    written = now if before is None else max(now, before + timedelta(seconds=1))
    return f"{month.index_prefix}{stamp(written)}.json"


def _written(key: str, month: Month) -> datetime | None:
    """When the index of a month was written, as its key says; None for any other object."""
    match = _KEY.fullmatch(key)
    if match is None or not key.startswith(month.index_prefix):
        return None
    try:
        return datetime.strptime(match["time"], STAMP_TIME).replace(tzinfo=UTC)
    except ValueError:  # digits that are no date
        return None
