"""What each identity may do, judged by its policy alone."""

from collections.abc import Callable

import pytest

from components.aws import policies
from components.aws.policies import EncryptedBucket, Policy
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


def test_replication_copies_objects_with_their_locks(is_allowed: IsAllowed) -> None:
    policy = policies.replicate(SOURCE, REPLICA)
    for action in ("GetObjectVersionForReplication", "GetObjectRetention", "GetObjectLegalHold"):
        assert is_allowed(policy, f"s3:{action}", DATA)
    assert is_allowed(policy, "s3:ReplicateObject", DATA.replace("backups", "copies"))
    assert is_allowed(policy, "kms:Decrypt", "arn:key", through_s3(SOURCE, BACKUP))
    assert is_allowed(policy, "kms:Encrypt", "arn:replica-key", through_s3(REPLICA, BACKUP))


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:ReplicateDelete", "arn:aws:s3:::copies/x"),
        ("s3:ReplicateObject", "arn:aws:s3:::backups/x"),
        ("s3:PutObject", "arn:aws:s3:::copies/x"),
        ("s3:DeleteObject", "arn:aws:s3:::copies/x"),
        ("s3:GetObject", DATA),
    ],
)
def test_replication_does_nothing_else(is_allowed: IsAllowed, action: str, resource: str) -> None:
    assert not is_allowed(policies.replicate(SOURCE, REPLICA), action, resource)


def test_a_bucket_refuses_whatever_does_not_come_by_tls() -> None:
    (statement,) = policies.bucket_policy("backups")["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == (
        "Deny",
        "*",
        "s3:*",
    )
    assert statement["Resource"] == ["arn:aws:s3:::backups", "arn:aws:s3:::backups/*"]
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_a_key_encrypts_through_s3_of_its_region_alone(is_allowed: IsAllowed) -> None:
    policy = policies.key_policy("123456789012", "us-east-1")
    assert is_allowed(policy, "kms:Decrypt", "*", {"kms:ViaService": "s3.us-east-1.amazonaws.com"})
    assert not is_allowed(policy, "kms:Decrypt", "*")
    assert not is_allowed(
        policy, "kms:Decrypt", "*", {"kms:ViaService": "s3.us-west-2.amazonaws.com"}
    )


def test_a_key_stays_in_the_hands_of_its_account_alone() -> None:
    statements = policies.key_policy("123456789012", "us-east-1")["Statement"]
    assert {statement["Principal"]["AWS"] for statement in statements} == {
        "arn:aws:iam::123456789012:root"
    }


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


def test_s3_is_trusted_on_behalf_of_one_bucket_of_this_account() -> None:
    (statement,) = policies.service_trust("s3.amazonaws.com", "123456789012", "arn:aws:s3:::b")[
        "Statement"
    ]
    assert statement["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "123456789012"},
        "ArnEquals": {"aws:SourceArn": "arn:aws:s3:::b"},
    }
