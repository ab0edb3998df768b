"""When backups start: as often as the lowest tier asks, at the hour of the retention.

One schedule serves all tiers, since a run takes the highest that is owed; so a run that is dropped
is made up for by the next.
"""

from typing import NamedTuple

from neonhub_backup.domain.retention import RetentionPolicy, Tier


class _Time(NamedTuple):
    """When a tier's slots begin."""

    cron: str
    calendar: str
    """For systemd's OnCalendar."""


_TIMES = {
    Tier.HOURLY: _Time("{minute} * * * *", "*-*-* *:00:00 UTC"),
    Tier.DAILY: _Time("{minute} {hour} * * *", "*-*-* {hour:02}:00:00 UTC"),
    Tier.WEEKLY: _Time("{minute} {hour} * * 0", "Sun *-*-* {hour:02}:00:00 UTC"),
    Tier.MONTHLY: _Time("{minute} {hour} 1 * *", "*-*-01 {hour:02}:00:00 UTC"),
    Tier.ANNUAL: _Time("{minute} {hour} 1 1 *", "*-01-01 {hour:02}:00:00 UTC"),
}


def cron_expression(retention: RetentionPolicy, minute: int = 0) -> str:
    """For cron, in UTC, so many minutes after the full hour."""
    return _lowest(retention).cron.format(minute=minute, hour=retention.hour_utc)


def calendar_event(retention: RetentionPolicy) -> str:
    """For systemd's OnCalendar, at the full hour."""
    return _lowest(retention).calendar.format(hour=retention.hour_utc)


def _lowest(retention: RetentionPolicy) -> _Time:
    return _TIMES[next(iter(retention.rules()))]
