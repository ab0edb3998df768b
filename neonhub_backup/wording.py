"""How messages say things that they have in common."""

from collections.abc import Sequence
from datetime import datetime

DIFFERENCES_SHOWN = 20
"""How many of them a message names."""


def shown(lines: Sequence[str]) -> str:
    """As many of the lines as a message names, and how many there are beside."""
    more = len(lines) - DIFFERENCES_SHOWN
    return "; ".join([*lines[:DIFFERENCES_SHOWN], *([f"and {more} more"] if more > 0 else [])])


def moment_text(moment: datetime) -> str:
    """A time in UTC, as options take it."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def minutes_text(minutes: int) -> str:
    """One minute or more for people, in the two largest units."""
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [f"{days} d"] if days else []
    parts += [f"{hours} h"] if hours else []
    parts += [f"{rest} min"] if rest and not days else []
    return " ".join(parts)


def size_text(number: int) -> str:
    """A size for people, in powers of 1024."""
    size = float(number)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"
