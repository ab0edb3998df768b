"""What the backups have cost by list prices, and will: the calendar of the past with the sizes that
backups had, and of the future with those that they will have if they grow as before."""

import math
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from neonhub_backup.domain.configuration import Configuration, DirectoryStore, GcsStore, S3Store
from neonhub_backup.domain.forecast import MONTH_DAYS, NONCURRENT_DAYS, Holding, Place, forecast
from neonhub_backup.domain.prices import PRICES
from neonhub_backup.report.gathering import Past

AHEAD = 12
"""Months of 30 days that are looked ahead, and back."""

_GIGABYTE = 1e9
"""As prices are meant."""
_DAY = timedelta(days=1)
_LEAST_DAYS = 14
"""A shorter past tells nothing about growth."""
_USUAL_GROWTH = (-50.0, 100.0)
"""Bounds of the monthly growth that is believed, in percent."""


@dataclass(frozen=True)
class _Series:
    """One database's backups: days since the first of all, and GB; oldest first."""

    days: Sequence[float]
    gigabytes: Sequence[float]

    def at(self, day: float) -> float:
        """Between two backups in proportion; before the first none was taken."""
        right = bisect_right(self.days, day)
        if right == 0:
            return 0.0
        if right == len(self.days):
            return self.gigabytes[-1]
        left_day, right_day = self.days[right - 1], self.days[right]
        left, share = self.gigabytes[right - 1], (day - self.days[right - 1])
        return left + (self.gigabytes[right] - left) * share / (right_day - left_day)


@dataclass(frozen=True)
class _Sizes:
    """All databases, from the first backup until now as they were, from then on as they grow."""

    series: Sequence[_Series]
    now: float
    """Days since the first backup."""

    def measured(self, day: float) -> float:
        """GB of one backup of all databases in the past."""
        return sum(each.at(day) for each in self.series)

    @cached_property
    def monthly_growth_percent(self) -> float:
        """Of the past year; 0 while there is too little of a past."""
        # Databases of the first run have their first backups one after the other.
        first = min(each.days[0] for each in self.series) + 1
        before = max(first, self.now - AHEAD * MONTH_DAYS)
        # A database that came later is no growth of the others.
        old = [each for each in self.series if each.days[0] <= before]
        was, span = sum(each.at(before) for each in old), self.now - before
        if span < _LEAST_DAYS or was <= 0:
            return 0.0
        grown = sum(each.at(self.now) for each in old) / was
        monthly = 100 * (max(grown, 1e-6) ** (MONTH_DAYS / span) - 1)
        return min(max(monthly, _USUAL_GROWTH[0]), _USUAL_GROWTH[1])

    def at(self, day: float) -> float:
        """GB of one backup of all databases, on any day."""
        if day <= self.now:
            return self.measured(day)
        months = (day - self.now) / MONTH_DAYS
        return self.measured(self.now) * (1 + self.monthly_growth_percent / 100) ** months


def describe_cost(
    configuration: Configuration, pasts: Sequence[Past], now: datetime
) -> dict[str, Any]:
    """Storage, uploads, copies and keys of every copy that a cloud bills; a disk's are unknown."""
    taken = [kept.backup for past in pasts for kept in past.backups if kept.backup.planned]
    first = min((each.started for each in taken if each.started <= now), default=None)
    stored = tuple(_places(configuration))
    found: dict[str, Any] = {
        "currency": PRICES.currency,
        "prices_as_of": PRICES.as_of.isoformat(),
        "sources": list(PRICES.sources),
        "unpriced": [
            store.name for store in configuration.stores if isinstance(store, DirectoryStore)
        ],
        "since": None if first is None else first.isoformat(),
        "gigabytes": None,
        "monthly_growth_percent": None,
        "to_date": None,
        "next_month": None,
        "next_year": None,
        "places": [],
        "months": [],
    }
    if first is None or not stored:
        return found
    begins = first.replace(minute=0, second=0, microsecond=0)
    sizes = _sizes(pasts, begins, now)
    months = math.ceil(sizes.now / MONTH_DAYS) + AHEAD + 2
    held = forecast(configuration.retention, stored, sizes, months, begins)
    by_place = {place.name: _running(place, held) for place in stored}

    def until(day: float) -> float:
        return sum(each(day) for each in by_place.values())

    growth = sizes.monthly_growth_percent
    return {
        **found,
        "gigabytes": round(sizes.measured(sizes.now), 6),
        "monthly_growth_percent": round(growth, 2),
        **_sums(until, sizes.now),
        "places": [{"copy": name, **_sums(each, sizes.now)} for name, each in by_place.items()],
        "months": list(_months(until, begins, sizes.now)),
    }


def _places(configuration: Configuration) -> Iterator[Place]:
    """Every copy that is billed, as a forecast has it, by its own name."""
    for store in configuration.stores:
        match store:
            case S3Store():
                first = Place(
                    name=store.name,
                    classes=store.storage_classes,
                    copied=0,
                    key=PRICES.s3.key,
                    after_days=NONCURRENT_DAYS,
                )
                yield first
                if store.replica is not None:
                    yield Place(
                        name=f"{store.name} replica",
                        classes=first.classes,
                        copied=PRICES.s3.copied,
                        key=first.key,
                        after_days=first.after_days,
                    )
            case GcsStore():
                yield Place(
                    name=store.name,
                    classes=store.storage_classes,
                    copied=PRICES.gcs.copied,
                    key=PRICES.gcs.key,
                    after_days=NONCURRENT_DAYS,
                )
            case DirectoryStore():
                continue


def _sizes(pasts: Sequence[Past], begins: datetime, now: datetime) -> _Sizes:
    series: list[_Series] = []
    for past in pasts:
        backups = [
            kept.backup
            for kept in reversed(past.backups)
            if kept.backup.planned and kept.backup.started <= now
        ]
        if backups:
            days = [(each.started - begins) / _DAY for each in backups]
            series.append(_Series(days, [each.bytes / _GIGABYTE for each in backups]))
    return _Sizes(series, (now - begins) / _DAY)


def _running(place: Place, held: Sequence[Sequence[Holding]]) -> Callable[[float], float]:
    """What a place has cost until a day, each month evenly."""
    monthly = [
        place.key + sum(each.cost for each in month if each.place == place.name) for month in held
    ]

    def until(day: float) -> float:
        whole, rest = divmod(max(day, 0.0), MONTH_DAYS)
        full = sum(monthly[: int(whole)])
        return full + (monthly[int(whole)] * rest / MONTH_DAYS if rest else 0.0)

    return until


def _sums(until: Callable[[float], float], now: float) -> dict[str, float]:
    return {
        "to_date": round(until(now), 4),
        "next_month": round(until(now + MONTH_DAYS) - until(now), 4),
        "next_year": round(until(now + AHEAD * MONTH_DAYS) - until(now), 4),
    }


def _months(
    until: Callable[[float], float], begins: datetime, now: float
) -> Iterator[dict[str, Any]]:
    """Months of 30 days before now and after it, oldest first."""
    for number in range(-AHEAD, AHEAD):
        starts, ends = now + number * MONTH_DAYS, now + (number + 1) * MONTH_DAYS
        if ends > 0:
            yield {
                "begins": (begins + starts * _DAY).isoformat(timespec="seconds"),
                "cost": round(until(ends) - until(starts), 4),
                "forecast": number >= 0,
            }
