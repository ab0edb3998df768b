"""What buckets, keys and replication allow, judged by their policies alone."""

from collections.abc import Callable

import pytest

from components.aws import bucket_policies
from components.aws.documents import EncryptedBucket

IsAllowed = Callable[..., bool]

SOURCE = EncryptedBucket("backups", "us-east-1", "arn:key")
REPLICA = EncryptedBucket("copies", "us-west-2", "arn:replica-key")
BACKUP = "db/daily/2026/11/20261123T020000Z-0a1b2c3d"
DATA = f"arn:aws:s3:::backups/{BACKUP}/rows/0001-000.binary.zst.gpg"


def through_s3(place: EncryptedBucket, key: str) -> dict[str, str]:
    return {
        "kms:ViaService": f"s3.{place.region}.amazonaws.com",
        "kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{place.bucket}/{key}",
    }


def test_replication_copies_objects_with_their_locks(is_allowed: IsAllowed) -> None:
    policy = bucket_policies.replicate(SOURCE, REPLICA)
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
    assert not is_allowed(bucket_policies.replicate(SOURCE, REPLICA), action, resource)


def test_a_bucket_refuses_whatever_does_not_come_by_tls() -> None:
    (statement,) = bucket_policies.bucket_policy("backups")["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == (
        "Deny",
        "*",
        "s3:*",
    )
    assert statement["Resource"] == ["arn:aws:s3:::backups", "arn:aws:s3:::backups/*"]
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_a_key_encrypts_through_s3_of_its_region_alone(is_allowed: IsAllowed) -> None:
    policy = bucket_policies.key_policy("123456789012", "us-east-1")
    assert is_allowed(policy, "kms:Decrypt", "*", {"kms:ViaService": "s3.us-east-1.amazonaws.com"})
    assert not is_allowed(policy, "kms:Decrypt", "*")
    assert not is_allowed(
        policy, "kms:Decrypt", "*", {"kms:ViaService": "s3.us-west-2.amazonaws.com"}
    )


def test_a_key_stays_in_the_hands_of_its_account_alone() -> None:
    statements = bucket_policies.key_policy("123456789012", "us-east-1")["Statement"]
    assert {statement["Principal"]["AWS"] for statement in statements} == {
        "arn:aws:iam::123456789012:root"
    }


def test_s3_is_trusted_on_behalf_of_one_bucket_of_this_account() -> None:
    (statement,) = bucket_policies.service_trust(
        "s3.amazonaws.com", "123456789012", "arn:aws:s3:::b"
    )["Statement"]
    assert statement["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "123456789012"},
        "ArnEquals": {"aws:SourceArn": "arn:aws:s3:::b"},
    }
