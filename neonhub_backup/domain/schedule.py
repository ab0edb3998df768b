"""When backups start: as often as the lowest tier asks, at the hour of the retention.

One schedule serves all tiers, since a run takes the highest that is owed; so a run that is dropped
is made up for by the next.
"""

from neonhub_backup.domain.retention import RetentionPolicy, Tier


def cron_expression(retention: RetentionPolicy, minute: int = 0) -> str:
    """For cron, in UTC, so many minutes after the full hour."""
    hour = retention.hour_utc
    match _lowest(retention):
        case Tier.HOURLY:
            return f"{minute} * * * *"
        case Tier.DAILY:
            return f"{minute} {hour} * * *"
        case Tier.WEEKLY:
            return f"{minute} {hour} * * 0"
        case Tier.MONTHLY:
            return f"{minute} {hour} 1 * *"
        case Tier.ANNUAL:
            return f"{minute} {hour} 1 1 *"


def calendar_event(retention: RetentionPolicy) -> str:
    """For systemd's OnCalendar, at the full hour."""
    time = f"{retention.hour_utc:02}:00:00 UTC"
    match _lowest(retention):
        case Tier.HOURLY:
            return "*-*-* *:00:00 UTC"
        case Tier.DAILY:
            return f"*-*-* {time}"
        case Tier.WEEKLY:
            return f"Sun *-*-* {time}"
        case Tier.MONTHLY:
            return f"*-*-01 {time}"
        case Tier.ANNUAL:
            return f"*-01-01 {time}"


def _lowest(retention: RetentionPolicy) -> Tier:
    return next(iter(retention.rules()))
