"""How a command ends that went on after a failure."""

from collections.abc import Sequence

from neonhub_backup.errors import BackupError


def raise_first(failures: Sequence[BackupError]) -> None:
    """Raise the first failure, with the others as its notes. None: do nothing."""
    for first in failures[:1]:
        for other in failures[1:]:
            first.add_note(str(other))
        raise first
