"""Whatever the page shows says where it is in the document, and what is there."""

from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest

from neonhub_backup.report import shown
from neonhub_backup.report.markup import Markup
from neonhub_backup.report.shown import Field


class _Read(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.path: str | None = None
        self.value: str | None = None
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "data":
            self.path, self.value = dict(attrs)["data-path"], dict(attrs)["data-value"]

    def handle_data(self, data: str) -> None:
        self.text += data


def read(markup: Markup) -> _Read:
    found = _Read()
    found.feed(markup)
    return found


@pytest.mark.parametrize(
    ("show", "value", "text"),
    [
        (shown.words, "neonhub", "neonhub"),
        (shown.count, 10_172_450, "10,172,450"),
        (shown.size, 6_259_685_902, "5.8 GiB"),
        (shown.gigabytes, 0.0421, "0.042 GB"),
        (shown.gigabytes, 7.06586, "7.1 GB"),
        (shown.age, 1368.0, "22 min"),
        (shown.age, -7200.0, "-2 h"),
        (shown.taken, 41.25, "41.2 s"),
        (shown.taken, 797.11, "13.3 min"),
        (shown.taken, 9000.0, "2.5 h"),
        (shown.duration, 2_592_000.0, "30d"),
        (shown.percent, -58.3, "-58.3 %"),
        (shown.moment, "2026-03-12T11:07:12+02:00", "2026-03-12 09:07 UTC"),
        (shown.day, "2026-03-12T01:07:12+02:00", "2026-03-11"),
        (shown.advice, "it is old: take one", "it is old: take one"),
    ],
)
def test_a_value_is_shown_for_people_and_kept_for_machines(
    show: Callable[[Field], Markup], value: Any, text: str
) -> None:
    document = {"a": [{"b": value}]}

    said = read(show(Field("", document)["a"][0]["b"]))

    assert (said.path, said.text) == ("a.0.b", text)
    assert said.value is not None
    assert said.value.strip('"') == str(value)


@pytest.mark.parametrize(
    "show",
    [
        shown.words,
        shown.count,
        shown.size,
        shown.gigabytes,
        shown.age,
        shown.taken,
        shown.duration,
        shown.percent,
        shown.moment,
        shown.day,
    ],
)
def test_nothing_is_shown_in_words(show: Callable[[Field], Markup]) -> None:
    said = read(show(Field("a", None)))

    assert said.value == "null"
    assert said.text in {"none", "unknown", "never"}


def test_an_amount_has_its_currency() -> None:
    assert read(shown.money(Field("a", 3457.2308), "USD")).text == "3,457.23 USD"


@pytest.mark.parametrize(("value", "text"), [(True, "yes"), (False, "no"), (None, "unknown")])
def test_what_is_so_or_not_has_words(value: bool | None, text: str) -> None:
    assert read(shown.yes_no(Field("a", value), "yes", "no")).text == text


def test_what_to_do_stands_out() -> None:
    assert "<strong>take one</strong>" in shown.advice(Field("a", "old (1:2): take one"))


def test_hostile_text_stays_text() -> None:
    hostile = '"><script>alert(1)</script>'

    said = shown.words(Field("a", hostile))

    assert "<script" not in said
    assert read(said).text == hostile
