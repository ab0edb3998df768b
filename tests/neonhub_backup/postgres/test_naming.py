"""Names of databases that stand beside another."""

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from neonhub_backup.postgres.naming import (
    aside_name,
    asides,
    beside_name,
    restored_name,
    scratch_suffix,
    scratches,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
NAMES = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), min_size=1)


def test_a_short_name_is_kept_whole() -> None:
    assert beside_name("shop", "restore_0badcafe") == "shop_restore_0badcafe"


def test_the_ending_says_when() -> None:
    assert aside_name("shop", NOW) == "shop_before_20260102T030405Z"


@settings(deadline=None)
@given(name=NAMES)
def test_no_name_is_longer_than_postgresql_allows(name: str) -> None:
    assert len(aside_name(name, NOW).encode()) <= 63


@settings(deadline=None)
@given(name=NAMES)
def test_a_name_that_is_cut_ends_between_two_characters(name: str) -> None:
    beside = beside_name(name, "drill")

    assert name.startswith(beside.removesuffix("_drill"))


def test_no_byte_is_given_away() -> None:
    assert beside_name("é" * 40, "drill") == "é" * 28 + "_drill"


def test_the_copy_of_a_long_name_still_tells_when_it_was_made() -> None:
    name = restored_name("x" * 63, NOW)

    assert len(name) == 63
    assert name.endswith("_restored_20260102T030405Z")


@settings(deadline=None)
@given(name=NAMES)
def test_what_was_named_beside_a_database_is_found_again(name: str) -> None:
    older, newer = aside_name(name, NOW), aside_name(name, NOW.replace(year=2027))
    scratch = beside_name(name, scratch_suffix())
    every = [older, scratch, newer, restored_name(name, NOW), name]

    assert asides(every, name)[:2] == [newer, older]
    assert scratch in scratches(every, name)


def test_what_stands_beside_another_database_is_not_taken_for_its_own() -> None:
    others = [aside_name("shopping", NOW), beside_name("shopping", scratch_suffix()), "shop_before"]

    assert asides(others, "shop") == []
    assert scratches(others, "shop") == []
