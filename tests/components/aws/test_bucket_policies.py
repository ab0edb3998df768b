"""What buckets, keys and replication allow, judged by their policies alone."""

from collections.abc import Callable

import pytest

from components.aws import bucket_policies
from components.aws.documents import EncryptedBucket, Policy

IsAllowed = Callable[..., bool]

SOURCE = EncryptedBucket("backups", "us-east-1", "arn:key")
REPLICA = EncryptedBucket("copies", "us-west-2", "arn:replica-key")
BACKUP = "db/daily/2026/11/20261123T020000Z-0a1b2c3d"
KEY = "arn:aws:kms:us-east-1:123456789012:key/own"
ACCOUNT, OTHER_ACCOUNT = "123456789012", "210987654321"
COPIER = f"arn:aws:iam::{ACCOUNT}:role/neonhub-backup/replication/backups"
SERVER = f"arn:aws:iam::{ACCOUNT}:role/database"
OTHER_SERVER = f"arn:aws:iam::{OTHER_ACCOUNT}:role/events"
TRAIL = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/backups"
LOGGING, CLOUDTRAIL = "logging.s3.amazonaws.com", "cloudtrail.amazonaws.com"
BY_TLS = {"aws:SecureTransport": "true", "s3:TlsVersion": "1.3"}
DATA = f"arn:aws:s3:::backups/{BACKUP}/rows/0001-000.binary.zst.gpg"


def for_administrator(policy: Policy) -> Policy:
    """The policy of a bucket together with that of someone who may do everything."""
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    return {"Statement": [everything, *policy["Statement"]]}


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


@pytest.mark.parametrize("context", [{"aws:SecureTransport": "false"}, {"s3:TlsVersion": "1.1"}])
@pytest.mark.parametrize("resource", ["arn:aws:s3:::backups", DATA])
def test_every_bucket_refuses_whatever_does_not_come_by_a_current_tls(
    is_allowed: IsAllowed, context: dict[str, str], resource: str
) -> None:
    for policy in (
        bucket_policies.backup_bucket_policy("backups", KEY, protect=True),
        bucket_policies.operations_bucket_policy("backups", ACCOUNT, ()),
    ):
        assert is_allowed(for_administrator(policy), "s3:GetObject", resource, BY_TLS)
        assert not is_allowed(for_administrator(policy), "s3:GetObject", resource, context)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"s3:x-amz-server-side-encryption-aws-kms-key-id": KEY},
        {
            "s3:x-amz-server-side-encryption": "aws:kms",
            "s3:x-amz-server-side-encryption-aws-kms-key-id": KEY,
        },
    ],
)
def test_an_upload_uses_the_key_of_its_bucket_by_default_or_by_name(
    is_allowed: IsAllowed, headers: dict[str, str]
) -> None:
    policy = for_administrator(bucket_policies.backup_bucket_policy("backups", KEY, protect=True))
    assert is_allowed(policy, "s3:PutObject", DATA, {**BY_TLS, **headers})


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"s3:x-amz-server-side-encryption": "AES256"}, id="S3's own key"),
        pytest.param(
            {
                "s3:x-amz-server-side-encryption": "aws:kms:dsse",
                "s3:x-amz-server-side-encryption-aws-kms-key-id": KEY,
            },
            id="two layers",
        ),
        pytest.param({"s3:x-amz-server-side-encryption": "aws:kms"}, id="the account's key"),
        pytest.param(
            {
                "s3:x-amz-server-side-encryption": "aws:kms",
                "s3:x-amz-server-side-encryption-aws-kms-key-id": KEY.replace("own", "other"),
            },
            id="another key",
        ),
        pytest.param(
            {"s3:x-amz-server-side-encryption-customer-algorithm": "AES256"}, id="a customer's key"
        ),
    ],
)
def test_an_upload_with_any_other_key_is_refused(
    is_allowed: IsAllowed, headers: dict[str, str]
) -> None:
    policy = for_administrator(bucket_policies.backup_bucket_policy("backups", KEY, protect=True))
    assert not is_allowed(policy, "s3:PutObject", DATA, {**BY_TLS, **headers})


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:DeleteObject", DATA),
        ("s3:DeleteObjectVersion", DATA),
        ("s3:BypassGovernanceRetention", DATA),
        ("s3:ReplicateDelete", DATA),
        ("s3:DeleteBucket", "arn:aws:s3:::backups"),
    ],
)
def test_not_even_an_administrator_deletes_from_a_protected_bucket(
    is_allowed: IsAllowed, action: str, resource: str
) -> None:
    protected = bucket_policies.backup_bucket_policy("backups", KEY, protect=True)
    assert not is_allowed(for_administrator(protected), action, resource, BY_TLS)

    sandbox = bucket_policies.backup_bucket_policy("backups", KEY, protect=False)
    assert is_allowed(for_administrator(sandbox), action, resource, BY_TLS)


@pytest.mark.parametrize(
    "action",
    ["s3:DeleteBucketPolicy", "s3:PutBucketPolicy", "s3:PutLifecycleConfiguration"],
)
def test_the_owner_of_a_protected_bucket_can_still_configure_it(
    is_allowed: IsAllowed, action: str
) -> None:
    protected = bucket_policies.backup_bucket_policy("backups", KEY, protect=True)
    assert is_allowed(for_administrator(protected), action, "arn:aws:s3:::backups", BY_TLS)


