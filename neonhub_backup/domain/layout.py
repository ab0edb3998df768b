"""Where a backup's objects are: `db/<tier>/YYYY/MM/<timestamp>-<short id>/`."""

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from neonhub_backup.domain.retention import Tier

ROOT = "db/"
"""Prefix of every backup in a store."""
MANIFEST = "manifest.json"
"""The object written last: without it the backup does not exist."""
DRILLS = "drills/"
"""Prefix of the results of drills: one object for each drill of a backup."""
ACCESS_LOGS = "access-logs/"
"""Prefix, in an operations bucket, of who asked what of the backup bucket."""
TRAIL = "trail/"
"""Prefix, in an operations bucket, of what CloudTrail records."""
INDEX = "index/"
"""Prefix, in an operations bucket, of the list of all backups."""
STATUS = "status/"
"""Prefix, in an operations bucket, of how the backups stand and how long recoveries took."""
PAGES = f"{STATUS}pages/"
"""Prefix, in an operations bucket, of pages that show how the backups stood at a time."""
RECOVERIES = f"{STATUS}recoveries/"
"""Prefix, in an operations bucket, of measured recoveries: one object for each."""
WAL = "wal/"
"""Prefix, in an operations bucket, of the WAL archive and its base backups."""
ARCHIVE = "archive.dump.zst.gpg"
"""The `pg_dump -Fc` archive of everything but the rows of ordinary tables."""

STAMP_TIME = "%Y%m%dT%H%M%SZ"
"""How times are written in the names of objects."""

_NAME = r"\d{8}T\d{6}Z-[0-9a-f]{8}"
_PREFIX = re.compile(rf"{ROOT}(?P<tier>[a-z]+)/\d{{4}}/\d{{2}}/(?P<name>{_NAME})/")
_DRILL = re.compile(rf"{DRILLS}(?P<name>{_NAME})(\.\d{{8}}T\d{{6}}Z)?\.json")


@dataclass(frozen=True, order=True)
class Location:
    """One backup's place, known before a byte of it is read."""

    started: datetime
    """When the backup began, UTC, whole seconds."""
    name: str
    """`<timestamp>-<short id>`: what users give to `restore` and `drill`."""
    tier: Tier

    @property
    def prefix(self) -> str:
        """The common start of all its keys, with a trailing slash."""
        return f"{tier_prefix(self.tier)}{self.started:%Y/%m}/{self.name}/"


def new_location(tier: Tier, now: datetime) -> Location:
    """A place no other backup has, and that sorts after all that begin earlier in the second.

    The short id is 12 bits of the fraction of the second, then 20 random ones.
    """
    started = now.astimezone(UTC).replace(microsecond=0)
    fraction = (now.microsecond << 12) // 1_000_000
    name = f"{started:{STAMP_TIME}}-{fraction:03x}{secrets.randbelow(1 << 20):05x}"
    return Location(started, name, tier)


def stamp(moment: datetime) -> str:
    """A name that no other object has, and that sorts by the second."""
    return f"{moment.astimezone(UTC):{STAMP_TIME}}-{secrets.token_hex(4)}"


def tier_prefix(tier: Tier) -> str:
    """What the lifecycle rule of a tier matches."""
    return f"{ROOT}{tier}/"


def parse_key(key: str) -> tuple[Location, str] | None:
    """The backup a key belongs to, and the object's name in it; None when to none."""
    match = _PREFIX.match(key)
    if match is None or match["tier"] not in set(Tier):
        return None
    location = parse_name(match["name"], Tier(match["tier"]))
    if location is None or not key.startswith(location.prefix):
        return None
    return location, key.removeprefix(location.prefix)


def parse_name(name: str, tier: Tier) -> Location | None:
    """Where a backup of this name and tier is, if there is one; None when it is no such name."""
    if re.fullmatch(_NAME, name) is None:
        return None
    time, _, _ = name.partition("-")
    try:
        started = datetime.strptime(time, STAMP_TIME).replace(tzinfo=UTC)
    except ValueError:  # digits that are no date
        return None
    return Location(started, name, tier)


def drill_key(backup: str, again: datetime | None = None) -> str:
    """Key of a drill's result: without a time for the first one of a backup, with it for others."""
    when = "" if again is None else f".{again.astimezone(UTC):{STAMP_TIME}}"
    return f"{DRILLS}{backup}{when}.json"


def parse_drill_key(key: str) -> str | None:
    """Name of the backup whose drill's result is there; None for any other object."""
    match = _DRILL.fullmatch(key)
    return None if match is None else match["name"]


def chunk_name(table: int, chunk: int, form: str) -> str:
    """Name of one piece of a table's rows, e.g. `rows/0012-003.binary.zst.gpg`."""
    return f"rows/{table:04d}-{chunk:03d}.{form}.zst.gpg"
