"""The local AWS provider under the real engine, against a moto server of its own."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import boto3
import pytest
from botocore.exceptions import ClientError

from sandbox.processes import Server, Supervisor, free_port, listening
from sandbox.providers.aws.provider import HANDLERS
from tests.end_to_end.one_program import PROJECT, OneProgram

PROGRAM = Path(__file__).parent / "local_aws" / "__main__.py"
ALL_TYPES = {handler.token for handler in HANDLERS}
OTHER_ACCOUNT = "111111111111"
SERVICES = ("s3", "kms", "iam", "sts", "sns", "cloudwatch", "cloudwatchevents", "cloudtrail")
SETTINGS = {
    "daily_days": 30,
    "lock_days": 1,
    "role_path": "/",
    "force_destroy": False,
    "revised": False,
    "other_account": OTHER_ACCOUNT,
}


@pytest.fixture(scope="module")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a moto server."""
    home, port = tmp_path_factory.mktemp("moto"), free_port()
    command = [sys.executable, "-m", "sandbox.emulators.moto", "--host", "127.0.0.1"]
    server = Server(
        name="moto",
        command=[*command, "--port", str(port)],
        port=port,
        ready=lambda: listening(port),
    )
    supervisor = Supervisor(home / "run", home / "logs")
    supervisor.start(server)
    supervisor.wait(server)
    yield f"http://127.0.0.1:{port}"
    supervisor.stop("moto")


class Stack(OneProgram):
    """A stack of resources of AWS."""

    def __init__(self, home: Path, endpoint: str) -> None:
        self.prefix = home.name.replace("_", "-").lower().rstrip("0123456789")[:30].strip("-")
        self.home = home
        self._endpoint = endpoint
        self._deployed: dict[str, object] | None = None
        self._settings = SETTINGS | {"prefix": self.prefix, "endpoint": endpoint}
        config = {
            "aws:region": "us-east-1",
            "aws:accessKey": "sandbox",
            "aws:secretKey": "sandbox",
            "aws:s3UsePathStyle": True,
            "aws:skipMetadataApiCheck": True,
            "aws:endpoints": [dict.fromkeys(SERVICES, endpoint)],
            "aws:defaultTags": {"tags": {"stack": "test"}},
        }
        super().__init__(home, "aws", config, PROGRAM.read_text())

    def up(self, *options: str, fails: bool = False, **settings: object) -> str:
        """Deploy with these settings and return what the engine says."""
        chosen = self._settings | settings
        self._deployed = None
        said = self.deploy(chosen, *options, fails=fails)
        self._deployed = chosen
        return said

    def ensure_up(self) -> None:
        """Deploy with the default settings, unless that is how it is already."""
        if self._deployed != self._settings:
            self.up()

    def preview(self, *, fails: bool = False) -> str:
        """What the engine says would happen."""
        return self.run("preview", fails=fails)

    def destroy(self, *, fails: bool = False) -> str:
        """Delete everything and return what the engine says."""
        return self.run("destroy", "--yes", "--skip-preview", fails=fails)

    def export(self) -> str:
        """The whole state, secrets encrypted."""
        return self.run("stack", "export")

    def output(self, name: str) -> str:
        """An output of the stack, secret or not: text as it is, anything else as JSON."""
        return self.run("stack", "output", name, "--show-secrets").strip()

    def bring_in(self, resources: list[dict[str, Any]]) -> None:
        """Import resources that another stack has made."""
        listed = [
            {"type": each["type"], "name": each["urn"].rpartition("::")[2], "id": each["id"]}
            for each in resources
        ]
        file = self.home / "resources.json"
        file.write_text(json.dumps({"resources": listed}))
        options = ("--yes", "--skip-preview", "--generate-code=false", "--protect=false")
        self.run("import", "--file", str(file), *options)

    def buckets(self, account: str) -> list[str]:
        """The names of this stack's buckets in an account."""
        found = self.client("s3", account=account).list_buckets()["Buckets"]
        return [each["Name"] for each in found if each["Name"].startswith(self.prefix)]

    def what_watches(self) -> list[str]:
        """The names of this stack's topics, subscriptions, alarms, rules, trails and users."""
        sns, alarms = self.client("sns"), self.client("cloudwatch")
        found = [
            *(each["TopicArn"] for each in sns.list_topics()["Topics"]),
            *(each["SubscriptionArn"] for each in sns.list_subscriptions()["Subscriptions"]),
            *(each["AlarmArn"] for each in alarms.describe_alarms()["MetricAlarms"]),
            *(each["Arn"] for each in self.client("events").list_rules()["Rules"]),
            *(each["TrailARN"] for each in self.client("cloudtrail").list_trails()["Trails"]),
            *(each["Arn"] for each in self.client("iam").list_users()["Users"]),
        ]
        return [arn for arn in found if self.prefix in arn]

    def client(
        self,
        service: str,
        region: str = "us-east-1",
        *,
        account: str | None = None,
        keys: tuple[str, str] = ("sandbox", "sandbox"),
    ) -> Any:
        """A client of the same emulator, to look behind the stack's back."""
        token = None
        if account is not None:
            got = self.client("sts").assume_role(
                RoleArn=f"arn:aws:iam::{account}:role/looking", RoleSessionName="looking"
            )["Credentials"]
            keys, token = (got["AccessKeyId"], got["SecretAccessKey"]), got["SessionToken"]
        # Typed as one overload per service there is, of which most have no stubs here.
        make = cast("Any", boto3.client)  # pyright: ignore[reportUnknownMemberType]
        return make(
            service,
            region_name=region,
            endpoint_url=self._endpoint,
            aws_access_key_id=keys[0],
            aws_secret_access_key=keys[1],
            aws_session_token=token,
        )


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, moto: str) -> Stack:
    """The stack of `local_aws`."""
    stack = Stack(tmp_path_factory.mktemp("vaults"), moto)
    stack.ensure_up()
    return stack


