"""What a store promises: a copy in each of two regions, and nobody who can delete them."""

from collections.abc import Callable
from typing import Any

import pytest

from components.gcp.dual_region import DualRegion
from components.gcp.store import SERVICES, GcpStore, GcpStoreArgs
from components.repository import Repository
from neonhub_backup.domain.retention import RetentionPolicy
from tests.engine import Echo, Engine, own_loop, run

Asked = dict[str, Any]
Deploy = Callable[..., Asked]
REPOSITORY = Repository(owner="neonhub", owner_id=11, name="app", repository_id=22)
INFRASTRUCTURE = Repository(owner="neonhub", owner_id=11, name="infra", repository_id=33)
LOOKUPS = {
    "gcp:storage/getProjectServiceAccount:getProjectServiceAccount": {
        "member": "serviceAccount:service-1@gs-project-accounts.iam.gserviceaccount.com"
    }
}
KEPT = {
    "gcp-ring",
    "gcp-key",
    "gcp-use",
    "gcp-pool",
    "gcp-provider",
    "gcp-backups-bucket",
    "gcp-operations-bucket",
    "gcp-operations-logs",
}


def args(**changes: Any) -> GcpStoreArgs:
    known: dict[str, Any] = {
        "project": "neonhub-backups",
        "bucket": "neonhub-backups",
        "operations_bucket": "neonhub-operations",
        "place": DualRegion(location="EU", regions=("europe-west1", "europe-west4")),
        "environment": "production",
        "repository": REPOSITORY,
    }
    return GcpStoreArgs(**{**known, **changes})


@pytest.fixture
def asked(deploy: Deploy) -> Asked:
    return deploy(lambda: GcpStore("gcp", args()), LOOKUPS)


def test_both_buckets_are_in_the_same_two_regions_under_a_key_of_their_continent(
    asked: Asked,
) -> None:
    assert asked["gcp-ring"].inputs["location"] == "europe"
    for bucket in ("gcp-backups-bucket", "gcp-operations-bucket"):
        inputs = asked[bucket].inputs
        assert inputs["location"] == "EU"
        assert inputs["customPlacementConfig"] == {
            "dataLocations": ["EUROPE-WEST1", "EUROPE-WEST4"]
        }
        assert inputs["encryption"] == {"defaultKmsKeyName": "gcp-key-id"}


def test_buckets_wait_until_cloud_storage_may_use_the_key(asked: Asked) -> None:
    for bucket in ("gcp-backups-bucket", "gcp-operations-bucket"):
        assert any(urn.endswith("::gcp-use") for urn in asked[bucket].options.dependencies)


def test_access_logs_wait_until_google_may_deliver_them(asked: Asked) -> None:
    bucket = asked["gcp-backups-bucket"]
    assert bucket.inputs["logging"]["logBucket"] == "neonhub-operations"
    assert any(urn.endswith("::gcp-operations-logs") for urn in bucket.options.dependencies)


def test_every_api_is_switched_on_and_stays_on(asked: Asked) -> None:
    services = {name: each for name, each in asked.items() if name.endswith("-api")}
    assert set(services) == {f"gcp-{service}-api" for service in SERVICES}
    assert all(each.inputs["disableOnDestroy"] is False for each in services.values())


def test_nothing_is_made_before_every_api_is_switched_on() -> None:
    engine = Engine(Echo(LOOKUPS))
    with own_loop():
        run(lambda: GcpStore("gcp", args(infrastructure=INFRASTRUCTURE)), engine)

    # The children of a component are registered after it, and so after what it waits for.
    parts = [
        each.options
        for each in engine.registered
        if not each.options.custom
        and each.options.parent.endswith("::gcp")
        and each.options.parent.split("$")[-1].startswith("neonhub-backup:gcp:GcpStore")
    ]
    waits = [{urn.rpartition("::")[2] for urn in each.dependencies} for each in parts]
    assert len(waits) == 6
    assert all({f"gcp-{service}-api" for service in SERVICES} <= each for each in waits)


