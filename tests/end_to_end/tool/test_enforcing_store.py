"""A store that enforces locks and checksums: nothing is deleted early, and no bad byte gets in."""

import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.exceptions import ClientError

from neonhub_backup.domain import configuration
from neonhub_backup.domain.layout import ROOT, parse_key
from neonhub_backup.domain.retention import LockMode, RetentionPolicy
from neonhub_backup.errors import StoreError
from neonhub_backup.stores.base import Lock
from neonhub_backup.stores.s3 import S3Store
from tests.end_to_end.buckets import enforcing_server
from tests.end_to_end.faulty import Faults, damage, faulty_front
from tests.end_to_end.tool.conftest import Tool

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MIB = 1 << 20
KEY = "db/daily/2025/01/20250105T020304Z-0badcafe/archive.dump.gpg"


@dataclass
class Vault:
    """A bucket with locks, and its owner."""

    url: str
    bucket: str
    owner: "S3Client"

    def settings(self, url: str | None = None) -> configuration.S3Store:
        """The store of a configuration, reached by another way if one is given."""
        return configuration.S3Store(
            name="vault",
            bucket=self.bucket,
            region="us-east-1",
            endpoint_url=url or self.url,
            path_style=True,
        )

    def versions(self) -> list[tuple[str, str]]:
        """Key and id of every version of every object."""
        listed = self.owner.list_object_versions(Bucket=self.bucket).get("Versions", ())
        return [(found.get("Key", ""), found.get("VersionId", "")) for found in listed]

    def uploads(self) -> int:
        """Multipart uploads that have begun and not ended."""
        return len(self.owner.list_multipart_uploads(Bucket=self.bucket).get("Uploads", ()))

    def is_gone(self, key: str, version: str, *, bypass: bool = False) -> bool:
        """Try to delete a version for good; whether the server let it happen."""
        with suppress(self.owner.exceptions.ClientError):
            self.owner.delete_object(
                Bucket=self.bucket, Key=key, VersionId=version, BypassGovernanceRetention=bypass
            )
        return (key, version) not in self.versions()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with enforcing_server(tmp_path_factory.mktemp("versitygw")) as buckets:
        yield buckets.url


@pytest.fixture
def vault(server: str, monkeypatch: pytest.MonkeyPatch) -> Vault:
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "sandbox")
    owner = boto3.client("s3", endpoint_url=server, region_name="us-east-1")  # pyright: ignore[reportUnknownMemberType] - few services have stubs
    bucket = f"vault-{secrets.token_hex(4)}"
    owner.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    return Vault(server, bucket, owner)


@pytest.fixture
def faults(server: str) -> Iterator[Faults]:
    """What goes wrong on the way to the server."""
    with faulty_front(server) as front:
        yield front


def _put(store: S3Store, content: bytes, lock: Lock | None = None) -> None:
    with store.upload(KEY, lock) as upload:
        upload.write(content)
        upload.commit()


def _get(store: S3Store) -> bytes:
    with store.download(KEY) as blocks:
        return b"".join(blocks)


@pytest.mark.parametrize("mode", LockMode)
@pytest.mark.parametrize("size", [1, 9 * MIB])
def test_a_locked_object_outlives_every_attempt_to_delete_it(
    vault: Vault, mode: LockMode, size: int
) -> None:
    content = os.urandom(size)
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)
    store = S3Store(vault.settings())
    _put(store, content, Lock(mode, until))

    head = vault.owner.head_object(Bucket=vault.bucket, Key=KEY)
    assert (head.get("ObjectLockMode"), head.get("ObjectLockRetainUntilDate")) == (mode, until)
    ((key, version),) = vault.versions()
    assert not vault.is_gone(key, version)
    with pytest.raises(ClientError):
        vault.owner.put_object_retention(
            Bucket=vault.bucket,
            Key=KEY,
            Retention={"Mode": mode.value, "RetainUntilDate": until - timedelta(days=29)},
        )
    # COMPLIANCE binds even the owner, who may lift GOVERNANCE.
    assert vault.is_gone(key, version, bypass=True) == (mode is LockMode.GOVERNANCE)


