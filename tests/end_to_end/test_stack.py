"""The local stack under the real engine: what AWS, Google Cloud and GitHub hold, and what stays."""

import base64
import json
import re
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import boto3
import pytest
from botocore.exceptions import ClientError

from neonhub_backup.domain.configuration import GcsStore, S3Store, load_configuration
from sandbox.stack_file import STACK
from sandbox.throwaway import Throwaway

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client

REGIONS = {"neonhub-local-backups": "us-east-1", "neonhub-local-backups-replica": "us-west-2"}
PRIMARY, REPLICA = REGIONS
OPERATIONS = {
    "neonhub-local-operations": "us-east-1",
    "neonhub-local-operations-replica": "us-west-2",
}
LOGS_OF = dict(zip(OPERATIONS, REGIONS, strict=True))
ACCOUNT = "123456789012"
CONFIGURATION = ".neonhub-backup/local.yaml"
WORKFLOW = ".github/workflows/db-backup-local.yml"
OUTPUTS = {
    "bucket": PRIMARY,
    "replica_bucket": REPLICA,
    "operations_bucket": "neonhub-local-operations",
    "backup_role_arn": f"arn:aws:iam::{ACCOUNT}:role/neonhub-backup/neonhub-local-backup",
    "drill_role_arn": f"arn:aws:iam::{ACCOUNT}:role/neonhub-backup/neonhub-local-drill",
    "restore_role_arn": f"arn:aws:iam::{ACCOUNT}:role/neonhub-backup/neonhub-local-restore",
    "alarm_topic_arn": f"arn:aws:sns:us-east-1:{ACCOUNT}:neonhub-local-alarms",
    "gcs_bucket": "neonhub-local-backups",
    "gcs_operations_bucket": "neonhub-local-operations",
    **{
        f"{purpose}_service_account": f"local-{purpose}@neonhub-local.iam.gserviceaccount.com"
        for purpose in ("backup", "drill", "restore")
    },
    "generated_files": [
        CONFIGURATION,
        *(
            f".github/workflows/db-{name}-local.yml"
            for name in ("backup", "watch", "drill", "restore")
        ),
        "docs/RUNBOOK.local.md",
    ],
}
TIERS = {
    "db/hourly/": 1,
    "db/daily/": 30,
    "db/weekly/": 84,
    "db/monthly/": 366,
    "db/annual/": 2557,
    "drills/": 2557,
}
SECRETS = {"backup": ["DATABASE_URL"], "drill": [], "restore": ["DATABASE_URL"]}
"""What each GitHub environment knows. The sandbox's private key is in a file, not in GitHub."""