@pytest.fixture
def empty_stack(tmp_path: Path, moto: str) -> Stack:
    """A stack for a program of the test's own."""
    return Stack(tmp_path, moto)


def test_aws_holds_what_the_program_asked_for(stack: Stack) -> None:
    stack.ensure_up()
    s3, bucket = stack.client("s3"), f"{stack.prefix}-primary"

    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    assert all(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())
    rules = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert {rule["ID"]: rule.get("Expiration") for rule in rules} == {
        "daily": {"Days": 30},
        "tagged": {"Days": 2},
        "large": None,
        "largest": None,
        "remains": {"ExpiredObjectDeleteMarker": True},
    }
    filters = {rule["ID"]: rule["Filter"] for rule in rules}
    assert filters["large"] == {"And": {"Prefix": "db/", "ObjectSizeGreaterThan": 131072}}
    lock = s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]
    assert lock["Rule"]["DefaultRetention"]["Mode"] == "GOVERNANCE"
    tags = s3.get_bucket_tagging(Bucket=bucket)["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"of": "primary", "stack": "test"}


def test_a_resource_lives_in_its_own_region(stack: Stack) -> None:
    bucket = f"{stack.prefix}-replica"
    location = stack.client("s3").get_bucket_location(Bucket=bucket)["LocationConstraint"]
    aliases = stack.client("kms", "us-west-2").list_aliases()["Aliases"]

    assert location == "us-west-2"
    assert f"alias/{bucket}" in [alias["AliasName"] for alias in aliases]


def test_a_provider_of_its_own_works_in_another_account(stack: Stack) -> None:
    stack.ensure_up()
    bucket = f"{stack.prefix}-theirs"

    assert stack.buckets(OTHER_ACCOUNT) == [bucket]
    s3 = stack.client("s3", account=OTHER_ACCOUNT)
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] == "eu-west-1"
    tags = s3.get_bucket_tagging(Bucket=bucket)["TagSet"]
    assert tags == [{"Key": "stack", "Value": "other"}]
    assert stack.output("elsewhere") == "eu-west-1"


def test_only_who_agreed_is_subscribed(stack: Stack) -> None:
    stack.ensure_up()

    mailbox, pager = json.loads(stack.output("pending"))

    assert (mailbox, pager) == (True, False)


def test_an_access_key_works_and_its_secret_half_is_nowhere_in_the_open(stack: Stack) -> None:
    stack.ensure_up()
    secret, password = stack.output("secret"), stack.output("mail_password")
    (key,) = stack.client("iam").list_access_keys(UserName=f"{stack.prefix}-person")[
        "AccessKeyMetadata"
    ]

    caller = stack.client("sts", keys=(key["AccessKeyId"], secret)).get_caller_identity()

    assert caller["Arn"].endswith(f"user/{stack.prefix}-person")
    exported = stack.export()
    assert secret not in exported
    assert password not in exported


def test_a_second_up_changes_nothing(stack: Stack) -> None:
    stack.ensure_up()

    stack.up("--expect-no-changes", "--refresh")


def test_a_changed_property_is_updated_in_place(stack: Stack) -> None:
    stack.ensure_up()
    said = stack.up(daily_days=40)

    assert "~ 2 updated" in said
    assert "replaced" not in said
    rules = stack.client("s3").get_bucket_lifecycle_configuration(Bucket=f"{stack.prefix}-primary")
    assert 40 in [rule.get("Expiration", {}).get("Days") for rule in rules["Rules"]]


