"""What a key promises to the buckets that rely on it."""

from collections.abc import Callable
from typing import Any

import pytest

from components.gcp.key import EncryptionKey, EncryptionKeyArgs

Deploy = Callable[..., dict[str, Any]]
LOOKUPS = {
    "gcp:storage/getProjectServiceAccount:getProjectServiceAccount": {
        "member": "serviceAccount:service-1@gs-project-accounts.iam.gserviceaccount.com"
    }
}


def key(**changes: Any) -> EncryptionKey:
    known: dict[str, Any] = {"key": "neonhub-backups", "location": "us"}
    return EncryptionKey("db", EncryptionKeyArgs(**{**known, **changes}))


@pytest.fixture
def asked(deploy: Deploy) -> dict[str, Any]:
    return deploy(key, LOOKUPS)


def test_a_key_rotates_every_90_days(asked: dict[str, Any]) -> None:
    assert asked["db-key"].inputs["rotationPeriod"] == f"{90 * 24 * 3600}s"


def test_a_key_scheduled_for_deletion_can_be_saved_for_a_month(asked: dict[str, Any]) -> None:
    assert asked["db-key"].inputs["destroyScheduledDuration"] == f"{30 * 24 * 3600}s"


def test_a_key_is_found_by_its_name_in_the_place_of_its_buckets(asked: dict[str, Any]) -> None:
    assert asked["db-ring"].inputs["location"] == "us"
    assert asked["db-key"].inputs["keyRing"] == "db-ring-id"
    assert asked["db-key"].inputs["name"] == "neonhub-backups"


def test_a_stack_that_comes_back_is_not_stopped_by_its_old_ring(asked: dict[str, Any]) -> None:
    assert "name" not in asked["db-ring"].inputs


def test_cloud_storage_alone_may_use_the_key(asked: dict[str, Any]) -> None:
    grants = [each.inputs for each in asked.values() if "IAM" in each.options.type]
    assert grants == [
        {
            "cryptoKeyId": "db-key-id",
            "role": "roles/cloudkms.cryptoKeyEncrypterDecrypter",
            "member": "serviceAccount:service-1@gs-project-accounts.iam.gserviceaccount.com",
        }
    ]


def test_by_default_a_key_and_its_use_outlive_the_stack(asked: dict[str, Any]) -> None:
    assert all(each.options.protect and each.options.retainOnDelete for each in asked.values())


def test_an_unprotected_key_goes_with_its_stack(deploy: Deploy) -> None:
    asked = deploy(lambda: key(protect=False), LOOKUPS)

    assert not any(each.options.protect or each.options.retainOnDelete for each in asked.values())


def test_every_child_belongs_to_the_key(asked: dict[str, Any]) -> None:
    assert all(
        each.options.parent.endswith("neonhub-backup:gcp:EncryptionKey::db")
        for each in asked.values()
    )
