"""How generated files reach their branch."""

from enum import StrEnum


class Delivery(StrEnum):
    """COMMIT: straight onto the branch. PULL_REQUEST: by a request that someone merges."""

    COMMIT = "commit"
    PULL_REQUEST = "pull-request"
