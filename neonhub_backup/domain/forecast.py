"""What the backups of a stack will cost, month by month.

The calendar is simulated: every run takes the highest tier that is owed, as real runs do, so a
Sunday's weekly backup is not paid for as a daily one too.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol

from neonhub_backup.domain.prices import PRICES, ClassPrice
from neonhub_backup.domain.retention import RetentionPolicy, Tier
from neonhub_backup.domain.storage import (
    SETTLED_DAYS,
    GcsStorageClass,
    S3StorageClass,
    StorageClass,
)

MONTH_DAYS = 30
"""As the prices per month are meant."""

NONCURRENT_DAYS = 1
"""Expiry only hides an object of a versioned bucket; a day later it is gone."""

_OBJECTS = 60
"""Objects of one backup: about one for each table."""
_EPOCH = datetime(2026, 1, 1, 2, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Place:
    """One copy of the backups, as it is paid for."""

    name: str
    """Such as S3 or S3 replica."""
    classes: Mapping[Tier, StorageClass]
    """The storage class of each tier."""
    copied: float
    """What it costs to bring a GB here from the first copy."""
    key: float
    """What its key costs each month."""
    after_days: int = 0
    """Days for which a backup is billed on after its expiry: as a version that is not current, and
    while it can be brought back."""


def places(
    *,
    s3_classes: Mapping[Tier, S3StorageClass] | None,
    replicated: bool,
    gcs_classes: Mapping[Tier, GcsStorageClass] | None,
    soft_delete_days: int = 0,
) -> tuple[Place, ...]:
    """Every copy of a stack. None: nothing is in that cloud."""
    found: list[Place] = []
    if s3_classes is not None:
        first = Place(
            name="S3",
            classes=s3_classes,
            copied=0,
            key=PRICES.s3.key,
            after_days=NONCURRENT_DAYS,
        )
        found.append(first)
        if replicated:
            found.append(replace(first, name="S3 replica", copied=PRICES.s3.copied))
    if gcs_classes is not None:
        google = Place(
            name="GCS",
            classes=gcs_classes,
            copied=PRICES.gcs.copied,
            key=PRICES.gcs.key,
            after_days=NONCURRENT_DAYS + soft_delete_days,
        )
        found.append(google)
    return tuple(found)


def price(storage_class: StorageClass) -> ClassPrice:
    """What a class costs."""
    if isinstance(storage_class, S3StorageClass):
        return PRICES.s3.classes[storage_class]
    return PRICES.gcs.classes[storage_class]


def life_cost(storage_class: StorageClass, days: int) -> float:
    """What a GB costs that is kept for so many days and read once, to prove it."""
    paid = max(days, storage_class.minimum_days)
    each = price(storage_class)
    return each.storage * paid / MONTH_DAYS + each.read


class Growing(Protocol):
    """How large one backup of all databases is, on any day."""

    def at(self, day: float) -> float:
        """GB of one, so many days after the first."""
        ...


class Sizes(NamedTuple):
    """How large one backup is, and by how much it grows."""

    gigabytes: float
    """One backup of all databases today."""
    monthly_growth_percent: float

    def at(self, day: float) -> float:
        """GB of one backup, so many days from now."""
        return self.gigabytes * (1 + self.monthly_growth_percent / 100) ** (day / MONTH_DAYS)


class Holding(NamedTuple):
    """What one tier holds in one place in one month."""

    place: str
    tier: Tier
    backups: float
    """How many at once, on average, with those that are expired and still billed."""
    gigabytes: float
    """How much at once, on average."""
    cost: float
    """Storage, uploads, copies and early deletions of the month."""


def forecast(
    retention: RetentionPolicy,
    stored: tuple[Place, ...],
    sizes: Growing,
    months: int,
    begins: datetime | None = None,
) -> list[list[Holding]]:
    """Every tier's holding in every place: one list for each month, the first month first.

    The first backup is taken at `begins`. None: on the day on which every tier is owed one.
    """
    taken = list(_calendar(retention, months * MONTH_DAYS, begins))
    costs = {place.name: _costs(place, retention, taken, sizes, months) for place in stored}
    return [
        [
            Holding(place.name, tier, *costs[place.name][tier, month])
            for place in stored
            for tier in retention.rules()
        ]
        for month in range(months)
    ]


def _calendar(
    retention: RetentionPolicy, days: int, begins: datetime | None
) -> Iterator[tuple[Tier, float]]:
    """The backups that runs make: their tiers, and days since the first."""
    step = timedelta(hours=1 if retention.hourly else 24)
    now = begins or _EPOCH.replace(hour=retention.hour_utc)
    newest: dict[Tier, datetime] = {}
    end = now + timedelta(days=days)
    start = now
    while now < end:
        owed = retention.owed(now, newest)
        if owed is not None:
            newest[owed] = now
            yield owed, (now - start) / timedelta(days=1)
        now += step


class _Stay(NamedTuple):
    """Time that a backup spends in one class."""

    storage_class: StorageClass
    begins: float
    ends: float


def _stays(storage_class: StorageClass, begins: float, billed_days: int) -> Iterator[_Stay]:
    """Where a backup is from its upload until it is billed no more."""
    ends = begins + billed_days
    if storage_class.upload is not storage_class:
        settled = min(begins + SETTLED_DAYS, ends)
        yield _Stay(storage_class.upload, begins, settled)
        if settled < ends:
            yield _Stay(storage_class, settled, ends)
        return
    yield _Stay(storage_class, begins, ends)


def _costs(
    place: Place,
    retention: RetentionPolicy,
    taken: list[tuple[Tier, float]],
    sizes: Growing,
    months: int,
) -> dict[tuple[Tier, int], tuple[float, float, float]]:
    """Backups, GB and cost of each tier in each month."""
    sums: dict[tuple[Tier, int], list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    rules = retention.rules()
    for tier, begins in taken:
        gigabytes = sizes.at(begins)
        sums[tier, int(begins // MONTH_DAYS)][2] += gigabytes * place.copied
        for stay in _stays(place.classes[tier], begins, rules[tier].keep_days + place.after_days):
            each = price(stay.storage_class)
            arrives = int(stay.begins // MONTH_DAYS)
            sums[tier, arrives][2] += each.requests * _OBJECTS / 1000
            for month, share in _shares(stay.begins, stay.ends):
                if month >= months:
                    break
                entry = sums[tier, month]
                entry[0] += share
                entry[1] += share * gigabytes
                entry[2] += share * gigabytes * each.storage
            unpaid = stay.storage_class.minimum_days - (stay.ends - stay.begins)
            if unpaid > 0:
                leaves = int(stay.ends // MONTH_DAYS)
                sums[tier, leaves][2] += unpaid / MONTH_DAYS * gigabytes * each.storage
    return {
        (tier, month): (sums[tier, month][0], sums[tier, month][1], sums[tier, month][2])
        for tier in rules
        for month in range(months)
    }


def _shares(begins: float, ends: float) -> Iterator[tuple[int, float]]:
    """Months that a time touches, and the share of each that it covers."""
    month = int(begins // MONTH_DAYS)
    while month * MONTH_DAYS < ends:
        first = max(begins, month * MONTH_DAYS)
        last = min(ends, (month + 1) * MONTH_DAYS)
        yield month, (last - first) / MONTH_DAYS
        month += 1
