"""The calendar: a cell for every slot of every tier, with what it holds."""

from neonhub_backup.report import shown
from neonhub_backup.report.markup import Content, Markup, element, join
from neonhub_backup.report.page.parts import Icon, folded, icon, names, section, table
from neonhub_backup.report.shown import Field
from neonhub_backup.report.slots import State

_ICONS = {
    State.PROVEN: Icon.YES,
    State.KEPT: Icon.WHOLE,
    State.PARTIAL: Icon.HALF,
    State.MISSING: Icon.NO,
    State.DUE: Icon.CLOCK,
    State.EXPIRED: Icon.GONE,
}
_MEANINGS = {
    State.PROVEN: "restored by a drill, and nothing differed",
    State.KEPT: "in every store that can be asked",
    State.PARTIAL: "missing in a store",
    State.MISSING: "none was made, and one was owed",
    State.DUE: "still to come",
    State.EXPIRED: "has had its time",
}
_FORMS = {
    "hourly": "%H:%M",
    "daily": "%d %b",
    "weekly": "%d %b",
    "monthly": "%b %Y",
    "annual": "%Y",
}
"""What a cell of each tier is called."""


def calendar(document: Field) -> Markup:
    """Every tier of every database, and what the cells mean."""
    meanings = element(
        "ul",
        [
            element("li", _sign(state), element("b", state.value), f" {meaning}")
            for state, meaning in _MEANINGS.items()
        ],
        class_="meanings",
    )
    return section(
        "calendar",
        "Calendar",
        element(
            "p", "A backup of a higher tier fills the slots of the lower ones too. Times are UTC."
        ),
        meanings,
        [
            join(
                element("h3", shown.words(each["database"])),
                [_tier(tier) for tier in each["tiers"]],
            )
            for each in document["calendar"]
        ],
    )


def _tier(tier: Field) -> Markup:
    slots = list(tier["slots"])
    # Those before the first backup are many, and all the same.
    cells = [each for each in slots if each["state"].value != State.BEFORE]
    name = tier["tier"].value
    return join(
        element(
            "h4", shown.words(tier["tier"]), ", kept for ", shown.duration(tier["keep_seconds"])
        ),
        element("p", _counts(tier["counts"]), class_="counts"),
        element("ol", [_cell(each, _FORMS[name]) for each in reversed(cells)], class_="slots"),
        folded(
            join("The ", shown.words(tier["tier"]), " slots as a table"),
            table(
                f"{name} slots, newest first",
                ["begins", "holds", "backup", "its tier", "in", "missing in", "expires"],
                [_row(each) for each in slots],
            ),
        ),
    )


def _counts(counts: Field) -> Markup:
    said: list[Content] = []
    for state in State:
        if counts[state.value]:
            said += [", "] if said else []
            word = "before the first backup" if state is State.BEFORE else state.value
            said += [shown.count(counts[state.value]), f" {word}"]
    return join(*said)


def _cell(slot: Field, form: str) -> Markup:
    state = State(slot["state"].value)
    return element(
        "li",
        shown.moment_as(slot["slot"], form),
        " ",
        shown.shown(
            slot["state"], join(_sign(state), element("span", state.value, class_="unseen"))
        ),
        class_=f"slot {state.value}",
    )


def _sign(state: State) -> Markup:
    return element("span", icon(_ICONS[state]), class_=f"sign {state.value}")


def _row(slot: Field) -> list[Content]:
    return [
        shown.moment(slot["slot"]),
        shown.words(slot["state"]),
        shown.words(slot["backup"]),
        shown.words(slot["tier"], "-"),
        names(slot["stores"], "-"),
        names(slot["missing_in"], "-"),
        shown.moment(slot["expires"], "-"),
    ]
