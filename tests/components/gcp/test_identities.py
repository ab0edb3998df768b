"""What each identity may do, judged by all that was deployed for it."""

import asyncio
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from components.gcp.identities import Identities, IdentitiesArgs
from components.repository import Repository

Asked = dict[str, Any]
Deploy = Callable[..., Asked]
May = Callable[..., bool]

BACKUPS, OPERATIONS = "neonhub-backups", "neonhub-operations"
BACKUP = "db/daily/2026/11/20261123T020000Z-0a1b2c3d"
DATA, MANIFEST = f"{BACKUP}/rows/0001-000.binary.zst.gpg", f"{BACKUP}/manifest.json"
DRILL = "drills/20261123T020000Z-0a1b2c3d/20261124T040000Z.json"
CREATE, DELETE = "storage.objects.create", "storage.objects.delete"
GET, LIST = "storage.objects.get", "storage.objects.list"
LOCK = "storage.objects.setRetention"
PURPOSES = ("production-backup", "production-drill", "production-restore")


def identities(**changes: Any) -> Identities:
    known: dict[str, Any] = {
        "environment": "production",
        "repository": Repository(owner="neonhub", owner_id=11, name="app", repository_id=22),
        "pool": "projects/1/locations/global/workloadIdentityPools/github-production",
        "bucket": BACKUPS,
        "operations_bucket": OPERATIONS,
    }
    return Identities("gcp", IdentitiesArgs(**{**known, **changes}))


@pytest.fixture
def asked(deploy: Deploy) -> Asked:
    return deploy(identities)


def test_backup_adds_backups_and_locks_them(asked: Asked, may: May) -> None:
    for key in (DATA, MANIFEST):
        assert may(asked, "production-backup", CREATE, BACKUPS, key)
        assert may(asked, "production-backup", LOCK, BACKUPS, key)


def test_backup_lists_backups_and_reads_their_manifests(asked: Asked, may: May) -> None:
    assert may(asked, "production-backup", LIST, BACKUPS)
    assert may(asked, "production-backup", GET, BACKUPS, MANIFEST)


def test_backup_reads_no_data(asked: Asked, may: May) -> None:
    assert not may(asked, "production-backup", GET, BACKUPS, DATA)
    assert not may(asked, "production-backup", GET, BACKUPS, f"{BACKUP}/not-manifest.json")


def test_backup_reads_what_drills_found_out(asked: Asked, may: May) -> None:
    assert may(asked, "production-backup", GET, BACKUPS, DRILL)


def test_backup_proves_nothing_about_itself(asked: Asked, may: May) -> None:
    assert not may(asked, "production-backup", CREATE, BACKUPS, DRILL)


def test_drill_reads_everything_and_adds_its_results(asked: Asked, may: May) -> None:
    for key in (DATA, MANIFEST, DRILL):
        assert may(asked, "production-drill", GET, BACKUPS, key)
    assert may(asked, "production-drill", LIST, BACKUPS)
    assert may(asked, "production-drill", CREATE, BACKUPS, DRILL)


def test_drill_puts_nothing_among_the_backups(asked: Asked, may: May) -> None:
    assert not may(asked, "production-drill", CREATE, BACKUPS, DATA)
    assert not may(asked, "production-drill", LOCK, BACKUPS, DRILL)


def test_restore_reads_everything(asked: Asked, may: May) -> None:
    for key in (DATA, MANIFEST):
        assert may(asked, "production-restore", GET, BACKUPS, key)
    assert may(asked, "production-restore", LIST, BACKUPS)
    assert may(asked, "production-restore", GET, OPERATIONS, "wal/main/0001")


def test_restore_writes_nothing(asked: Asked, may: May) -> None:
    for key in (DATA, DRILL):
        assert not may(asked, "production-restore", CREATE, BACKUPS, key)
        assert not may(asked, "production-restore", LOCK, BACKUPS, key)
    for key in ("index/backups.json", "status/index.html", "wal/main/0001"):
        assert not may(asked, "production-restore", CREATE, OPERATIONS, key)


@pytest.mark.parametrize("purpose", ["production-backup", "production-drill"])
@pytest.mark.parametrize("permission", [CREATE, GET])
def test_backup_and_drill_keep_index_and_status_and_have_no_part_in_wal(
    asked: Asked, may: May, permission: str, purpose: str
) -> None:
    for key in ("index/backups.json", "status/index.html"):
        assert may(asked, purpose, permission, OPERATIONS, key)
    assert not may(asked, purpose, permission, OPERATIONS, "wal/main/0001")


