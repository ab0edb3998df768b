"""What backups cost is what their calendar, classes and sizes come to."""

import pytest

from neonhub_backup.domain.forecast import (
    Holding,
    Place,
    Sizes,
    StorageClass,
    forecast,
    life_cost,
    places,
    price,
)
from neonhub_backup.domain.prices import PRICES
from neonhub_backup.domain.retention import RetentionPolicy, Tier
from neonhub_backup.domain.storage import (
    GCS_CLASSES,
    S3_CLASSES,
    GcsStorageClass,
    S3StorageClass,
)

ONE_GB = Sizes(1, 0)
S3, REPLICA, GCS = places(s3_classes=S3_CLASSES, replicated=True, gcs_classes=GCS_CLASSES)
UPLOAD = 60 * PRICES.s3.classes[S3StorageClass.STANDARD].requests / 1000


def only(tier: Tier, keep_days: int) -> RetentionPolicy:
    """A policy of one tier."""
    rules = {each.value: None for each in Tier}
    return RetentionPolicy.model_validate({**rules, tier: {"keep": f"{keep_days}d"}})


def held(month: list[Holding], tier: Tier) -> Holding:
    (found,) = [each for each in month if each.tier is tier]
    return found


def test_every_class_has_a_price() -> None:
    classes: list[StorageClass] = [*S3StorageClass, *GcsStorageClass]
    assert all(price(each).storage > 0 for each in classes)


def test_prices_are_dated_and_say_where_they_come_from() -> None:
    assert PRICES.as_of.year >= 2026
    assert PRICES.sources


def test_daily_backups_kept_for_ten_days_are_ten_at_once() -> None:
    second = forecast(only(Tier.DAILY, 10), (S3,), ONE_GB, 2)[1]
    daily = held(second, Tier.DAILY)
    # And the one that expired the day before, which its bucket keeps for a day.
    assert daily.backups == pytest.approx(11)
    assert daily.gigabytes == pytest.approx(11)
    assert daily.cost == pytest.approx(11 * 0.023 + 30 * UPLOAD)


def test_a_day_that_a_higher_tier_takes_is_not_paid_twice() -> None:
    retention = RetentionPolicy(hourly=None, monthly=None, annual=None)
    third = forecast(retention, (S3,), ONE_GB, 3)[2]
    assert held(third, Tier.DAILY).backups == pytest.approx(30 * 6 / 7, abs=1)
    assert held(third, Tier.WEEKLY).backups == pytest.approx(60 / 7 + 2, abs=2)


def test_what_google_can_bring_back_is_paid_for() -> None:
    (kept,) = places(s3_classes=None, replicated=False, gcs_classes=GCS_CLASSES, soft_delete_days=7)
    month = forecast(only(Tier.HOURLY, 1), (kept,), ONE_GB, 2)[1]
    assert held(month, Tier.HOURLY).backups == pytest.approx(24 * (1 + 1 + 7), rel=0.01)


def test_copies_are_paid_for_when_they_are_made() -> None:
    first, copy = (
        held(forecast(only(Tier.DAILY, 10), (place,), ONE_GB, 2)[1], Tier.DAILY).cost
        for place in (S3, REPLICA)
    )
    assert copy - first == pytest.approx(30 * PRICES.s3.copied)


def test_days_that_a_class_bills_beyond_expiry_are_paid_for() -> None:
    early = Place(
        name="x",
        classes={**S3_CLASSES, Tier.DAILY: S3StorageClass.STANDARD_IA},
        copied=0,
        key=0,
    )
    daily = held(forecast(only(Tier.DAILY, 10), (early,), ONE_GB, 3)[2], Tier.DAILY)
    prices = PRICES.s3.classes[S3StorageClass.STANDARD_IA]
    billed = 10 * prices.storage + 30 * 20 / 30 * prices.storage
    assert daily.cost == pytest.approx(billed + 30 * 60 * prices.requests / 1000)


def test_an_annual_backup_is_in_the_archive_once_it_has_settled() -> None:
    months = forecast(only(Tier.ANNUAL, 730), (S3,), ONE_GB, 4)
    costs = [held(month, Tier.ANNUAL).cost for month in months]
    assert costs[0] == pytest.approx(0.023 + UPLOAD)
    assert costs[2] == pytest.approx(0.00099)
    assert costs[3] == pytest.approx(0.00099)


def test_growth_is_compounded_month_by_month() -> None:
    assert Sizes(10, 10).at(60) == pytest.approx(12.1)
    grown = forecast(only(Tier.DAILY, 30), (S3,), Sizes(1, 10), 13)
    ratio = held(grown[12], Tier.DAILY).gigabytes / held(grown[1], Tier.DAILY).gigabytes
    assert ratio == pytest.approx(1.1**11, rel=0.02)


def test_weekly_backups_cost_least_in_glacier_instant_retrieval() -> None:
    costs = {each: life_cost(each, 84) for each in S3StorageClass if each.is_readable_at_once}
    assert min(costs, key=costs.__getitem__) is S3StorageClass.GLACIER_IR


def test_a_stack_pays_only_for_the_copies_that_it_has() -> None:
    assert [each.name for each in (S3, REPLICA, GCS)] == ["S3", "S3 replica", "GCS"]
    alone = places(s3_classes=None, replicated=False, gcs_classes=GCS_CLASSES)
    assert [each.name for each in alone] == ["GCS"]
