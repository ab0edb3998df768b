"""Staging and production under the real engine: their own files, in clouds that are emulated."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.end_to_end.clouds import DATABASE_URL, NEON_KEY, Deployed, deployed

GOLDEN = Path(__file__).parents[1] / "golden"
LOCK_MODES = {"staging": "GOVERNANCE", "prod": "COMPLIANCE"}
REGIONS = {"": "us-east-1", "-replica": "us-west-2"}
DAYS = {"hourly": 1, "daily": 30, "weekly": 84, "monthly": 366, "annual": 2557}
PRIVATE = {
    "BlockPublicAcls": True,
    "BlockPublicPolicy": True,
    "IgnorePublicAcls": True,
    "RestrictPublicBuckets": True,
}
OWN = {"preview", "deploy"}
"""What this repository's CI is for; the rest is for the repository that is backed up."""
IN_THE_CLOUDS = {"backup", "drill", "restore"} | OWN
"""What has a role and an account of its own."""
SECRETS: dict[str, dict[str, dict[str, str]]] = {
    "staging": {
        "backup": {"DATABASE_URL": DATABASE_URL},
        "drill": {},
        "restore": {"DATABASE_URL": DATABASE_URL},
    },
    "prod": {
        "backup": {"DATABASE_URL": DATABASE_URL},
        "drill": {},
        "restore": {"DATABASE_URL": DATABASE_URL, "NEON_API_KEY": NEON_KEY},
        "snapshot": {"NEON_API_KEY": NEON_KEY},
    },
}
"""What the runs of each purpose see in the repository that is backed up."""

each_copy = pytest.mark.parametrize("copy", REGIONS, ids=["primary", "replica"])


@pytest.fixture(scope="module", params=LOCK_MODES)
def stack(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployed]:
    """One of the stacks, as a first `pulumi up` leaves it."""
    with deployed(tmp_path_factory.mktemp(request.param), request.param) as found:
        yield found


@pytest.fixture
def as_committed(stack: Deployed) -> Iterator[Deployed]:
    """The stack, whose file a test may edit."""
    before = stack.file.read_text()
    yield stack
    stack.file.write_text(before)


def rules(stack: Deployed, bucket: str) -> dict[str, dict[str, Any]]:
    """Lifecycle rules of a bucket by their names."""
    found: Any = stack.s3(bucket).get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    return {rule["ID"]: rule for rule in found}


def google_rules(stack: Deployed) -> dict[str, int]:
    """After how many days Cloud Storage deletes what is under a prefix."""
    found = stack.google_bucket("backups")["lifecycle"]["rule"]
    return {
        prefix: rule["condition"]["age"]
        for rule in found
        if rule["condition"].get("isLive")
        for prefix in rule["condition"]["matchesPrefix"]
    }


# ---- what there is


def test_the_stack_file_is_the_reviewed_one_and_its_secrets(stack: Deployed) -> None:
    ours, theirs = (text.splitlines() for text in (stack.original, stack.file.read_text()))
    added = [line.split(":")[0].strip() for line in theirs if line not in ours]

    assert [line for line in theirs if line in ours] == [line for line in ours if line]
    secret = ["neonhub-backup", "secure"]
    assert added == [*secret * (2 if stack.stack == "prod" else 1), "encryptionsalt"]
    assert DATABASE_URL not in stack.file.read_text()
    assert NEON_KEY not in stack.file.read_text()


def test_every_resource_of_the_golden_file_is_really_there(stack: Deployed) -> None:
    golden = yaml.safe_load((GOLDEN / f"{stack.stack}.yaml").read_text())
    created = stack.resources()

    assert created.keys() == golden.keys()
    assert {each for each, state in created.items() if state["custom"] and not state["id"]} == set()
    # Nothing was in the clouds before, and a refresh reads each thing where it is.
    stack.pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes")


def test_a_preview_afterwards_is_empty(stack: Deployed) -> None:
    stack.pulumi("preview", "--expect-no-changes")


