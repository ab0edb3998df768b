"""Names of databases that stand beside another."""

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from neonhub_backup.postgres.placement import aside_suffix, beside_name

NOW = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
NAMES = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), min_size=1)


def test_a_short_name_is_kept_whole() -> None:
    assert beside_name("shop", "restore_0badcafe") == "shop_restore_0badcafe"


def test_the_ending_says_when() -> None:
    assert beside_name("shop", aside_suffix(NOW)) == "shop_before_20260102T030405Z"


@settings(deadline=None)
@given(name=NAMES)
def test_no_name_is_longer_than_postgresql_allows(name: str) -> None:
    assert len(beside_name(name, aside_suffix(NOW)).encode()) <= 63


@settings(deadline=None)
@given(name=NAMES)
def test_a_name_that_is_cut_ends_between_two_characters(name: str) -> None:
    beside = beside_name(name, "drill")

    assert name.startswith(beside.removesuffix("_drill"))


def test_no_byte_is_given_away() -> None:
    assert beside_name("é" * 40, "drill") == "é" * 28 + "_drill"
