"""Durations as people write them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neonhub_backup.domain.duration import format_duration, parse_duration, whole_days

LONGEST = {"h": 24 * 36525, "d": 36525, "w": 5217, "y": 100}
WRITTEN = st.sampled_from(list(LONGEST)).flatmap(
    lambda unit: st.integers(1, LONGEST[unit]).map(lambda number: f"{number}{unit}")
)


@pytest.mark.parametrize(
    ("written", "duration"),
    [
        ("1h", timedelta(hours=1)),
        ("24h", timedelta(days=1)),
        ("30d", timedelta(days=30)),
        ("12w", timedelta(days=84)),
        ("1y", timedelta(days=366)),
        ("4y", timedelta(days=1461)),
        ("7y", timedelta(days=2557)),
    ],
)
def test_a_duration_is_read(written: str, duration: timedelta) -> None:
    assert parse_duration(written) == duration


@pytest.mark.parametrize(
    "written",
    ["", "0d", "-1d", "1", "d", "1m", "1.5d", "1 d", "1D", "1d ", "30d12h", 30, None, True],
)
def test_anything_else_is_refused_with_an_example(written: object) -> None:
    with pytest.raises(ValueError, match="such as 24h, 30d, 12w or 1y"):
        parse_duration(written)


@pytest.mark.parametrize("written", ["101y", "36526d", "876601h", "9" * 30 + "y"])
def test_more_than_a_hundred_years_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="longer than 100y"):
        parse_duration(written)


@given(WRITTEN)
def test_a_duration_survives_being_written_and_read(written: str) -> None:
    duration = parse_duration(written)

    assert parse_duration(format_duration(duration)) == duration


@given(st.integers(min_value=1, max_value=100))
def test_a_year_is_never_shorter_than_any_calendar_year_in_it(years: int) -> None:
    assert parse_duration(f"{years}y").days >= 365.25 * years


@pytest.mark.parametrize(
    ("written", "formatted"),
    [("24h", "24h"), ("1d", "24h"), ("36h", "36h"), ("48h", "2d"), ("84d", "12w"), ("366d", "1y")],
)
def test_the_largest_unit_that_fits_is_written(written: str, formatted: str) -> None:
    assert format_duration(parse_duration(written)) == formatted


@pytest.mark.parametrize(("written", "days"), [("1h", 1), ("24h", 1), ("25h", 2), ("12w", 84)])
def test_whole_days_are_never_fewer(written: str, days: int) -> None:
    assert whole_days(parse_duration(written)) == days