def test_a_bucket_of_backups_lets_in_nobody_by_itself() -> None:
    policy = bucket_policies.backup_bucket_policy("backups", KEY, protect=True)
    assert {statement["Effect"] for statement in policy["Statement"]} == {"Deny"}


def test_an_operations_bucket_takes_access_logs_of_its_sources_alone(
    is_allowed: IsAllowed,
) -> None:
    policy = bucket_policies.operations_bucket_policy("ops", ACCOUNT, ("backups", "more"))

    def delivers(
        prefix: str, source: str, account: str = ACCOUNT, principal: str = LOGGING
    ) -> bool:
        context = {
            **BY_TLS,
            "aws:SourceAccount": account,
            "aws:SourceArn": f"arn:aws:s3:::{source}",
        }
        key = f"arn:aws:s3:::ops/{prefix}2026-11-24-00-00-00-0A1B"
        return is_allowed(policy, "s3:PutObject", key, context, principal)

    assert delivers("access-logs/backups/", "backups")
    assert delivers("access-logs/more/", "more")
    assert not delivers("access-logs/backups/", "more")
    assert not delivers("access-logs/strangers/", "strangers")
    assert not delivers("index/", "backups")
    assert not delivers("access-logs/backups/", "backups", account="999999999999")
    assert not delivers("access-logs/backups/", "backups", principal="ec2.amazonaws.com")


def test_an_operations_bucket_takes_the_records_of_one_trail(is_allowed: IsAllowed) -> None:
    policy = bucket_policies.operations_bucket_policy("ops", ACCOUNT, (), TRAIL)
    here = {**BY_TLS, "aws:SourceArn": TRAIL}
    record = {**here, "s3:x-amz-acl": "bucket-owner-full-control"}
    folder = f"arn:aws:s3:::ops/trail/AWSLogs/{ACCOUNT}"

    assert is_allowed(policy, "s3:GetBucketAcl", "arn:aws:s3:::ops", here, CLOUDTRAIL)
    assert is_allowed(policy, "s3:PutObject", f"{folder}/x", record, CLOUDTRAIL)
    for resource, context in (
        (f"{folder}/x", here),
        (f"{folder}/x", {**record, "aws:SourceArn": f"{TRAIL}-of-a-stranger"}),
        ("arn:aws:s3:::ops/trail/AWSLogs/999999999999/x", record),
        ("arn:aws:s3:::ops/status/x", record),
    ):
        assert not is_allowed(policy, "s3:PutObject", resource, context, CLOUDTRAIL)


def test_without_a_trail_none_is_let_in() -> None:
    policy = bucket_policies.operations_bucket_policy("ops", ACCOUNT, ("backups",))
    assert CLOUDTRAIL not in str(policy)


@pytest.fixture
def archived() -> Policy:
    archivers = {"main": SERVER, "events": OTHER_SERVER}
    return bucket_policies.operations_bucket_policy("ops", ACCOUNT, (), archivers=archivers)


@pytest.mark.parametrize(
    "action",
    [
        "s3:AbortMultipartUpload",
        "s3:GetObject",
        "s3:ListMultipartUploadParts",
        "s3:PutObject",
    ],
)
def test_a_server_archives_below_its_own_archive_alone(
    archived: Policy, is_allowed: IsAllowed, action: str
) -> None:
    def may(key: str, principal: str = SERVER) -> bool:
        return is_allowed(archived, action, f"arn:aws:s3:::ops/{key}", BY_TLS, principal)

    assert may("wal/main/wals/0000000100000000/000000010000000000000001.lz4")
    assert may("wal/events/base/x/data.tar", OTHER_SERVER)
    for key in ("wal/events/x", "wal/main", "wal/mainly/x", "index/x", "status/x", "trail/x"):
        assert not may(key)


def test_a_server_lists_its_own_archive_and_asks_whether_the_bucket_exists(
    archived: Policy, is_allowed: IsAllowed
) -> None:
    def may(**context: str) -> bool:
        return is_allowed(archived, "s3:ListBucket", "arn:aws:s3:::ops", BY_TLS | context, SERVER)

    assert may(**{"s3:prefix": "wal/main/wals/"})
    assert may()
    assert not may(**{"s3:prefix": "wal/events/"})
    assert not may(**{"s3:prefix": "wal/"})


def test_a_server_adds_how_long_a_recovery_took(archived: Policy, is_allowed: IsAllowed) -> None:
    record = "arn:aws:s3:::ops/status/recoveries/20261123T020000Z-0a1b2c3d.json"
    new = BY_TLS | {"s3:if-none-match": "*"}

    assert is_allowed(archived, "s3:PutObject", record, new, SERVER)
    assert not is_allowed(archived, "s3:PutObject", record, BY_TLS, SERVER)
    assert not is_allowed(archived, "s3:GetObject", record, new, SERVER)


