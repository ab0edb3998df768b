"""Where a backup's objects are, and which keys belong to none."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neonhub_backup.domain.layout import (
    ARCHIVE,
    MANIFEST,
    chunk_name,
    drill_key,
    new_location,
    parse_drill_key,
    parse_key,
    parse_name,
    tier_prefix,
)
from neonhub_backup.domain.retention import Tier

PREFIX = "db/daily/2025/01/20250105T020304Z-0badcafe/"


@given(st.sampled_from(Tier), st.datetimes(min_value=datetime(2000, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis adds the zone
def test_a_location_is_found_again_in_its_keys(tier: Tier, now: datetime) -> None:
    location = new_location(tier, now)

    for name in (MANIFEST, ARCHIVE, chunk_name(1, 2, "binary")):
        assert parse_key(location.prefix + name) == (location, name)


def test_a_prefix_tells_tier_month_and_second() -> None:
    location = new_location(Tier.DAILY, datetime(2025, 1, 5, 2, 3, 4, 999, tzinfo=UTC))

    assert location.prefix.startswith("db/daily/2025/01/20250105T020304Z-")
    assert location.prefix == f"{tier_prefix(Tier.DAILY)}2025/01/{location.name}/"


def test_a_prefix_is_in_utc() -> None:
    now = datetime(2025, 1, 1, 1, 0, tzinfo=timezone(timedelta(hours=2)))

    assert new_location(Tier.DAILY, now).prefix.startswith("db/daily/2024/12/20241231T230000Z-")


def test_two_backups_of_one_second_have_two_places() -> None:
    now = datetime(2025, 1, 5, tzinfo=UTC)

    assert new_location(Tier.DAILY, now).prefix != new_location(Tier.DAILY, now).prefix


def test_backups_of_one_second_sort_as_they_began() -> None:
    second = datetime(2025, 1, 5, tzinfo=UTC)
    begun = [second + timedelta(microseconds=each) for each in (0, 300, 400_000, 999_500, 999_999)]

    places = [new_location(Tier.DAILY, each) for each in begun]

    assert [place.started for place in places] == [second] * 5
    assert sorted(places) == places


def test_locations_sort_by_time_first() -> None:
    early = new_location(Tier.ANNUAL, datetime(2025, 1, 5, tzinfo=UTC))
    late = new_location(Tier.HOURLY, datetime(2025, 1, 6, tzinfo=UTC))

    assert sorted([late, early]) == [early, late]


@pytest.mark.parametrize(
    "key",
    [
        "",
        "manifest.json",
        "db/daily/manifest.json",
        PREFIX.removesuffix("/"),
        "other/" + PREFIX + MANIFEST,
        PREFIX.replace("daily", "fortnightly") + MANIFEST,
        PREFIX.replace("2025/01", "2025/02") + MANIFEST,
        PREFIX.replace("2025/01", "2024/01") + MANIFEST,
        PREFIX.replace("0badcafe", "0BADCAFE") + MANIFEST,
        PREFIX.replace("0badcafe", "0badcaf") + MANIFEST,
        "db/daily/2025/13/20251305T020304Z-0badcafe/" + MANIFEST,
        "db/daily/2025/02/20250230T020304Z-0badcafe/" + MANIFEST,
        "db/daily/2025/01/20250105T250304Z-0badcafe/" + MANIFEST,
        "db/daily/0000/00/00000000T000000Z-0badcafe/" + MANIFEST,
    ],
)
def test_a_foreign_key_belongs_to_no_backup(key: str) -> None:
    assert parse_key(key) is None


@given(st.text())
def test_no_key_whatsoever_is_an_error(key: str) -> None:
    parse_key(key)
    parse_key(PREFIX + key)


def test_chunks_are_named_in_their_order() -> None:
    assert chunk_name(12, 3, "binary") == "rows/0012-003.binary.zst.gpg"
    names = [chunk_name(table, chunk, "text") for table in (1, 20, 300) for chunk in (0, 9, 10)]
    assert names == sorted(names)


def test_every_drill_of_a_backup_is_found_by_its_name() -> None:
    name = new_location(Tier.DAILY, datetime(2025, 1, 5, 2, 3, 4, tzinfo=UTC)).name
    again = datetime(2025, 1, 6, 3, 0, tzinfo=timezone(timedelta(hours=2)))

    assert drill_key(name, again) == f"drills/{name}.20250106T010000Z.json"
    assert parse_drill_key(drill_key(name)) == parse_drill_key(drill_key(name, again)) == name


@pytest.mark.parametrize("key", ["drills/", "drills/x.json", f"{PREFIX}manifest.json"])
def test_other_keys_are_no_drills(key: str) -> None:
    assert parse_drill_key(key) is None


def test_a_name_says_where_its_backup_is() -> None:
    place = new_location(Tier.WEEKLY, datetime(2026, 1, 5, 2, tzinfo=UTC))

    assert parse_name(place.name, Tier.WEEKLY) == place


@pytest.mark.parametrize(
    "name", ["latest", "", "20260105T020000Z-0123456", "20261305T020000Z-01234567", "../secrets"]
)
def test_what_is_no_name_is_nowhere(name: str) -> None:
    assert parse_name(name, Tier.WEEKLY) is None
