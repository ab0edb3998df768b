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