def test_no_secret_is_in_the_state(stack: Deployed) -> None:
    state = stack.pulumi("stack", "export")

    assert "DATABASE_URL" in state
    assert DATABASE_URL not in state
    assert NEON_KEY not in state


@each_copy
def test_backups_are_locked_as_the_stack_says(stack: Deployed, copy: str) -> None:
    bucket = f"{stack.prefix}-backups{copy}"
    found: Any = stack.s3(bucket).get_object_lock_configuration(Bucket=bucket)
    lock = found["ObjectLockConfiguration"]

    assert lock["ObjectLockEnabled"] == "Enabled"
    assert lock["Rule"]["DefaultRetention"]["Mode"] == LOCK_MODES[stack.stack]


@each_copy
def test_each_tier_expires_in_its_time(stack: Deployed, copy: str) -> None:
    found = rules(stack, f"{stack.prefix}-backups{copy}")
    tiers = {each: days for each, days in DAYS.items() if each != "hourly" or stack.stack == "prod"}
    expiring = {
        rule["Filter"]["Prefix"]: rule["Expiration"]["Days"]
        for name, rule in found.items()
        if name.startswith("expire-") and rule["Filter"]["Prefix"].startswith("db/")
    }

    assert expiring == {f"db/{tier}/": days for tier, days in tiers.items()}
    moves = {name: rule["Transitions"] for name, rule in found.items() if "Transitions" in rule}
    (annual,) = moves.pop("archive-annual")
    assert annual["StorageClass"] == "DEEP_ARCHIVE"
    assert moves == {}


@each_copy
@pytest.mark.parametrize("kind", ["backups", "operations"])
def test_every_bucket_is_private_versioned_and_encrypted(
    stack: Deployed, kind: str, copy: str
) -> None:
    bucket = f"{stack.prefix}-{kind}{copy}"
    s3 = stack.s3(bucket)
    answer: Any = s3.get_bucket_encryption(Bucket=bucket)
    (rule,) = answer["ServerSideEncryptionConfiguration"]["Rules"]
    location = s3.get_bucket_location(Bucket=bucket)["LocationConstraint"]

    assert (location or "us-east-1") == REGIONS[copy]
    assert s3.get_bucket_versioning(Bucket=bucket).get("Status") == "Enabled"
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"] == PRIVATE
    # Access logs are delivered to no bucket with a key of one's own.
    wanted = {"backups": "aws:kms", "operations": "AES256"}[kind]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == wanted


@each_copy
def test_access_to_backups_is_logged_beside_them(stack: Deployed, copy: str) -> None:
    bucket, operations = f"{stack.prefix}-backups{copy}", f"{stack.prefix}-operations{copy}"
    logging: Any = stack.s3(bucket).get_bucket_logging(Bucket=bucket)["LoggingEnabled"]

    assert logging["TargetBucket"] == operations
    assert logging["TargetPrefix"] == f"access-logs/{bucket}/"
    assert {"expire-access-logs", "expire-wal"} <= rules(stack, operations).keys()


def test_backups_are_copied_within_fifteen_minutes(stack: Deployed) -> None:
    bucket = f"{stack.prefix}-backups"
    found: Any = stack.s3(bucket).get_bucket_replication(Bucket=bucket)
    (rule,) = found["ReplicationConfiguration"]["Rules"]
    destination = rule["Destination"]

    assert destination["Bucket"] == f"arn:aws:s3:::{bucket}-replica"
    assert destination["ReplicationTime"] == {"Status": "Enabled", "Time": {"Minutes": 15}}
    assert destination["Metrics"]["Status"] == "Enabled"
    assert rule["DeleteMarkerReplication"] == {"Status": "Disabled"}
    assert "SseKmsEncryptedObjects" in rule["SourceSelectionCriteria"]


