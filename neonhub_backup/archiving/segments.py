"""What the files of a WAL archive are called, and which of them a recovery needs.

A segment's name is its timeline and its number. A recovery begins a new timeline, and a history
file says where that left the older one.
See https://www.postgresql.org/docs/current/continuous-archiving.html#BACKUP-TIMELINES
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from neonhub_backup.errors import IntegrityError

_SEGMENT = re.compile(r"[0-9A-F]{24}")
_HISTORY = re.compile(r"([0-9A-F]{8})\.history")
_WAL_FILE = re.compile(r"[0-9A-F]{24}(\.partial|\.[0-9A-F]{8}\.backup)?|[0-9A-F]{8}\.history")
_FORK = re.compile(r"\s*(\d+)\s+([0-9A-Fa-f]+/[0-9A-Fa-f]+)(\s.*)?")
_HIGH = 1 << 32


@dataclass(frozen=True)
class Stretch:
    """The part of a recovery's way that lies on one timeline."""

    timeline: int
    start: int
    """The position at which it left the timeline before."""
    end: int | None
    """The position at which the next timeline left it. None: it is the last."""


def is_wal_file(name: str) -> bool:
    """Whether PostgreSQL archives files of such a name."""
    return _WAL_FILE.fullmatch(name) is not None


def is_segment(name: str) -> bool:
    """Whether it is a whole segment."""
    return _SEGMENT.fullmatch(name) is not None


def is_history(name: str) -> bool:
    """Whether it is the history of a timeline."""
    return _HISTORY.fullmatch(name) is not None


def folder_of(name: str) -> str:
    """The folder of a file, which is barman's choice: the timeline and the high half."""
    return name[:16] if _SEGMENT.match(name) else ""


def parse_lsn(text: str) -> int:
    """A position such as 0/3000028 as a number."""
    high, _, low = text.partition("/")
    return (int(high, 16) << 32) + int(low, 16)


def segment_name(timeline: int, number: int, segment_bytes: int) -> str:
    """A segment's name."""
    per_high = _HIGH // segment_bytes
    return f"{timeline:08X}{number // per_high:08X}{number % per_high:08X}"


def segment_number(name: str, segment_bytes: int) -> int:
    """A segment's number, counted from the start of all WAL."""
    return int(name[8:16], 16) * (_HIGH // segment_bytes) + int(name[16:24], 16)


def newest_timeline(files: Collection[str]) -> int:
    """The newest timeline of which an archive has anything."""
    return max((int(name[:8], 16) for name in files), default=1)


def read_way(timeline: int, history: str) -> tuple[Stretch, ...]:
    """The timelines on the way to one, oldest first, by the text of its history file.

    Raises:
        IntegrityError: it is no such file.
    """
    forks: list[tuple[int, int]] = []
    for line in history.splitlines():
        text = line.partition("#")[0]
        if not text.strip():
            continue
        found = _FORK.fullmatch(text)
        if found is None:
            raise IntegrityError(
                f"the history of timeline {timeline} has the line {line!r}, which PostgreSQL does"
                " not write, so it is unknown where its WAL begins: bring back an earlier version"
                f" of {timeline:08X}.history"
            )
        forks.append((int(found[1]), parse_lsn(found[2])))
    starts = [0, *(end for _, end in forks)]
    numbers = [*(number for number, _ in forks), timeline]
    ends = [*(end for _, end in forks), None]
    return tuple(
        Stretch(number, start, end)
        for number, start, end in zip(numbers, starts, ends, strict=True)
    )


def histories(files: Collection[str]) -> set[int]:
    """The timelines whose history files an archive has."""
    return {int(found[1], 16) for name in files if (found := _HISTORY.fullmatch(name))}


def leads_on(way: Sequence[Stretch], timeline: int, end: int) -> bool:
    """Whether a base backup that was consistent at this position lies on the way."""
    return any(
        stretch.timeline == timeline and (stretch.end is None or end <= stretch.end)
        for stretch in way
    )


@dataclass(frozen=True)
class Reach:
    """How far the WAL of an archive leads from a base backup on."""

    newest: str | None
    """The newest segment on the way. None: there is none yet."""
    missing: str | None
    """The first segment before it that is not there. None: nothing is missing."""
    segments: int
    """How many follow each other without a gap."""


def reach(way: Sequence[Stretch], begin: int, files: Collection[str], segment_bytes: int) -> Reach:
    """Follow the segments from a position on."""
    present = _on_the_way(way, files, segment_bytes)
    first = begin // segment_bytes
    later = [number for number in present if number >= first]
    if not later:
        return Reach(None, None, 0)
    last = max(later)
    for number in range(first, last):
        if number not in present:
            missing = segment_name(_timeline_of(way, number, segment_bytes), number, segment_bytes)
            return Reach(present[last], missing, number - first)
    return Reach(present[last], None, last - first + 1)


def _on_the_way(
    way: Sequence[Stretch], files: Collection[str], segment_bytes: int
) -> Mapping[int, str]:
    """The archive's segments that a recovery on this way reads, by their numbers."""
    found: dict[int, str] = {}
    for name in files:
        if is_segment(name):
            number = segment_number(name, segment_bytes)
            if int(name[:8], 16) == _timeline_of(way, number, segment_bytes):
                found[number] = name
    return found


def _timeline_of(way: Sequence[Stretch], number: int, segment_bytes: int) -> int:
    """A segment in which a timeline begins is its own: it repeats what the older one had."""
    return max(stretch.timeline for stretch in way if stretch.start // segment_bytes <= number)
