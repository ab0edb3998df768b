"""Sizes, rows and times of drills: charts, each with its numbers in a table."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import cycle
from typing import Any

from neonhub_backup.report import shown
from neonhub_backup.report.charts import Axis, Line, linear, logarithmic, over_time
from neonhub_backup.report.markup import Content, Markup, element, join
from neonhub_backup.report.page.parts import (
    badge,
    figure,
    folded,
    legend,
    names,
    section,
    table,
)
from neonhub_backup.report.shown import Field, moment_of, taken_text
from neonhub_backup.wording import size_text

_ROLES = ("main", "second", "third", "fourth")
_STEPS = (0.1, 1, 10, 60, 300, 900, 1800, 3600, 14_400, 86_400, 864_000)
"""Seconds that an axis of times may name."""
_AROUND = timedelta(hours=12)
_FEW = 12
"""So few points of a line are dots, too."""
_UNFOLDED = 3
"""Anomalies that everybody sees."""


def growth(document: Field) -> Markup:
    """Every backup's size and rows, with what was odd about it."""
    return section("history", "Size and rows", [_history(each) for each in document["history"]])


def drills(document: Field) -> Markup:
    """How long each drill took until the database could be used, beside what is promised."""
    every = list(document["drills"])
    databases = dict.fromkeys(str(each["database"].value) for each in every)

    def of(name: str) -> list[Field]:
        return [each for each in every if each["database"].value == name]

    if not every:
        return section("drills", "Drills", element("p", "None has been made yet."))
    return section(
        "drills",
        "Drills",
        element(
            "p",
            "A drill restores a backup into an empty server and compares everything. Its recovery"
            " is the time until the database could be used.",
        ),
        element("div", [_drill_chart(name, of(name)) for name in databases], class_="charts"),
        [_drill_table(name, of(name)) for name in databases],
    )


def _history(history: Field) -> Markup:
    backups = list(history["backups"])
    if not backups:
        return join(
            element("h3", shown.words(history["database"])),
            element("p", "There is no backup yet."),
        )
    name = str(history["database"].value)
    odd = [each for each in backups if each["anomalies"]]
    return join(
        element("h3", shown.words(history["database"])),
        element(
            "div",
            _growth_chart(f"Size of each backup of {name}", backups, "bytes", _sizes(backups)),
            _growth_chart(f"Rows of each backup of {name}", backups, "rows", _rows(backups)),
            class_="charts",
        ),
        legend(("main", "each backup"), *([("odd", "an anomaly")] if odd else [])),
        _anomalies(odd),
        folded(
            "Every backup as a table",
            table(
                f"backups of {name}, newest first",
                ["begun", "backup", "tier", "#size", "#rows", "in", "proven in"],
                [_backup(each) for each in backups],
            ),
        ),
    )


def _growth_chart(title: str, backups: Sequence[Field], key: str, axis: Axis) -> Markup:
    first, last = backups[-1], backups[0]
    show = shown.size if key == "bytes" else shown.count
    lines = [Line(role="main", points=_points(backups, key), dots=_dots(backups))]
    odd = [each for each in backups if each["anomalies"]]
    if odd:
        lines.append(Line(role="odd", points=_points(odd, key), joined=False, dots=4))
    chart = over_time(
        title,
        "A line over time, oldest on the left, with a dot on each anomaly; every number is in the"
        " table below it.",
        axis,
        lines,
    )
    since: list[Content] = [" from ", show(first[key]), " on ", shown.day(first["started"]), " to"]
    return figure(
        chart,
        element("b", title),
        *(":", since if len(backups) > 1 else None),
        *(" ", show(last[key]), " on ", shown.day(last["started"])),
    )


def _points(backups: Sequence[Field], key: str) -> list[tuple[Any, float]]:
    return [(moment_of(each["started"]), each[key].value) for each in reversed(backups)]


def _dots(points: Sequence[Field]) -> int | None:
    """A few are hardly a line."""
    return 3 if len(points) <= _FEW else None


def _sizes(backups: Sequence[Field]) -> Axis:
    return linear(max(each["bytes"].value for each in backups), _tick_size, 1024)


def _rows(backups: Sequence[Field]) -> Axis:
    return linear(max(each["rows"].value for each in backups), _tick_count)


def _tick_size(number: float) -> str:
    return "0" if number == 0 else size_text(round(number)).replace(".0 ", " ")


def _tick_count(number: float) -> str:
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= unit:
            return f"{number / unit:g} {name}"
    return f"{number:g}"


