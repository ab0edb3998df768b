"""What every section of the page is built from."""

from collections.abc import Iterable, Sequence
from enum import StrEnum

from neonhub_backup.report import shown
from neonhub_backup.report.markup import Content, Markup, element, join
from neonhub_backup.report.shown import Field


class Icon(StrEnum):
    """Pictures that stand beside a word, never alone; their values are drawn on 16 by 16."""

    YES = "M3 8.5 6.5 12 13 4.5"
    NO = "M4 4 12 12M12 4 4 12"
    CARE = "M8 2.5v7M8 12.5v.8"
    MAYBE = "M5.5 6a2.5 2.5 0 1 1 3.6 2.2C8.3 8.6 8 9 8 9.8M8 12.6v.6"
    WHOLE = "M8 5.5a2.5 2.5 0 1 0 0 5a2.5 2.5 0 1 0 0-5z"
    HALF = "M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0-11zM7.5 3.5v9M6 4v8M4.5 5.5v5"
    CLOCK = "M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0-11zM8 5v3l2 1.5"
    GONE = "M4 8h8"


_VERDICTS = {
    "well": (Icon.YES, "good"),
    "warning": (Icon.CARE, "warn"),
    "breach": (Icon.NO, "bad"),
}
_HOLDS = {True: (Icon.YES, "good"), False: (Icon.NO, "bad"), None: (Icon.MAYBE, "warn")}


def drawings() -> Markup:
    """Every icon once, for `icon` to point at."""
    symbols = [
        element(
            "symbol",
            element("path", d=each.value),
            id=_id(each),
            viewBox="0 0 16 16",
        )
        for each in Icon
    ]
    return element("svg", symbols, class_="drawings", aria_hidden="true", focusable="false")


def icon(which: Icon) -> Markup:
    """A picture of what the word beside it says."""
    drawn = element("use", href=f"#{_id(which)}")
    return element("svg", drawn, class_="icon", aria_hidden="true", focusable="false")


def badge(verdict: Field) -> Markup:
    """A verdict."""
    which, kind = _VERDICTS[verdict.value]
    return element("span", icon(which), shown.words(verdict), class_=f"badge {kind}")


def answer(holds: Field, yes: str, no: str, maybe: str) -> Markup:
    """Whether something holds; null is unknown."""
    which, kind = _HOLDS[holds.value]
    said = shown.yes_no(holds, yes, no, maybe)
    return element("span", icon(which), said, class_=f"badge {kind}")


def section(name: str, title: str, *content: Content) -> Markup:
    """One with a heading, to which the page's contents lead."""
    return element(
        "section",
        element("h2", title, id=f"{name}-title"),
        *content,
        id=name,
        aria_labelledby=f"{name}-title",
    )


def names(fields: Field, none: str = "none") -> Markup:
    """Several names."""
    said: list[Content] = []
    for field in fields:
        said += [", ", shown.words(field)] if said else [shown.words(field)]
    return join(*said) if said else join(none)


def table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[Content]]) -> Markup:
    """Rows below their columns' names; a name that begins with # is that of numbers.

    The first cell of a row is its heading. Wider than the page, it is moved by itself.
    """
    kinds = ["number" if column.startswith("#") else None for column in columns]
    head = [
        element("th", column.removeprefix("#"), scope="col", class_=kind)
        for column, kind in zip(columns, kinds, strict=True)
    ]
    body = [
        element(
            "tr",
            element("th", row[0], scope="row", class_=kinds[0]),
            [
                element("td", cell, class_=kind)
                for cell, kind in zip(row[1:], kinds[1:], strict=True)
            ],
        )
        for row in rows
    ]
    inner = element(
        "table",
        element("caption", caption),
        element("thead", element("tr", head)),
        element("tbody", body),
    )
    # With the keyboard, only what can be reached can be moved.
    return element("div", inner, class_="wide", role="region", aria_label=caption, tabindex="0")


def folded(summary: Content, *content: Content) -> Markup:
    """What is shown to those who ask for it."""
    return element("details", element("summary", summary), *content)


def facts(*pairs: tuple[str, Content]) -> Markup:
    """Names and what they are."""
    return element(
        "dl",
        [element("div", element("dt", name), element("dd", value)) for name, value in pairs],
        class_="facts",
    )


def figure(chart: Markup, *caption: Content) -> Markup:
    """A chart, and what there is to say of it."""
    return element("figure", chart, element("figcaption", *caption))


def legend(*entries: tuple[str, Content]) -> Markup:
    """Which class of a chart is what."""
    swatch = "M1 8h14"
    return element(
        "ul",
        [
            element(
                "li",
                element(
                    "svg",
                    element("path", d=swatch),
                    class_=f"swatch {role}",
                    viewBox="0 0 16 16",
                    aria_hidden="true",
                    focusable="false",
                ),
                text,
            )
            for role, text in entries
        ],
        class_="legend",
    )


def _id(which: Icon) -> str:
    return f"icon-{which.name.lower()}"
