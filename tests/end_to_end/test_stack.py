"""The local stack under the real engine: what AWS and GitHub hold afterwards, and what stays."""

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import boto3
import pytest
from botocore.exceptions import ClientError

from neonhub_backup.domain.configuration import S3Store, load_configuration
from sandbox.stack_file import STACK
from sandbox.throwaway import Throwaway

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client

REGIONS = {"neonhub-local-backups": "us-east-1", "neonhub-local-backups-replica": "us-west-2"}
PRIMARY, REPLICA = REGIONS
CONFIGURATION = ".neonhub-backup/local.yaml"
WORKFLOW = ".github/workflows/db-backup-local.yml"
OUTPUT = {"bucket", "replica_bucket", "backup_role_arn", "generated_files"}


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
        return self.client("s3", REGIONS[bucket])

    def iam(self) -> "IAMClient":
        return self.client("iam")

    def kms(self, region: str) -> "KMSClient":
        return self.client("kms", region)

    def github(self, path: str) -> Any:
        request = urllib.request.Request(  # noqa: S310 - http, our own
            f"{self.sandbox.github_url}repos/neonhub/neonhub/{path}",
            headers={"Authorization": f"Bearer {self.sandbox.addresses.github_token}"},
        )
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310 - as above
            return json.load(response)

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


def test_selecting_the_stack_leaves_its_file_as_it_is(deployed: Deployed) -> None:
    ports = [str(port) for port in deployed.sandbox.addresses.ports]
    ours = (Path(__file__).parents[2] / deployed.stack_file.name).read_text().splitlines()
    theirs = deployed.stack_file.read_text().splitlines()
    changed = [new for old, new in zip(ours, theirs, strict=True) if old != new]
    assert all(any(port in line for port in ports) for line in changed)


def test_the_outputs_name_what_people_look_for(deployed: Deployed) -> None:
    outputs = deployed.outputs()
    assert outputs.keys() == OUTPUT
    assert (outputs["bucket"], outputs["replica_bucket"]) == (PRIMARY, REPLICA)
    assert outputs["generated_files"] == [CONFIGURATION, WORKFLOW]


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
        if rule.get("ID") != "clean-up"
    }
    assert days == {
        "db/hourly/": 1,
        "db/daily/": 30,
        "db/weekly/": 84,
        "db/monthly/": 366,
        "db/annual/": 2557,
    }


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


@each_bucket
def test_only_tls_gets_in(deployed: Deployed, bucket: str) -> None:
    policy = json.loads(deployed.s3(bucket).get_bucket_policy(Bucket=bucket)["Policy"])
    (statement,) = policy["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Resource"] == [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


@each_bucket
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


def test_the_backup_role_trusts_this_repository_s_environment_alone(deployed: Deployed) -> None:
    name = deployed.outputs()["backup_role_arn"].rpartition("/")[2]
    role = deployed.iam().get_role(RoleName=name)["Role"]
    trust: Any = role.get("AssumeRolePolicyDocument")
    (statement,) = trust["Statement"]
    assert statement["Condition"]["StringEquals"] == {
        "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
        "token.actions.githubusercontent.com:sub": [
            "repo:neonhub/neonhub:environment:local-backup",
            "repo:neonhub@1002/neonhub@1003:environment:local-backup",
        ],
    }
    assert role.get("MaxSessionDuration") == 7200


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
    (store,) = configuration.stores
    assert isinstance(store, S3Store)
    assert (store.bucket, store.region) == (PRIMARY, "us-east-1")
    assert (store.endpoint_url, store.path_style) == (deployed.sandbox.moto_url, True)
    assert "BEGIN PGP PUBLIC KEY BLOCK" in configuration.encryption.public_keys[0]


def test_the_environment_has_what_the_workflow_asks_for(deployed: Deployed) -> None:
    secrets = deployed.github("environments/local-backup/secrets")["secrets"]
    variables = deployed.github("environments/local-backup/variables")["variables"]
    assert [each["name"] for each in secrets] == ["DATABASE_URL"]
    assert {each["name"]: each["value"] for each in variables} == {
        "AWS_REGION": "us-east-1",
        "AWS_ROLE_ARN": deployed.outputs()["backup_role_arn"],
    }


def test_the_environment_opens_for_the_main_branch_alone(deployed: Deployed) -> None:
    policies = deployed.github("environments/local-backup/deployment-branch-policies")
    assert [each["name"] for each in policies["branch_policies"]] == ["main"]


def test_the_connection_string_is_nowhere_in_the_state(deployed: Deployed) -> None:
    state = deployed.pulumi("stack", "export")
    assert "DATABASE_URL" in state
    assert deployed.sandbox.database_url not in state


def test_a_second_up_changes_nothing(deployed: Deployed) -> None:
    deployed.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")


def test_what_is_there_is_what_was_asked_for(deployed: Deployed) -> None:
    deployed.pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes")


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
        each["urn"].rpartition("::")[2]: each["op"] for each in steps if each["op"] != "same"
    }
    assert changed.pop("backup-database-url") in {"update", "replace"}
    assert changed == {
        "aws-primary-lifecycle": "update",
        "aws-replica-lifecycle": "update",
        "files-local.yaml": "update",
    }

    as_committed.pulumi("up", "--yes", "--skip-preview")
    rules = as_committed.s3(PRIMARY).get_bucket_lifecycle_configuration(Bucket=PRIMARY)["Rules"]
    (daily,) = [rule for rule in rules if rule.get("ID") == "expire-daily"]
    assert daily.get("Expiration") == {"Days": 40}
    assert "keep: 40d\n    lock: 2w\n" in as_committed.committed(CONFIGURATION)
    # A secret whose value changed was known to be gone afterwards.
    secrets = as_committed.github("environments/local-backup/secrets")["secrets"]
    assert [each["name"] for each in secrets] == ["DATABASE_URL"]


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
    as_committed.pulumi("destroy", "--yes", "--skip-preview")
    assert as_committed.s3(PRIMARY).list_buckets()["Buckets"] == []
    assert as_committed.iam().list_roles()["Roles"] == []
    with pytest.raises(ClientError, match="NotFound"):
        as_committed.kms("us-east-1").describe_key(KeyId=f"alias/{PRIMARY}")
    with pytest.raises(subprocess.CalledProcessError):
        as_committed.committed(WORKFLOW)
