"""A store as a whole, brought up by the real engine in an emulator."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from sandbox.processes import Server, Supervisor, free_port, listening
from tests.end_to_end.one_program import PROJECT, OneProgram

PROGRAM = Path(__file__).parent / "aws_store" / "__main__.py"
ACCOUNT, OTHER_ACCOUNT = "123456789012", "111111111111"


@pytest.fixture
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a moto server of this test's own: an account trusts GitHub only once."""
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


class Store(OneProgram):
    """A stack that is one store."""

    def __init__(self, home: Path, endpoint: str, prefix: str) -> None:
        self.prefix, self.endpoint = prefix, endpoint
        config = {
            "aws:region": "us-east-1",
            "aws:accessKey": "sandbox",
            "aws:secretKey": "sandbox",
            "aws:s3UsePathStyle": True,
            "aws:skipMetadataApiCheck": True,
            "aws:endpoints": [dict.fromkeys(("cloudtrail", "iam", "kms", "s3", "sts"), endpoint)],
        }
        super().__init__(home, "aws", config, PROGRAM.read_text())

    def up(self, *, protect: bool = False, other_account: str | None = None) -> str:
        """Deploy it."""
        return self.deploy(
            {
                "project": str(PROJECT),
                "endpoint": self.endpoint,
                "prefix": self.prefix,
                "protect": protect,
                "other_account": other_account,
            }
        )

    def client(self, service: str, region: str = "us-east-1") -> Any:
        """A client of the account that holds the primary."""
        untyped: Any = boto3  # its types are those of every service there is
        return untyped.client(
            service,
            region_name=region,
            endpoint_url=self.endpoint,
            aws_access_key_id="sandbox",
            aws_secret_access_key="sandbox",  # noqa: S106 - opens nothing but this emulator
        )


def test_a_store_comes_up_stays_as_it_is_and_goes(tmp_path: Path, moto: str) -> None:
    store = Store(tmp_path, moto, "one-account")
    store.up()

    for bucket, region in (("backups", "us-east-1"), ("copies", "us-west-2")):
        name = f"one-account-{bucket}"
        s3 = store.client("s3", region)
        logging = s3.get_bucket_logging(Bucket=name)["LoggingEnabled"]
        assert (logging["TargetBucket"], logging["TargetPrefix"]) == (
            f"{name}-operations",
            f"access-logs/{name}/",
        )
        rules = s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
        moves = {rule["ID"]: rule["Transitions"] for rule in rules if "Transitions" in rule}
        assert moves == {"archive-annual": [{"Days": 32, "StorageClass": "DEEP_ARCHIVE"}]}
    said = store.run("preview", "--expect-no-changes", "--json")
    assert set(json.loads(said)["changeSummary"]) == {"same"}

    store.run("destroy", "--yes", "--skip-preview")
    assert store.client("s3").list_buckets()["Buckets"] == []


def test_nobody_deletes_from_a_protected_store(tmp_path: Path, moto: str) -> None:
    store = Store(tmp_path, moto, "protected")
    store.up(protect=True)
    s3, backup = store.client("s3"), {"Bucket": "protected-backups", "Key": "db/daily/x"}
    version = s3.put_object(**backup, Body=b"a backup")["VersionId"]

    with pytest.raises(ClientError, match=r"403|AccessDenied"):
        s3.delete_object(**backup)
    with pytest.raises(ClientError, match=r"403|AccessDenied"):
        s3.delete_object(**backup, VersionId=version)
    with pytest.raises(ClientError, match=r"403|AccessDenied"):
        s3.put_object(**backup, Body=b"a backup", ServerSideEncryption="AES256")


def test_the_replica_can_belong_to_another_account(tmp_path: Path, moto: str) -> None:
    store = Store(tmp_path, moto, "two-accounts")
    store.up(other_account=OTHER_ACCOUNT)

    here = {each["Name"] for each in store.client("s3").list_buckets()["Buckets"]}
    assert {name for name in here if name.startswith("two")} == {
        "two-accounts-backups",
        "two-accounts-backups-operations",
    }
    found = store.client("s3").get_bucket_replication(Bucket="two-accounts-backups")
    (rule,) = found["ReplicationConfiguration"]["Rules"]
    assert rule["Destination"]["Account"] == OTHER_ACCOUNT
    assert rule["Destination"]["AccessControlTranslation"] == {"Owner": "Destination"}
    (role,) = store.client("iam").list_roles(PathPrefix="/neonhub-backup/replication/")["Roles"]
    assert role["Arn"] == (
        f"arn:aws:iam::{ACCOUNT}:role/neonhub-backup/replication/two-accounts-backups"
    )
    said = store.run("preview", "--expect-no-changes", "--json")
    assert set(json.loads(said)["changeSummary"]) == {"same"}
    store.run("destroy", "--yes", "--skip-preview")
