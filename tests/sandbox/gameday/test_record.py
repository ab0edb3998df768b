"""The record of a game day says what came of it, and hides nothing that went wrong."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sandbox.gameday.day import SHORT
from sandbox.gameday.record import Record, describe, problems, render, write
from sandbox.gameday.scenarios import Outcome

GOOD = Outcome(
    name="a table is dropped",
    broken="`DROP TABLE ledger`",
    detected_by="`rows`, in the next backup",
    told="table public.ledger has 0 rows",
    set_back_seconds=0.0,
    detection_seconds=4.26,
    detection_promised_seconds=4800.0,
    on_page=True,
    commands=('neonhub-backup restore "$BACKUP"',),
    headings=("Rows or tables are lost",),
    recovery_seconds=3.14,
    recovery_promised_seconds=300.0,
    rows_lost=1234,
    seconds_lost=8.5,
    may_be_lost_seconds=3600.0,
    whole=True,
    refused=7,
    breaches_afterwards=(),
    notes=("A note.",),
)


def _record(*outcomes: Outcome) -> Record:
    return Record(
        began=datetime(2026, 1, 5, 2, tzinfo=UTC),
        seconds=83.0,
        size=SHORT,
        postgres="18.6",
        outcomes=tuple(enumerate(outcomes, start=1)),
    )


def test_a_good_day_is_a_row_and_a_section_of_each_scenario() -> None:
    page = render(_record(GOOD))

    assert page.startswith("# Game day of 5 January 2026\n")
    assert "**Everything was told and mended as promised.**" in page
    assert (
        "| 1 | [a table is dropped](#1-a-table-is-dropped) | `rows`, in the next backup | 4.3 | - |"
        " 1 h 20 min | Rows or tables are lost | 3.1 | 5 min | 1,234 |"
    ) in page
    assert "## 1. A table is dropped" in page
    assert '```sh\nneonhub-backup restore "$BACKUP"\n```' in page
    assert "1,234 entries that the application had committed are gone" in page
    assert "- A note." in page


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"detection_seconds": 4801.0}, "not in time"),
        ({"set_back_seconds": 4799.0}, "not in time"),
        ({"recovery_seconds": 301.0}, "not in time"),
        ({"on_page": False}, "the page does not show it"),
        ({"whole": False}, "rows differ that nobody wrote into"),
        ({"seconds_lost": 3601.0}, "more is lost than promised"),
        ({"breaches_afterwards": ("it is old",)}, "told of afterwards: it is old"),
    ],
)
def test_whatever_is_not_as_promised_is_named(changed: dict[str, object], problem: str) -> None:
    bad = replace(GOOD, **changed)  # pyright: ignore[reportArgumentType] - fields by name
    record = _record(GOOD, bad)

    assert problems(bad) == [problem]
    assert not record.good
    assert "**Not everything went as promised:**" in render(record)
    assert f"**Not as promised: {problem}.**" in render(record)
    assert describe(record)["scenarios"][1]["problems"] == [problem]


def test_where_nothing_is_promised_no_time_is_too_long() -> None:
    slow = replace(GOOD, recovery_promised_seconds=None, recovery_seconds=1e6)

    assert slow.in_time
    assert "| Rows or tables are lost | 1000000.0 | - |" in render(_record(slow))


def test_both_files_have_the_name_of_the_day(tmp_path: Path) -> None:
    page, data = write(_record(GOOD), tmp_path)

    assert (page.name, data.name) == ("2026-01-05.md", "2026-01-05.json")
    (scenario,) = json.loads(data.read_text())["scenarios"]
    assert (scenario["number"], scenario["detection_seconds"], scenario["rows_lost"]) == (
        *(1, 4.3),
        1234,
    )