def _ask(address: str, token: str, method: str, body: Any) -> Any:
    request = urllib.request.Request(  # noqa: S310 - http, our own
        address,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310 - as above
        return json.load(response)


class Deployed(NamedTuple):
    """The stack, and what its emulators say of it."""

    sandbox: Throwaway

    def client(self, service: str, region: str = "us-east-1") -> Any:
        return cast("Any", boto3).client(
            service,
            endpoint_url=self.sandbox.moto_url,
            region_name=region,
            aws_access_key_id="sandbox",
            aws_secret_access_key="sandbox",  # noqa: S106 - the emulator's
        )

    def s3(self, bucket: str) -> "S3Client":
        return self.client("s3", {**REGIONS, **OPERATIONS}[bucket])

    def iam(self) -> "IAMClient":
        return self.client("iam")

    def kms(self, region: str) -> "KMSClient":
        return self.client("kms", region)

    def github(self, path: str, method: str = "GET", body: Any = None) -> Any:
        """What GitHub says of the repository."""
        address = f"{self.sandbox.github_url}repos/neonhub/neonhub/{path}"
        return _ask(address, self.sandbox.addresses.github_token, method, body)

    def google(self, path: str, method: str = "GET", body: Any = None) -> Any:
        """What Cloud Storage says."""
        return _ask(f"{self.sandbox.gcs_url}/storage/v1/{path}", "sandbox", method, body)

    def lift_google_s_locks(self) -> None:
        """What an administrator may do and Google's plugin does not, so that a bucket can go.

        See https://github.com/hashicorp/terraform-provider-google/issues/6037
        """
        self.google(f"b/{PRIMARY}", "PATCH", {"retentionPolicy": None})
        for each in self.google(f"b/{PRIMARY}/o")["items"]:
            name = urllib.parse.quote(each["name"], safe="")
            place = f"b/{PRIMARY}/o/{name}?overrideUnlockedRetention=true"
            self.google(place, "PATCH", {"retention": None})

    def committed(self, path: str) -> str:
        (repository,) = (self.sandbox.home / "data" / "github").rglob("*.git")
        command = ["git", "-C", str(repository), "show", f"main:{path}"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def pulumi(self, *arguments: str) -> str:
        """What the engine wrote; it must have been content."""
        done = self.sandbox.pulumi(*arguments, "--stack", STACK)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def refused(self, *arguments: str) -> str:
        """What the engine wrote; it must have refused."""
        done = self.sandbox.pulumi(*arguments, "--stack", STACK)
        assert done.returncode != 0, done.stdout
        return done.stdout + done.stderr

    def outputs(self) -> dict[str, Any]:
        return json.loads(self.pulumi("stack", "output", "--json"))

    @property
    def stack_file(self) -> Path:
        return self.sandbox.project / f"Pulumi.{STACK}.yaml"

    def edit(self, *changes: tuple[str, str]) -> None:
        text = self.stack_file.read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        self.stack_file.write_text(text)


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    sandbox = Throwaway.create(tmp_path_factory.mktemp("stack"))
    try:
        sandbox.start()
        sandbox.pulumi("stack", "select", "--create", STACK)
        stack = Deployed(sandbox)
        stack.pulumi("up", "--yes", "--skip-preview")
        yield stack
    finally:
        sandbox.stop()


@pytest.fixture
def as_committed(deployed: Deployed) -> Iterator[Deployed]:
    """The stack, whose file a test may edit."""
    before = deployed.stack_file.read_text()
    yield deployed
    deployed.stack_file.write_text(before)


each_bucket = pytest.mark.parametrize("bucket", REGIONS)
each_operations_bucket = pytest.mark.parametrize("bucket", OPERATIONS)
each_region = pytest.mark.parametrize("region", REGIONS.values())
each_purpose = pytest.mark.parametrize("purpose", SECRETS)


def test_selecting_the_stack_leaves_its_file_as_it_is(deployed: Deployed) -> None:
    ports = [str(port) for port in deployed.sandbox.addresses.ports]
    ours = (Path(__file__).parents[2] / deployed.stack_file.name).read_text().splitlines()
    theirs = deployed.stack_file.read_text().splitlines()
    changed = [new for old, new in zip(ours, theirs, strict=True) if old != new]
    assert all(any(port in line for port in ports) for line in changed)


def test_the_outputs_name_what_people_look_for(deployed: Deployed) -> None:
    outputs = deployed.outputs()
    provider = outputs.pop("workload_identity_provider")
    assert outputs == OUTPUTS
    assert re.fullmatch(
        r"projects/\d+/locations/global/workloadIdentityPools/github-local-[0-9a-f]{7}"
        r"/providers/github",
        provider,
    )


@each_bucket
def test_the_bucket_is_in_its_region(deployed: Deployed, bucket: str) -> None:
    location = deployed.s3(bucket).get_bucket_location(Bucket=bucket)["LocationConstraint"]
    assert (location or "us-east-1") == REGIONS[bucket]


@each_bucket
def test_every_version_is_kept(deployed: Deployed, bucket: str) -> None:
    assert deployed.s3(bucket).get_bucket_versioning(Bucket=bucket).get("Status") == "Enabled"


@each_bucket
def test_objects_are_encrypted_with_the_bucket_s_own_key(deployed: Deployed, bucket: str) -> None:
    answer = deployed.s3(bucket).get_bucket_encryption(Bucket=bucket)
    (rule,) = answer["ServerSideEncryptionConfiguration"]["Rules"]
    default = rule.get("ApplyServerSideEncryptionByDefault", {})
    key = deployed.kms(REGIONS[bucket]).describe_key(KeyId=f"alias/{bucket}")["KeyMetadata"]
    assert default == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key.get("Arn")}
    assert rule.get("BucketKeyEnabled") is False


@each_bucket
def test_the_key_rotates_and_lets_nobody_in_from_outside(deployed: Deployed, bucket: str) -> None:
    kms = deployed.kms(REGIONS[bucket])
    key = kms.describe_key(KeyId=f"alias/{bucket}")["KeyMetadata"]["KeyId"]
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is True
    policy = json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
    assert {each["Principal"]["AWS"] for each in policy["Statement"]} == {
        "arn:aws:iam::123456789012:root"
    }


@each_bucket
def test_each_tier_expires_in_its_time(deployed: Deployed, bucket: str) -> None:
    rules = deployed.s3(bucket).get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    days = {
        rule.get("Filter", {}).get("Prefix"): rule.get("Expiration", {}).get("Days")
        for rule in rules
        if rule.get("ID", "").startswith("expire-")
    }
    assert days == TIERS


@each_bucket
def test_what_is_kept_for_years_moves_to_the_archive_once_it_is_proven(
    deployed: Deployed, bucket: str
) -> None:
    rules = deployed.s3(bucket).get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    (rule,) = [rule for rule in rules if "Transitions" in rule]
    assert rule.get("Filter") == {
        "And": {"Prefix": "db/annual/", "ObjectSizeGreaterThan": 1024 * 1024}
    }
    assert rule.get("Transitions") == [{"Days": 32, "StorageClass": "DEEP_ARCHIVE"}]


@each_bucket
def test_abandoned_uploads_are_cleaned_up(deployed: Deployed, bucket: str) -> None:
    rules = deployed.s3(bucket).get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    (rule,) = [rule for rule in rules if rule.get("ID") == "clean-up"]
    assert rule.get("AbortIncompleteMultipartUpload") == {"DaysAfterInitiation": 1}
    assert rule.get("Expiration") == {"ExpiredObjectDeleteMarker": True}


@each_bucket
def test_no_object_is_without_a_lock(deployed: Deployed, bucket: str) -> None:
    answer = deployed.s3(bucket).get_object_lock_configuration(Bucket=bucket)
    lock = answer.get("ObjectLockConfiguration", {})
    default = lock.get("Rule", {}).get("DefaultRetention", {})
    assert lock.get("ObjectLockEnabled") == "Enabled"
    assert (default.get("Mode"), default.get("Days")) == ("GOVERNANCE", 1)


@pytest.mark.parametrize("bucket", [*REGIONS, *OPERATIONS])
def test_only_tls_gets_in(deployed: Deployed, bucket: str) -> None:
    policy = json.loads(deployed.s3(bucket).get_bucket_policy(Bucket=bucket)["Policy"])
    denied = {
        each["Sid"]: each["Condition"]
        for each in policy["Statement"]
        if each["Effect"] == "Deny" and each["Action"] == "s3:*"
    }
    assert denied == {
        "DenyInsecureTransport": {"Bool": {"aws:SecureTransport": "false"}},
        "DenyOutdatedTls": {"NumericLessThan": {"s3:TlsVersion": "1.2"}},
    }


@each_bucket
@pytest.mark.parametrize(
    "asked",
    [
        {"ServerSideEncryption": "AES256"},
        {"ServerSideEncryption": "aws:kms"},
        {
            "ServerSideEncryption": "aws:kms",
            "SSEKMSKeyId": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/another",
        },
        {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "0" * 32},
    ],
    ids=["S3's keys", "the account's key", "another key", "a key of one's own"],
)
def test_an_upload_that_asks_for_another_key_is_refused(
    deployed: Deployed, bucket: str, asked: dict[str, str]
) -> None:
    place: Any = {"Bucket": bucket, "Key": "db/daily/refused", "Body": b"", **asked}
    with pytest.raises(ClientError, match=r"403|AccessDenied"):
        deployed.s3(bucket).put_object(**place)


@each_bucket
def test_an_upload_with_the_bucket_s_own_key_or_without_a_wish_is_taken(
    deployed: Deployed, bucket: str
) -> None:
    s3 = deployed.s3(bucket)
    key = deployed.kms(REGIONS[bucket]).describe_key(KeyId=f"alias/{bucket}")["KeyMetadata"]
    wishes: list[Any] = [{}, {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key.get("Arn")}]
    for asked in wishes:
        taken = s3.put_object(Bucket=bucket, Key="db/daily/taken", Body=b"", **asked)
        assert (taken["ServerSideEncryption"], taken["SSEKMSKeyId"]) == ("aws:kms", key.get("Arn"))


@each_operations_bucket
def test_what_is_rewritten_is_versioned_encrypted_and_unlocked(
    deployed: Deployed, bucket: str
) -> None:
    s3 = deployed.s3(bucket)
    assert s3.get_bucket_versioning(Bucket=bucket).get("Status") == "Enabled"
    encryption = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]
    (rule,) = encryption["Rules"]
    assert rule.get("ApplyServerSideEncryptionByDefault") == {"SSEAlgorithm": "AES256"}
    with pytest.raises(ClientError, match="ObjectLockConfigurationNotFound"):
        s3.get_object_lock_configuration(Bucket=bucket)