def test_without_a_lock_mode_the_backup_account_cannot_lock(deploy: Deploy) -> None:
    asked = deploy(
        lambda: GcpStore("gcp", args(retention=RetentionPolicy(lock_mode=None))), LOOKUPS
    )
    assert "gcp-backup-lock-backups" not in asked
    assert "retentionPolicy" not in asked["gcp-backups-bucket"].inputs


def test_by_default_people_deploy_and_one_repository_comes_in(asked: Asked) -> None:
    assert "gcp-deploy-account" not in asked
    assert asked["gcp-provider"].inputs["attributeCondition"].count("repository_id") == 1


def test_the_infrastructure_repository_previews_and_deploys(deploy: Deploy) -> None:
    asked = deploy(lambda: GcpStore("gcp", args(infrastructure=INFRASTRUCTURE)), LOOKUPS)

    members = {asked[f"gcp-{each}-trust"].inputs["member"] for each in ("preview", "deploy")}
    assert all("/subject/33:production-" in member for member in members)
    assert asked["gcp-provider"].inputs["attributeCondition"].count("repository_id") == 2


def test_one_repository_for_both_is_named_once(deploy: Deploy) -> None:
    asked = deploy(lambda: GcpStore("gcp", args(infrastructure=REPOSITORY)), LOOKUPS)

    assert asked["gcp-provider"].inputs["attributeCondition"].count("repository_id") == 1


def test_by_default_there_is_no_key_to_steal(asked: Asked) -> None:
    assert not any("serviceaccount/key" in each.options.type for each in asked.values())


def test_the_pool_is_as_new_as_the_ring_of_its_key(asked: Asked) -> None:
    # What the fake engine calls the ring ends so.
    pool = asked["gcp-pool"].inputs["workloadIdentityPoolId"]
    assert pool == "github-production-1a2b3c4"


def test_by_default_buckets_key_and_trust_outlive_the_stack(asked: Asked) -> None:
    assert {name for name, each in asked.items() if each.options.protect} == KEPT
    assert {name for name, each in asked.items() if each.options.retainOnDelete} == KEPT


def test_an_unprotected_store_can_be_torn_down(deploy: Deploy) -> None:
    asked = deploy(lambda: GcpStore("gcp", args(protect=False)), LOOKUPS)

    assert not any(each.options.protect or each.options.retainOnDelete for each in asked.values())


def test_the_soft_delete_is_that_of_both_buckets(deploy: Deploy) -> None:
    asked = deploy(lambda: GcpStore("gcp", args(soft_delete_days=30)), LOOKUPS)

    for bucket in ("gcp-backups-bucket", "gcp-operations-bucket"):
        assert asked[bucket].inputs["softDeletePolicy"] == {"retentionDurationSeconds": 30 * 86400}


def test_one_bucket_for_both_purposes_is_refused() -> None:
    with pytest.raises(ValueError, match="would log to itself"):
        args(operations_bucket="neonhub-backups")


def test_workflows_learn_whom_to_ask_and_as_whom(deploy: Deploy) -> None:
    known: dict[str, str] = {}

    def program() -> None:
        store = GcpStore("gcp", args(infrastructure=INFRASTRUCTURE))
        assert store.preview_service_account is not None
        assert store.deploy_service_account is not None
        for name, output in {
            "bucket": store.bucket,
            "operations": store.operations_bucket,
            "provider": store.workload_identity_provider,
            "backup": store.backup_service_account,
            "drill": store.drill_service_account,
            "restore": store.restore_service_account,
            "preview": store.preview_service_account,
            "deploy": store.deploy_service_account,
        }.items():
            output.apply(lambda value, name=name: known.update({name: value}))

    deploy(program, LOOKUPS)

    assert known.pop("bucket") == "neonhub-backups"
    assert known.pop("operations") == "neonhub-operations"
    assert known.pop("provider").endswith(
        "/workloadIdentityPools/github-production-1a2b3c4/providers/github"
    )
    assert known == {
        purpose: f"production-{purpose}@neonhub-backups.iam.gserviceaccount.com"
        for purpose in ("backup", "drill", "restore", "preview", "deploy")
    }
