"""What the identities promise: each its own environment, nothing beyond the boundary, no keys."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pulumi
import pytest

from components.aws import deployment_policies, policies
from components.aws.deployment_policies import Stack
from components.aws.documents import EncryptedBucket
from components.aws.identities import Identities, IdentitiesArgs, Infrastructure, WorkflowRole
from components.aws.policies import Places
from components.aws.replication import ReplicationEnd
from components.repository import Repository
from neonhub_backup.domain.retention import LockMode, RetentionPolicy, TierRule

Deploy = Callable[..., dict[str, Any]]

APP = Repository(owner="neonhub", owner_id=11, name="app", repository_id=22)
PLATFORM = Repository(owner="neonhub", owner_id=11, name="backup", repository_id=33)
PLACES = Places(
    EncryptedBucket("backups", "us-east-1", "arn:key"),
    EncryptedBucket("copies", "us-west-2", "arn:replica-key"),
    "operations",
)
EXISTING = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
LOOKUP = "aws:iam/getOpenIdConnectProvider:getOpenIdConnectProvider"
FOUND = {
    "arn": EXISTING,
    "url": "token.actions.githubusercontent.com",
    "clientIdLists": ["sts.amazonaws.com"],
}
OWN = Infrastructure(
    repository=PLATFORM,
    preview=WorkflowRole(environment="production-preview"),
    deploy=WorkflowRole(environment="production"),
    other_buckets=("copies-operations",),
    other_key_arns=("arn:topic-key",),
)
PURPOSES = ("backup", "drill", "restore")


def args(**changes: Any) -> IdentitiesArgs:
    known: dict[str, Any] = {
        "prefix": "neonhub-production",
        "account_id": "123456789012",
        "repository": APP,
        "backup": WorkflowRole(environment="production-backup", session_seconds=7200),
        "drill": WorkflowRole(environment="production-drill", session_seconds=14400),
        "restore": WorkflowRole(environment="production-restore", session_seconds=43200),
        "primary": ReplicationEnd(bucket="backups", region="us-east-1", key_arn="arn:key"),
        "replica": ReplicationEnd(bucket="copies", region="us-west-2", key_arn="arn:replica-key"),
        "operations_bucket": "operations",
        "retention": RetentionPolicy(lock_mode=None),
    }
    return IdentitiesArgs(**{**known, **changes})


@pytest.fixture
def asked(deploy: Deploy) -> dict[str, Any]:
    return deploy(lambda: Identities("aws", args()))


def subjects(asked: dict[str, Any], role: str) -> list[str]:
    (statement,) = json.loads(asked[role].inputs["assumeRolePolicy"])["Statement"]
    return statement["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"]


@pytest.mark.parametrize("purpose", PURPOSES)
def test_each_role_is_for_one_environment_of_one_repository(
    asked: dict[str, Any], purpose: str
) -> None:
    assert subjects(asked, f"aws-{purpose}") == list(APP.subjects(f"production-{purpose}"))


def test_each_role_has_the_permissions_of_its_purpose(asked: dict[str, Any]) -> None:
    permissions = {
        purpose: json.loads(asked[f"aws-{purpose}-permissions"].inputs["policy"])
        for purpose in PURPOSES
    }
    assert permissions == {
        "backup": policies.add_backups(PLACES, None),
        "drill": policies.prove_backups(PLACES),
        "restore": policies.restore_backups(PLACES),
    }


def test_no_role_goes_beyond_the_boundary(asked: dict[str, Any]) -> None:
    boundary = asked["aws-boundary"].inputs
    assert json.loads(boundary["policy"]) == policies.boundary(PLACES, None)
    for purpose in PURPOSES:
        assert asked[f"aws-{purpose}"].inputs["permissionsBoundary"] == "arn:aws-boundary"


def test_a_session_lasts_as_long_as_its_purpose_needs(asked: dict[str, Any]) -> None:
    assert [asked[f"aws-{purpose}"].inputs["maxSessionDuration"] for purpose in PURPOSES] == [
        7200,
        14400,
        43200,
    ]


def test_identities_are_found_by_names_that_policies_can_say(asked: dict[str, Any]) -> None:
    for name in ("backup", "drill", "restore", "boundary"):
        inputs = asked[f"aws-{name}"].inputs
        assert (inputs["path"], inputs["name"]) == (
            "/neonhub-backup/",
            f"neonhub-production-{name}",
        )


def test_the_backup_role_can_lock_as_long_as_the_longest_tier_asks(deploy: Deploy) -> None:
    retention = RetentionPolicy(
        annual=TierRule(keep=timedelta(days=2557), lock=timedelta(days=400)),
        lock_mode=LockMode.COMPLIANCE,
    )
    asked = deploy(lambda: Identities("aws", args(retention=retention)))

    for name in ("aws-backup-permissions", "aws-boundary"):
        (most,) = [
            statement["Condition"]["NumericLessThanEqualsIfExists"]
            for statement in json.loads(asked[name].inputs["policy"])["Statement"]
            if statement["Action"] == "s3:PutObjectRetention"
        ]
        assert most == {"s3:object-lock-remaining-retention-days": "401"}


def test_without_locks_no_role_can_lock(asked: dict[str, Any]) -> None:
    assert not any("PutObjectRetention" in str(each.inputs) for each in asked.values())


def test_github_is_trusted_without_stored_keys(asked: dict[str, Any]) -> None:
    assert asked["aws-github"].inputs == {
        "url": "https://token.actions.githubusercontent.com",
        "clientIdLists": ["sts.amazonaws.com"],
    }
    kinds = {each.options.type.rpartition(":")[2] for each in asked.values()}
    assert kinds == {"OpenIdConnectProvider", "Policy", "Role", "RolePolicy"}


def test_a_trust_that_exists_is_used_and_not_made_again(deploy: Deploy) -> None:
    asked = deploy(lambda: Identities("aws", args(oidc_provider_arn=EXISTING)), {LOOKUP: FOUND})

    assert "aws-github" not in asked
    for purpose in PURPOSES:
        trust = json.loads(asked[f"aws-{purpose}"].inputs["assumeRolePolicy"])
        assert trust["Statement"][0]["Principal"] == {"Federated": EXISTING}


@pytest.mark.parametrize(
    "found",
    [
        {**FOUND, "clientIdLists": ["https://github.com/neonhub"]},
        {**FOUND, "url": "gitlab.com"},
    ],
)
def test_a_trust_that_lets_no_run_in_is_refused(deploy: Deploy, found: dict[str, Any]) -> None:
    with pytest.raises(pulumi.RunError, match="no run could take a role"):
        deploy(lambda: Identities("aws", args(oidc_provider_arn=EXISTING)), {LOOKUP: found})


def test_without_a_repository_of_its_own_nobody_but_an_administrator_deploys(
    asked: dict[str, Any],
) -> None:
    assert "aws-preview" not in asked
    assert "aws-deploy" not in asked


def test_the_infrastructure_repository_previews_and_deploys_from_its_own_environments(
    deploy: Deploy,
) -> None:
    asked = deploy(lambda: Identities("aws", args(infrastructure=OWN)))

    assert subjects(asked, "aws-preview") == list(PLATFORM.subjects("production-preview"))
    assert subjects(asked, "aws-deploy") == list(PLATFORM.subjects("production"))
    stack = Stack(
        account_id="123456789012",
        prefix="neonhub-production",
        copied="backups",
        buckets=["backups", "copies", "operations", "copies-operations"],
        key_arns=["arn:key", "arn:replica-key", "arn:topic-key"],
        provider_arn="arn:aws-github",
        boundary_arn="arn:aws-boundary",
    )
    assert json.loads(asked["aws-preview-permissions"].inputs["policy"]) == (
        deployment_policies.preview_stack(stack)
    )
    assert json.loads(asked["aws-deploy-permissions"].inputs["policy"]) == (
        deployment_policies.deploy_stack(stack)
    )


def test_a_static_key_is_made_only_when_asked_for(asked: dict[str, Any]) -> None:
    assert not any("AccessKey" in each.options.type for each in asked.values())


def test_a_static_key_has_the_permissions_of_the_backup_role_and_the_boundary(
    deploy: Deploy,
) -> None:
    asked = deploy(lambda: Identities("aws", args(static_keys=True)))

    assert asked["aws-static-user"].inputs["permissionsBoundary"] == "arn:aws-boundary"
    assert (
        asked["aws-static-permissions"].inputs["policy"]
        == (asked["aws-backup-permissions"].inputs["policy"])
    )
    assert asked["aws-static-permitted"].inputs == {
        "user": "neonhub-production-backup",
        "policyArn": "arn:aws-static-permissions",
    }
    assert asked["aws-static-key"].inputs == {"user": "neonhub-production-backup"}


def test_a_static_key_is_a_secret(deploy: Deploy) -> None:
    outputs: dict[str, bool] = {}

    def program() -> None:
        made = Identities("aws", args(static_keys=True))
        assert made.secret_access_key is not None
        secret = made.secret_access_key

        async def look() -> None:
            outputs["secret"] = await secret.is_secret()

        pulumi.Output.from_input(look()).apply(lambda _: None)

    deploy(program)
    assert outputs == {"secret": True}


def test_a_static_key_warns_of_what_follows_and_how_to_end_it(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    def warn(message: str, resource: pulumi.Resource | None = None) -> None:
        assert resource is not None
        said.append(message)

    monkeypatch.setattr(pulumi.log, "warn", warn)
    deploy(lambda: Identities("aws", args(static_keys=True)))

    (message,) = said
    assert "never expires" in message
    assert "set staticKeys to false" in message


def test_by_default_nothing_warns(deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
    def warn(message: str, resource: pulumi.Resource | None = None) -> None:
        raise AssertionError(message, resource)

    monkeypatch.setattr(pulumi.log, "warn", warn)
    deploy(lambda: Identities("aws", args(infrastructure=OWN)))


def test_every_child_belongs_to_the_identities(deploy: Deploy) -> None:
    asked = deploy(lambda: Identities("aws", args(infrastructure=OWN)))

    assert all(
        each.options.parent.endswith("neonhub-backup:aws:Identities::aws")
        for each in asked.values()
    )


@pytest.mark.parametrize("seconds", [3599, 43201])
def test_a_session_that_aws_would_refuse_is_refused_first(seconds: int) -> None:
    with pytest.raises(ValueError, match="production-drill must be from 3600 to 43200"):
        WorkflowRole(environment="production-drill", session_seconds=seconds)


def test_a_prefix_that_makes_bad_names_is_refused() -> None:
    with pytest.raises(ValueError, match="prefix 'NeonHub' makes names that AWS refuses"):
        args(prefix="NeonHub")


def test_two_roles_of_one_environment_are_refused() -> None:
    with pytest.raises(ValueError, match="'production-drill' of neonhub/app is given to two"):
        args(restore=WorkflowRole(environment="production-drill"))


def test_an_environment_of_another_repository_is_another_one() -> None:
    own = Infrastructure(
        repository=PLATFORM,
        preview=WorkflowRole(environment="production-backup"),
        deploy=WorkflowRole(environment="production"),
    )
    assert args(infrastructure=own).infrastructure is own
