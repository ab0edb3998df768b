"""The whole of `make up`: deployed, seeded, backed up with what was committed, and proven."""

import contextlib
import io
import json
import re
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest

from neonhub_backup.domain.layout import DRILLS
from sandbox import commands
from sandbox.emulators.github.storage import reveal_secrets
from sandbox.steps import Steps
from sandbox.throwaway import Throwaway
from tests.neonhub_backup.report.reading import Page

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "neonhub-local-backups"


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Throwaway]:
    sandbox = Throwaway.create(tmp_path_factory.mktemp("up"))
    try:
        yield sandbox
    finally:
        sandbox.stop()


@pytest.fixture(scope="module")
def first(local: Throwaway) -> str:
    """What the first `make up` said."""
    with contextlib.redirect_stdout(io.StringIO()) as said:
        commands.up(Steps(), local)
    return said.getvalue()


@pytest.fixture
def s3(local: Throwaway) -> "S3Client":
    return boto3.client(  # pyright: ignore[reportUnknownMemberType] - other services lack stubs
        "s3",
        endpoint_url=local.moto_url,
        region_name="us-east-1",
        aws_access_key_id="sandbox",
        aws_secret_access_key="sandbox",  # noqa: S106 - the emulator's
    )


@pytest.mark.usefixtures("first")
def test_drills_and_restores_in_github_hold_the_key_that_opens_backups(local: Throwaway) -> None:
    repository = local.addresses.github_repository
    held = {
        environment
        for environment in ("local-backup", "local-drill", "local-restore")
        if "NEONHUB_BACKUP_PRIVATE_KEY"
        in reveal_secrets(local.github_data, repository, environment)
    }
    assert held == {"local-drill", "local-restore"}


def keys(s3: "S3Client", prefix: str = "db/") -> list[str]:
    """Those of the backups, or of the results of drills."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    every = [each.get("Key", "") for page in pages for each in page.get("Contents", [])]
    assert all(key.startswith(("db/", DRILLS)) for key in every)
    return [key for key in every if key.startswith(prefix)]


def google_keys(local: Throwaway) -> list[str]:
    request = urllib.request.Request(  # noqa: S310 - http, our own
        f"{local.gcs_url}/storage/v1/b/{BUCKET}/o", headers={"Authorization": "Bearer sandbox"}
    )
    with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310 - as above
        return [each["name"] for each in json.load(response)["items"]]


def test_it_ends_with_a_proven_backup_of_every_row(first: str) -> None:
    source = re.search(r"PostgreSQL 18\.\d+: 54 tables, ([\d,]+) rows", first)
    assert source is not None
    assert int(source[1].replace(",", "")) > 100_000
    assert f"{source[1]} rows" in first
    assert "2 checks compared, no difference" in first


def test_the_backup_is_in_both_clouds_where_the_report_says(
    first: str, s3: "S3Client", local: Throwaway
) -> None:
    address = re.search(rf"s3://{BUCKET}/(db/annual/\d{{4}}/\d{{2}}/\S+/)", first)
    assert address is not None
    assert f"gs://{BUCKET}/{address[1]}" in first
    assert sorted(google_keys(local)) == sorted(keys(s3))
    assert all(key.startswith(address[1]) for key in keys(s3))
    assert f"{address[1]}manifest.json" in keys(s3)
    assert f"{len(keys(s3))} objects" in first


def test_the_result_of_the_drill_is_beside_the_backup(first: str, s3: "S3Client") -> None:
    name = re.search(r"annual backup (\S+)", first)
    assert name is not None
    assert keys(s3, DRILLS) == [f"{DRILLS}{name[1]}.json"]
    held = s3.head_object(Bucket=BUCKET, Key=f"{DRILLS}{name[1]}.json")
    assert held["ServerSideEncryption"] == "aws:kms"
    # The drill's identity may lock nothing: the bucket does.
    assert held["ObjectLockRetainUntilDate"] > datetime.now(UTC)


@pytest.mark.usefixtures("first")
def test_every_object_is_encrypted_with_the_stacks_key_and_locked_for_its_tier(
    s3: "S3Client",
) -> None:
    for key in keys(s3):
        held = s3.head_object(Bucket=BUCKET, Key=key)
        assert held["ServerSideEncryption"] == "aws:kms"
        # moto forgets the lock of what came in parts; tests of the S3 store see it asked for.
        if "-" in held["ETag"]:
            continue
        assert held["ObjectLockMode"] == "GOVERNANCE"
        assert held["ObjectLockRetainUntilDate"] > datetime.now(UTC) + timedelta(days=7 * 365)


@pytest.mark.usefixtures("first")
def test_no_object_but_the_manifest_can_be_read_without_the_private_key(s3: "S3Client") -> None:
    for key in keys(s3):
        body = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read(1)
        # Every OpenPGP packet begins with bit 7 set; JSON begins with a brace.
        assert body == b"{" if key.endswith("manifest.json") else body[0] & 0x80


def test_its_last_word_is_the_path_of_a_page_that_shows_the_backup(first: str) -> None:
    name = re.search(r"annual backup (\S+)", first)
    last = re.fullmatch(r"  page +(.+)", first.rstrip().splitlines()[-1])
    assert name is not None
    assert last is not None

    page = Page.read(Path(last[1]).read_text())

    shown = {path: json.loads(value) for path, value in page.values}
    assert shown["status.environment"] == "local"
    assert shown["status.databases.0.stores.0.proven"] == name[1]
    assert [shown[f"copies.{number}.newest"] for number in range(3)] == [name[1]] * 3
    assert shown["cost.next_month"] > 0


@pytest.mark.usefixtures("first")
def test_again_it_changes_nothing_and_proves_an_hourly_backup(
    local: Throwaway, capsys: pytest.CaptureFixture[str]
) -> None:
    commands.up(Steps(), local)

    said = capsys.readouterr().out
    assert re.search(r"^  deployment +\d+ unchanged +[\d.]+ s$", said, re.MULTILINE), said
    assert "nothing was changed" in said
    assert "hourly backup" in said
    assert "2 complete" in said


@pytest.mark.usefixtures("first")
def test_the_literal_commands_work_with_the_exported_environment(local: Throwaway) -> None:
    configuration = str(local.home / "configuration" / "local.yaml")

    listed = local.run("neonhub-backup", "--config", configuration, "list")
    assert listed.returncode == 0, listed.stderr
    assert "annual" in listed.stdout
    assert local.pulumi("preview", "--stack", "local").returncode == 0
