"""The whole page: its head, its contents, its sections and its foot."""

import base64
import hashlib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from neonhub_backup.report import shown
from neonhub_backup.report.markup import Markup, element, join
from neonhub_backup.report.page.calendar import calendar
from neonhub_backup.report.page.copies import copies
from neonhub_backup.report.page.cost import cost
from neonhub_backup.report.page.glance import databases, findings, glance, objectives
from neonhub_backup.report.page.history import drills, growth
from neonhub_backup.report.page.parts import badge, drawings
from neonhub_backup.report.page.runs import runs
from neonhub_backup.report.shown import Field

_SECTIONS = {
    "glance": ("At a glance", glance),
    "findings": ("What is wrong", findings),
    "objectives": ("Promised and measured", objectives),
    "databases": ("Databases", databases),
    "calendar": ("Calendar", calendar),
    "history": ("Size and rows", growth),
    "drills": ("Drills", drills),
    "copies": ("Copies", copies),
    "cost": ("Cost", cost),
    "next": ("Next", runs),
}
"""By the names to which the contents lead."""


def render_page(document: Mapping[str, Any]) -> str:
    """The document as HTML. Nothing stands on it that the document does not say."""
    root = Field("", document)
    environment = str(document["status"]["environment"])
    style = _style()
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_policy(style)),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("meta", name="robots", content="noindex"),
        # Without one, browsers ask the server for it.
        element("link", rel="icon", href="data:,"),
        element("title", f"Backups of {environment}"),
        element("style", Markup(style)),
    )
    body = element(
        "body",
        element("a", "Skip to the content", href="#content", class_="skip"),
        drawings(),
        _header(root),
        element(
            "main",
            [render(root) for _, render in _SECTIONS.values()],
            id="content",
            tabindex="-1",
        ),
        _footer(root),
    )
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"


def _header(document: Field) -> Markup:
    status = document["status"]
    contents = [
        element("li", element("a", title, href=f"#{name}"))
        for name, (title, _) in _SECTIONS.items()
    ]
    return element(
        "header",
        element(
            "h1",
            *("Backups of ", shown.words(status["environment"]), " "),
            badge(status["verdict"]),
        ),
        element("p", "As they stood on ", shown.moment(status["taken"])),
        element("nav", element("ul", contents), aria_label="Contents"),
    )


def _footer(document: Field) -> Markup:
    said = join(
        *("Made by neonhub-backup ", shown.words(document["tool_version"])),
        *(" from ", shown.words(document["format"]), " and "),
        *(shown.words(document["status"]["format"]), ". It is not updated by itself."),
    )
    return element("footer", element("p", said))


def _style() -> str:
    return files("neonhub_backup.report.page").joinpath("style.css").read_text(encoding="utf-8")


def _policy(style: str) -> str:
    """No script, no request; of styles this one alone."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none';"
        " form-action 'none'"
    )
