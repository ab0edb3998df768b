"""A page is kept in every operations bucket as a new object; directories forget old ones."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from neonhub_backup.domain import configuration
from neonhub_backup.report.publishing import KEPT, publish
from neonhub_backup.stores.directory import DirectoryStore
from tests.neonhub_backup.memory import CountingStore

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


def test_page_and_document_are_kept_side_by_side_in_every_place() -> None:
    places = [CountingStore(), CountingStore()]

    kept, failures = publish(places, "<p>well</p>", "{}", NOW)

    assert failures == []
    for place in places:
        document, page = sorted(place.objects)[::-1]
        assert place.objects == {page: b"<p>well</p>", document: b"{}"}
        assert page.startswith("status/pages/20260301T123000Z-")
        assert kept[place.name] == f"{place.address}/{page}"


def test_a_place_that_refuses_keeps_nobody_from_the_others() -> None:
    broken, whole = CountingStore(), CountingStore()
    broken.name, broken.refuses = "broken", {"write"}

    kept, (failure,) = publish([broken, whole], "page", "{}", NOW)

    assert list(kept) == [whole.name]
    assert "broken" in str(failure)


def test_a_directory_keeps_pages_for_a_month_and_nothing_else_is_touched(tmp_path: Path) -> None:
    store = DirectoryStore(configuration.DirectoryStore(name="disk", path=tmp_path))
    publish([store], "old", "{}", NOW - KEPT - timedelta(seconds=1))
    publish([store], "young", "{}", NOW - KEPT + timedelta(seconds=1))
    other = tmp_path / "status" / "pages" / "20200101T000000Z-notes.html"
    other.write_text("mine")

    publish([store], "new", "{}", NOW)

    pages = [path.read_text() for path in sorted(other.parent.glob("*.html"))]
    assert pages == ["mine", "young", "new"]


def test_without_a_place_nothing_is_kept() -> None:
    assert publish([], "page", "{}", NOW) == ({}, [])
