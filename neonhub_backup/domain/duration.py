"""Durations as people write them in retention tables: 24h, 30d, 12w, 1y."""

import math
import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

_WRITTEN = re.compile(r"([0-9]+)([hdwy])")
_LONGEST_HOURS = 24 * 36525


def parse_duration(written: object) -> timedelta:
    """Read `<number><unit>` with unit h, d, w or y.

    A year is 365.25 days, rounded up to whole days, so that no copy is ever deleted early.

    Raises:
        ValueError: the text is not such a duration, is zero, or longer than 100 years.
    """
    if isinstance(written, timedelta):
        return written
    match = _WRITTEN.fullmatch(written) if isinstance(written, str) else None
    if match is None or int(match[1]) == 0:
        raise ValueError(
            f"{written!r} is not a duration: write a positive number and a unit,"
            " such as 24h, 30d, 12w or 1y"
        )
    number = int(match[1])
    match match[2]:
        case "h":
            hours = number
        case "d":
            hours = 24 * number
        case "w":
            hours = 24 * 7 * number
        case _:
            hours = 24 * _days_in_years(number)
    if hours > _LONGEST_HOURS:
        raise ValueError(
            f"{written} is longer than 100y: no store locks or keeps an object for that long;"
            " write at most 100y"
        )
    return timedelta(hours=hours)


def format_duration(duration: timedelta) -> str:
    """Write a duration so that `parse_duration` reads the same one back."""
    hours = int(duration.total_seconds()) // 3600
    if hours % 24 or hours <= 24:
        return f"{hours}h"
    days = hours // 24
    years = int(days / 365.25)
    if years and _days_in_years(years) == days:
        return f"{years}y"
    return f"{days // 7}w" if days % 7 == 0 else f"{days}d"


def whole_days(duration: timedelta) -> int:
    """The smallest number of whole days that is not shorter."""
    return math.ceil(duration / timedelta(days=1))


def _days_in_years(years: int) -> int:
    return -(-1461 * years // 4)


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration, json_schema_input_type=str),
    PlainSerializer(format_duration, return_type=str),
]
