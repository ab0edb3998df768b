"""The index of a month says what manifests said, and shows when it was changed."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from neonhub_backup.domain.index import (
    Entry,
    Month,
    MonthIndex,
    dump_index,
    entry_of,
    load_index,
    month_of,
    new_index_key,
    newest_index,
    newest_months,
    parse_month,
)
from neonhub_backup.domain.layout import Location, new_location
from neonhub_backup.domain.manifest import Chunk, Table, dump_manifest
from neonhub_backup.domain.retention import Tier
from neonhub_backup.domain.sealing import seal
from neonhub_backup.errors import IntegrityError
from tests.neonhub_backup.samples import SHA256, at, location, manifest

JANUARY = Month(2026, 1)
KEY = "s3://operations/index/2026-01/20260105T020000Z-0badcafe.json"


def _entry(place: Location) -> Entry:
    written = manifest(place)
    return entry_of(written, len(dump_manifest(written)))


def _table(schema: str, name: str, *rows: int) -> Table:
    return Table(
        schema_name=schema,
        name=name,
        columns=("id",),
        form="binary",
        disk_bytes=8192,
        chunks=tuple(
            Chunk(name=f"{schema}.{name}.{n}", bytes=10, sha256=SHA256, rows=count)
            for n, count in enumerate(rows)
        ),
    )


INDEX = MonthIndex(month="2026-01", entries=(_entry(location(day=6)), _entry(location(day=5))))


def test_an_index_survives_being_stored() -> None:
    assert load_index(dump_index(INDEX), JANUARY, KEY) == INDEX


def test_an_entry_says_what_its_manifest_says() -> None:
    place = location()
    tables = (_table("public", "users", 3, 4), _table("a.b", "c", 1), _table("a", "b.c", 2))
    written = manifest(place).model_copy(
        update={"tables": tables, "rewrapped_from": "20260104T020000Z-0badcafe"}
    )

    entry = entry_of(written, 1234)

    assert entry.location == place
    assert entry.table_rows == {"public.users": 7, "a.b.c": 3}
    assert (entry.rows, entry.bytes) == (written.rows, written.bytes) == (10, 41)
    assert (entry.database, entry.started) == ("app", place.started)
    assert entry.rewrapped_from == "20260104T020000Z-0badcafe"
    assert entry.manifest_bytes == 1234


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        (b"", "is no index of backups"),
        (b"[]", "is no index of backups"),
        (dump_index(INDEX)[:-100], "is no index of backups"),
        (dump_index(INDEX).replace(b'"app"', b'"ape"'), "was changed after it was written"),
        (dump_index(MonthIndex(month="2026-02", entries=())), "is the index of 2026-02"),
        (
            seal(INDEX.model_dump(mode="json") | {"format": "neonhub-backup-index/2"}),
            r"says what this version cannot read \(format: ",
        ),
        (
            seal(INDEX.model_dump(mode="json") | {"later": 1}),
            r"says what this version cannot read \(later: ",
        ),
    ],
)
def test_an_index_that_cannot_be_trusted_is_refused(stored: bytes, reason: str) -> None:
    with pytest.raises(IntegrityError, match=f"{KEY} {reason}.*manifests of 2026-01 are read"):
        load_index(stored, JANUARY, KEY)


def test_an_index_names_backups_of_its_month_only() -> None:
    other = _entry(new_location(Tier.DAILY, datetime(2026, 2, 1, tzinfo=UTC)))

    with pytest.raises(ValidationError, match="a backup that did not begin in 2026-01"):
        MonthIndex(month="2026-01", entries=(other,))
    with pytest.raises(ValidationError, match="x is no name of a backup"):
        MonthIndex(month="2026-01", entries=(other.model_copy(update={"name": "x"}),))


def test_an_index_names_no_backup_twice() -> None:
    entry = _entry(location())

    with pytest.raises(ValidationError, match="names a backup twice"):
        MonthIndex(month="2026-01", entries=(entry, entry))


def test_plain_programs_can_read_an_index() -> None:
    read = json.loads(dump_index(INDEX))

    assert [entry["name"][:8] for entry in read["entries"]] == ["20260106", "20260105"]
    assert read["entries"][0]["bytes"] == 1


def test_a_month_is_one_of_utc() -> None:
    new_year_in_berlin = datetime(2026, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=1)))

    assert month_of(new_year_in_berlin) == Month(2025, 12)


@given(st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis takes bounds without a zone
def test_a_month_is_read_as_it_is_written(moment: datetime) -> None:
    month = month_of(moment)

    assert parse_month(str(month)) == month
    assert new_location(Tier.DAILY, moment).prefix.startswith(month.prefix(Tier.DAILY))


@pytest.mark.parametrize("text", ["2026-13", "2026-00", "2026-1", "26-01", "2026-01-", "٢٠٢٦-01"])
def test_no_other_text_is_a_month(text: str) -> None:
    assert parse_month(text) is None


def test_the_newest_months_reach_across_years() -> None:
    assert [str(month) for month in newest_months(at(5), 3)] == ["2026-01", "2025-12", "2025-11"]


def test_an_index_written_later_counts() -> None:
    keys = [new_index_key(JANUARY, at(day), None) for day in (5, 7, 6)]

    assert newest_index(keys, JANUARY) == keys[1]
    assert newest_index([], JANUARY) is None


@given(st.lists(st.integers(-(10**6), 10**6)))
def test_the_index_written_last_counts_whatever_the_clocks_say(seconds: list[int]) -> None:
    written: list[str] = []
    for each in seconds:
        now = at(5) + timedelta(seconds=each)
        written.append(new_index_key(JANUARY, now, newest_index(written, JANUARY)))

        assert newest_index(written, JANUARY) == written[-1]


@pytest.mark.parametrize(
    "key",
    [
        "index/2026-02/20260105T020000Z-0badcafe.json",
        "index/2026-01/20260199T020000Z-0badcafe.json",
        "index/2026-01/20260105T020000Z.json",
        "index/2026-01/20260105T020000Z-0badcafe.json.bak",
        "index/2026-01/x/20260105T020000Z-0badcafe.json",
        "index/2026-01/zzz",
    ],
)
def test_nothing_else_is_taken_for_a_months_index(key: str) -> None:
    assert newest_index([key], JANUARY) is None
