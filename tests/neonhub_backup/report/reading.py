"""A page, read as a browser reads it, and the document that it shows."""

from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any, Self, cast

EMPTY = {"meta", "link"}
"""Elements that have no end."""


class Page(HTMLParser):
    """What is on a page."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        """Every one, with its attributes."""
        self.values: list[tuple[str, str]] = []
        """What is shown of the document: where it is there, and what it is."""
        self.own_words: list[str] = []
        """Text that is no value, nor what stands at the axes of a chart."""
        self.style = ""
        self.open: list[str] = []
        """Elements that have not ended yet."""

    @classmethod
    def read(cls, text: str) -> Self:
        """Read a page."""
        page = cls()
        page.feed(text)
        page.close()
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element begins."""
        attributes = dict(attrs)
        self.elements.append((tag, attributes))
        if "data-path" in attributes:
            self.values.append((attributes["data-path"] or "", attributes["data-value"] or ""))
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """One ends."""
        assert self.open.pop() == tag, f"<{tag}> ends, and is not the last that began"

    def handle_data(self, data: str) -> None:
        """Text."""
        if self.open[-1:] == ["style"]:
            self.style += data
        elif not {"data", "svg"} & set(self.open):
            self.own_words.append(data)


def at(document: Mapping[str, Any], path: str) -> Any:
    """What is at a place of the document; keys may not hold dots."""
    found: Any = document
    for key in path.split("."):
        found = cast("list[Any]", found)[int(key)] if isinstance(found, list) else found[key]
    return found


def items(value: Any) -> list[tuple[str | int, Any]]:
    """What a part of the document has, by keys or numbers."""
    if isinstance(value, dict):
        return list(cast("dict[str | int, Any]", value).items())
    return list(enumerate(cast("list[Any]", value)))
