"""A machine backs up as often as its lowest tier asks, the same by cron and by systemd."""

from datetime import timedelta
from typing import Any

import pytest

from neonhub_backup.domain.retention import RetentionPolicy
from neonhub_backup.domain.schedule import lowest_slot, report_every

LOWER = ("hourly", "daily", "weekly", "monthly")


@pytest.mark.parametrize(
    ("without", "cron", "calendar"),
    [
        (LOWER[:0], "0 * * * *", "*-*-* *:00:00 UTC"),
        (LOWER[:1], "0 2 * * *", "*-*-* 02:00:00 UTC"),
        (LOWER[:2], "0 2 * * 0", "Sun *-*-* 02:00:00 UTC"),
        (LOWER[:3], "0 2 1 * *", "*-*-01 02:00:00 UTC"),
        (LOWER[:4], "0 2 1 1 *", "*-01-01 02:00:00 UTC"),
    ],
)
def test_the_lowest_tier_decides(without: tuple[str, ...], cron: str, calendar: str) -> None:
    absent: dict[str, Any] = dict.fromkeys(without)
    retention = RetentionPolicy(**absent)

    assert lowest_slot(retention).cron == cron
    assert lowest_slot(retention).calendar == calendar


def test_at_the_hour_at_which_its_slots_begin() -> None:
    retention = RetentionPolicy(hourly=None, hour_utc=23)

    assert lowest_slot(retention).cron == "0 23 * * *"
    assert lowest_slot(retention).calendar == "*-*-* 23:00:00 UTC"


@pytest.mark.parametrize(
    ("rpo", "every"),
    [(timedelta(hours=1), 20), (timedelta(hours=24), 60), (timedelta(days=7), 60)],
)
def test_silence_is_noticed_before_the_rpo_has_passed(rpo: timedelta, every: int) -> None:
    assert report_every(rpo) == timedelta(minutes=every)
    assert report_every(rpo) * 2.5 <= rpo
