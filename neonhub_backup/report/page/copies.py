"""Where the copies are, and whether they keep the 3-2-1 rule."""

from neonhub_backup.report import shown
from neonhub_backup.report.markup import Content, Markup, element
from neonhub_backup.report.page.parts import answer, section, table
from neonhub_backup.report.shown import Field

_RULE = {
    "copies": "copies of the data",
    "media": "owners of stores",
    "off_site": "copies in another place",
}


def copies(document: Field) -> Markup:
    """The rule for each database, then each copy in each cloud and region."""
    every = list(document["copies"])
    # By place: the loss of one takes what stands below each other.
    order = list(dict.fromkeys(each["copy"].value for each in every))
    every.sort(key=lambda each: order.index(each["copy"].value))
    return section(
        "copies",
        "Copies",
        element(
            "p",
            "3-2-1: three copies of the data, the live database among them, with two owners, one of"
            " them in another place. The copies that count are those of the newest backup.",
        ),
        element("ul", [_rule(each) for each in document["three_two_one"]], class_="cards"),
        table(
            "copies in each cloud and region",
            ["cloud", "region", "copy", "database", "newest backup", "#age", "#behind", "address"],
            [_copy(each) for each in every],
        ),
    )


def _rule(rule: Field) -> Markup:
    return element(
        "li",
        element(
            "h3",
            *(shown.words(rule["database"]), " "),
            answer(rule["holds"], "keeps 3-2-1", "breaks 3-2-1", "3-2-1 unknown"),
        ),
        element("ul", [_check(each) for each in rule["checks"]], class_="checks"),
        class_="card",
    )


def _check(check: Field) -> Markup:
    return element(
        "li",
        answer(check["holds"], "holds", "does not hold", "unknown"),
        " ",
        *(f"{_RULE[check['check'].value]}: ", shown.count(check["has"])),
        *(", and ", shown.count(check["needs"]), " asked for"),
        element("p", shown.words(check["text"])),
    )


def _copy(copy: Field) -> list[Content]:
    error = copy["error"]
    return [
        shown.words(copy["cloud"]),
        shown.words(copy["region"], "the bucket's own"),
        shown.words(copy["copy"]),
        shown.words(copy["database"]),
        shown.words(copy["newest"], "none")
        if error.value is None
        else ["not reached: ", shown.words(error)],
        shown.age(copy["age_seconds"], "-"),
        shown.age(copy["lag_seconds"], "-"),
        shown.words(copy["address"]),
    ]