def test_a_server_archives_below_its_own_archive_alone(deploy: Deploy, may: May) -> None:
    server = "database@neonhub-backups.iam.gserviceaccount.com"
    asked = deploy(lambda: identities(archivers={"main": server}))

    for permission in (CREATE, GET):
        assert may(asked, "database", permission, OPERATIONS, "wal/main/0001")
        assert not may(asked, "database", permission, OPERATIONS, "wal/mainly/0001")
        assert not may(asked, "database", permission, OPERATIONS, "index/backups.json")
    assert may(asked, "database", LIST, OPERATIONS)
    assert not may(asked, "database", DELETE, OPERATIONS, "wal/main/0001")
    granted = [each.inputs for each in asked.values() if "member" in each.inputs]
    on = {each["bucket"] for each in granted if each["member"] == f"serviceAccount:{server}"}
    assert on == {OPERATIONS}


@pytest.mark.parametrize("purpose", PURPOSES)
def test_nobody_touches_access_logs(asked: Asked, may: May, purpose: str) -> None:
    for permission in (CREATE, GET):
        assert not may(asked, purpose, permission, OPERATIONS, "access-logs/neonhub-backups_usage")


@pytest.mark.parametrize("purpose", PURPOSES)
@pytest.mark.parametrize(
    "permission",
    [
        DELETE,
        "storage.objects.update",
        "storage.objects.overrideUnlockedRetention",
        "storage.objects.setIamPolicy",
        "storage.buckets.update",
        "storage.buckets.setIamPolicy",
    ],
)
def test_nobody_deletes_overwrites_or_unlocks(
    asked: Asked, may: May, purpose: str, permission: str
) -> None:
    for bucket, key in ((BACKUPS, DATA), (BACKUPS, DRILL), (OPERATIONS, "index/backups.json")):
        assert not may(asked, purpose, permission, bucket, key)
        assert not may(asked, purpose, permission, bucket)


def test_no_role_of_googles_brings_more_than_its_name_says(asked: Asked) -> None:
    roles = {
        each.inputs["role"] for each in asked.values() if "BucketIAMMember" in each.options.type
    }
    assert all(role.startswith("projects/neonhub-backups/roles/") for role in roles)


def test_a_grant_on_one_bucket_does_not_hold_on_another(asked: Asked) -> None:
    for each in asked.values():
        condition = each.inputs.get("condition")
        if condition:
            other = {BACKUPS: OPERATIONS, OPERATIONS: BACKUPS}[each.inputs["bucket"]]
            assert f"buckets/{each.inputs['bucket']}/" in condition["expression"]
            assert other not in condition["expression"]


def test_without_locks_nobody_can_lock(deploy: Deploy) -> None:
    asked = deploy(lambda: identities(locks=False))

    assert "setRetention" not in str([each.inputs for each in asked.values()])


def test_each_environment_acts_as_its_own_account(asked: Asked) -> None:
    trusts = {
        name: each.inputs["member"].rpartition("/")[2]
        for name, each in asked.items()
        if name.endswith("-trust")
    }
    assert trusts == {
        "gcp-backup-trust": "22:production-backup",
        "gcp-drill-trust": "22:production-drill",
        "gcp-restore-trust": "22:production-restore",
    }


def test_roles_of_two_stacks_in_one_project_do_not_collide(deploy: Deploy) -> None:
    def roles(environment: str) -> set[str]:
        asked = deploy(lambda: identities(environment=environment))
        return {each.inputs["roleId"] for each in asked.values() if "roleId" in each.inputs}

    assert not roles("pre-prod") & roles("production")
    assert all("-" not in role for role in roles("pre-prod"))


def test_by_default_there_is_no_key_to_steal(asked: Asked) -> None:
    assert not any("serviceaccount/key" in each.options.type for each in asked.values())


def test_a_stored_key_is_for_adding_backups_alone_and_is_warned_of_every_time(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    warnings: list[str] = []

    def note(message: str, _: pulumi.Resource) -> None:
        warnings.append(message)

    monkeypatch.setattr(pulumi.log, "warn", note)

    asked = deploy(lambda: identities(static_keys=True))

    (key,) = [each for each in asked.values() if "serviceaccount/key" in each.options.type]
    assert key.inputs["serviceAccountId"].split("/")[-1].startswith("production-backup@")
    assert len(warnings) == 1
    assert "staticKeys" in warnings[0]
    assert "remove" in warnings[0]


def test_the_stored_key_is_json_and_a_secret(deploy: Deploy) -> None:
    known: list[asyncio.Future[Any]] = []

    def program() -> None:
        key = identities(static_keys=True).service_account_key
        assert key is not None
        known.extend([asyncio.ensure_future(key.future()), asyncio.ensure_future(key.is_secret())])

    deploy(program)

    assert [each.result() for each in known] == ['{"type": "service_account"}', True]
