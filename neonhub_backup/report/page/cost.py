"""What the backups have cost, and will."""

from neonhub_backup.report import shown
from neonhub_backup.report.charts import bars, linear
from neonhub_backup.report.markup import Content, Markup, element
from neonhub_backup.report.page.parts import (
    facts,
    figure,
    folded,
    legend,
    names,
    section,
    table,
)
from neonhub_backup.report.shown import Field, moment_of


def cost(document: Field) -> Markup:
    """Sums, months and places, by list prices."""
    found = document["cost"]
    content: list[Content] = []
    if found["unpriced"]:
        content.append(
            element(
                "p", "Without what disks cost, which have no list price: ", names(found["unpriced"])
            )
        )
    if found["to_date"].value is None:
        content.append(element("p", "There is nothing yet that a cloud bills."))
    else:
        content += _sums(found)
    return section("cost", "Cost", content)


def _sums(cost: Field) -> list[Content]:
    currency = str(cost["currency"].value)
    return [
        facts(
            ("to date", shown.money(cost["to_date"], currency)),
            ("the next month", shown.money(cost["next_month"], currency)),
            ("the next year", shown.money(cost["next_year"], currency)),
            ("one backup of all databases", shown.gigabytes(cost["gigabytes"])),
            ("growth in a month", shown.percent(cost["monthly_growth_percent"])),
        ),
        _chart(cost["months"], currency),
        table(
            "cost of each copy",
            ["copy", "#to date", "#next month", "#next year"],
            [
                [
                    shown.words(each["copy"]),
                    shown.money(each["to_date"], currency),
                    shown.money(each["next_month"], currency),
                    shown.money(each["next_year"], currency),
                ]
                for each in cost["places"]
            ],
        ),
        folded(
            "Every month as a table",
            table(
                "cost of each month",
                ["begins", "#cost", "what it is"],
                [
                    [
                        shown.day(each["begins"]),
                        shown.money(each["cost"], currency),
                        shown.yes_no(each["forecast"], "a forecast", "reckoned from past backups"),
                    ]
                    for each in cost["months"]
                ],
            ),
        ),
        element(
            "p",
            "Reckoned since ",
            shown.day(cost["since"]),
            " from the sizes that backups had and the retention of today, by list prices of ",
            shown.words(cost["prices_as_of"]),
            ": storage, uploads, copies between regions and keys; not what a restore reads. Months"
            " have ",
            "thirty days. No bill is read.",
        ),
        folded(
            "Where the prices come from",
            element("ul", [element("li", shown.words(each)) for each in cost["sources"]]),
        ),
    ]


def _chart(months: Field, currency: str) -> Markup:
    every = list(months)
    title = f"Cost of each month in {currency}"
    chart = bars(
        title,
        "A bar for each month, oldest on the left; every number is in the table below it.",
        linear(max(each["cost"].value for each in every), lambda number: f"{number:,.10g}"),
        [f"{moment_of(each['begins']):%b %Y}" for each in every],
        [
            (
                role,
                [each["cost"].value if each["forecast"].value is ahead else None for each in every],
            )
            for role, ahead in (("past", False), ("future", True))
        ],
    )
    return figure(
        chart,
        element("b", title),
        legend(("past", "until now"), ("future", "forecast")),
    )
