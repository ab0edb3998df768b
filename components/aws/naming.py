"""Names that fit everywhere."""

import re

LONGEST_PREFIX = 46
"""A rule of EventBridge has 64 characters, and the longest ending of one 18."""


def require_prefix(prefix: str) -> None:
    """Refuse what would make names that AWS refuses, or that run together.

    Raises:
        ValueError: it is too long, or of other than small letters, digits and inner hyphens.
    """
    if len(prefix) > LONGEST_PREFIX or not re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", prefix):
        raise ValueError(
            f"prefix '{prefix}' makes names that AWS refuses or that run together; write at most"
            f" {LONGEST_PREFIX} small letters, digits and inner hyphens"
        )
