"""Names of the measurements that alarms watch."""

from enum import StrEnum

NAMESPACE = "NeonHubBackup"
"""CloudWatch namespace of everything that is published."""

ENVIRONMENT, DATABASE = "Environment", "Database"
"""The dimensions of every metric."""


class Metric(StrEnum):
    """What is measured of one database."""

    BACKUP_AGE = "BackupAgeSeconds"
    """Age of the newest complete backup of any tier."""
    PROOF_AGE = "ProofAgeSeconds"
    """Age of the newest backup that a drill has restored."""
    BACKUP_SIZE_CHANGE = "BackupSizeChangePercent"
    """Size of the newest backup against the one of a week before; -30 is 30 % smaller."""