@each_operations_bucket
def test_the_access_logs_of_a_bucket_go_to_the_operations_bucket_of_its_region(
    deployed: Deployed, bucket: str
) -> None:
    source = LOGS_OF[bucket]
    logging = deployed.s3(source).get_bucket_logging(Bucket=source).get("LoggingEnabled", {})
    assert (logging.get("TargetBucket"), logging.get("TargetPrefix")) == (
        bucket,
        f"access-logs/{source}/",
    )
    policy = json.loads(deployed.s3(bucket).get_bucket_policy(Bucket=bucket)["Policy"])
    (taken,) = [each for each in policy["Statement"] if each["Sid"].startswith("TakeAccessLogs")]
    assert taken["Principal"] == {"Service": "logging.s3.amazonaws.com"}
    assert taken["Resource"] == f"arn:aws:s3:::{bucket}/access-logs/{source}/*"
    assert taken["Condition"] == {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnEquals": {"aws:SourceArn": f"arn:aws:s3:::{source}"},
    }


@each_operations_bucket
def test_logs_end_and_older_versions_of_the_rest_do_too(deployed: Deployed, bucket: str) -> None:
    rules = deployed.s3(bucket).get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    ends = {
        rule.get("ID"): (
            rule.get("Expiration", {}).get("Days"),
            rule.get("NoncurrentVersionExpiration", {}).get("NoncurrentDays"),
        )
        for rule in rules
    }
    assert ends == {
        "clean-up": (None, None),
        "expire-access-logs": (400, 1),
        "expire-trail": (400, 1),
        "expire-index": (400, 1),
        "expire-status-pages": (30, 1),
        "forget-old-status": (None, 30),
        "expire-wal": (35, 7),
    }


