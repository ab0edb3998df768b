"""When workflows start within an hour."""

import hashlib

_AWAY = 7
"""Minutes to the top of the hour at least, before it and after it."""


def off_hour_minute(name: str, apart: int = 60) -> int:
    """A minute from 7 to 52, always the same for one name.

    GitHub delays and drops runs at the top of the hour, when everyone's start. Of several starts
    within an hour, so many minutes `apart`, it is the first; the last is not after 52 either.
    """
    digest = hashlib.sha256(name.encode()).digest()
    return _AWAY + int.from_bytes(digest[:4], "big") % (apart - 2 * _AWAY)
