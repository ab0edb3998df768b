"""In which class an object is uploaded."""

import pytest

from neonhub_backup.domain.layout import ARCHIVE, MANIFEST
from neonhub_backup.domain.retention import Tier
from neonhub_backup.domain.storage import (
    GCS_CLASSES,
    S3_CLASSES,
    GcsStorageClass,
    S3StorageClass,
    upload_class,
)
from tests.neonhub_backup.samples import location


@pytest.mark.parametrize("tier", Tier)
def test_a_backup_goes_where_its_tier_belongs(tier: Tier) -> None:
    key = location(tier).prefix + ARCHIVE

    assert upload_class(key, GCS_CLASSES) == GCS_CLASSES[tier]
    assert upload_class(key, S3_CLASSES) == S3_CLASSES[tier].upload


@pytest.mark.parametrize("tier", Tier)
def test_a_manifest_is_always_at_hand(tier: Tier) -> None:
    key = location(tier).prefix + MANIFEST

    assert upload_class(key, GCS_CLASSES) == "STANDARD"
    assert upload_class(key, S3_CLASSES) == "STANDARD"


def test_nothing_is_uploaded_to_where_it_cannot_be_read() -> None:
    for storage_class in (*S3StorageClass, *GcsStorageClass):
        assert storage_class.upload.is_readable_at_once


def test_what_belongs_to_no_backup_goes_where_the_bucket_puts_it() -> None:
    assert upload_class("drills/x.json", S3_CLASSES) is None
