"""The page says nothing that the document does not, and loads, runs and lets in nothing."""

import base64
import hashlib
import json
import re
from itertools import pairwise
from typing import Any

import pytest

from neonhub_backup.report.document import describe_report
from neonhub_backup.report.page import render_page
from tests.neonhub_backup.report import sample
from tests.neonhub_backup.report.reading import Page, at, items


@pytest.fixture(scope="module", params=sample.DOCUMENTS)
def document(request: pytest.FixtureRequest) -> dict[str, Any]:
    return sample.DOCUMENTS[request.param]()


@pytest.fixture(scope="module")
def page(document: dict[str, Any]) -> Page:
    return Page.read(render_page(document))


def test_every_value_is_what_the_document_has_there(page: Page, document: dict[str, Any]) -> None:
    assert len(page.values) > 50
    for path, value in page.values:
        assert json.loads(value) == at(document, path), path


def test_every_number_of_the_status_is_on_the_page(page: Page, document: dict[str, Any]) -> None:
    shown = {path for path, _ in page.values}

    assert _numbers(document["status"], "status") - shown == set()


def test_no_number_stands_outside_of_a_value(page: Page) -> None:
    numbered = {text for text in page.own_words if re.search(r"[0-9]", text)}

    assert {text for text in numbered if "3-2-1" not in text} == set()


def test_every_element_is_closed(page: Page) -> None:
    assert page.open == []


def test_no_two_elements_have_the_same_name_and_every_link_leads_to_one(page: Page) -> None:
    names = [each["id"] for _, each in page.elements if "id" in each]
    links = [each["href"] for _, each in page.elements if (each.get("href") or "").startswith("#")]

    assert len(names) == len(set(names))
    assert {link[1:] for link in links if link} <= set(names)


def test_headings_leave_out_no_level(page: Page) -> None:
    levels = [int(name[1]) for name, _ in page.elements if re.fullmatch("h[1-6]", name)]

    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_every_chart_and_table_says_what_it_is(page: Page) -> None:
    for name, attributes in page.elements:
        if attributes.get("role") == "region":
            assert attributes["aria-label"]
            assert attributes["tabindex"] == "0"
        if name == "svg":
            assert attributes.get("role") == "img" or attributes.get("aria-hidden") == "true"
        if name == "th":
            assert attributes["scope"] in {"row", "col"}
    names = [name for name, _ in page.elements]
    assert names.count("table") == names.count("caption")


def test_a_single_backup_and_its_drill_are_dots() -> None:
    page = render_page(describe_report(sample.first_day()))

    charts = re.findall('<svg class="chart lines".+?</svg>', page)
    assert [chart.count("<circle") for chart in charts] == [1, 1, 1]
    assert all(chart.count("<text") >= 4 for chart in charts)


def test_it_is_in_a_language_and_fits_a_phone(page: Page) -> None:
    assert ("html", {"lang": "en"}) in page.elements
    viewport = next(each for _, each in page.elements if each.get("name") == "viewport")
    assert viewport["content"] == "width=device-width, initial-scale=1"


def test_the_first_link_leads_past_the_contents(page: Page) -> None:
    first = next(each for name, each in page.elements if name == "a")

    assert first["href"] == "#content"


def test_it_has_no_script_and_no_address_that_is_loaded(page: Page) -> None:
    assert not {name for name, _ in page.elements} & {"script", "iframe", "img", "object", "embed"}
    for _, attributes in page.elements:
        assert not any(key.startswith("on") or key in {"src", "style"} for key in attributes)
        assert (attributes.get("href") or "#")[0] == "#" or attributes["href"] == "data:,"


def test_its_policy_allows_its_own_style_alone(page: Page) -> None:
    policy = next(
        each["content"]
        for _, each in page.elements
        if each.get("http-equiv") == "Content-Security-Policy"
    )
    digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()

    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none';"
        " form-action 'none'"
    )
    assert "url(" not in page.style
    assert "@import" not in page.style


def test_hostile_text_becomes_no_markup() -> None:
    hostile = "</style></title><script>alert(1)</script><img src=x onerror=\"alert('2')\">"

    page = Page.read(render_page(_hostile(sample.document(), hostile)))

    assert not {name for name, _ in page.elements} & {"script", "img"}
    assert page.open == []
    assert any(json.loads(value) == hostile for _, value in page.values)


class TestContrast:
    """By the guidelines' own measure, https://www.w3.org/TR/WCAG22/#contrast-minimum."""

    @pytest.fixture(params=["light", "dark"])
    def colours(self, request: pytest.FixtureRequest) -> dict[str, str]:
        style = Page.read(render_page(describe_report(sample.empty()))).style
        light, dark = re.findall(r":root \{(.+?)\}", style, re.DOTALL)
        found = light if request.param == "light" else dark
        return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", found))

    def test_both_themes_have_the_same_colours(self) -> None:
        style = Page.read(render_page(describe_report(sample.empty()))).style
        light, dark = re.findall(r":root \{(.+?)\}", style, re.DOTALL)

        assert re.findall(r"(--[a-z-]+):", light) == re.findall(r"(--[a-z-]+):", dark)

    @pytest.mark.parametrize(
        ("front", "back"),
        [
            *((front, back) for front in ("ink", "soft", "link") for back in ("back", "card")),
            *((kind, f"{kind}-back") for kind in ("good", "warn", "bad")),
            *(("ink", f"{kind}-back") for kind in ("good", "warn", "bad")),
            ("warn", "card"),
        ],
    )
    def test_letters_can_be_read(self, colours: dict[str, str], front: str, back: str) -> None:
        assert _contrast(colours[front], colours[back]) >= 4.5

    @pytest.mark.parametrize(
        "front",
        ["main", "second", "third", "fourth", "future", "edge", "good", "warn", "bad", "ink"],
    )
    def test_drawings_can_be_seen(self, colours: dict[str, str], front: str) -> None:
        assert _contrast(colours[front], colours["card"]) >= 3


def _numbers(value: Any, path: str) -> set[str]:
    """Where there are numbers below a place of the document."""
    if isinstance(value, dict | list):
        return {one for key, each in items(value) for one in _numbers(each, f"{path}.{key}")}
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return {path} if is_number else set()


def _hostile(value: Any, text: str, key: str | int = "") -> Any:
    """The same with this text for every one that is somebody's own."""
    if isinstance(value, dict | list):
        found = {each: _hostile(below, text, each) for each, below in items(value)}
        return found if isinstance(value, dict) else list(found.values())
    return text if isinstance(value, str) and (key in _FREE or isinstance(key, int)) else value


_FREE = {
    *("environment", "database", "store", "text", "name", "address", "copy", "cloud", "region"),
    *("newest", "proven", "backup", "currency", "error"),
}


def _contrast(front: str, back: str) -> float:
    light, dark = sorted((_luminance(front), _luminance(back)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [
        each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels
    ]
    return sum(share * each for share, each in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
