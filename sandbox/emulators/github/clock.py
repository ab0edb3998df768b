"""Timestamps as GitHub writes them: UTC, whole seconds."""

from datetime import UTC, datetime, timedelta

_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


def now() -> str:
    """The present second."""
    return datetime.now(UTC).strftime(_FORMAT)


def after(earlier: str) -> str:
    """The present, and in any case later than `earlier`: two changes in one second stay apart."""
    following = datetime.strptime(earlier, _FORMAT).replace(tzinfo=UTC) + timedelta(seconds=1)
    return max(now(), following.strftime(_FORMAT))