@pytest.mark.parametrize("bucket", [*REGIONS, *OPERATIONS])
def test_nothing_is_public_and_everything_is_the_owner_s(deployed: Deployed, bucket: str) -> None:
    block = deployed.s3(bucket).get_public_access_block(Bucket=bucket)
    assert block["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": True,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    }
    ownership = deployed.s3(bucket).get_bucket_ownership_controls(Bucket=bucket)
    assert ownership["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]


def test_every_object_is_copied_to_the_replica(deployed: Deployed) -> None:
    """What moto keeps of it; which objects and under which key, the component's test shows."""
    answer = deployed.s3(PRIMARY).get_bucket_replication(Bucket=PRIMARY)
    configuration = answer["ReplicationConfiguration"]
    (rule,) = configuration["Rules"]
    assert rule["Status"] == "Enabled"
    assert rule.get("Filter") == {"Prefix": ""}
    assert rule.get("DeleteMarkerReplication") == {"Status": "Disabled"}
    assert rule["Destination"]["Bucket"] == f"arn:aws:s3:::{REPLICA}"
    assert configuration["Role"].startswith("arn:aws:iam::123456789012:role/")


@each_purpose
def test_a_role_trusts_its_environment_of_this_repository_alone(
    deployed: Deployed, purpose: str
) -> None:
    name = deployed.outputs()[f"{purpose}_role_arn"].rpartition("/")[2]
    role = deployed.iam().get_role(RoleName=name)["Role"]
    trust: Any = role.get("AssumeRolePolicyDocument")
    (statement,) = trust["Statement"]
    assert statement["Condition"]["StringEquals"] == {
        "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
        "token.actions.githubusercontent.com:sub": [
            f"repo:neonhub/neonhub:environment:local-{purpose}",
            f"repo:neonhub@1002/neonhub@1003:environment:local-{purpose}",
        ],
    }
    assert role.get("MaxSessionDuration") == 7200


def test_silence_about_the_age_of_backups_and_of_proofs_is_an_alarm(deployed: Deployed) -> None:
    alarms = deployed.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert {each["AlarmName"]: each["TreatMissingData"] for each in alarms} == {
        "neonhub-local-backup-age-neonhub": "breaching",
        "neonhub-local-proof-age-neonhub": "breaching",
        "neonhub-local-backup-grew-neonhub": "notBreaching",
        "neonhub-local-backup-shrank-neonhub": "notBreaching",
        "neonhub-local-replication-failed": "notBreaching",
    }
    (age,) = [each for each in alarms if each["AlarmName"].startswith("neonhub-local-backup-age")]
    assert age["Threshold"] == 7 * 86400
    topic = [f"arn:aws:sns:us-east-1:{ACCOUNT}:neonhub-local-alarms"]
    assert all(each["AlarmActions"] == topic for each in alarms)


@each_region
def test_whoever_is_to_hear_alarms_is_subscribed_in_each_region(
    deployed: Deployed, region: str
) -> None:
    (found,) = deployed.client("sns", region).list_subscriptions()["Subscriptions"]
    assert (found["Protocol"], found["Endpoint"]) == ("email", "platform@neonhub.example")
    assert found["TopicArn"] == f"arn:aws:sns:{region}:{ACCOUNT}:neonhub-local-alarms"


@each_region
def test_tampering_is_an_alarm_in_each_region(deployed: Deployed, region: str) -> None:
    events = deployed.client("events", region)
    rules = {
        each["Name"]: json.loads(each["EventPattern"]) for each in events.list_rules()["Rules"]
    }
    kinds = ["buckets", "keys", "trail"] if region == "us-east-1" else ["buckets", "keys"]
    assert rules.keys() == {f"neonhub-local-tampering-{kind}" for kind in kinds}
    detail = rules["neonhub-local-tampering-buckets"]["detail"]
    assert {"DeleteObject", "DeleteBucket", "PutBucketPolicy"} <= set(detail["eventName"])
    assert set(detail["requestParameters"]["bucketName"]) & REGIONS.keys() == {
        bucket for bucket, place in REGIONS.items() if place == region
    }
    for name in rules:
        (target,) = events.list_targets_by_rule(Rule=name)["Targets"]
        assert target["Arn"] == f"arn:aws:sns:{region}:{ACCOUNT}:neonhub-local-alarms"


def test_what_is_asked_of_backups_is_recorded_where_nobody_can_change_it_unseen(
    deployed: Deployed,
) -> None:
    (trail,) = deployed.client("cloudtrail").describe_trails()["trailList"]
    assert trail["S3BucketName"] == "neonhub-local-operations"
    assert (trail["IsMultiRegionTrail"], trail["LogFileValidationEnabled"]) == (True, True)


def test_google_keeps_a_copy_in_two_regions_under_a_key_of_the_stack(deployed: Deployed) -> None:
    for bucket in (PRIMARY, "neonhub-local-operations"):
        found = deployed.google(f"b/{bucket}")
        assert found["customPlacementConfig"] == {"dataLocations": ["US-EAST4", "US-WEST1"]}
        assert found["rpo"] == "ASYNC_TURBO"
        assert re.fullmatch(
            r"projects/neonhub-local/locations/us/keyRings/gcp-ring-[0-9a-f]{7}"
            r"/cryptoKeys/neonhub-local-backups",
            found["encryption"]["defaultKmsKeyName"],
        )
        assert found["versioning"] == {"enabled": True}
        assert found["iamConfiguration"]["publicAccessPrevention"] == "enforced"
        assert found["iamConfiguration"]["uniformBucketLevelAccess"]["enabled"] is True


def test_google_locks_every_backup_and_logs_who_asks_for_it(deployed: Deployed) -> None:
    found = deployed.google(f"b/{PRIMARY}")
    retention = found["retentionPolicy"]
    # GOVERNANCE: administrators can lift it.
    assert (retention["retentionPeriod"], retention["isLocked"]) == ("86400", False)
    assert found["objectRetention"] == {"mode": "Enabled"}
    assert found["logging"]["logBucket"] == "neonhub-local-operations"
    operations = deployed.google("b/neonhub-local-operations")
    assert not operations.keys() & {"retentionPolicy", "objectRetention", "logging"}


def test_google_ends_each_tier_when_amazon_does(deployed: Deployed) -> None:
    rules = deployed.google(f"b/{PRIMARY}")["lifecycle"]["rule"]
    ages = {
        prefix: rule["condition"]["age"]
        for rule in rules
        if rule["action"] == {"type": "Delete"} and rule["condition"]["isLive"]
        for prefix in rule["condition"]["matchesPrefix"]
    }
    assert ages == TIERS


def test_the_provider_that_the_role_trusts_is_github(deployed: Deployed) -> None:
    (provider,) = deployed.iam().list_open_id_connect_providers()["OpenIDConnectProviderList"]
    found = deployed.iam().get_open_id_connect_provider(
        OpenIDConnectProviderArn=provider.get("Arn", "")
    )
    assert found["Url"] == "token.actions.githubusercontent.com"
    assert found["ClientIDList"] == ["sts.amazonaws.com"]


def test_no_role_may_delete(deployed: Deployed) -> None:
    allowed: list[str] = []
    for role in deployed.iam().list_roles()["Roles"]:
        for name in deployed.iam().list_role_policies(RoleName=role["RoleName"])["PolicyNames"]:
            answer = deployed.iam().get_role_policy(RoleName=role["RoleName"], PolicyName=name)
            document: Any = answer["PolicyDocument"]
            for statement in document["Statement"]:
                if statement["Effect"] == "Allow":
                    actions = statement["Action"]
                    allowed += [actions] if isinstance(actions, str) else actions
    assert "s3:PutObject" in allowed
    assert not [each for each in allowed if "Delete" in each or "Bypass" in each or "*" in each]


def test_the_workflow_that_reviewers_saw_is_committed(deployed: Deployed) -> None:
    golden = Path(__file__).parents[1] / "golden" / "workflows" / STACK / Path(WORKFLOW).name
    assert deployed.committed(WORKFLOW) == golden.read_text()


def test_the_tool_can_read_its_committed_configuration(deployed: Deployed, tmp_path: Path) -> None:
    (tmp_path / "local.yaml").write_text(deployed.committed(CONFIGURATION))
    configuration = load_configuration(tmp_path / "local.yaml")
    amazon, google = configuration.stores
    assert isinstance(amazon, S3Store)
    assert (amazon.bucket, amazon.region) == (PRIMARY, "us-east-1")
    assert (amazon.endpoint_url, amazon.path_style) == (deployed.sandbox.moto_url, True)
    assert isinstance(google, GcsStore)
    assert (google.bucket, google.endpoint_url) == (PRIMARY, deployed.sandbox.gcs_url)
    assert "BEGIN PGP PUBLIC KEY BLOCK" in configuration.encryption.public_keys[0]


@each_purpose
def test_the_environment_has_what_the_workflow_asks_for(deployed: Deployed, purpose: str) -> None:
    outputs = deployed.outputs()
    secrets = deployed.github(f"environments/local-{purpose}/secrets")["secrets"]
    variables = deployed.github(f"environments/local-{purpose}/variables")["variables"]
    assert [each["name"] for each in secrets] == SECRETS[purpose]
    assert {each["name"]: each["value"] for each in variables} == {
        "AWS_REGION": "us-east-1",
        "AWS_ROLE_ARN": outputs[f"{purpose}_role_arn"],
        "GCP_SERVICE_ACCOUNT": f"local-{purpose}@neonhub-local.iam.gserviceaccount.com",
        "GCP_WORKLOAD_IDENTITY_PROVIDER": outputs["workload_identity_provider"],
    }


@each_purpose
def test_the_environment_opens_for_the_main_branch_alone(deployed: Deployed, purpose: str) -> None:
    policies = deployed.github(f"environments/local-{purpose}/deployment-branch-policies")
    assert [each["name"] for each in policies["branch_policies"]] == ["main"]


def test_each_environment_is_of_one_identity(deployed: Deployed) -> None:
    found = {each["name"] for each in deployed.github("environments")["environments"]}
    assert found == {f"local-{purpose}" for purpose in SECRETS}


def test_the_connection_string_is_nowhere_in_the_state(deployed: Deployed) -> None:
    state = deployed.pulumi("stack", "export")
    assert "DATABASE_URL" in state
    assert deployed.sandbox.database_url not in state


def test_a_second_up_changes_nothing(deployed: Deployed) -> None:
    deployed.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")


def test_what_is_there_is_what_was_asked_for(deployed: Deployed) -> None:
    deployed.pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes")


def test_a_committed_file_that_someone_edited_is_put_back_by_the_next_up(
    deployed: Deployed,
) -> None:
    wanted = deployed.committed(WORKFLOW)
    path = f"contents/{WORKFLOW}"
    body = {
        "message": "Tamper",
        "content": base64.b64encode(b"name: Tampered\n").decode(),
        "sha": deployed.github(path)["sha"],
    }
    deployed.github(path, "PUT", body)
    assert deployed.committed(WORKFLOW) == "name: Tampered\n"

    deployed.pulumi("up", "--yes", "--skip-preview")

    assert deployed.committed(WORKFLOW) == wanted


def test_what_someone_changed_in_a_bucket_is_put_back_by_the_next_up(deployed: Deployed) -> None:
    s3 = deployed.s3(PRIMARY)
    s3.delete_public_access_block(Bucket=PRIMARY)
    s3.put_bucket_versioning(Bucket=PRIMARY, VersioningConfiguration={"Status": "Suspended"})
    deployed.google(f"b/{PRIMARY}", "PATCH", {"lifecycle": {"rule": []}})

    deployed.pulumi("up", "--yes", "--skip-preview")

    block = s3.get_public_access_block(Bucket=PRIMARY)["PublicAccessBlockConfiguration"]
    assert all(block.values())
    assert s3.get_bucket_versioning(Bucket=PRIMARY).get("Status") == "Enabled"
    assert deployed.google(f"b/{PRIMARY}")["lifecycle"]["rule"]


def test_mistakes_are_reported_together_before_anything_changes(as_committed: Deployed) -> None:
    as_committed.edit(
        ("replicaRegion: us-west-2", "replicaRegion: us-east-1"),
        ("lockMode: GOVERNANCE", "lockMode: FOREVER"),
    )
    said = as_committed.refused("up", "--yes", "--skip-preview")
    assert "Pulumi.local.yaml has 2 errors, so nothing was changed" in said
    assert "neonhub-backup:aws.replicaRegion: 'us-east-1' is aws:region too" in said
    assert "neonhub-backup:retention.lockMode: 'FOREVER' is refused" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (("repository: neonhub\n", "repository: nowhere\n"), "GitHub shows no repository"),
        (
            ("repositoryId: 1003", "repositoryId: 7"),
            "github.repositoryId is 7, but GitHub says 1003",
        ),
    ],
)
def test_a_repository_that_is_not_ours_is_refused_before_anything_changes(
    as_committed: Deployed, mistake: tuple[str, str], message: str
) -> None:
    as_committed.edit(mistake)
    said = as_committed.refused("preview")
    assert message in said
    assert "Traceback" not in said