@pytest.mark.parametrize(
    "action",
    ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:GetObjectVersion", "s3:PutObjectRetention"],
)
def test_a_server_destroys_nothing_of_its_archive(
    archived: Policy, is_allowed: IsAllowed, action: str
) -> None:
    assert not is_allowed(archived, action, "arn:aws:s3:::ops/wal/main/x", BY_TLS, SERVER)


def test_a_replica_of_another_account_takes_copies_from_one_role_alone(
    is_allowed: IsAllowed,
) -> None:
    policy = bucket_policies.backup_bucket_policy(
        "copies", KEY, protect=True, others=[bucket_policies.receive_copies("copies", COPIER)]
    )
    copy = DATA.replace("backups", "copies")
    copier = {**BY_TLS, "aws:PrincipalArn": COPIER}
    account = f"arn:aws:iam::{ACCOUNT}:root"

    for action in ("ReplicateObject", "ReplicateTags", "ObjectOwnerOverrideToBucketOwner"):
        assert is_allowed(policy, f"s3:{action}", copy, copier, account)
    stranger = {**BY_TLS, "aws:PrincipalArn": COPIER.replace("backups", "stranger")}
    assert not is_allowed(policy, "s3:ReplicateObject", copy, stranger, account)
    assert not is_allowed(
        policy, "s3:ReplicateObject", copy, copier, "arn:aws:iam::999999999999:root"
    )
    for action in ("GetObject", "PutObject", "DeleteObject", "ReplicateDelete"):
        assert not is_allowed(policy, f"s3:{action}", copy, copier, account)


def test_the_key_of_a_replica_of_another_account_encrypts_for_one_role_alone(
    is_allowed: IsAllowed,
) -> None:
    policy = bucket_policies.key_policy(
        OTHER_ACCOUNT,
        "us-west-2",
        others=[bucket_policies.encrypt_copies("copies", "us-west-2", COPIER)],
    )
    account = f"arn:aws:iam::{ACCOUNT}:root"
    copying = {**through_s3(REPLICA, BACKUP), "aws:PrincipalArn": COPIER}

    assert is_allowed(policy, "kms:GenerateDataKey", "*", copying, account)
    assert is_allowed(policy, "kms:Encrypt", "*", copying, account)
    assert not is_allowed(policy, "kms:Decrypt", "*", copying, account)
    assert not is_allowed(policy, "kms:Encrypt", "*", {"aws:PrincipalArn": COPIER}, account)
    assert not is_allowed(policy, "kms:Encrypt", "*", through_s3(REPLICA, BACKUP), account)


def test_replication_gives_copies_away_only_to_another_account(is_allowed: IsAllowed) -> None:
    override, copy = "s3:ObjectOwnerOverrideToBucketOwner", "arn:aws:s3:::copies/x"
    other = bucket_policies.replicate(SOURCE, REPLICA, override_owner=True)
    assert is_allowed(other, override, copy)
    assert not is_allowed(bucket_policies.replicate(SOURCE, REPLICA), override, copy)


def test_a_key_works_through_the_service_that_is_named(is_allowed: IsAllowed) -> None:
    policy = bucket_policies.key_policy(ACCOUNT, "us-east-1", "sns")
    account = f"arn:aws:iam::{ACCOUNT}:root"

    by_sns = {"kms:ViaService": "sns.us-east-1.amazonaws.com"}
    assert is_allowed(policy, "kms:Decrypt", "*", by_sns, account)
    by_s3 = {"kms:ViaService": "s3.us-east-1.amazonaws.com"}
    assert not is_allowed(policy, "kms:Decrypt", "*", by_s3, account)


def test_a_replica_elsewhere_is_read_by_the_roles_that_are_named(is_allowed: IsAllowed) -> None:
    account, drill = f"arn:aws:iam::{ACCOUNT}:root", f"arn:aws:iam::{ACCOUNT}:role/drill"
    bucket = bucket_policies.backup_bucket_policy(
        "copies", KEY, protect=True, others=[bucket_policies.read_copies("copies", [drill])]
    )
    key = bucket_policies.key_policy(
        "999999999999",
        "us-west-2",
        others=[bucket_policies.decrypt_copies("copies", "us-west-2", [drill])],
    )
    as_drill = {"aws:PrincipalArn": drill}
    backup = "arn:aws:s3:::copies/db/daily/x"
    used = {**through_s3(REPLICA, BACKUP), **as_drill}

    assert is_allowed(bucket, "s3:GetObject", backup, as_drill, account)
    assert is_allowed(bucket, "s3:ListBucket", "arn:aws:s3:::copies", as_drill, account)
    assert is_allowed(key, "kms:Decrypt", "*", used, account)
    for action in ("s3:PutObject", "s3:DeleteObject", "s3:PutObjectRetention"):
        assert not is_allowed(bucket, action, backup, as_drill, account)
    another = {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/another"}
    assert not is_allowed(bucket, "s3:GetObject", backup, another, account)
    assert not is_allowed(key, "kms:Encrypt", "*", used, account)


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
        "StringEqualsIfExists": {"aws:SourceAccount": "123456789012"},
        "ArnEqualsIfExists": {"aws:SourceArn": "arn:aws:s3:::b"},
    }
