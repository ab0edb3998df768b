"""What each identity may do, judged by its policy alone."""

import json
from collections.abc import Callable

import pytest

from components.aws import policies
from components.aws.bucket_policies import replicate
from components.aws.documents import EncryptedBucket, Policy
from components.aws.policies import Places
from components.repository import Repository

IsAllowed = Callable[..., bool]

SOURCE = EncryptedBucket("backups", "us-east-1", "arn:key")
REPLICA = EncryptedBucket("copies", "us-west-2", "arn:replica-key")
BACKUP = "db/daily/2026/11/20261123T020000Z-0a1b2c3d"
DATA = f"arn:aws:s3:::backups/{BACKUP}/rows/0001-000.binary.zst.gpg"
MANIFEST = f"arn:aws:s3:::backups/{BACKUP}/manifest.json"
COPY = DATA.replace("backups", "copies")
PROOF = "arn:aws:s3:::backups/drills/20261123T020000Z.json"
OPERATIONS = "arn:aws:s3:::operations"
PLACES = Places(SOURCE, REPLICA, "operations")
NEW = {"s3:if-none-match": "*", "s3:ObjectCreationOperation": "true"}


@pytest.fixture
def backup() -> Policy:
    return policies.add_backups(PLACES, longest_lock_days=2557)


@pytest.fixture
def drill() -> Policy:
    return policies.prove_backups(PLACES)


@pytest.fixture
def restore() -> Policy:
    return policies.restore_backups(PLACES)


@pytest.fixture
def boundary() -> Policy:
    return policies.boundary(PLACES, longest_lock_days=2557)


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


def test_the_backup_role_sees_which_backups_have_arrived_in_the_replica(
    backup: Policy, is_allowed: IsAllowed
) -> None:
    manifest = MANIFEST.replace("backups", "copies", 1)
    used = through_s3(REPLICA, f"{BACKUP}/manifest.json")

    assert is_allowed(backup, "s3:ListBucket", "arn:aws:s3:::copies", {"s3:prefix": "db/daily/"})
    assert is_allowed(backup, "s3:GetObject", manifest)
    assert is_allowed(backup, "kms:Decrypt", "arn:replica-key", used)
    assert not is_allowed(backup, "s3:GetObject", COPY)
    assert not is_allowed(backup, "kms:Decrypt", "arn:replica-key", through_s3(REPLICA, BACKUP))


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
    unlocked = policies.add_backups(PLACES, longest_lock_days=None)
    assert not is_allowed(unlocked, "s3:PutObjectRetention", DATA)


@pytest.mark.parametrize("action", ["kms:GenerateDataKey", "kms:Decrypt"])
def test_the_backup_role_uses_the_key_for_backups_through_s3_alone(
    backup: Policy, is_allowed: IsAllowed, action: str
) -> None:
    assert is_allowed(backup, action, "arn:key", through_s3(SOURCE, f"{BACKUP}/manifest.json"))
    assert not is_allowed(backup, action, "arn:key")
    assert not is_allowed(backup, action, "arn:key", through_s3(SOURCE, "index.html"))
    assert not is_allowed(backup, action, "arn:key", through_s3(REPLICA, f"{BACKUP}/x"))


def test_the_backup_role_reads_what_drills_found_out(backup: Policy, is_allowed: IsAllowed) -> None:
    assert is_allowed(backup, "s3:GetObject", PROOF)
    assert is_allowed(backup, "s3:ListBucket", "arn:aws:s3:::backups", {"s3:prefix": "drills/"})
    assert is_allowed(backup, "kms:Decrypt", "arn:key", through_s3(SOURCE, "drills/x.json"))
    assert not is_allowed(backup, "s3:PutObject", PROOF, NEW)


@pytest.mark.parametrize("key", ["index/2026-11.json", "status/index.html"])
def test_the_backup_role_rewrites_index_and_status_page(
    backup: Policy, is_allowed: IsAllowed, key: str
) -> None:
    assert is_allowed(backup, "s3:PutObject", f"{OPERATIONS}/{key}")
    assert is_allowed(backup, "s3:ListBucket", OPERATIONS, {"s3:prefix": key})
    assert not is_allowed(backup, "s3:DeleteObject", f"{OPERATIONS}/{key}")


@pytest.mark.parametrize("key", ["trail/x", "access-logs/x", "wal/app/0001"])
@pytest.mark.parametrize("action", ["s3:PutObject", "s3:GetObject"])
def test_the_backup_role_has_no_part_in_logs_and_wal(
    backup: Policy, is_allowed: IsAllowed, action: str, key: str
) -> None:
    assert not is_allowed(backup, action, f"{OPERATIONS}/{key}")


def test_backup_and_drill_publish_metrics_of_this_tool_alone(
    backup: Policy, drill: Policy, is_allowed: IsAllowed
) -> None:
    for policy in (backup, drill):
        ours = {"cloudwatch:namespace": "NeonHubBackup"}
        assert is_allowed(policy, "cloudwatch:PutMetricData", "*", ours)
        assert not is_allowed(
            policy, "cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": "Billing"}
        )
        assert not is_allowed(policy, "cloudwatch:PutMetricData", "*")