def _anomalies(odd: Sequence[Field]) -> Markup:
    if not odd:
        return element("p", "No backup was odd when it was taken.")
    said = [_anomaly(backup, each) for backup in odd for each in backup["anomalies"]]
    newest, older = said[:_UNFOLDED], said[_UNFOLDED:]
    return join(
        element("ul", newest, class_="findings"),
        folded("Older anomalies", element("ul", older, class_="findings")) if older else None,
    )


def _anomaly(backup: Field, anomaly: Field) -> Markup:
    return element(
        "li",
        *(badge(anomaly["verdict"]), " ", shown.moment(backup["started"]), " "),
        element("span", shown.words(anomaly["check"]), class_="check"),
        element("p", shown.words(anomaly["text"])),
    )


def _backup(backup: Field) -> list[Content]:
    return [
        shown.moment(backup["started"]),
        shown.words(backup["name"]),
        shown.words(backup["tier"]),
        shown.size(backup["bytes"]),
        shown.count(backup["rows"]),
        names(backup["stores"]),
        names(backup["proven_in"], "-"),
    ]


def _drill_table(name: str, drills: Sequence[Field]) -> Markup:
    columns = [
        *("ended", "store", "backup", "proven", "#recovery", "#promised", "kept"),
        *("#to data", "#to search", "#in all", "#differences", "#defects"),
    ]
    return folded(
        join("Every drill of ", shown.words(drills[0]["database"]), " as a table"),
        table(f"drills of {name}, newest first", columns, [_drill(each) for each in drills]),
    )


def _drill_chart(name: str, drills: Sequence[Field]) -> Markup:
    measured = [each for each in drills if each["recovery_seconds"].value is not None]
    heading = element("h3", shown.words(drills[0]["database"]))
    if not measured:
        none = "No drill got so far that the database could be used."
        return element("div", heading, element("p", none))
    stores = dict.fromkeys(sorted(str(each["store"].value) for each in measured))
    roles = dict(zip(stores, cycle(_ROLES), strict=False))
    lines: list[Line] = []
    for store, role in roles.items():
        points = _recoveries([each for each in measured if each["store"].value == store])
        lines.append(Line(role=role, points=points, dots=3 if len(points) <= _FEW else 2))
    failed = [each for each in measured if not each["proven"]]
    if failed:
        lines.append(Line(role="odd", points=_recoveries(failed), joined=False, dots=4))
    target = measured[0]["target_seconds"]
    moments = [moment_of(each["finished"]) for each in measured]
    # One moment alone has no axis.
    around = _AROUND if len(set(moments)) == 1 else timedelta()
    edges = [(each, target.value) for each in (min(moments) - around, max(moments) + around)]
    lines.append(Line(role="target", points=edges))
    seconds = [target.value, *(max(each["recovery_seconds"].value, 0.1) for each in measured)]
    title = f"Recovery in each drill of {name}"
    chart = over_time(
        title,
        "A line over time for each store, beside the line of what is promised; the higher, the"
        " slower. Every number is in the table below it.",
        logarithmic(seconds, _STEPS, taken_text),
        lines,
    )
    newest = measured[0]
    return element(
        "div",
        heading,
        figure(
            chart,
            element("b", title),
            *(": the newest took ", shown.taken(newest["recovery_seconds"])),
            *(" from ", shown.words(newest["store"]), ", and "),
            *(shown.taken(target), " are promised"),
        ),
        legend(
            *((role, f"from {store}") for store, role in roles.items()),
            *([("odd", "not proven")] if failed else []),
            ("target", "promised"),
        ),
    )


def _recoveries(drills: Sequence[Field]) -> list[tuple[Any, float]]:
    return [
        (moment_of(each["finished"]), max(each["recovery_seconds"].value, 0.1))
        for each in reversed(drills)
    ]


def _drill(drill: Field) -> list[Content]:
    return [
        shown.moment(drill["finished"]),
        shown.words(drill["store"]),
        shown.words(drill["backup"]),
        shown.yes_no(drill["proven"], "yes", "no"),
        shown.taken(drill["recovery_seconds"]),
        shown.taken(drill["target_seconds"]),
        shown.yes_no(drill["within_target"], "yes", "no"),
        shown.taken(drill["data_seconds"]),
        shown.taken(drill["search_seconds"]),
        shown.taken(drill["total_seconds"]),
        shown.count(drill["differences"]),
        shown.count(drill["defects"]),
    ]