@pytest.mark.parametrize("size", [1, 9 * MIB])
def test_a_locked_object_is_never_overwritten_by_us_and_not_lost_to_others(
    vault: Vault, size: int
) -> None:
    content = os.urandom(size)
    store = S3Store(vault.settings())
    _put(store, content, Lock(LockMode.COMPLIANCE, datetime.now(UTC) + timedelta(days=1)))
    ((_, version),) = vault.versions()

    with pytest.raises(StoreError, match="is there and is never overwritten"):
        _put(store, bytes(size))
    assert _get(store) == content
    assert vault.uploads() == 0

    vault.owner.put_object(Bucket=vault.bucket, Key=KEY, Body=b"ransom")
    vault.owner.delete_object(Bucket=vault.bucket, Key=KEY)
    kept = vault.owner.get_object(Bucket=vault.bucket, Key=KEY, VersionId=version)
    assert kept["Body"].read() == content


@pytest.mark.parametrize(("size", "request_"), [(1, "PUT"), (9 * MIB, "partNumber=1")])
def test_bytes_that_were_damaged_on_the_way_never_become_an_object(
    vault: Vault, faults: Faults, size: int, request_: str
) -> None:
    faults.plan(request_, damage)

    with pytest.raises(StoreError, match="the bytes arrived damaged"):
        _put(S3Store(vault.settings(faults.url)), os.urandom(size))

    assert faults.left == 0
    assert vault.versions() == []
    assert vault.uploads() == 0


def test_the_server_itself_compares_the_checksum_of_each_part_and_of_the_whole(
    vault: Vault,
) -> None:
    _put(S3Store(vault.settings()), os.urandom(20 * MIB))

    kept = vault.owner.get_object_attributes(
        Bucket=vault.bucket, Key=KEY, ObjectAttributes=["Checksum", "ObjectSize"]
    )
    assert kept.get("ObjectSize") == 20 * MIB
    assert kept.get("Checksum", {}).get("ChecksumSHA256", "").endswith("-3")
    with pytest.raises(ClientError, match="did not match the calculated checksum"):
        vault.owner.put_object(
            Bucket=vault.bucket, Key="other", Body=b"x", ChecksumSHA256=f"{'A' * 43}="
        )


def test_an_upload_without_a_commit_leaves_no_part_behind(vault: Vault) -> None:
    store = S3Store(vault.settings())
    with store.upload(KEY, None) as upload:
        upload.write(bytes(17 * MIB))

    assert list(store.list("")) == []
    assert vault.uploads() == 0


def test_a_bucket_without_locks_refuses_what_is_to_be_locked(vault: Vault) -> None:
    vault.bucket += "-unlocked"
    vault.owner.create_bucket(Bucket=vault.bucket)
    store = S3Store(vault.settings())

    with pytest.raises(StoreError, match="the bucket has no Object Lock"):
        _put(store, b"x", Lock(LockMode.GOVERNANCE, datetime.now(UTC) + timedelta(days=1)))


@pytest.mark.parametrize("mode", LockMode)
def test_a_whole_backup_is_locked_for_the_time_of_its_tier_and_can_be_proven(
    tool: Tool, vault: Vault, mode: LockMode
) -> None:
    tool.stores = [vault.settings()]
    tool.retention = RetentionPolicy(lock_mode=mode)

    name = tool.backup()

    assert tool.names() == [name]
    assert tool.json("drill", name)["proven"] is True
    assert f"drills/{name}.json" in [key for key, _ in vault.versions()]
    stored = [found for found in vault.versions() if found[0].startswith(ROOT)]
    assert len(stored) >= 4
    for key, version in stored:
        parsed = parse_key(key)
        assert parsed is not None
        until = tool.retention.locked_until(parsed[0].tier, parsed[0].started)
        head = vault.owner.head_object(Bucket=vault.bucket, Key=key, VersionId=version)
        assert (head.get("ObjectLockMode"), head.get("ObjectLockRetainUntilDate")) == (mode, until)
        assert not vault.is_gone(key, version)
