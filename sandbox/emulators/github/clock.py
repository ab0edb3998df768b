"""Timestamps as GitHub writes them: UTC, whole seconds."""

from datetime import UTC, datetime, timedelta

_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


def now() -> str:
    """The present second."""
    return written(datetime.now(UTC))


def after(earlier: str) -> str:
    """The present, and in any case later than `earlier`: two changes in one second stay apart."""
    return max(now(), written(read(earlier) + timedelta(seconds=1)))


def read(text: str) -> datetime:
    """What a timestamp of ISO 8601 means; without a time zone it is UTC.

    Raises ValueError when it is none.
    """
    found = datetime.fromisoformat(text)
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def written(moment: datetime) -> str:
    """As GitHub writes it."""
    return moment.astimezone(UTC).strftime(_FORMAT)