def test_somebody_is_told_when_backups_are_late_or_in_danger(stack: Deployed) -> None:
    alarms = {
        each["AlarmName"].removeprefix(f"{stack.prefix}-"): each
        for region in REGIONS.values()
        for each in stack.client("cloudwatch", region).describe_alarms()["MetricAlarms"]
    }
    late = alarms["backup-age-neonhub"]
    hours = {"staging": 24, "prod": 1}[stack.stack]

    assert alarms.keys() == {
        "backup-age-neonhub",
        "backup-grew-neonhub",
        "backup-shrank-neonhub",
        "proof-age-neonhub",
        "replication-failed",
        "replication-latency",
    }
    assert (late["Threshold"], late["TreatMissingData"]) == (hours * 3600, "breaching")
    for region in REGIONS.values():
        topic = f"arn:aws:sns:{region}:123456789012:{stack.prefix}-alarms"
        sns, events = stack.client("sns", region), stack.client("events", region)
        told = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        assert [each["Endpoint"] for each in told] == ["platform@neonhub.example"]
        for kind in ("buckets", "keys"):
            (target,) = events.list_targets_by_rule(Rule=f"{stack.prefix}-tampering-{kind}")[
                "Targets"
            ]
            assert target["Arn"] == topic


def test_attempts_to_delete_backups_are_on_record(stack: Deployed) -> None:
    cloudtrail, name = stack.client("cloudtrail"), f"{stack.prefix}-trail"
    trail = cloudtrail.get_trail(Name=name)["Trail"]
    selectors = cloudtrail.get_event_selectors(TrailName=name)["AdvancedEventSelectors"]
    watched = [field for each in selectors for field in each["FieldSelectors"]]

    assert cloudtrail.get_trail_status(Name=name)["IsLogging"] is True
    assert trail["IsMultiRegionTrail"] is True
    assert trail["LogFileValidationEnabled"] is True
    assert trail["S3BucketName"] == f"{stack.prefix}-operations"
    (buckets,) = [each["StartsWith"] for each in watched if each["Field"] == "resources.ARN"]
    assert {f"arn:aws:s3:::{stack.prefix}-backups{copy}/" for copy in REGIONS} <= set(buckets)


