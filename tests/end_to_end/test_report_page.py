"""The page in a real browser: what it shows is the document, and it needs nothing but itself."""

import json
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser

from neonhub_backup.report.page import render_page
from tests.neonhub_backup.report import sample
from tests.neonhub_backup.report.browser import View, chromium, dimensions
from tests.neonhub_backup.report.reading import at
from tests.neonhub_backup.report.screenshots import LARGEST, screenshots

_UNFOLD = "document.querySelectorAll('details').forEach((each) => { each.open = true; })"
_VALUES = """
[...document.querySelectorAll('[data-path]')].map((each) =>
  [each.dataset.path, each.dataset.value, each.textContent.trim()])
"""
_TOO_WIDE = """
[...document.querySelectorAll('body *')]
  .filter((each) => !each.closest('.wide, .unseen, .drawings, .skip'))
  .filter((each) => each.getBoundingClientRect().right > innerWidth)
  .map((each) => each.outerHTML.slice(0, 200))
"""
_FOCUSED = """
(() => {
  const { activeElement: each } = document;
  const style = getComputedStyle(each);
  return {
    name: each.localName,
    where: each.getAttribute('href') ?? each.ariaLabel ?? each.textContent,
    outlined: style.outlineStyle === 'solid' && parseFloat(style.outlineWidth) >= 2,
    left: each.getBoundingClientRect().left,
  };
})()
"""
_BACK = "getComputedStyle(document.documentElement).backgroundColor"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module", params=sample.DOCUMENTS)
def document(request: pytest.FixtureRequest) -> dict[str, Any]:
    return sample.DOCUMENTS[request.param]()


@pytest.fixture(scope="module")
def page(document: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(render_page(document), encoding="utf-8")
    return path


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
class TestEveryTheme:
    """Of a page from a disk."""

    def test_says_nothing_to_the_console_and_loads_nothing_else(
        self, browser: Browser, page: Path, *, dark: bool
    ) -> None:
        view = View(browser, page.as_uri(), dark=dark)
        view.evaluate(_UNFOLD)

        assert view.said == []
        assert view.asked == [page.as_uri()]

    def test_shows_every_value_of_the_document(
        self, browser: Browser, page: Path, document: dict[str, Any], *, dark: bool
    ) -> None:
        values = View(browser, page.as_uri(), dark=dark).evaluate(_VALUES)

        assert len(values) > 50
        for path, value, text in values:
            assert json.loads(value) == at(document, path), path
            assert text, path

    def test_fits_a_phone(self, browser: Browser, page: Path, *, dark: bool) -> None:
        view = View(browser, page.as_uri(), dark=dark, width=360)
        view.evaluate(_UNFOLD)

        assert view.evaluate("document.documentElement.scrollWidth") == 360
        assert view.evaluate(_TOO_WIDE) == []


def test_the_themes_are_light_and_dark(browser: Browser, page: Path) -> None:
    backs = [View(browser, page.as_uri(), dark=dark).evaluate(_BACK) for dark in (False, True)]

    assert backs == ["rgb(243, 245, 248)", "rgb(16, 21, 28)"]


def test_the_keyboard_reaches_everything_that_can_be_used(browser: Browser, page: Path) -> None:
    view = View(browser, page.as_uri())
    wanted = view.evaluate("document.querySelectorAll('a, summary').length") + view.evaluate(
        "[...document.querySelectorAll('.wide')].filter((each) => each.checkVisibility()).length"
    )

    reached: list[dict[str, Any]] = []
    for _ in range(wanted):
        view.page.keyboard.press("Tab")
        reached.append(view.evaluate(_FOCUSED))

    assert (reached[0]["where"], reached[0]["left"] >= 0) == ("#content", True)
    assert all(each["outlined"] for each in reached)
    assert reached[-1]["name"] != "body"


def test_the_first_link_leads_past_the_contents(browser: Browser, page: Path) -> None:
    view = View(browser, page.as_uri())

    view.page.keyboard.press("Tab")
    view.page.keyboard.press("Enter")

    assert view.evaluate("document.activeElement.id") == "content"


def test_what_screen_readers_hear_names_every_chart(browser: Browser, page: Path) -> None:
    view = View(browser, page.as_uri())
    charts = view.evaluate("document.querySelectorAll('svg.chart').length")

    named = view.page.get_by_role("img").all()

    assert len(named) == charts
    for each in named:
        heard = each.aria_snapshot()
        assert heard.startswith('- img "'), heard


def test_a_server_is_asked_for_the_page_alone(browser: Browser, page: Path) -> None:
    asked: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002, ARG002 - the handler's
            asked.append(str(args[0]))

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=page.parent))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        view = View(browser, f"http://127.0.0.1:{server.server_port}/{page.name}")
    finally:
        server.shutdown()
        server.server_close()

    assert view.said == []
    assert asked == [f"GET /{page.name} HTTP/1.1"]


def test_the_pictures_in_the_documentation_are_of_this_page(
    browser: Browser, tmp_path: Path
) -> None:
    for path, wanted in screenshots(browser, tmp_path).items():
        kept = path.read_bytes()

        # The same page is as high; its letters differ a little from one processor to another.
        again = "run: python -m tests.neonhub_backup.report.screenshots"
        assert dimensions(kept) == dimensions(wanted), again
        assert len(kept) <= LARGEST
