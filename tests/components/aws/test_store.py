"""What a store promises: two copies, apart in every way, and nobody who can delete them."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pulumi_aws as aws
import pytest

from components.aws.store import Account, AwsStore, AwsStoreArgs, Place
from components.repository import Repository
from neonhub_backup.domain.retention import LockMode, RetentionPolicy, Tier, TierRule
from neonhub_backup.domain.storage import S3_CLASSES, S3StorageClass

Deploy = Callable[..., dict[str, Any]]
REPOSITORY = Repository(owner="neonhub", owner_id=11, name="app", repository_id=22)
KNOWN: dict[str, Any] = {
    "prefix": "neonhub-production",
    "environment": "production",
    "repository": REPOSITORY,
}
LOOKUPS = {"aws:index/getCallerIdentity:getCallerIdentity": {"accountId": "123456789012"}}


def store(**changes: Any) -> AwsStore:
    known: dict[str, Any] = {
        "primary": Place(bucket="neonhub-backups", region="us-east-1"),
        "replica": Place(bucket="neonhub-backups-replica", region="us-west-2"),
        **KNOWN,
    }
    return AwsStore("aws", AwsStoreArgs(**{**known, **changes}))


@pytest.fixture
def asked(deploy: Deploy) -> dict[str, Any]:
    return deploy(store, LOOKUPS)


def test_both_copies_are_guarded_alike(asked: dict[str, Any]) -> None:
    def children(copy: str) -> set[str]:
        return {name.removeprefix(copy) for name in asked if name.startswith(copy)}

    assert children("aws-primary-") == children("aws-replica-")


def test_the_copies_are_in_different_regions_under_different_keys(asked: dict[str, Any]) -> None:
    keys: dict[str, str] = {}
    for copy in ("primary", "replica"):
        (rule,) = asked[f"aws-{copy}-encryption"].inputs["rules"]
        region = asked[f"aws-{copy}-bucket"].inputs["region"]
        keys[region] = rule["applyServerSideEncryptionByDefault"]["kmsMasterKeyId"]

    assert keys == {"us-east-1": "arn:aws-primary-key", "us-west-2": "arn:aws-replica-key"}


def test_a_replica_in_the_primary_region_is_refused() -> None:
    with pytest.raises(ValueError, match="one outage could take both copies"):
        AwsStoreArgs(
            primary=Place(bucket="a", region="us-east-1"),
            replica=Place(bucket="b", region="us-east-1"),
            **KNOWN,
        )


def test_every_object_is_copied_within_15_minutes_under_the_key_of_its_copy(
    asked: dict[str, Any],
) -> None:
    (rule,) = asked["aws-replication-configuration"].inputs["rules"]
    assert (rule["status"], rule["filter"]) == ("Enabled", {"prefix": ""})
    assert rule["sourceSelectionCriteria"] == {"sseKmsEncryptedObjects": {"status": "Enabled"}}
    assert rule["destination"] == {
        "bucket": "arn:aws:s3:::neonhub-backups-replica",
        "encryptionConfiguration": {"replicaKmsKeyId": "arn:aws-replica-key"},
        "replicationTime": {"status": "Enabled", "time": {"minutes": 15}},
        "metrics": {"status": "Enabled", "eventThreshold": {"minutes": 15}},
    }


def test_each_copy_logs_access_in_its_own_region(asked: dict[str, Any]) -> None:
    for copy, bucket, region in (
        ("primary", "neonhub-backups", "us-east-1"),
        ("replica", "neonhub-backups-replica", "us-west-2"),
    ):
        operations = asked[f"aws-{copy}-operations-bucket"].inputs
        assert (operations["bucket"], operations["region"]) == (f"{bucket}-operations", region)
        logging = asked[f"aws-{copy}-logging"]
        assert logging.inputs["targetBucket"] == f"{bucket}-operations"
        # S3 refuses a target that does not let its logs in yet.
        policy = f"::aws-{copy}-operations-policy"
        assert any(urn.endswith(policy) for urn in logging.options.dependencies)


def test_an_operations_bucket_can_have_a_name_of_its_own(deploy: Deploy) -> None:
    primary = Place(bucket="neonhub-backups", region="us-east-1", operations_bucket="neonhub-ops")
    asked = deploy(lambda: store(primary=primary), LOOKUPS)

    assert asked["aws-primary-operations-bucket"].inputs["bucket"] == "neonhub-ops"


def test_a_trail_writes_beside_the_primary_alone(deploy: Deploy) -> None:
    asked = deploy(store, LOOKUPS)

    trail = "arn:aws:cloudtrail:us-east-1:123456789012:trail/neonhub-production-trail"
    assert trail in asked["aws-primary-operations-policy"].inputs["policy"]
    assert "cloudtrail" not in asked["aws-replica-operations-policy"].inputs["policy"]


def test_where_the_organisation_records_deletions_the_store_does_not(deploy: Deploy) -> None:
    asked = deploy(lambda: store(trail=False), LOOKUPS)

    assert "cloudtrail" not in asked["aws-primary-operations-policy"].inputs["policy"]
    assert not any("cloudtrail" in each.options.type for each in asked.values())


def test_a_store_can_do_with_one_copy(deploy: Deploy) -> None:
    asked = deploy(lambda: store(replica=None), LOOKUPS)

    assert not any(name.startswith(("aws-replica-", "aws-replication-")) for name in asked)


def test_the_role_that_copies_has_the_boundary_of_all_others(asked: dict[str, Any]) -> None:
    boundaries = {
        name: each.inputs["permissionsBoundary"]
        for name, each in asked.items()
        if each.options.type == "aws:iam/role:Role"
    }
    assert "aws-replication-role" in boundaries
    assert len(set(boundaries.values())) == 1


def test_both_copies_keep_each_tier_in_the_class_that_was_asked_for(deploy: Deploy) -> None:
    classes = {**S3_CLASSES, Tier.MONTHLY: S3StorageClass.DEEP_ARCHIVE}
    asked = deploy(lambda: store(storage_classes=classes), LOOKUPS)

    for copy in ("primary", "replica"):
        rules = asked[f"aws-{copy}-lifecycle"].inputs["rules"]
        assert "archive-monthly" in [rule["id"] for rule in rules]


def elsewhere() -> AwsStore:
    """A store whose replica is in another account."""
    provider = aws.Provider("elsewhere", region="us-west-2")
    return store(replica_account=Account(account_id="210987654321", provider=provider))


def test_a_replica_of_another_account_is_made_there_and_nothing_else_is(deploy: Deploy) -> None:
    asked = deploy(elsewhere, LOOKUPS)

    there = {name for name, each in asked.items() if "::elsewhere::" in each.options.provider}
    assert there == {name for name in asked if name.startswith("aws-replica-")}


def test_a_replica_of_another_account_belongs_to_it(deploy: Deploy) -> None:
    asked = deploy(elsewhere, LOOKUPS)

    (rule,) = asked["aws-replication-configuration"].inputs["rules"]
    assert rule["destination"]["account"] == "210987654321"
    assert rule["destination"]["accessControlTranslation"] == {"owner": "Destination"}
    assert "arn:aws:iam::210987654321:root" in asked["aws-replica-key"].inputs["policy"]
    assert "210987654321" in asked["aws-replica-operations-policy"].inputs["policy"]
    assert "210987654321" not in asked["aws-primary-key"].inputs["policy"]
    assert "ObjectOwnerOverride" in asked["aws-replication-permissions"].inputs["policy"]


def test_a_replica_of_another_account_lets_in_the_roles_that_copy_and_read(deploy: Deploy) -> None:
    asked = deploy(elsewhere, LOOKUPS)

    copier, *readers = (
        f"arn:aws:iam::123456789012:role{role['path']}{role['name']}"
        for role in (
            asked[name].inputs
            for name in ("aws-replication-role", "aws-backup", "aws-drill", "aws-restore")
        )
    )
    for guarded in ("policy", "key"):
        written = json.loads(asked[f"aws-replica-{guarded}"].inputs["policy"])["Statement"]
        *_, copies, reads = written
        assert copies["Condition"]["ArnEquals"] == {"aws:PrincipalArn": copier}
        assert reads["Condition"]["ArnEquals"] == {"aws:PrincipalArn": readers}
        for each in (copies, reads):
            assert each["Principal"] == {"AWS": "arn:aws:iam::123456789012:root"}


def test_each_account_has_a_trail_of_its_own(deploy: Deploy) -> None:
    asked = deploy(elsewhere, LOOKUPS)

    trails = [asked[name] for name in ("aws-trail", "aws-replica-trail")]
    assert [each.inputs["s3BucketName"] for each in trails] == [
        "neonhub-backups-operations",
        "neonhub-backups-replica-operations",
    ]
    assert [
        [
            selector["startsWiths"]
            for selector in each.inputs["advancedEventSelectors"][1]["fieldSelectors"]
            if selector["field"] == "resources.ARN"
        ]
        for each in trails
    ] == [[["arn:aws:s3:::neonhub-backups/"]], [["arn:aws:s3:::neonhub-backups-replica/"]]]


def test_within_one_account_policies_let_in_nobody_else(asked: dict[str, Any]) -> None:
    for copy in ("primary", "replica"):
        assert "aws:PrincipalArn" not in asked[f"aws-{copy}-policy"].inputs["policy"]
        assert "aws:PrincipalArn" not in asked[f"aws-{copy}-key"].inputs["policy"]


@pytest.mark.parametrize("account_id", ["2109", "2109876543210", "neonhub-prod"])
def test_what_is_no_account_is_refused(account_id: str) -> None:
    none_is_made: Any = None
    with pytest.raises(ValueError, match="is not 12 digits"):
        Account(account_id=account_id, provider=none_is_made)


def test_a_deletion_is_not_copied(asked: dict[str, Any]) -> None:
    (rule,) = asked["aws-replication-configuration"].inputs["rules"]
    assert rule["deleteMarkerReplication"] == {"status": "Disabled"}


def test_replication_begins_when_its_role_may_copy(asked: dict[str, Any]) -> None:
    dependencies = asked["aws-replication-configuration"].options.dependencies
    assert any(urn.endswith("::aws-replication-permissions") for urn in dependencies)


def test_replication_begins_when_both_buckets_are_versioned(asked: dict[str, Any]) -> None:
    dependencies = asked["aws-replication-configuration"].options.dependencies
    for copy in ("primary", "replica"):
        assert any(urn.endswith(f"::aws-{copy}-versioning") for urn in dependencies)


def test_the_replication_role_serves_s3_for_the_primary_bucket_alone(
    asked: dict[str, Any],
) -> None:
    trust = json.loads(asked["aws-replication-role"].inputs["assumeRolePolicy"])
    assert trust["Statement"][0]["Condition"] == {
        "StringEqualsIfExists": {"aws:SourceAccount": "123456789012"},
        "ArnEqualsIfExists": {"aws:SourceArn": "arn:aws:s3:::neonhub-backups"},
    }


def test_github_is_trusted_without_stored_keys(asked: dict[str, Any]) -> None:
    assert asked["aws-github"].inputs == {
        "url": "https://token.actions.githubusercontent.com",
        "clientIdLists": ["sts.amazonaws.com"],
    }
    assert not any("AccessKey" in each.options.type for each in asked.values())


def test_the_backup_role_is_for_one_environment_of_one_repository(asked: dict[str, Any]) -> None:
    trust = json.loads(asked["aws-backup"].inputs["assumeRolePolicy"])
    claims = trust["Statement"][0]["Condition"]["StringEquals"]
    assert claims["token.actions.githubusercontent.com:sub"] == list(
        REPOSITORY.subjects("production-backup")
    )


def test_the_backup_role_writes_to_the_primary_bucket_alone(asked: dict[str, Any]) -> None:
    policy = json.loads(asked["aws-backup-permissions"].inputs["policy"])
    writes = str([each for each in policy["Statement"] if "s3:PutObject" in each["Action"]])
    assert "arn:aws:s3:::neonhub-backups/db/*" in writes
    assert "neonhub-backups-replica" not in writes


def test_the_backup_role_can_lock_as_long_as_the_longest_tier_asks(deploy: Deploy) -> None:
    retention = RetentionPolicy(
        annual=TierRule(keep=timedelta(days=2557), lock=timedelta(days=400)),
        lock_mode=LockMode.COMPLIANCE,
    )
    asked = deploy(lambda: store(retention=retention), LOOKUPS)

    document = json.loads(asked["aws-backup-permissions"].inputs["policy"])
    (most,) = [
        statement["Condition"]["NumericLessThanEqualsIfExists"]
        for statement in document["Statement"]
        if statement["Action"] == "s3:PutObjectRetention"
    ]
    assert most == {"s3:object-lock-remaining-retention-days": "401"}


def test_by_default_copies_keys_and_replication_outlive_the_stack(asked: dict[str, Any]) -> None:
    mortal = {each.options.parent for each in asked.values() if not each.options.protect}
    assert [urn.rpartition("$")[2] for urn in mortal] == ["neonhub-backup:aws:Identities::aws"]


def test_an_unprotected_store_can_be_torn_down(deploy: Deploy) -> None:
    asked = deploy(lambda: store(protect=False), LOOKUPS)

    assert not any(each.options.protect or each.options.retainOnDelete for each in asked.values())
