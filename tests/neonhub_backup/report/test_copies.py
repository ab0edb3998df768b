"""3-2-1: three copies, with two owners, one of them elsewhere."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from neonhub_backup.domain.configuration import (
    Configuration,
    Database,
    DirectoryStore,
    Encryption,
    GcsStore,
    Replica,
    S3Store,
    Store,
)
from neonhub_backup.report.copies import describe_copies, describe_three_two_one, places
from neonhub_backup.watch.holdings import Holding
from tests.neonhub_backup.report.sample import KEY
from tests.neonhub_backup.watch.history import DAY, HOUR, NOW, backup, holding

AWS = S3Store(
    name="aws",
    bucket="neonhub-backups",
    region="us-east-1",
    replica=Replica(bucket="neonhub-replica", region="eu-central-1"),
)
GCP = GcsStore(name="gcp", bucket="neonhub-backups")
NEW, OLD = backup(HOUR), backup(DAY + HOUR)


def configured(*stores: Store) -> Configuration:
    return Configuration(
        environment="production",
        databases=(Database(name="app"),),
        stores=stores,
        encryption=Encryption(public_keys=(KEY,)),
    )


def lost(store: str) -> Holding:
    return Holding(store=store, address=f"s3://{store}", database="app", error="refused")


def rule(
    configuration: Configuration, holdings: Mapping[str, Sequence[Holding]]
) -> tuple[bool | None, dict[str, dict[str, Any]]]:
    """Whether it holds, and its parts by their names."""
    copies = describe_copies(configuration, holdings, NOW)
    (found,) = describe_three_two_one(configuration, copies)
    return found["holds"], {check["check"]: check for check in found["checks"]}


def shown(**newest: Any) -> dict[str, list[Holding]]:
    """What each place shows; `_` stands for a space."""
    found: dict[str, list[Holding]] = {}
    for key, backups in newest.items():
        name = key.replace("_", " ")
        found[name] = [holding(backups, store=name)]
    return found


def test_two_clouds_and_a_replica_keep_the_rule() -> None:
    holds, checks = rule(configured(AWS, GCP), shown(aws=[NEW], aws_replica=[NEW], gcp=[NEW]))

    assert holds is True
    assert [checks[name]["has"] for name in ("copies", "media", "off_site")] == [4, 2, 2]


def test_a_copy_that_lacks_the_newest_backup_does_not_count() -> None:
    alone = AWS.model_copy(update={"replica": None})

    holds, checks = rule(configured(alone, GCP), shown(aws=[NEW], gcp=[OLD]))

    assert holds is False
    assert [checks[name]["has"] for name in ("copies", "media", "off_site")] == [2, 1, 0]
    assert "add a store with another owner" in checks["media"]["text"]


def test_of_a_replica_nobody_knows_whose_it_is() -> None:
    holds, checks = rule(configured(AWS), shown(aws=[NEW], aws_replica=[NEW]))

    assert checks["off_site"]["holds"] is True
    assert checks["media"]["holds"] is None
    assert holds is None


def test_one_disk_is_everything_in_one_place(tmp_path: Path) -> None:
    holds, checks = rule(configured(DirectoryStore(name="disk", path=tmp_path)), shown(disk=[NEW]))

    assert holds is False
    assert [check["holds"] for check in checks.values()] == [False, False, False]


def test_of_a_store_that_cannot_be_reached_nobody_can_tell() -> None:
    holds, checks = rule(
        configured(AWS, GCP), {**shown(aws=[NEW], aws_replica=[NEW]), "gcp": [lost("gcp")]}
    )

    assert holds is None
    assert checks["copies"]["holds"] is True
    assert checks["media"]["holds"] is None


def test_without_any_backup_nothing_is_kept() -> None:
    holds, checks = rule(configured(AWS, GCP), shown(aws=[], gcp=[]))

    assert holds is False
    assert checks["copies"]["has"] == 1


def test_each_copy_says_how_far_it_is_behind() -> None:
    copies = describe_copies(
        configured(AWS, GCP), shown(aws=[NEW, OLD], aws_replica=[OLD], gcp=[]), NOW
    )

    assert [(each["copy"], each["lag_seconds"]) for each in copies] == [
        ("aws", 0.0),
        ("aws replica", 86_400.0),
        ("gcp", None),
    ]


@pytest.mark.parametrize(
    ("store", "cloud"),
    [
        (AWS, "AWS"),
        (GCP, "Google Cloud"),
        (
            AWS.model_copy(update={"endpoint_url": "https://s3.example:9000"}),
            "S3 at s3.example:9000",
        ),
        (DirectoryStore(name="disk", path=Path("/backups")), "a disk"),
    ],
)
def test_a_place_names_its_cloud(store: Store, cloud: str) -> None:
    assert next(places(configured(store))).cloud == cloud