REVISED = (
    "Trail changes",
    "Trail everything",
    "User person",
    "UserPolicy may",
    "AccessKey key",
    "Topic alarms",
    "TopicPolicy publishers",
    "TopicSubscription pager",
    "MetricAlarm stale",
    "MetricAlarm failures",
    "EventRule deletions",
    "EventTarget told",
    "BucketLogging requests",
)


def test_all_that_watches_is_updated_in_place_and_back(stack: Stack) -> None:
    stack.ensure_up()
    secret = stack.output("secret")

    said = stack.up(revised=True)

    updated = [name for name in REVISED if re.search(rf"{name} updated", said)]
    assert updated == list(REVISED)
    assert f"~ {len(REVISED)} updated" in said
    assert "replaced" not in said
    prefix = stack.prefix
    trails = stack.client("cloudtrail")
    assert not trails.get_trail_status(Name=f"{prefix}-changes")["IsLogging"]
    assert trails.get_event_selectors(TrailName=f"{prefix}-everything")["EventSelectors"] == [
        {
            "ReadWriteType": "All",
            "IncludeManagementEvents": True,
            "DataResources": [],
            "ExcludeManagementEventSources": [],
        }
    ]
    (alarm,) = stack.client("cloudwatch").describe_alarms(AlarmNames=[f"{prefix}-stale"])[
        "MetricAlarms"
    ]
    assert (alarm["Threshold"], alarm["OKActions"]) == (7200, [])
    assert stack.client("events").describe_rule(Name=f"{prefix}-deletions")["State"] == "DISABLED"
    user = stack.client("iam").get_user(UserName=f"{prefix}-person")["User"]
    assert user["Path"] == "/revised/"
    assert "PermissionsBoundary" not in user
    assert stack.output("secret") == secret

    stack.up("--expect-no-changes", "--refresh", revised=True)
    assert f"~ {len(REVISED)} updated" in stack.up()


def test_everything_can_be_imported_by_its_id(stack: Stack, empty_stack: Stack) -> None:
    stack.ensure_up()
    # Those of other regions and accounts are imported through providers of their own.
    found = [
        each
        for each in json.loads(stack.export())["deployment"]["resources"]
        if each["type"].startswith("aws:")
        and each["outputs"].get("region", "us-east-1") == "us-east-1"
        and "elsewhere" not in each["provider"]
    ]

    empty_stack.bring_in(found)

    assert {each["type"] for each in found} >= ALL_TYPES
    empty_stack.run("refresh", "--yes", "--expect-no-changes")


def test_an_immutable_property_makes_a_new_resource(stack: Stack) -> None:
    said = stack.up(role_path="/backups/")

    assert "replaced" in said
    role = stack.client("iam").get_role(RoleName=f"{stack.prefix}-replication")["Role"]
    assert role["Path"] == "/backups/"


def test_drift_is_found_and_repaired(stack: Stack) -> None:
    stack.ensure_up()
    s3, iam = stack.client("s3"), stack.client("iam")
    bucket, role = f"{stack.prefix}-primary", f"{stack.prefix}-replication"
    s3.delete_bucket_lifecycle(Bucket=bucket)
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "of", "Value": "nobody"}]})
    iam.update_role(RoleName=role, MaxSessionDuration=3600)
    stack.client("kms", "us-west-2").delete_alias(AliasName=f"alias/{stack.prefix}-replica")
    stack.client("cloudwatch").delete_alarms(AlarmNames=[f"{stack.prefix}-stale"])
    stack.client("events").remove_targets(Rule=f"{stack.prefix}-deletions", Ids=["topic"])
    stack.client("cloudtrail").stop_logging(Name=f"{stack.prefix}-changes")
    stack.client("sns").set_topic_attributes(
        TopicArn=f"arn:aws:sns:us-east-1:123456789012:{stack.prefix}-alarms",
        AttributeName="Policy",
        AttributeValue='{"Version": "2012-10-17", "Statement": []}',
    )

    said = stack.up("--refresh")

    assert "+ 5 created" in said
    assert "~ 4 updated" in said
    assert len(s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]) == 5
    assert len(s3.get_bucket_tagging(Bucket=bucket)["TagSet"]) == 2
    assert iam.get_role(RoleName=role)["Role"]["MaxSessionDuration"] == 7200


def test_a_secret_stays_secret_in_what_is_derived_from_it(stack: Stack) -> None:
    assert "hidden-tag" not in stack.export()


PLAIN = """
import pulumi, pulumi_aws as aws
bucket = aws.s3.Bucket("plain", bucket="PREFIX-plain")
"""


