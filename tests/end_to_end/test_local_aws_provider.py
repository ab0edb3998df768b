"""The local AWS provider under the real engine, against a moto server of its own."""

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
from tests.end_to_end.one_program import PROJECT, OneProgram

PROGRAM = Path(__file__).parent / "local_aws" / "__main__.py"
SETTINGS = {"daily_days": 30, "lock_days": 1, "role_path": "/", "force_destroy": False}


@pytest.fixture(scope="module")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a moto server."""
    home, port = tmp_path_factory.mktemp("moto"), free_port()
    command = [str(Path(sys.executable).with_name("moto_server")), "-H", "127.0.0.1"]
    server = Server(
        name="moto",
        command=[*command, "-p", str(port)],
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
        self._endpoint = endpoint
        self._deployed: dict[str, object] | None = None
        config = {
            "aws:region": "us-east-1",
            "aws:accessKey": "sandbox",
            "aws:secretKey": "sandbox",
            "aws:s3UsePathStyle": True,
            "aws:skipMetadataApiCheck": True,
            "aws:endpoints": [dict.fromkeys(("s3", "kms", "iam", "sts"), endpoint)],
            "aws:defaultTags": {"tags": {"stack": "test"}},
        }
        super().__init__(home, "aws", config, PROGRAM.read_text())

    def up(self, *options: str, fails: bool = False, **settings: object) -> str:
        """Deploy with these settings and return what the engine says."""
        chosen = SETTINGS | {"prefix": self.prefix} | settings
        self._deployed = None
        said = self.deploy(chosen, *options, fails=fails)
        self._deployed = chosen
        return said

    def ensure_up(self) -> None:
        """Deploy with the default settings, unless that is how it is already."""
        if self._deployed != SETTINGS | {"prefix": self.prefix}:
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

    def client(self, service: str, region: str = "us-east-1") -> Any:
        """A client of the same emulator, to look behind the stack's back."""
        # Typed as one overload per service there is, of which most have no stubs here.
        make = cast("Any", boto3.client)  # pyright: ignore[reportUnknownMemberType]
        return make(
            service,
            region_name=region,
            endpoint_url=self._endpoint,
            aws_access_key_id="sandbox",
            aws_secret_access_key="sandbox",  # noqa: S106 - any will do
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
        "remains": {"ExpiredObjectDeleteMarker": True},
    }
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


def test_a_second_up_changes_nothing(stack: Stack) -> None:
    stack.ensure_up()

    stack.up("--expect-no-changes", "--refresh")


def test_a_changed_property_is_updated_in_place(stack: Stack) -> None:
    stack.ensure_up()
    said = stack.up(daily_days=40)

    assert "~ 2 updated" in said
    assert "replaced" not in said
    rules = stack.client("s3").get_bucket_lifecycle_configuration(Bucket=f"{stack.prefix}-primary")
    assert 40 in [rule["Expiration"].get("Days") for rule in rules["Rules"]]


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

    said = stack.up("--refresh")

    assert "+ 3 created" in said
    assert "~ 2 updated" in said
    assert len(s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]) == 3
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


def test_a_protected_object_keeps_its_bucket_and_nothing_else_is_left(
    tmp_path: Path, moto: str
) -> None:
    stack = Stack(tmp_path, moto)
    stack.up(force_destroy=True)
    s3, bucket = stack.client("s3"), f"{stack.prefix}-primary"
    # moto denies whatever a policy denies, whatever the condition.
    s3.delete_bucket_policy(Bucket=bucket)
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
