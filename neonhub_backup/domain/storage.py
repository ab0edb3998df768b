"""Storage classes: what a gigabyte costs, for how long it is billed, and how soon it can be read.

This one table becomes the class of every upload, the transitions of bucket lifecycles, and the
forecast of costs.

Sources: https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-class-intro.html and
https://cloud.google.com/storage/docs/storage-classes
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from neonhub_backup.domain.layout import MANIFEST, parse_key
from neonhub_backup.domain.retention import Tier

SETTLED_DAYS = 32
"""Age in days from which an annual backup is no tier's newest any more, not even the month's.

Until then a restore may need it within minutes, so no archive takes it before.
"""

LARGE_BYTES = 1 << 20
"""Size from which objects move to an archive. Manifests and small tables stay readable."""


class S3StorageClass(StrEnum):
    """Where S3 keeps an object."""

    STANDARD = "STANDARD"
    STANDARD_IA = "STANDARD_IA"
    GLACIER_IR = "GLACIER_IR"
    DEEP_ARCHIVE = "DEEP_ARCHIVE"

    @property
    def minimum_days(self) -> int:
        """Days that are billed even when an object is gone sooner."""
        return {"STANDARD": 0, "STANDARD_IA": 30, "GLACIER_IR": 90, "DEEP_ARCHIVE": 180}[self]

    @property
    def is_readable_at_once(self) -> bool:
        """False: an object must be brought back first, which takes up to 48 hours."""
        return self is not S3StorageClass.DEEP_ARCHIVE

    @property
    def upload(self) -> "S3StorageClass":
        """The class of an upload: its own, which is cheaper than a transition, but no archive."""
        return self if self.is_readable_at_once else S3StorageClass.STANDARD


class GcsStorageClass(StrEnum):
    """Where Google Cloud Storage keeps an object; all of them can be read at once."""

    STANDARD = "STANDARD"
    NEARLINE = "NEARLINE"
    COLDLINE = "COLDLINE"
    ARCHIVE = "ARCHIVE"

    @property
    def minimum_days(self) -> int:
        """Days that are billed even when an object is gone sooner."""
        return {"STANDARD": 0, "NEARLINE": 30, "COLDLINE": 90, "ARCHIVE": 365}[self]

    @property
    def upload(self) -> "GcsStorageClass":
        """The class of an upload: its own."""
        return self

    @property
    def is_readable_at_once(self) -> bool:
        """All of them are."""
        return True


StorageClass = S3StorageClass | GcsStorageClass


S3_CLASSES: Mapping[Tier, S3StorageClass] = MappingProxyType(
    {
        Tier.HOURLY: S3StorageClass.STANDARD,
        Tier.DAILY: S3StorageClass.STANDARD,
        Tier.WEEKLY: S3StorageClass.GLACIER_IR,
        Tier.MONTHLY: S3StorageClass.GLACIER_IR,
        Tier.ANNUAL: S3StorageClass.DEEP_ARCHIVE,
    }
)
"""What suits each tier unless the stack says otherwise."""

GCS_CLASSES: Mapping[Tier, GcsStorageClass] = MappingProxyType(
    {
        Tier.HOURLY: GcsStorageClass.STANDARD,
        Tier.DAILY: GcsStorageClass.NEARLINE,
        Tier.WEEKLY: GcsStorageClass.COLDLINE,
        Tier.MONTHLY: GcsStorageClass.COLDLINE,
        Tier.ANNUAL: GcsStorageClass.ARCHIVE,
    }
)
"""As above, for Google Cloud Storage."""


def upload_class(key: str, classes: Mapping[Tier, StorageClass]) -> str | None:
    """The class that an object is uploaded in; None, the bucket's own, for one of no backup.

    Manifests are always at hand and free to read: every run reads them.
    """
    parsed = parse_key(key)
    if parsed is None:
        return None
    location, name = parsed
    return "STANDARD" if name == MANIFEST else classes[location.tier].upload.value
