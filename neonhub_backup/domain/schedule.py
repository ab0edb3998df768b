"""When backups start: as often as the lowest tier asks, at the hour of the retention.

One schedule serves all tiers, since a run takes the highest that is owed; so a run that is dropped
is made up for by the next.
"""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import NamedTuple

from neonhub_backup.domain.retention import RetentionPolicy, Tier

INTERVALS: Mapping[Tier, timedelta] = MappingProxyType(
    {
        Tier.HOURLY: timedelta(hours=1),
        Tier.DAILY: timedelta(days=1),
        Tier.WEEKLY: timedelta(weeks=1),
        Tier.MONTHLY: timedelta(days=31),
        Tier.ANNUAL: timedelta(days=366),
    }
)
"""The longest time from one slot of a tier to its next."""


class Slot(NamedTuple):
    """When something starts again and again, in UTC."""

    cron: str
    """For cron."""
    calendar: str
    """For systemd's OnCalendar."""


_SLOTS = {
    Tier.HOURLY: Slot("{minute} * * * *", "*-*-* *:{minute:02}:00 UTC"),
    Tier.DAILY: Slot("{minute} {hour} * * *", "*-*-* {hour:02}:{minute:02}:00 UTC"),
    Tier.WEEKLY: Slot("{minute} {hour} * * 0", "Sun *-*-* {hour:02}:{minute:02}:00 UTC"),
    Tier.MONTHLY: Slot("{minute} {hour} 1 * *", "*-*-01 {hour:02}:{minute:02}:00 UTC"),
    Tier.ANNUAL: Slot("{minute} {hour} 1 1 *", "*-01-01 {hour:02}:{minute:02}:00 UTC"),
}


def slot(tier: Tier, hour: int, minute: int = 0) -> Slot:
    """As often as a tier, at an hour of the day if it is not hourly."""
    form = _SLOTS[tier]
    return Slot(*(each.format(hour=hour, minute=minute) for each in form))


def lowest_slot(retention: RetentionPolicy, minute: int = 0) -> Slot:
    """As often as the lowest tier asks, so many minutes after the full hour."""
    return slot(next(iter(retention.rules())), retention.hour_utc, minute)


def report_every(rpo: timedelta) -> timedelta:
    """Time between two reports of how old backups are: a run of `watch` makes one.

    Silence is an alarm after two and a half of them, which must not be later than a missing
    backup would be noticed by its age: every 20 minutes for an hour, and at least hourly.
    """
    return min(timedelta(hours=1), timedelta(minutes=rpo / timedelta(minutes=1) // 12 * 4))
