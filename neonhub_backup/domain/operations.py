"""How long an operations bucket keeps what lies in it: logs, and older versions of the rest."""

import re
from datetime import timedelta
from itertools import combinations

from pydantic import BaseModel, ConfigDict, field_validator

from neonhub_backup.domain.duration import Duration
from neonhub_backup.domain.layout import ACCESS_LOGS, INDEX, STATUS, TRAIL, WAL

OWN_PREFIXES = (ACCESS_LOGS, TRAIL, INDEX, STATUS, WAL)
"""Everything that this project itself puts into an operations bucket."""

_PREFIX = re.compile(r"[a-z0-9][a-z0-9/_-]*/")


class OperationsPolicy(BaseModel):
    """The periods of an operations bucket; all of them are paid for."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    logs: Duration = timedelta(days=400)
    """How long access logs and the trail's records are kept: a year, and time to ask. So are the
    indexes of months: one that is gone is built anew from what it was made of."""
    pages: Duration = timedelta(days=30)
    """How long the pages are kept that every watch publishes."""
    undo: Duration = timedelta(days=30)
    """How long anything else that was overwritten can be brought back."""
    wal: Duration = timedelta(days=35)
    """How long WAL and base backups are kept, since no identity may delete them: longer than the
    time from one base backup to the next and the time one may want to go back, together."""
    wal_undo: Duration = timedelta(days=7)
    """How long WAL and its metadata can be brought back once overwritten or expired."""
    further: dict[str, Duration] = {}
    """Further prefixes, such as exports/: 30d, and how long their objects are kept."""

    @field_validator("further")
    @classmethod
    def _apart(cls, further: dict[str, timedelta]) -> dict[str, timedelta]:
        for prefix in further:
            if not _PREFIX.fullmatch(prefix):
                raise ValueError(
                    f"{prefix!r} is no prefix, so its rule would match nothing or too much; write"
                    " small letters, digits, hyphens and underscores, and a slash at the end"
                )
        for one, other in combinations((*OWN_PREFIXES, *further), 2):
            if one.startswith(other) or other.startswith(one):
                raise ValueError(
                    f"{other} overlaps {one}, so objects below both would be gone after the shorter"
                    " of two periods; choose prefixes of which none begins with another"
                )
        return further
