"""When a machine backs up: as often as the lowest tier asks, at the hour of the retention."""

from neonhub_backup.domain.retention import RetentionPolicy, Tier


def cron_expression(retention: RetentionPolicy) -> str:
    """For cron, in UTC."""
    hour = retention.hour_utc
    match _lowest(retention):
        case Tier.HOURLY:
            return "0 * * * *"
        case Tier.DAILY:
            return f"0 {hour} * * *"
        case Tier.WEEKLY:
            return f"0 {hour} * * 0"
        case Tier.MONTHLY:
            return f"0 {hour} 1 * *"
        case Tier.ANNUAL:
            return f"0 {hour} 1 1 *"


def calendar_event(retention: RetentionPolicy) -> str:
    """The same for systemd's OnCalendar."""
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