@pytest.mark.parametrize("resource", [DATA, COPY, MANIFEST, PROOF])
def test_drill_and_restore_read_everything_of_both_copies(
    drill: Policy, restore: Policy, is_allowed: IsAllowed, resource: str
) -> None:
    for policy in (drill, restore):
        assert is_allowed(policy, "s3:GetObject", resource)


@pytest.mark.parametrize("place", [SOURCE, REPLICA])
def test_drill_and_restore_list_and_decrypt_both_copies(
    drill: Policy, restore: Policy, is_allowed: IsAllowed, place: EncryptedBucket
) -> None:
    for policy in (drill, restore):
        bucket = f"arn:aws:s3:::{place.bucket}"
        assert is_allowed(policy, "s3:ListBucket", bucket, {"s3:prefix": "db/daily/"})
        assert is_allowed(policy, "kms:Decrypt", place.key_arn, through_s3(place, BACKUP))
        assert not is_allowed(policy, "kms:Decrypt", place.key_arn)


def test_the_drill_role_adds_proofs_and_overwrites_none(
    drill: Policy, is_allowed: IsAllowed
) -> None:
    assert is_allowed(drill, "s3:PutObject", PROOF, NEW)
    assert is_allowed(drill, "kms:GenerateDataKey", "arn:key", through_s3(SOURCE, "drills/x"))
    assert not is_allowed(drill, "s3:PutObject", PROOF, {"s3:ObjectCreationOperation": "true"})


@pytest.mark.parametrize(
    "resource",
    [
        DATA,
        MANIFEST,
        COPY,
        PROOF.replace("backups", "copies"),
        "arn:aws:s3:::backups/other",
        f"{OPERATIONS}/wal/app/0001",
        f"{OPERATIONS}/trail/x",
    ],
)
def test_the_drill_role_puts_nothing_anywhere_else(
    drill: Policy, is_allowed: IsAllowed, resource: str
) -> None:
    assert not is_allowed(drill, "s3:PutObject", resource, NEW)


def test_the_drill_role_encrypts_nothing_among_the_backups(
    drill: Policy, is_allowed: IsAllowed
) -> None:
    assert not is_allowed(drill, "kms:GenerateDataKey", "arn:key", through_s3(SOURCE, BACKUP))
    assert not is_allowed(
        drill, "kms:GenerateDataKey", "arn:replica-key", through_s3(REPLICA, "drills/x")
    )


@pytest.mark.parametrize("key", ["index/2026-11.json", "status/index.html"])
def test_the_drill_role_rewrites_index_and_status_page(
    drill: Policy, is_allowed: IsAllowed, key: str
) -> None:
    assert is_allowed(drill, "s3:PutObject", f"{OPERATIONS}/{key}")
    assert is_allowed(drill, "s3:GetObject", f"{OPERATIONS}/{key}")


@pytest.mark.parametrize(
    "resource",
    [DATA, COPY, PROOF, f"{OPERATIONS}/wal/x", f"{OPERATIONS}/index/x", f"{OPERATIONS}/status/x"],
)
def test_the_restore_role_puts_nothing(
    restore: Policy, is_allowed: IsAllowed, resource: str
) -> None:
    assert not is_allowed(restore, "s3:PutObject", resource, NEW)
    assert not is_allowed(
        restore, "s3:PutObject", resource, {"s3:ObjectCreationOperation": "false"}
    )


def test_the_restore_role_adds_how_long_it_took_and_overwrites_no_such_record(
    restore: Policy, is_allowed: IsAllowed
) -> None:
    record = f"{OPERATIONS}/status/recoveries/20261123T020000Z-0a1b2c3d.json"
    assert is_allowed(restore, "s3:PutObject", record, NEW)
    assert not is_allowed(restore, "s3:PutObject", record, {"s3:ObjectCreationOperation": "true"})
    assert not is_allowed(restore, "s3:PutObject", f"{OPERATIONS}/status/report.html", NEW)


def test_the_restore_role_encrypts_and_measures_nothing(
    restore: Policy, is_allowed: IsAllowed
) -> None:
    assert not is_allowed(restore, "kms:GenerateDataKey", "arn:key", through_s3(SOURCE, BACKUP))
    assert not is_allowed(
        restore, "cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": "NeonHubBackup"}
    )


def test_only_the_restore_role_fetches_archived_backups(
    backup: Policy, drill: Policy, restore: Policy, is_allowed: IsAllowed
) -> None:
    for resource in (DATA, COPY):
        assert is_allowed(restore, "s3:RestoreObject", resource)
        assert not is_allowed(drill, "s3:RestoreObject", resource)
        assert not is_allowed(backup, "s3:RestoreObject", resource)