def test_each_role_trusts_one_environment_and_stays_within_the_boundary(stack: Deployed) -> None:
    iam = stack.client("iam")
    for purpose in IN_THE_CLOUDS:
        role = iam.get_role(RoleName=f"{stack.prefix}-{purpose}")["Role"]
        (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
        name, number = ("neonhub-backup", 2) if purpose in OWN else ("neonhub", 1)
        run = f"environment:{stack.environment}-{purpose}"
        boundary = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", "")

        assert trust["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"] == [
            f"repo:neonhub/{name}:{run}",
            f"repo:neonhub@1/{name}@{number}:{run}",
        ]
        # What deploys could never work within it: it has denials of its own instead.
        assert boundary.endswith(f"{stack.prefix}-boundary") == (purpose not in OWN)


def test_google_keeps_backups_private_locked_and_in_two_regions(stack: Deployed) -> None:
    bucket = stack.google_bucket("backups")
    access = bucket["iamConfiguration"]

    assert access["publicAccessPrevention"] == "enforced"
    assert access["uniformBucketLevelAccess"]["enabled"] is True
    assert bucket["retentionPolicy"].get("isLocked", False) is (stack.stack == "prod")
    assert bucket["rpo"] == "ASYNC_TURBO"
    assert bucket["customPlacementConfig"] == {"dataLocations": ["US-EAST4", "US-WEST1"]}
    assert bucket["versioning"] == {"enabled": True}
    assert bucket["logging"]["logBucket"] == f"{stack.prefix}-operations"
    expected = {f"db/{tier}/": days for tier, days in DAYS.items()}
    if stack.stack == "staging":
        del expected["db/hourly/"]
    found = google_rules(stack)
    assert {prefix: found[prefix] for prefix in found if prefix.startswith("db/")} == expected


def test_google_encrypts_backups_with_a_key_that_rotates(stack: Deployed) -> None:
    name = stack.google_bucket("backups")["encryption"]["defaultKmsKeyName"]
    (binding,) = stack.google(f"v1/{name}:getIamPolicy")["bindings"]

    assert stack.google(f"v1/{name}")["rotationPeriod"] == f"{90 * 24 * 3600}s"
    assert binding["role"] == "roles/cloudkms.cryptoKeyEncrypterDecrypter"
    assert [each.split("@")[1] for each in binding["members"]] == [
        "gs-project-accounts.iam.gserviceaccount.com"
    ]


def test_google_takes_tokens_of_both_repositories_by_their_numbers(stack: Deployed) -> None:
    outputs = json.loads(stack.pulumi("stack", "output", "--json"))
    provider = stack.google(f"v1/{outputs['workload_identity_provider']}")

    assert provider["oidc"]["issuerUri"] == "https://token.actions.githubusercontent.com"
    assert provider["attributeCondition"] == " || ".join(
        f'(assertion.repository_owner_id == "1" && assertion.repository_id == "{number}")'
        for number in (1, 2)
    )


def test_each_purpose_has_a_github_environment(stack: Deployed) -> None:
    found = {
        repository: stack.github(f"{repository}/environments")["environments"]
        for repository in ("neonhub", "neonhub-backup")
    }
    names = {repository: {each["name"] for each in has} for repository, has in found.items()}
    guarded = {
        each["name"].removeprefix(f"{stack.environment}-"): {
            rule["type"]: rule for rule in each["protection_rules"]
        }
        for has in found.values()
        for each in has
    }

    assert names == {
        "neonhub": {f"{stack.environment}-{each}" for each in SECRETS[stack.stack]},
        "neonhub-backup": {f"{stack.environment}-{each}" for each in OWN},
    }
    assert all("branch_policy" in each for each in guarded.values())
    asked = {
        purpose: [each["reviewer"]["slug"] for each in has["required_reviewers"]["reviewers"]]
        for purpose, has in guarded.items()
        if "required_reviewers" in has
    }
    waits = {
        purpose: has["wait_timer"]["wait_timer"]
        for purpose, has in guarded.items()
        if "wait_timer" in has
    }
    production = stack.stack == "prod"
    assert asked == ({"restore": ["platform"], "deploy": ["platform"]} if production else {})
    assert waits == ({"restore": 5} if production else {})


def test_secrets_are_sealed_where_a_run_needs_them(stack: Deployed) -> None:
    found = {purpose: stack.secrets(purpose) for purpose in SECRETS[stack.stack]}
    assert found == SECRETS[stack.stack]
    assert [stack.secrets(purpose, "neonhub-backup") for purpose in sorted(OWN)] == [{}, {}]


def test_the_files_that_reviewers_saw_are_committed(stack: Deployed) -> None:
    workflow = f"db-backup-{stack.environment}.yml"
    golden = GOLDEN / "workflows" / stack.stack / workflow

    assert stack.committed(f".github/workflows/{workflow}") == golden.read_text()
    assert "BEGIN PGP" in stack.committed(f".neonhub-backup/{stack.environment}.yaml")
    runbook = f"RUNBOOK.{stack.environment}.md"
    reviewed = GOLDEN / "runbook" / stack.stack / runbook
    assert stack.committed(f"docs/{runbook}") == reviewed.read_text()


# ---- what becomes of it


def test_drift_is_found_and_repaired(stack: Deployed) -> None:
    backups, operations = f"{stack.prefix}-backups", f"{stack.prefix}-operations"
    configuration = f".neonhub-backup/{stack.environment}.yaml"
    workflow = f".github/workflows/db-backup-{stack.environment}.yml"
    role = f"{stack.prefix}-backup"
    s3: Any = stack.s3(backups)
    iam = stack.client("iam")
    (policy,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    before = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
    files = {path: stack.committed(path) for path in (configuration, workflow)}
    everything = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}

    kept: Any = [rule for name, rule in rules(stack, backups).items() if name != "expire-annual"]
    s3.put_bucket_lifecycle_configuration(Bucket=backups, LifecycleConfiguration={"Rules": kept})
    s3.delete_bucket_policy(Bucket=backups)
    s3.put_public_access_block(
        Bucket=operations,
        PublicAccessBlockConfiguration={**PRIVATE, "RestrictPublicBuckets": False},
    )
    s3.put_bucket_versioning(Bucket=operations, VersioningConfiguration={"Status": "Suspended"})
    iam.put_role_policy(
        RoleName=role,
        PolicyName=policy,
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [everything]}),
    )
    stack.google(
        f"storage/v1/b/{stack.prefix}-backups",
        "PATCH",
        {"softDeletePolicy": None, "rpo": "DEFAULT"},
    )
    stack.commit(configuration, "tiers: none\n")
    stack.commit(workflow, None)
    stack.github(f"neonhub/environments/{stack.environment}-restore/secrets/DATABASE_URL", "DELETE")

    assert stack.planned() == {
        "aws-primary-lifecycle": "update",
        "aws-primary-policy": "create",
        "aws-primary-operations-private": "update",
        "aws-primary-operations-versioning": "update",
        "aws-backup-permissions": "update",
        "gcp-backups-bucket": "update",
        f"files-{stack.environment}.yaml": "update",
        f"files-db-backup-{stack.environment}.yml": "create",
        "restore-database-url": "create",
    }
    stack.up()
    assert rules(stack, backups)["expire-annual"]["Expiration"] == {"Days": DAYS["annual"]}
    assert "Deny" in s3.get_bucket_policy(Bucket=backups)["Policy"]
    block = s3.get_public_access_block(Bucket=operations)
    assert block["PublicAccessBlockConfiguration"] == PRIVATE
    assert s3.get_bucket_versioning(Bucket=operations).get("Status") == "Enabled"
    assert iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"] == before
    assert stack.google_bucket("backups")["rpo"] == "ASYNC_TURBO"
    assert {path: stack.committed(path) for path in files} == files
    assert stack.secrets("restore") == SECRETS[stack.stack]["restore"]


