"""What a stack will keep and cost, for people to read: `python -m components.forecast prod`.

It needs no engine and no secret: the sections of the stack file that decide what is kept.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import yaml
from pydantic import ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from components.agreement import places_of
from components.sections import PROJECT, Context, ForecastSettings, Kept, today
from neonhub_backup.domain.configuration import describe_problems
from neonhub_backup.domain.duration import format_duration
from neonhub_backup.domain.forecast import Holding, Place, Sizes, forecast
from neonhub_backup.domain.prices import PRICES
from neonhub_backup.domain.retention import Tier

_SHOWN = (1, 3, 6, 12, 24, 36)
"""Months whose sums are shown."""

_DETAILED = 12
"""The month that is shown by tier and store."""

_SLOTS = {
    Tier.HOURLY: "every hour",
    Tier.DAILY: "every day",
    Tier.WEEKLY: "every Sunday",
    Tier.MONTHLY: "on the 1st",
    Tier.ANNUAL: "on 1 January",
}


class Plan(Kept):
    """The sections of a stack file that decide what is kept; the others are not looked at."""

    model_config = ConfigDict(
        extra="ignore", frozen=True, alias_generator=to_camel, use_attribute_docstrings=True
    )


def read_plan(path: Path) -> Plan:
    """What a stack file keeps.

    Raises:
        ValueError: it cannot be read, or has errors, all of which are named.
    """
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValueError(
            f"{path} cannot be read, so there is nothing to forecast; name a stack that has a"
            f" file, such as STACK=prod ({error})"
        ) from error
    whole = cast("dict[str, Any]", content) if isinstance(content, dict) else {}
    values: dict[str, Any] = whole.get("config") or {}
    try:
        plan = Plan.model_validate(
            values, context=Context(path.parent, values.get("aws:region"), today())
        )
    except ValidationError as error:
        problems = "\n".join(f"  - {line}" for line in describe_problems(error))
        raise ValueError(f"{path} has errors; correct:\n{problems}") from error
    if not places_of(plan):
        raise ValueError(
            f"{path} has neither {PROJECT}:aws nor {PROJECT}:gcp, so there is nothing to forecast;"
            " add at least one"
        )
    return plan


def report(plan: Plan, assumed: ForecastSettings) -> str:
    """The retention calendar, then what it costs."""
    places = places_of(plan)
    sizes = Sizes(assumed.backup_gigabytes, assumed.monthly_growth_percent)
    months = forecast(plan.retention, places, sizes, max(_SHOWN))
    keys = sum(place.key for place in places)
    detailed = months[_DETAILED - 1]
    parts = [
        f"Retention, all times UTC; tiers but the hourly begin at {plan.retention.hour_utc:02}:00.",
        *_calendar(plan, _alive(plan, places[0], sizes)),
        "",
        (
            f"Cost in month {_DETAILED}, in {PRICES.currency}, of backups of"
            f" {assumed.backup_gigabytes:g} GB today that grow by"
            f" {assumed.monthly_growth_percent:g} % a month."
        ),
        *_table(
            ("store", "tier", "class", "backups", "GB", PRICES.currency),
            [
                (
                    each.place,
                    each.tier,
                    next(place.classes[each.tier] for place in places if place.name == each.place),
                    f"{each.backups:.1f}",
                    f"{each.gigabytes:,.0f}",
                    f"{each.cost:,.2f}",
                )
                for each in detailed
            ],
        ),
        "",
        "Sums of single months, with keys.",
        *_table(
            ("month", *(place.name for place in places), "keys", "all"),
            [
                (
                    str(month),
                    *(f"{_cost(months[month - 1], place.name):,.2f}" for place in places),
                    f"{keys:,.2f}",
                    f"{sum(each.cost for each in months[month - 1]) + keys:,.2f}",
                )
                for month in _SHOWN
            ],
        ),
        "",
        f"List prices of {PRICES.as_of}: {'; '.join(PRICES.sources)}.",
        "Restores, drills and access logs are not in it.",
    ]
    return "\n".join(parts)


def _cost(holdings: Sequence[Holding], place: str) -> float:
    return sum(each.cost for each in holdings if each.place == place)


def _alive(plan: Plan, place: Place, sizes: Sizes) -> list[Holding]:
    """What there is at once to restore from: without what is expired and still billed."""
    alive = replace(place, after_days=0)
    return forecast(plan.retention, (alive,), sizes, _DETAILED)[_DETAILED - 1]


def _calendar(plan: Plan, holdings: Sequence[Holding]) -> list[str]:
    mode = plan.retention.lock_mode
    at_once = {each.tier: each.backups for each in holdings}
    return _table(
        ("tier", "taken", "kept", "locked", "at once"),
        [
            (
                tier,
                _SLOTS[tier],
                format_duration(rule.keep),
                f"{format_duration(rule.lock or rule.keep)} {mode}" if mode else "no",
                f"{at_once[tier]:.1f}",
            )
            for tier, rule in plan.retention.rules().items()
        ],
    )


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines in columns; numbers end where their column does."""
    table = [header, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(header))]
    numbers = [
        all(row[column][:1].isdigit() and row[column][-1:].isdigit() for row in rows)
        for column in range(len(header))
    ]
    return [
        "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(row, widths, numbers, strict=True)
        ).rstrip()
        for row in table
    ]


def main(arguments: Sequence[str]) -> int:
    """0 when there is a forecast, 2 when there is no such stack or its file has errors."""
    parser = argparse.ArgumentParser(prog="forecast", description=__doc__)
    parser.add_argument("stack", help="such as prod")
    parser.add_argument("--size", help="GB of one backup today, instead of the stack file's")
    parser.add_argument("--growth", help="percent a month, instead of the stack file's")
    given = parser.parse_args(arguments)
    try:
        plan = read_plan(Path(__file__).parents[1] / f"Pulumi.{given.stack}.yaml")
        changes = {"backupGigabytes": given.size, "monthlyGrowthPercent": given.growth}
        assumed = ForecastSettings.model_validate(
            {
                **plan.forecast.model_dump(by_alias=True),
                **{key: value for key, value in changes.items() if value},
            }
        )
    except ValidationError as error:
        print("; ".join(describe_problems(error)), file=sys.stderr)
        return 2
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    print(report(plan, assumed))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