def test_changed_settings_update_in_place(as_committed: Deployed) -> None:
    as_committed.edit(
        ("lockMode: GOVERNANCE", "lockMode: GOVERNANCE\n    daily: {keep: 40d, lock: 14d}"),
        ("neonhub:neonhub@", "neonhub:changed@"),
    )
    steps = json.loads(as_committed.pulumi("preview", "--json"))["steps"]
    changed = {
        each["urn"].rpartition("::")[2]: each["op"]
        for each in steps
        if each["op"] not in {"same", "refresh"}
    }
    for purpose in ("backup", "restore"):
        assert changed.pop(f"{purpose}-database-url") in {"update", "replace"}
    assert changed == {
        "gcp-backups-bucket": "update",
        "aws-primary-lifecycle": "update",
        "aws-replica-lifecycle": "update",
        "files-local.yaml": "update",
        "files-RUNBOOK.local.md": "update",
    }

    as_committed.pulumi("up", "--yes", "--skip-preview")
    rules = as_committed.s3(PRIMARY).get_bucket_lifecycle_configuration(Bucket=PRIMARY)["Rules"]
    (daily,) = [rule for rule in rules if rule.get("ID") == "expire-daily"]
    assert daily.get("Expiration") == {"Days": 40}
    assert "keep: 40d\n    lock: 2w\n" in as_committed.committed(CONFIGURATION)
    # A secret whose value changed was known to be gone afterwards.
    secrets = as_committed.github("environments/local-backup/secrets")["secrets"]
    assert [each["name"] for each in secrets] == ["DATABASE_URL"]


