"""What settings must agree on before anything is built."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from components.agreement import advice, disagreements
from components.sections import PROJECT, Context, Settings
from tests.components.test_settings import PUBLIC, VALID, today

AWS = {"bucketPrefix": "neonhub-production"}
REPLICA_ACCOUNT = {"id": "111122223333", "roleArn": "arn:aws:iam::111122223333:role/deploy"}
MEDIA = "media (1 of 2: one closed or stolen cloud account would take every backup)"


@pytest.fixture
def settings(tmp_path: Path) -> Callable[..., Settings]:
    def build(**changes: Any) -> Settings:
        (tmp_path / "keys").mkdir(exist_ok=True)
        (tmp_path / "keys" / "production.asc").write_text(PUBLIC)
        valid = {key: value for key, value in VALID.items() if key != "databaseUrl"}
        values = {
            key if ":" in key else f"{PROJECT}:{key}": value
            for key, value in {**valid, **changes}.items()
            if value is not None
        }
        return Settings.model_validate(values, context=Context(tmp_path, "us-east-1", today()))

    return build


Build = Callable[..., Settings]


def test_what_is_valid_has_no_disagreement(settings: Build) -> None:
    assert disagreements(settings()) == []


def test_an_archive_needs_the_store_that_it_is_in(settings: Build) -> None:
    server = {"store": "gcp", "server": "db@project.iam.gserviceaccount.com"}
    built = settings(
        databases=[{"name": "neonhub", "archiving": server}],
        gcp=None,
        aws=AWS | {"replicaRegion": "us-west-2", "replicaAccount": REPLICA_ACCOUNT},
    )

    (found,) = disagreements(built)
    assert found.startswith(f"{PROJECT}:databases[0].archiving.store: gcp, but {PROJECT}:gcp is")
    assert found.endswith(f"add {PROJECT}:gcp, or choose another store")


def test_two_servers_cannot_share_an_archive(settings: Build) -> None:
    def database(name: str, server: str) -> dict[str, Any]:
        role = f"arn:aws:iam::123456789012:role/{server}"
        archiving = {"store": "aws", "server": role, "archive": "main"}
        return {"name": name, "secret": f"{name}Url", "archiving": archiving}

    one, beside, other = database("app", "a"), database("jobs", "a"), database("events", "b")

    assert disagreements(settings(databases=[one, beside])) == []
    (found,) = disagreements(settings(databases=[one, beside, other]))
    assert found.startswith(f"{PROJECT}:databases[2].archiving.server: arn:aws:iam::123456789012")
    assert "role/a archives as main already, and an archive belongs to one server" in found


@pytest.mark.parametrize(
    ("rpo", "retention", "fix"),
    [
        ("1h", {"hourly": None}, "switch on retention.hourly, or set rpo to 24h"),
        ("24h", {"hourly": None, "daily": None}, "switch on retention.daily, or set rpo to 1w"),
        ("2w", {"hourly": None, "daily": None, "weekly": None}, "switch on retention.weekly, or"),
    ],
)
def test_a_schedule_that_is_slower_than_the_rpo_is_refused(
    settings: Build, rpo: str, retention: dict[str, Any], fix: str
) -> None:
    (found,) = disagreements(settings(objectives={"rpo": rpo}, retention=retention))
    assert found.startswith(f"{PROJECT}:objectives.rpo: {rpo}, but the most frequent tier is")
    assert fix in found


def test_a_schedule_as_slow_as_the_rpo_is_enough(settings: Build) -> None:
    built = settings(objectives={"rpo": "24h"}, retention={"hourly": None})
    assert disagreements(built) == []


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        (
            {"aws": AWS, "gcp": None},
            (
                f"copies (2 of 3, the live database among them) and {MEDIA} and off-site (no copy"
                f" outside the region of the first); add {PROJECT}:gcp or"
                f" {PROJECT}:aws.replicaAccount"
            ),
        ),
        (
            {"aws": {**AWS, "replicaRegion": "us-west-2"}, "gcp": None},
            f"{MEDIA}; add {PROJECT}:gcp or {PROJECT}:aws.replicaAccount, or waive three-two-one",
        ),
        ({"aws": None}, f"{MEDIA}; add {PROJECT}:aws, or waive three-two-one"),
    ],
    ids=["one bucket", "one account", "one project"],
)
def test_the_missing_leg_of_3_2_1_is_named(
    settings: Build, changes: dict[str, Any], missing: str
) -> None:
    (found,) = disagreements(settings(**changes))
    assert found.startswith(f"the 3-2-1 rule lacks {missing}")


@pytest.mark.parametrize(
    "changes",
    [
        {"aws": AWS},
        {
            "gcp": None,
            "aws": {**AWS, "replicaRegion": "us-west-2", "replicaAccount": REPLICA_ACCOUNT},
        },
    ],
    ids=["two clouds", "two accounts"],
)
def test_two_clouds_or_two_accounts_satisfy_3_2_1(settings: Build, changes: dict[str, Any]) -> None:
    assert disagreements(settings(**changes)) == []


def test_3_2_1_can_be_waived(settings: Build) -> None:
    waiver = {"rule": "three-two-one", "reason": "moving there soon", "expires": "2026-12-24"}
    assert disagreements(settings(aws=AWS, gcp=None, waivers=[waiver])) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"aws": None, "gcp": None}, f"{PROJECT}:aws and {PROJECT}:gcp: both missing"),
        ({"aws:region": None}, "aws:region: missing, so the bucket of"),
        ({"gcp:project": None}, "gcp:project: missing, so the bucket of"),
        (
            {"aws": {**AWS, "replicaAccount": REPLICA_ACCOUNT}},
            f"{PROJECT}:aws.replicaRegion: missing, so replicaAccount would hold nothing",
        ),
        (
            {"protect": False, "retention": {"lockMode": "COMPLIANCE"}},
            f"{PROJECT}:protect: false, but retention.lockMode is COMPLIANCE",
        ),
    ],
)
def test_what_contradicts_is_named(settings: Build, changes: dict[str, Any], message: str) -> None:
    (found,) = disagreements(settings(**changes))
    assert found.startswith(message)


def test_alarms_that_reach_nobody_are_worth_a_warning(settings: Build) -> None:
    (found,) = advice(settings())
    assert found.startswith(f"{PROJECT}:alarms: nobody is named")
    assert advice(settings(alarms={"emails": ["platform@example.com"]})) == []


HEARD = {"emails": ["platform@example.com"]}


def test_a_class_that_bills_longer_but_still_costs_least_is_no_matter(settings: Build) -> None:
    """Weekly in Glacier Instant Retrieval: 90 days are billed for 84, and it is the cheapest."""
    assert advice(settings(alarms=HEARD, retention={"weekly": {"keep": "12w"}})) == []


def test_a_class_that_bills_too_long_to_pay_off_is_named_with_its_cost(settings: Build) -> None:
    aws = {**VALID["aws"], "storageClasses": {"daily": "GLACIER_IR"}}
    retention = {"daily": {"keep": "7d"}}
    found = advice(settings(alarms=HEARD, aws=aws, retention=retention))
    assert [line.partition(":")[0] for line in found] == ["S3", "S3 replica", "GCS"]
    assert found[0] == (
        "S3: daily backups are kept 7 days in GLACIER_IR, which bills at least 90, so a gigabyte of"
        " them costs 0.0420 USD instead of 0.0054 in STANDARD; set storageClasses.daily to STANDARD"
    )


def test_a_review_that_is_overdue_is_worth_a_warning(settings: Build) -> None:
    long_ago = {"reviewed": str(today() - timedelta(days=100))}
    (found,) = advice(settings(alarms=HEARD, runbook=long_ago))

    assert found.startswith(f"{PROJECT}:runbook.reviewed: {long_ago['reviewed']}, so the review")
    assert advice(settings(alarms=HEARD, runbook={**long_ago, "reviewMonths": 6})) == []