def test_a_longer_tier_changes_what_there_is_in_place(as_committed: Deployed) -> None:
    stack = as_committed
    mode = f"lockMode: {LOCK_MODES[stack.stack]}"
    text = stack.file.read_text()
    assert mode in text
    stack.file.write_text(text.replace(mode, f"{mode}\n    daily: {{keep: 40d, lock: 30d}}"))

    assert stack.planned() == {
        "aws-primary-lifecycle": "update",
        "aws-replica-lifecycle": "update",
        "gcp-backups-bucket": "update",
        f"files-{stack.environment}.yaml": "update",
        f"files-RUNBOOK.{stack.environment}.md": "update",
    }
    stack.up()
    for copy in REGIONS:
        daily = rules(stack, f"{stack.prefix}-backups{copy}")["expire-daily"]
        assert daily["Expiration"] == {"Days": 40}
    assert google_rules(stack)["db/daily/"] == 40
    assert "keep: 40d" in stack.committed(f".neonhub-backup/{stack.environment}.yaml")


def test_nobody_destroys_it_by_mistake(stack: Deployed) -> None:
    before = stack.resources().keys()

    assert "protected" in stack.refused("destroy", "--yes")
    assert stack.resources().keys() == before
    names = {each["Name"] for each in stack.client("s3").list_buckets()["Buckets"]}
    assert f"{stack.prefix}-backups" in names


def test_every_rule_is_kept(stack: Deployed) -> None:
    said = stack.pulumi("preview", "--policy-pack", "policies")

    assert "✅ neonhub-backup@" in said
    assert "can't run policy" not in said
