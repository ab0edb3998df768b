"""Names of databases that stand beside another, by which each is found again."""

import re
import secrets
from collections.abc import Iterable
from datetime import datetime

NAME_BYTES = 63
"""PostgreSQL's limit for the name of anything."""

_ASIDE = re.compile(r"before_\d{8}T\d{6}Z$")
_SCRATCH = re.compile(r"restore_[0-9a-f]{8}$")


def beside_name(database: str, suffix: str) -> str:
    """A name within PostgreSQL's limit that tells what it stands beside."""
    room = NAME_BYTES - len(suffix.encode()) - 1
    return f"{database.encode()[:room].decode(errors='ignore')}_{suffix}"


def aside_name(database: str, now: datetime) -> str:
    """What a database is called once another one has its name."""
    return beside_name(database, f"before_{now:%Y%m%dT%H%M%SZ}")


def restored_name(database: str, now: datetime) -> str:
    """What a restored copy is called once it is proven, until it takes the place."""
    return beside_name(database, f"restored_{now:%Y%m%dT%H%M%SZ}")


def scratch_suffix() -> str:
    """Ends the name of a database that an unfinished restore fills."""
    return f"restore_{secrets.token_hex(4)}"


def asides(names: Iterable[str], database: str) -> list[str]:
    """Those of the names that `aside_name` gave to a database, the newest first."""
    found = [(match[0], name) for name in names if (match := _ASIDE.search(name))]
    ours = [(end, name) for end, name in found if name == beside_name(database, end)]
    return [name for _, name in sorted(ours, reverse=True)]


def scratches(names: Iterable[str], database: str) -> list[str]:
    """Those of the names that unfinished restores of a database have."""
    found = [(match[0], name) for name in names if (match := _SCRATCH.search(name))]
    return [name for end, name in found if name == beside_name(database, end)]
