"""What each identity may do, judged by its policy alone."""

from collections.abc import Callable

import pytest

from components.aws import policies
from components.aws.documents import EncryptedBucket, Policy
from components.repository import Repository

IsAllowed = Callable[..., bool]

SOURCE = EncryptedBucket("backups", "us-east-1", "arn:key")
REPLICA = EncryptedBucket("copies", "us-west-2", "arn:replica-key")
BACKUP = "db/daily/2026/11/20261123T020000Z-0a1b2c3d"
DATA = f"arn:aws:s3:::backups/{BACKUP}/rows/0001-000.binary.zst.gpg"
MANIFEST = f"arn:aws:s3:::backups/{BACKUP}/manifest.json"
NEW = {"s3:if-none-match": "*", "s3:ObjectCreationOperation": "true"}


@pytest.fixture
def backup() -> Policy:
    return policies.add_backups(SOURCE, longest_lock_days=2557)


def through_s3(place: EncryptedBucket, key: str) -> dict[str, str]:
    return {
        "kms:ViaService": f"s3.{place.region}.amazonaws.com",
        "kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{place.bucket}/{key}",
    }


def test_the_backup_role_adds_an_object_that_is_new(backup: Policy, is_allowed: IsAllowed) -> None:
    assert is_allowed(backup, "s3:PutObject", DATA, NEW)


def test_the_backup_role_uploads_in_parts_and_can_give_up(
    backup: Policy, is_allowed: IsAllowed
) -> None:
    assert is_allowed(backup, "s3:PutObject", DATA, {"s3:ObjectCreationOperation": "false"})
    assert is_allowed(backup, "s3:AbortMultipartUpload", DATA)


def test_the_backup_role_overwrites_nothing(backup: Policy, is_allowed: IsAllowed) -> None:
    assert not is_allowed(backup, "s3:PutObject", DATA, {"s3:ObjectCreationOperation": "true"})


def test_the_backup_role_writes_nowhere_but_among_the_backups(
    backup: Policy, is_allowed: IsAllowed
) -> None:
    assert not is_allowed(backup, "s3:PutObject", "arn:aws:s3:::backups/index.html", NEW)
    assert not is_allowed(backup, "s3:PutObject", DATA.replace("backups", "copies"), NEW)


def test_the_backup_role_lists_backups_and_reads_their_manifests(
    backup: Policy, is_allowed: IsAllowed
) -> None:
    assert is_allowed(backup, "s3:ListBucket", "arn:aws:s3:::backups", {"s3:prefix": "db/"})
    assert is_allowed(backup, "s3:GetObject", MANIFEST)


def test_the_backup_role_lists_nothing_else(backup: Policy, is_allowed: IsAllowed) -> None:
    assert not is_allowed(backup, "s3:ListBucket", "arn:aws:s3:::backups", {"s3:prefix": ""})


def test_the_backup_role_reads_no_data(backup: Policy, is_allowed: IsAllowed) -> None:
    assert not is_allowed(backup, "s3:GetObject", DATA)
    assert not is_allowed(backup, "s3:GetObjectVersion", MANIFEST)


@pytest.mark.parametrize(
    "action",
    [
        "s3:DeleteObject",
        "s3:DeleteObjectVersion",
        "s3:BypassGovernanceRetention",
        "s3:PutObjectLegalHold",
    ],
)
def test_the_backup_role_neither_deletes_nor_unlocks(
    backup: Policy, is_allowed: IsAllowed, action: str
) -> None:
    assert not is_allowed(backup, action, DATA)


@pytest.mark.parametrize(
    "action",
    [
        "s3:DeleteBucket",
        "s3:DeleteBucketPolicy",
        "s3:PutBucketObjectLockConfiguration",
        "s3:PutBucketPolicy",
        "s3:PutBucketVersioning",
        "s3:PutLifecycleConfiguration",
        "s3:PutReplicationConfiguration",
    ],
)
def test_the_backup_role_does_not_change_the_bucket(
    backup: Policy, is_allowed: IsAllowed, action: str
) -> None:
    assert not is_allowed(backup, action, "arn:aws:s3:::backups")


def test_nothing_that_is_allowed_elsewhere_makes_up_for_a_refusal_to_destroy(
    backup: Policy,
) -> None:
    denied = {
        action
        for statement in backup["Statement"]
        if statement["Effect"] == "Deny"
        for action in statement["Action"]
    }
    assert {"s3:DeleteObject*", "s3:DeleteBucket*", "kms:ScheduleKeyDeletion"} <= denied


def test_the_backup_role_locks_as_long_as_the_longest_tier(
    backup: Policy, is_allowed: IsAllowed
) -> None:
    days = "s3:object-lock-remaining-retention-days"
    assert is_allowed(backup, "s3:PutObjectRetention", DATA, {days: "2557"})
    assert not is_allowed(backup, "s3:PutObjectRetention", DATA, {days: "36500"})


def test_without_locks_the_backup_role_cannot_lock(is_allowed: IsAllowed) -> None:
    unlocked = policies.add_backups(SOURCE, longest_lock_days=None)
    assert not is_allowed(unlocked, "s3:PutObjectRetention", DATA)


@pytest.mark.parametrize("action", ["kms:GenerateDataKey", "kms:Decrypt"])
def test_the_backup_role_uses_the_key_for_backups_through_s3_alone(
    backup: Policy, is_allowed: IsAllowed, action: str
) -> None:
    assert is_allowed(backup, action, "arn:key", through_s3(SOURCE, f"{BACKUP}/manifest.json"))
    assert not is_allowed(backup, action, "arn:key")
    assert not is_allowed(backup, action, "arn:key", through_s3(SOURCE, "index.html"))
    assert not is_allowed(backup, action, "arn:key", through_s3(REPLICA, f"{BACKUP}/x"))


def test_a_workflow_is_trusted_by_repository_and_environment_in_both_forms() -> None:
    repository = Repository(owner="neonhub", owner_id=11, name="app", repository_id=22)
    (statement,) = policies.workflow_trust("arn:github", repository, "production-backup")[
        "Statement"
    ]
    assert statement["Principal"] == {"Federated": "arn:github"}
    assert statement["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": [
                "repo:neonhub/app:environment:production-backup",
                "repo:neonhub@11/app@22:environment:production-backup",
            ],
        }
    }
