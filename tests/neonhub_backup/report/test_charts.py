"""A chart is a picture with a title, that runs and loads nothing and has no colours of its own."""

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest

from neonhub_backup.report.charts import Axis, Line, bars, linear, logarithmic, over_time
from neonhub_backup.report.markup import Markup

START = datetime(2026, 1, 1, tzinfo=UTC)
AXIS = linear(10, str)


def line(days: float, role: str = "main", dots: int | None = None) -> Line:
    points = [(START, 1.0), (START + timedelta(days=days), 9.0)]
    return Line(role=role, points=points, joined=dots is None, dots=dots)


def texts(chart: Markup) -> list[str]:
    """What stands at the axes."""
    return [each.text for each in ET.fromstring(chart).iter("text") if each.text]  # noqa: S314 - our own


@pytest.fixture(
    params=[
        lambda: over_time("A <title>", "Of & two", AXIS, [line(200), line(100, "odd", 4)]),
        lambda: bars("A <title>", "Of & two", AXIS, ["a", "b"], [("past", [1, None])]),
    ],
    ids=["lines", "bars"],
)
def chart(request: pytest.FixtureRequest) -> Markup:
    return request.param()


def test_it_has_a_title_and_a_description_for_those_who_do_not_see_it(chart: Markup) -> None:
    root = ET.fromstring(chart)  # noqa: S314 - our own

    assert root.get("role") == "img"
    assert [(each.tag, each.text) for each in list(root)[:2]] == [
        ("title", "A <title>"),
        ("desc", "Of & two"),
    ]


def test_it_runs_and_loads_nothing(chart: Markup) -> None:
    assert not {each.tag for each in ET.fromstring(chart).iter()} & {"script", "style", "image"}  # noqa: S314 - our own
    for hint in ("http", "href", "url(", "onload", "style="):
        assert hint not in chart


def test_its_series_have_the_classes_that_the_page_colours(chart: Markup) -> None:
    assert 'class="series main"' in chart or 'class="series past"' in chart


def test_the_same_numbers_are_the_same_picture() -> None:
    again = [over_time("a", "b", AXIS, [line(200)]) for _ in range(2)]

    assert again[0] == again[1]


@pytest.mark.parametrize(
    ("days", "first"),
    [(400, "Feb 2026"), (30, "02 Jan"), (1, "01 Jan, 04:00"), (0.01, "01 Jan, 00:07")],
)
def test_its_times_are_as_coarse_as_its_span(days: int, first: str) -> None:
    found = [each for each in texts(over_time("a", "b", AXIS, [line(days)])) if " " in each]

    assert found[0] == first
    assert len(found) <= 7


def test_one_point_alone_is_a_chart_too() -> None:
    alone = Line(role="main", points=[(START, 5.0)], dots=3)

    assert over_time("a", "b", AXIS, [alone]).count("<circle") == 1


@pytest.mark.parametrize(
    ("top", "ticks"),
    [(0, [0, 0.25, 0.5, 0.75, 1]), (9, [0, 2.5, 5, 7.5, 10]), (40, [0, 10, 20, 30, 40])],
)
def test_a_linear_axis_begins_at_zero_and_has_round_steps(top: float, ticks: list[float]) -> None:
    assert linear(top, str).ticks == pytest.approx(ticks)


def test_an_axis_of_bytes_has_steps_of_its_unit() -> None:
    assert linear(3 * 1024**3, str, 1024).ticks == [each * 1024**3 for each in range(4)]


def test_a_logarithmic_axis_reaches_from_below_the_least_to_above_the_greatest() -> None:
    ticks = [1, 10, 60, 600, 3600]

    assert logarithmic([12, 700], ticks, str).ticks == [10, 60, 600, 3600]
    assert isinstance(logarithmic([0.1, 5], ticks, str), Axis)
