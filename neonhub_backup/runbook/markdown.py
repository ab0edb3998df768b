"""The few things that the runbook and the post-mortem are written with."""

import re
from collections.abc import Iterable, Sequence
from datetime import timedelta

from neonhub_backup.wording import minutes_text

COMMANDS = "sh"
"""What follows the fence of a block that a test runs."""
SETUP = "sh setup"
"""Of the block that every other one needs to have run in the same shell."""
ELSEWHERE = "sh elsewhere"
"""Of a block that no test can run: its first line says why."""

_MARKS = re.compile(r"([\\`*\[\]<>|]|(?<!\w)_|_(?!\w))")


def block(*lines: str, kind: str = COMMANDS) -> str:
    """Commands as they are typed."""
    return "\n".join([f"```{kind}", *lines, "```"])


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a cell holds Markdown without a line end or an upright line."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def plain(text: str) -> str:
    """Other people's words in one line, which format nothing."""
    return _MARKS.sub(r"\\\1", " ".join(text.split()))


def anchor(heading: str) -> str:
    """What GitHub calls a heading in links to it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def time_text(time: timedelta) -> str:
    """A length of time for people, in its two largest units: the nearest minute."""
    seconds = time.total_seconds()
    return f"{seconds:.0f} s" if seconds < 60 else minutes_text(round(seconds / 60))