def test_the_restore_role_reads_wal_and_what_was_overwritten(
    restore: Policy, is_allowed: IsAllowed
) -> None:
    for key in ("wal/app/0001", "index/2026-11.json"):
        assert is_allowed(restore, "s3:GetObject", f"{OPERATIONS}/{key}")
        assert is_allowed(restore, "s3:GetObjectVersion", f"{OPERATIONS}/{key}")
    assert is_allowed(restore, "s3:GetObjectVersion", DATA)
    assert is_allowed(
        restore, "s3:ListBucketVersions", "arn:aws:s3:::backups", {"s3:prefix": "db/"}
    )
    # barman asks whether the bucket exists, by listing it without a prefix.
    assert is_allowed(restore, "s3:ListBucket", OPERATIONS)


def test_the_restore_role_reads_no_logs(restore: Policy, is_allowed: IsAllowed) -> None:
    assert not is_allowed(restore, "s3:GetObject", f"{OPERATIONS}/access-logs/x")
    assert not is_allowed(restore, "s3:GetObject", f"{OPERATIONS}/trail/x")


@pytest.mark.parametrize(
    "action",
    ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:BypassGovernanceRetention"],
)
@pytest.mark.parametrize("resource", [DATA, COPY, PROOF, f"{OPERATIONS}/index/x"])
def test_drill_and_restore_delete_nothing(
    drill: Policy, restore: Policy, is_allowed: IsAllowed, action: str, resource: str
) -> None:
    assert not is_allowed(drill, action, resource)
    assert not is_allowed(restore, action, resource)


WITHIN: list[tuple[str, str, dict[str, str]]] = [
    ("s3:PutObject", DATA, NEW),
    ("s3:PutObject", f"{OPERATIONS}/index/x", {}),
    ("s3:GetObject", COPY, {}),
    ("s3:RestoreObject", COPY, {}),
    ("s3:ListBucket", OPERATIONS, {}),
    ("kms:Decrypt", "arn:replica-key", {"kms:ViaService": "s3.us-west-2.amazonaws.com"}),
    ("cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": "NeonHubBackup"}),
]


@pytest.mark.parametrize(("action", "resource", "context"), WITHIN)
def test_the_boundary_lets_roles_do_their_work(
    boundary: Policy, is_allowed: IsAllowed, action: str, resource: str, context: dict[str, str]
) -> None:
    assert is_allowed(boundary, action, resource, context)


def test_the_boundary_lets_replication_do_its_work(boundary: Policy, is_allowed: IsAllowed) -> None:
    for statement in replicate(SOURCE, REPLICA, override_owner=True)["Statement"]:
        actions, resource = statement["Action"], statement["Resource"]
        for action in [actions] if isinstance(actions, str) else actions:
            context = {
                key: value
                for keys in statement.get("Condition", {}).values()
                for key, value in keys.items()
            }
            assert is_allowed(boundary, action, resource, context), action


@pytest.mark.parametrize(
    ("action", "resource", "context"),
    [
        ("s3:PutObject", DATA, {"s3:ObjectCreationOperation": "true"}),
        ("s3:GetObject", "arn:aws:s3:::uploads/x", {}),
        ("s3:PutObject", "arn:aws:s3:::uploads/x", NEW),
        ("s3:PutObjectRetention", DATA, {"s3:object-lock-remaining-retention-days": "36500"}),
        ("s3:DeleteObject", DATA, {}),
        ("s3:DeleteObjectVersion", f"{OPERATIONS}/wal/x", {}),
        ("s3:PutBucketPolicy", "arn:aws:s3:::backups", {}),
        ("kms:Decrypt", "arn:key", {}),
        ("kms:Decrypt", "arn:other", {"kms:ViaService": "s3.us-east-1.amazonaws.com"}),
        ("kms:CreateGrant", "arn:key", {"kms:ViaService": "s3.us-east-1.amazonaws.com"}),
        ("iam:CreateAccessKey", "*", {}),
        ("sts:AssumeRole", "*", {}),
        ("ec2:RunInstances", "*", {}),
    ],
)
def test_beyond_the_boundary_nothing_can_be_given(
    boundary: Policy, is_allowed: IsAllowed, action: str, resource: str, context: dict[str, str]
) -> None:
    assert not is_allowed(boundary, action, resource, context)


def test_the_boundary_refuses_outright_what_destroys(boundary: Policy) -> None:
    (denied,) = [each for each in boundary["Statement"] if each["Effect"] == "Deny"]
    assert {"s3:DeleteObject*", "kms:ScheduleKeyDeletion", "iam:*"} <= set(denied["Action"])
    assert denied["Resource"] == "*"


def test_policies_are_as_short_as_iam_wants_them(
    backup: Policy, drill: Policy, restore: Policy, boundary: Policy
) -> None:
    def longest(policy: Policy) -> str:
        text = json.dumps(policy, separators=(",", ":"))
        for name in ("backups", "copies", "operations"):
            text = text.replace(f":::{name}", ":::" + 63 * "b")
        for name in ("arn:key", "arn:replica-key"):
            text = text.replace(name, "arn:aws:kms:ap-southeast-1:123456789012:key/" + 36 * "k")
        return text

    # Of a role's own policies, and of one that is shared, as the static key's is:
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    assert all(len(longest(policy)) <= 10240 for policy in (drill, restore))
    assert all(len(longest(policy)) <= 6144 for policy in (backup, boundary))


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
