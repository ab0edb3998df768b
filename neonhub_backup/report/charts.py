"""Charts as static SVG, drawn by pygal; how they look is for the page's stylesheet to say.

Each has a title and a description, which screen readers read, and a table beside it, which the page
has to give.
"""

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import escape
from itertools import count
from typing import Any
from xml.etree import ElementTree as ET

from neonhub_backup.report.markup import Markup

WIDTH, HEIGHT = 380, 200
"""Units of the drawing, which is as wide as its column: letters stay readable on a phone."""

_SVG = "{http://www.w3.org/2000/svg}"
_LETTERS = 12
_MOST_TICKS = 5
_MOST_LABELS = 5
_NUMBER = re.compile(r"\d+\.\d{2,}")
_LEFT_OUT = {"script", "style", "desc", "defs", "title"}
"""What pygal adds for its own script, and for its own looks."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """Points in time that belong together."""

    role: str
    """Its class: `main`, `second`, `third`, `odd` or `target`."""
    points: Sequence[tuple[datetime, float]]
    joined: bool = True
    """Whether a line runs through them."""
    dots: int | None = None
    """Radius of the dot on each. None: there is none."""


@dataclass(frozen=True, kw_only=True)
class Axis:
    """How far up a chart reads, and what stands beside it."""

    ticks: Sequence[float]
    text: Callable[[float], str]
    logarithmic: bool = False


def over_time(title: str, description: str, axis: Axis, lines: Sequence[Line]) -> Markup:
    """Lines over time."""
    import pygal  # noqa: PLC0415 - a twentieth of a second, which only this command spends

    moments = [moment for line in lines for moment, _ in line.points]
    span = min(moments), max(moments)
    form = _form(*span)

    def written(moment: datetime) -> str:
        return moment.strftime(form)

    chart = pygal.DateTimeLine(
        **_settings(axis), logarithmic=axis.logarithmic, x_value_formatter=written
    )
    chart.x_labels = list(_moments(*span))
    for line in lines:
        chart.add(
            line.role,
            list(line.points),
            stroke=line.joined,
            show_dots=line.dots is not None,
            dots_size=line.dots or 0,
        )
    return _drawn(chart, "lines", title, description, [line.role for line in lines])


def bars(
    title: str,
    description: str,
    axis: Axis,
    labels: Sequence[str],
    groups: Sequence[tuple[str, Sequence[float | None]]],
) -> Markup:
    """Bars beside each other; each group is a class and a value for each label, or none."""
    import pygal  # noqa: PLC0415 - as above

    chart = pygal.StackedBar(**_settings(axis), rounded_bars=2)
    apart = math.ceil(len(labels) / _MOST_LABELS)
    chart.x_labels = [label if number % apart == 0 else "" for number, label in enumerate(labels)]
    for role, values in groups:
        chart.add(role, list(values))
    return _drawn(chart, "columns", title, description, [role for role, _ in groups])


def linear(top: float, text: Callable[[float], str], base: float = 10.0) -> Axis:
    """From zero; the steps are 1, 2, 2.5 or 5 times a power of ten, of a unit that is a power of
    `base`."""
    top = top or 1.0
    unit = base ** math.floor(math.log(top, base)) if base != 10 else 1.0
    rough = top / unit / (_MOST_TICKS - 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * each for each in (1, 2, 2.5, 5, 10) if power * each >= rough * 0.999)
    number = math.ceil(top / unit / step * 0.999)
    return Axis(ticks=[unit * step * each for each in range(number + 1)], text=text)


def logarithmic(
    numbers: Sequence[float], ticks: Sequence[float], text: Callable[[float], str]
) -> Axis:
    """So far that the smallest and the greatest of numbers greater than zero are on it."""
    low, high = min(numbers), max(numbers)
    below = max((tick for tick in ticks if tick <= low), default=ticks[0])
    above = min((tick for tick in ticks if tick >= high), default=high)
    inside = [tick for tick in ticks if below <= tick <= above]
    return Axis(ticks=inside, text=text, logarithmic=True)


def _settings(axis: Axis) -> dict[str, Any]:
    from pygal.style import Style  # noqa: PLC0415 - as above

    return {
        "width": WIDTH,
        "height": HEIGHT,
        "margin": 6,
        "margin_right": 24,
        "js": (),
        "css": (),
        "style": Style(label_font_size=_LETTERS, major_label_font_size=_LETTERS),
        "no_prefix": True,
        "truncate_label": -1,
        "show_legend": False,
        # As far that the last tick is inside, however it is rounded.
        "range": (axis.ticks[0], axis.ticks[-1] * 1.001),
        "y_labels": [{"value": tick, "label": axis.text(tick)} for tick in axis.ticks],
    }


def _moments(first: datetime, last: datetime) -> Iterator[datetime]:
    """A few times that are whole months, days or hours."""
    span = last - first
    if span > timedelta(days=100):
        step = math.ceil(span / timedelta(days=30.5) / _MOST_LABELS)
        month = first.year * 12 + first.month
        for number in count(month, step):
            moment = datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)
            if moment > last:
                return
            yield moment
    elif span > timedelta(days=2):
        days = math.ceil(span / timedelta(days=_MOST_LABELS))
        moment = first.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        while moment <= last:
            yield moment
            moment += timedelta(days=days)
    elif span > timedelta(hours=2):
        hours = math.ceil(span / timedelta(hours=3))
        moment = first.replace(minute=0, second=0, microsecond=0)
        moment += timedelta(hours=max(hours // 2, 1))
        while moment < last:
            yield moment
            moment += timedelta(hours=hours)
    else:
        yield first + span / 2


def _form(first: datetime, last: datetime) -> str:
    span = last - first
    if span > timedelta(days=100):
        return "%b %Y"
    return "%d %b" if span > timedelta(days=2) else "%d %b, %H:%M"


def _drawn(chart: Any, kind: str, title: str, description: str, roles: Sequence[str]) -> Markup:
    # What pygal writes, read again to leave out what a static page neither needs nor allows.
    root = ET.fromstring(chart.render(disable_xml_declaration=True))  # noqa: S314 - as written above
    _clean(root)
    graph = next(each for each in root if each.tag == f"{_SVG}g")
    inside = "".join(_written(each, roles) for each in graph)
    return Markup(
        f'<svg class="chart {kind}" role="img" viewBox="0 0 {WIDTH} {HEIGHT}" focusable="false">'
        f"<title>{escape(title)}</title><desc>{escape(description)}</desc>{inside}</svg>"
    )


def _clean(node: ET.Element) -> None:
    for child in list(node):
        name = child.tag.removeprefix(_SVG)
        hidden = child.get("class", "").split()[-1:] in (["tooltip-overlay"], ["text-overlay"])
        if name in _LEFT_OUT or hidden or child.get("class") == "background":
            node.remove(child)
        else:
            _clean(child)


def _written(node: ET.Element, roles: Sequence[str]) -> str:
    name = node.tag.removeprefix(_SVG)
    attributes = dict(node.attrib)
    series = re.match(r"series serie-(\d+)", attributes.get("class", ""))
    if series is not None:
        attributes["class"] = f"series {roles[int(series[1])]}"
    elif "class" in attributes:
        attributes["class"] = (
            attributes["class"].replace(" reactive", "").replace(" tooltip-trigger", "")
        )
    said = "".join(
        f' {key}="{escape(_NUMBER.sub(_shortened, value))}"'
        for key, value in attributes.items()
        if (value != "0" if key in {"rx", "ry"} else value and key != "style")
    )
    inner = escape(node.text or "") + "".join(_written(child, roles) for child in node)
    if not inner and name == "g":
        return ""
    return f"<{name}{said}>{inner}</{name}>"


def _shortened(number: re.Match[str]) -> str:
    return f"{float(number[0]):.1f}"
