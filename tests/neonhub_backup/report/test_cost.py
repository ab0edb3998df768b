"""What backups have cost and will, from the sizes that they had."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from neonhub_backup.domain.configuration import DirectoryStore
from neonhub_backup.domain.forecast import Place, Sizes, forecast
from neonhub_backup.domain.prices import PRICES
from neonhub_backup.domain.retention import RetentionPolicy, Tier
from neonhub_backup.domain.storage import S3_CLASSES
from neonhub_backup.report.cost import describe_cost
from neonhub_backup.report.gathering import Kept, Past
from tests.neonhub_backup.report import sample
from tests.neonhub_backup.watch.history import DAY, HOUR, NOW, backup

CONFIGURATION = sample.CONFIGURATION.model_copy(update={"stores": sample.CONFIGURATION.stores[:1]})


def past(sizes: Sequence[int], database: str = "app") -> Past:
    """A daily backup of each size, the last of them an hour old."""
    return Past(
        database=database,
        backups=tuple(
            Kept(
                backup=backup(DAY * number + HOUR, Tier.DAILY, size=size),
                stores=("aws",),
                proven_in=(),
            )
            for number, size in enumerate(reversed(sizes))
        ),
        proofs=(),
    )


def cost(*pasts: Past) -> dict[str, Any]:
    return describe_cost(CONFIGURATION, pasts, NOW)


def test_every_copy_is_paid_for_and_the_sum_is_that_of_all() -> None:
    said = sample.document()["cost"]

    assert [each["copy"] for each in said["places"]] == ["aws", "aws replica", "gcp"]
    for key in ("to_date", "next_month", "next_year"):
        assert said[key] == pytest.approx(sum(each[key] for each in said["places"]), abs=0.001)


def test_the_months_ahead_come_to_the_next_year() -> None:
    said = cost(past([10**9] * 90))

    ahead = [month["cost"] for month in said["months"] if month["forecast"]]
    assert len(ahead) == 12
    assert sum(ahead) == pytest.approx(said["next_year"], abs=0.01)


def test_the_months_behind_come_to_what_it_has_cost() -> None:
    said = cost(past([10**9] * 90))

    behind = [month["cost"] for month in said["months"] if not month["forecast"]]
    assert sum(behind) == pytest.approx(said["to_date"], abs=0.01)


def test_databases_that_do_not_grow_cost_what_the_forecast_of_a_stack_says() -> None:
    said = cost(past([10**9] * 61))

    (first, _) = said["places"]
    store = CONFIGURATION.stores[0]
    assert store.name == first["copy"]
    place = Place(name="S3", classes=S3_CLASSES, copied=0, key=PRICES.s3.key, after_days=1)
    begins = NOW.replace(minute=0) - 60 * DAY - HOUR
    months = forecast(CONFIGURATION.retention, (place,), Sizes(1, 0), 2, begins)
    paid = sum(each.cost for month in months for each in month) + 2 * place.key
    assert said["monthly_growth_percent"] == 0
    assert first["to_date"] == pytest.approx(paid, rel=0.02)


def test_growth_is_that_of_the_past() -> None:
    said = cost(past([int(10**9 * 1.1 ** (day / 30)) for day in range(200)]))

    assert said["monthly_growth_percent"] == pytest.approx(10, abs=0.1)


def test_a_short_past_tells_nothing_about_growth() -> None:
    assert cost(past([10**9, 10**9, 5 * 10**9]))["monthly_growth_percent"] == 0


def test_a_new_database_is_no_growth_of_the_others() -> None:
    old, new = past([10**9] * 100), past([10**10] * 20, "new")

    assert cost(old, new)["monthly_growth_percent"] == 0
    assert cost(old, new)["gigabytes"] == pytest.approx(11)


def test_a_growth_that_nobody_believes_is_bounded() -> None:
    assert cost(past([10**3, *[10**9] * 30]))["monthly_growth_percent"] <= 100


def test_without_a_backup_nothing_has_cost_anything() -> None:
    said = cost(Past(database="app", backups=(), proofs=()))

    assert (said["since"], said["to_date"], said["months"]) == (None, None, [])


def test_a_disk_has_no_price_and_is_named(tmp_path: Path) -> None:
    disk = DirectoryStore(name="disk", path=tmp_path)
    configuration = CONFIGURATION.model_copy(update={"stores": (disk,)})

    said = describe_cost(configuration, [past([10**9] * 30)], NOW)

    assert said["unpriced"] == ["disk"]
    assert said["to_date"] is None


def test_a_backup_of_the_future_costs_nothing_yet() -> None:
    ahead = Kept(backup=backup(-timedelta(days=9)), stores=("aws",), proven_in=())

    said = cost(Past(database="app", backups=(ahead,), proofs=()))

    assert said["since"] is None


def test_a_retention_of_days_alone_has_a_forecast() -> None:
    daily = RetentionPolicy(hourly=None, weekly=None, monthly=None, annual=None)
    configuration = CONFIGURATION.model_copy(update={"retention": daily})

    said = describe_cost(configuration, [past([10**9] * 90)], NOW)

    assert 0 < said["next_month"] < cost(past([10**9] * 90))["next_month"]