def test_what_the_provider_does_not_know_is_refused_before_anything_changes(
    empty_stack: Stack,
) -> None:
    empty_stack.program(
        PLAIN
        + """
rules = [{"id": "a", "status": "Enabled", "expirations": {"days": 1}}]
aws.s3.BucketLifecycleConfiguration("typo", bucket="some-bucket", rules=rules)
"""
    )
    said = empty_stack.preview(fails=True)

    assert "did you mean 'rules[0].expiration'?" in said


def test_a_second_lifecycle_of_a_bucket_is_refused(empty_stack: Stack) -> None:
    empty_stack.program(
        PLAIN.replace("PREFIX", empty_stack.prefix)
        + """
for name in ("one", "other"):
    aws.s3.BucketLifecycleConfiguration(name, bucket=bucket.id, rules=[
        {"id": name, "status": "Enabled", "expiration": {"days": 1}}
    ])
"""
    )
    said = empty_stack.up(fails=True)

    assert "has a lifecycle configuration already" in said
    empty_stack.destroy()


def test_a_role_of_another_account_than_those_allowed_is_refused(
    empty_stack: Stack, moto: str
) -> None:
    empty_stack.program(
        f"""
import pulumi_aws as aws
aws.s3.Bucket("stray", opts=__import__("pulumi").ResourceOptions(provider=aws.Provider(
    "stray",
    region="us-east-1",
    access_key="sandbox",
    secret_key="sandbox",
    allowed_account_ids=["222222222222"],
    assume_roles=[aws.ProviderAssumeRoleArgs(role_arn="arn:aws:iam::{OTHER_ACCOUNT}:role/replica")],
    endpoints=[{{"s3": "{moto}", "sts": "{moto}"}}],
)))
"""
    )
    said = empty_stack.up(fails=True)

    assert f"account {OTHER_ACCOUNT}, which is not among aws:allowedAccountIds" in said
    assert not [name for name in empty_stack.buckets(OTHER_ACCOUNT) if "stray" in name]


def test_a_trail_into_a_bucket_that_does_not_let_it_is_refused(empty_stack: Stack) -> None:
    empty_stack.program(
        PLAIN.replace("PREFIX", empty_stack.prefix)
        + """
aws.cloudtrail.Trail("changes", s3_bucket_name=bucket.id)
"""
    )
    said = empty_stack.up(fails=True)

    assert "does not allow cloudtrail.amazonaws.com to s3:GetBucketAcl" in said
    empty_stack.destroy()


def test_a_protected_object_keeps_its_bucket_and_nothing_else_is_left(
    tmp_path: Path, moto: str
) -> None:
    stack = Stack(tmp_path, moto)
    stack.up(force_destroy=True)
    s3, bucket = stack.client("s3"), f"{stack.prefix}-primary"
    # moto denies whatever a policy denies, whatever the condition.
    s3.delete_bucket_policy(Bucket=bucket)
    # Else the replica would have protected objects, too.
    s3.delete_bucket_replication(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="db/governed", Body=b"its lock is the bucket's own")
    until = datetime.now(UTC) + timedelta(seconds=15)
    s3.put_object(
        Bucket=bucket,
        Key="db/one",
        Body=b"precious",
        ObjectLockMode="COMPLIANCE",
        ObjectLockRetainUntilDate=until,
    )

    said = stack.destroy(fails=True)
    assert "'db/one'" in said
    assert "protected by its lock" in said

    time.sleep(max(0, (until - datetime.now(UTC)).total_seconds()) + 1)
    stack.destroy()

    left = [each["Name"] for each in s3.list_buckets()["Buckets"]]
    assert not [name for name in left if name.startswith(stack.prefix)]
    roles = stack.client("iam").list_roles()["Roles"]
    assert f"{stack.prefix}-replication" not in [each["RoleName"] for each in roles]
    with pytest.raises(ClientError, match="NotFound"):
        stack.client("kms").describe_key(KeyId=f"alias/{bucket}")
    assert stack.buckets(OTHER_ACCOUNT) == []
    assert stack.what_watches() == []


def test_the_provider_ends_without_a_word() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        provider = _provider([sys.executable, "-m", "sandbox.providers.aws", "127.0.0.1:1"])
        provider.send_signal(number)

        assert provider.communicate(timeout=10) == ("", "")
        assert provider.returncode == 0


def test_the_provider_ends_when_a_killed_engine_leaves_it_behind() -> None:
    # The shell is in the engine's place.
    command = f'"{sys.executable}" -m sandbox.providers.aws 127.0.0.1:1 & wait'
    engine = _provider(["/bin/sh", "-c", command])
    engine.kill()

    # The pipes end with the last process that holds them.
    assert engine.communicate(timeout=30) == ("", "")


def _provider(command: list[str]) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=PROJECT
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip().isdigit()
    return process
