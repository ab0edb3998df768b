"""What each component is told follows from the settings."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components.build import (
    PRIVATE_KEY_VARIABLE,
    aws_store_args,
    build_stores,
    environments,
    gcp_store_args,
)
from components.github.confirmation import Confirmed
from components.github.environment import EnvironmentArgs
from components.github.reviewers import NOBODY, Reviewers
from components.sections import PROJECT, Settings
from components.settings import Stack, parse_settings
from tests.components.test_settings import (
    DATABASE_URL,
    ON_NEON,
    PUBLIC,
    VALID,
    today,
    values,
)

Deploy = Callable[..., dict[str, Any]]
LOOKUPS = {
    "aws:index/getCallerIdentity:getCallerIdentity": {"accountId": "123456789012"},
    "gcp:storage/getProjectServiceAccount:getProjectServiceAccount": {"member": "agent"},
}
INFRASTRUCTURE = {"repository": "neonhub-backup", "repositoryId": 33}


@pytest.fixture
def settings(tmp_path: Path) -> Callable[..., Settings]:
    def build(**changes: Any) -> Settings:
        (tmp_path / "keys").mkdir(exist_ok=True)
        (tmp_path / "keys" / "production.asc").write_text(PUBLIC)
        return parse_settings(
            values(changes),
            stack="prod",
            root=tmp_path,
            secrets=[
                DATABASE_URL,
                *(
                    f"{PROJECT}:{name}"
                    for name in ("heartbeatUrl", "watchHeartbeatUrl", "chatUrl", "neonApiKey")
                ),
            ],
            on=today(),
        )

    return build


Build = Callable[..., Settings]


def stack_of(settings: Settings, *, private_key: bool = True) -> Stack:
    secret = pulumi.Output.secret("sealed")
    return Stack(
        settings=settings,
        database_urls={"DATABASE_URL": secret},
        gpg_private_key=secret if private_key else None,
        neon_api_key=secret if any(each.neon for each in settings.databases) else None,
        heartbeat_url=secret if settings.alarms.heartbeat else None,
        watch_heartbeat_url=secret if settings.alarms.watch_heartbeat else None,
        chat_url=secret if settings.alarms.chat else None,
        source="Pulumi.prod.yaml",
    )


NOBODY_ASKED = Confirmed(restore=NOBODY, deploy=NOBODY)


def built(
    deploy: Deploy, settings: Settings, confirmed: Confirmed = NOBODY_ASKED
) -> dict[str, EnvironmentArgs]:
    """The arguments of each environment."""
    found: dict[str, EnvironmentArgs] = {}

    def program() -> None:
        stores = build_stores(settings)
        found.update(environments(stack_of(settings), stores, confirmed))

    deploy(program, LOOKUPS)
    return found


def test_both_clouds_are_told_the_same_retention(settings: Build) -> None:
    built = settings(retention={"annual": None})
    assert built.aws is not None
    assert built.gcp is not None
    aws = aws_store_args(built, built.aws, "us-east-1")
    gcp = gcp_store_args(built, built.gcp, "neonhub-backups")
    assert aws.retention == gcp.retention == built.retention
    assert aws.environment == gcp.environment == "production"


def test_without_a_second_region_there_is_one_copy_in_aws(settings: Build) -> None:
    built = settings(aws={"bucketPrefix": "neonhub-production"})
    assert built.aws is not None
    assert aws_store_args(built, built.aws, "us-east-1").replica is None


def test_alarms_that_reach_nobody_are_not_built(settings: Build) -> None:
    silent, heard = settings(), settings(alarms={"emails": ["platform@example.com"]})
    assert silent.aws is not None
    assert heard.aws is not None
    assert aws_store_args(silent, silent.aws, "us-east-1").watch is None
    watch = aws_store_args(heard, heard.aws, "us-east-1").watch
    assert watch is not None
    (database,) = watch.databases
    assert (database.name, database.rpo) == ("neonhub", timedelta(hours=1))


def test_another_account_makes_the_replica_with_a_provider_of_its_own(
    deploy: Deploy, settings: Build
) -> None:
    account = {"id": "111122223333", "roleArn": "arn:aws:iam::111122223333:role/deploy"}
    tags = {"tags": {"environment": "production"}}
    there = settings(aws={**VALID["aws"], "replicaAccount": account}, **{"aws:defaultTags": tags})

    asked = deploy(lambda: build_stores(there) and None, LOOKUPS)

    provider = asked["replica-account"].inputs
    assert "111122223333" in str(provider["allowedAccountIds"])
    assert "arn:aws:iam::111122223333:role/deploy" in str(provider["assumeRoles"])
    assert "production" in str(provider["defaultTags"])
    assert "replica-account" in asked["aws-replica-bucket"].options.provider
    assert asked["aws-primary-bucket"].options.provider == ""


def test_there_is_an_environment_for_each_identity(deploy: Deploy, settings: Build) -> None:
    found = built(deploy, settings(infrastructure=INFRASTRUCTURE))
    assert {name: each.environment for name, each in found.items()} == {
        name: f"production-{name}" for name in ("backup", "drill", "restore", "preview", "deploy")
    }
    assert {name: each.repository for name, each in found.items()} == {
        "backup": "app",
        "drill": "app",
        "restore": "app",
        "preview": "neonhub-backup",
        "deploy": "neonhub-backup",
    }


def test_without_a_repository_of_its_own_the_infrastructure_is_deployed_by_people(
    deploy: Deploy, settings: Build
) -> None:
    assert built(deploy, settings()).keys() == {"backup", "drill", "restore"}


def test_only_what_decrypts_sees_the_private_key(deploy: Deploy, settings: Build) -> None:
    found = built(deploy, settings(infrastructure=INFRASTRUCTURE))
    seeing = {name for name, each in found.items() if PRIVATE_KEY_VARIABLE in each.secrets}
    assert seeing == {"drill", "restore"}


def test_a_drill_cannot_reach_a_database(deploy: Deploy, settings: Build) -> None:
    assert built(deploy, settings())["drill"].secrets.keys() == {PRIVATE_KEY_VARIABLE}


def test_every_run_is_told_who_it_is_in_each_cloud(deploy: Deploy, settings: Build) -> None:
    for each in built(deploy, settings(infrastructure=INFRASTRUCTURE)).values():
        assert each.variables.keys() == {
            "AWS_ROLE_ARN",
            "AWS_REGION",
            "GCP_WORKLOAD_IDENTITY_PROVIDER",
            "GCP_SERVICE_ACCOUNT",
        }


def test_stored_keys_are_secrets_of_the_backups_alone(deploy: Deploy, settings: Build) -> None:
    found = built(deploy, settings(staticKeys=True))
    keys = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "GCP_SA_KEY"}
    assert keys <= found["backup"].secrets.keys()
    assert not keys & {*found["drill"].secrets, *found["restore"].secrets}


def test_restores_and_deployments_wait_for_their_own_reviewers(
    deploy: Deploy, settings: Build
) -> None:
    restore, deployment = Reviewers(teams=(1,)), Reviewers(users=(2,))
    github = {**VALID["github"], "restore": {"waitMinutes": 5}}
    found = built(
        deploy,
        settings(infrastructure=INFRASTRUCTURE, github=github),
        Confirmed(restore=restore, deploy=deployment),
    )
    assert {name: each.reviewers for name, each in found.items() if each.reviewers} == {
        "restore": restore,
        "deploy": deployment,
    }
    assert {name: each.wait_minutes for name, each in found.items() if each.wait_minutes} == {
        "restore": 5
    }


def test_pull_requests_may_preview_and_nothing_else(deploy: Deploy, settings: Build) -> None:
    found = built(deploy, settings(infrastructure=INFRASTRUCTURE))
    admitting = {name for name, each in found.items() if "refs/pull/*/merge" in each.branches}
    assert admitting == {"preview"}
    assert found["deploy"].branches == ["main"]


def test_one_cloud_alone_is_built_alone(deploy: Deploy, settings: Build) -> None:
    waiver = {"rule": "three-two-one", "reason": "moving there soon", "expires": str(today())}
    alone = settings(aws=None, waivers=[waiver])

    asked = deploy(lambda: build_stores(alone) and None, LOOKUPS)

    assert {each.options.type.partition(":")[0] for each in asked.values()} == {"gcp"}


ALARMS = {"heartbeat": True, "watchHeartbeat": True, "chat": True}
ADDRESSES = {
    "heartbeatUrl": "https://alive.example/1",
    "watchHeartbeatUrl": "https://alive.example/3",
    "chatUrl": "https://chat.example/2",
}


@pytest.mark.parametrize(
    "address", ["NEONHUB_BACKUP_HEARTBEAT_URL", "NEONHUB_BACKUP_WATCH_HEARTBEAT_URL"]
)
def test_who_backs_up_and_watches_alone_may_say_that_all_is_well(
    deploy: Deploy, settings: Build, address: str
) -> None:
    found = built(deploy, settings(alarms=ALARMS, **ADDRESSES))
    assert {name for name, each in found.items() if address in each.secrets} == {"backup"}


def test_each_switch_is_there_without_the_other(deploy: Deploy, settings: Build) -> None:
    alone = settings(
        alarms={"watchHeartbeat": True}, watchHeartbeatUrl=ADDRESSES["watchHeartbeatUrl"]
    )
    secrets = built(deploy, alone)["backup"].secrets
    assert "NEONHUB_BACKUP_WATCH_HEARTBEAT_URL" in secrets
    assert "NEONHUB_BACKUP_HEARTBEAT_URL" not in secrets


def test_the_chat_s_address_is_all_that_an_alert_sees(deploy: Deploy, settings: Build) -> None:
    alert = built(deploy, settings(alarms=ALARMS, **ADDRESSES))["alert"]
    assert alert.environment == "production-alert"
    assert alert.secrets.keys() == {"NEONHUB_BACKUP_CHAT_URL"}
    assert not alert.variables
    assert alert.branches == ["main"]


def test_the_key_of_neon_is_seen_by_snapshots_and_by_whoever_is_reviewed(
    deploy: Deploy, settings: Build
) -> None:
    found = built(deploy, settings(databases=ON_NEON, neonApiKey="key"))
    assert {name for name, each in found.items() if "NEON_API_KEY" in each.secrets} == {
        "snapshot",
        "restore",
    }
    assert found["snapshot"].secrets.keys() == {"NEON_API_KEY"}
    assert not found["snapshot"].variables
