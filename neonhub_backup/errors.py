"""Every failure a user can meet, each with its exit code.

The message of each is one sentence that names the thing, the consequence and the fix.
`docs/exit-codes.md` lists the codes; a test compares the two.
"""

from typing import ClassVar


class BackupError(Exception):
    """A failure with a message for people and an exit code for machines."""

    exit_code: ClassVar[int] = 1


class ConfigurationError(BackupError):
    """The configuration file or an environment variable it names is missing or wrong."""

    exit_code = 2


class PartialBackupError(BackupError):
    """The backup is complete in at least one store and missing in at least one."""

    exit_code = 3


class DatabaseError(BackupError):
    """The database cannot be reached, refuses the credentials or is not fit to be dumped."""

    exit_code = 4


class ProgramError(BackupError):
    """A program of a pipeline is missing, too old, or died."""

    exit_code = 5
    said: str = ""
    """What a program that died wrote to standard error."""


class StoreError(BackupError):
    """A store cannot be reached, or refused to read or write."""

    exit_code = 6


class NoBackupError(BackupError):
    """No complete backup answers to what was asked for."""

    exit_code = 7


class IntegrityError(BackupError):
    """An object or a manifest is not what was written: corrupt, truncated, swapped or missing."""

    exit_code = 8


class TargetError(BackupError):
    """The database to restore into is not fit for it; it was left as it was."""

    exit_code = 9


class EncryptionError(BackupError):
    """A GPG key is missing, expired, locked or not the right one."""

    exit_code = 10


class DrillFailedError(BackupError):
    """The backup was restored and differs from what its manifest promises."""

    exit_code = 11


class UnconfirmedError(BackupError):
    """A step that changes something was not confirmed, or is not safe as things are."""

    exit_code = 12


class RecoveryCommandError(BackupError):
    """A command of the configuration, such as the migrations or the smoke test, failed."""

    exit_code = 13


class ContentsError(BackupError):
    """The backup is what was written, and holds less than the configuration requires."""

    exit_code = 14


class ObjectiveError(BackupError):
    """The backup is proven, and what the configuration promises of a recovery does not hold."""

    exit_code = 15


class DeliveryError(BackupError):
    """What was to be told to somebody, such as GitHub or a chat, did not get there."""

    exit_code = 16


class NeonError(BackupError):
    """Neon's API cannot be reached, or did not do what it was asked."""

    exit_code = 17


class NeonUnansweredError(NeonError):
    """Neon's API did not say whether it did what it was asked."""


class NeonRefusedError(NeonError):
    """Neon's API said no."""

    code: str = ""
    """Neon's own, such as BRANCHES_LIMIT_EXCEEDED; often empty."""


class MissingObjectError(IntegrityError):
    """An object is not in the store."""


class DifferenceError(IntegrityError):
    """A restored database differs from its manifest, though every object was what was written."""
