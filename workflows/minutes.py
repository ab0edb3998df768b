"""When workflows start within an hour."""

import hashlib


def off_hour_minute(name: str) -> int:
    """A minute from 7 to 52, always the same for one name.

    GitHub delays and drops runs at the top of the hour, when everyone's start.
    """
    digest = hashlib.sha256(name.encode()).digest()
    return 7 + int.from_bytes(digest[:4], "big") % 46
