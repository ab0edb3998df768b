"""What comes next: backups, and drills."""

from neonhub_backup.report import shown
from neonhub_backup.report.markup import Content, Markup, element
from neonhub_backup.report.page.parts import section, table
from neonhub_backup.report.shown import Field


def runs(document: Field) -> Markup:
    """When each tier's next slot begins, and by when each copy's next drill is owed."""
    return section(
        "next",
        "Next",
        element(
            "p",
            "A run takes the highest tier that is owed, so the first one after a slot begins fills"
            " it, however late it is.",
        ),
        table(
            "next backups",
            ["tier", "slot begins", "#in", "#kept for"],
            [
                [
                    shown.words(each["tier"]),
                    shown.moment(each["begins"]),
                    shown.age(each["in_seconds"]),
                    shown.duration(each["keep_seconds"]),
                ]
                for each in document["next_runs"]
            ],
        ),
        table(
            "next drills",
            ["database", "store", "proven last", "owed by", "#in"],
            [_drill(each) for each in document["owed_drills"]],
        ),
    )


def _drill(owed: Field) -> list[Content]:
    return [
        shown.words(owed["database"]),
        shown.words(owed["store"]),
        shown.words(owed["proven"], "never"),
        shown.moment(owed["due"], "none was made yet"),
        shown.age(owed["in_seconds"], "-"),
    ]
