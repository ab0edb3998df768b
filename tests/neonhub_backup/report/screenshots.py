"""`python -m tests.neonhub_backup.report.screenshots`: draw the pictures of docs/page.md anew."""

import tempfile
from pathlib import Path

from playwright.sync_api import Browser

from neonhub_backup.report.page import render_page
from sandbox.installation import PROJECT
from tests.neonhub_backup.report import sample
from tests.neonhub_backup.report.browser import View, chromium, picture

LARGEST = 250_000
"""Bytes of a picture."""
_LEFT_OUT = "#objectives, #databases, #next"
"""Tables, which tell little to those who want to know how the page looks."""


def screenshots(browser: Browser, folder: Path) -> dict[Path, bytes]:
    """Where each picture is, and what it must be; the page itself is written into the folder."""
    page = folder / "page.html"
    page.write_text(render_page(sample.of_one_database()), encoding="utf-8")
    return {
        PROJECT / "docs" / f"page-{name}.png": _picture(browser, page, dark=dark)
        for name, dark in (("light", False), ("dark", True))
    }


def _picture(browser: Browser, page: Path, *, dark: bool) -> bytes:
    view = View(browser, page.as_uri(), dark=dark, width=960)
    view.evaluate(
        "(names) => document.querySelectorAll(names).forEach((each) => { each.hidden = true; })",
        _LEFT_OUT,
    )
    return picture(view)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as directory, chromium() as opened:
        for path, content in screenshots(opened, Path(directory)).items():
            path.write_bytes(content)
            print(f"{path.relative_to(PROJECT)}: {len(content):,} bytes")