def test_a_stack_with_backups_in_it_can_be_destroyed_and_comes_back(
    deployed: Deployed, tmp_path: Path
) -> None:
    configuration = tmp_path / "local.yaml"
    configuration.write_text(deployed.committed(CONFIGURATION))
    tool = ("neonhub-backup", "--config", str(configuration))
    backup = deployed.sandbox.run(*tool, "backup")
    assert backup.returncode == 0, backup.stdout + backup.stderr
    before = deployed.outputs()["workload_identity_provider"]

    assert "retention" in deployed.refused("destroy", "--yes", "--skip-preview")
    deployed.lift_google_s_locks()
    deployed.pulumi("destroy", "--yes", "--skip-preview")
    assert deployed.s3(PRIMARY).list_buckets()["Buckets"] == []

    deployed.pulumi("up", "--yes", "--skip-preview")
    deployed.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")
    # Google keeps the id of a deleted pool for 30 days.
    assert deployed.outputs()["workload_identity_provider"] != before
    again = deployed.sandbox.run(*tool, "backup")
    assert again.returncode == 0, again.stdout + again.stderr


def test_destruction_takes_everything_but_what_is_protected(as_committed: Deployed) -> None:
    """The last: it leaves nothing for another."""
    as_committed.edit(('protect: "false"', 'protect: "true"'))
    as_committed.pulumi("up", "--yes", "--skip-preview")
    assert "protected" in as_committed.refused("destroy", "--yes", "--skip-preview")
    as_committed.pulumi("destroy", "--yes", "--skip-preview", "--exclude-protected")
    assert as_committed.s3(PRIMARY).get_bucket_versioning(Bucket=PRIMARY).get("Status") == "Enabled"
    assert as_committed.github("environments")["environments"] == []

    as_committed.edit(('protect: "true"', 'protect: "false"'))
    as_committed.pulumi("up", "--yes", "--skip-preview")
    as_committed.lift_google_s_locks()
    as_committed.pulumi("destroy", "--yes", "--skip-preview")
    assert as_committed.s3(PRIMARY).list_buckets()["Buckets"] == []
    assert as_committed.iam().list_roles()["Roles"] == []
    with pytest.raises(ClientError, match="NotFound"):
        as_committed.kms("us-east-1").describe_key(KeyId=f"alias/{PRIMARY}")
    with pytest.raises(subprocess.CalledProcessError):
        as_committed.committed(WORKFLOW)
