"""What the runs that preview and deploy a stack may do, judged by their policies alone."""

import json
from collections.abc import Callable

import pytest

from components.aws.deployment_policies import Stack, deploy_stack, preview_stack
from components.aws.naming import LONGEST_PREFIX

IsAllowed = Callable[..., bool]

ACCOUNT = "123456789012"
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1"
BUCKET = "arn:aws:s3:::backups"
DATA = f"{BUCKET}/db/daily/x"
IAM = f"arn:aws:iam::{ACCOUNT}"
ROLE = f"{IAM}:role/neonhub-backup/neonhub-production-drill"
DEPLOYER = f"{IAM}:role/neonhub-backup/neonhub-production-deploy"
COPIER = f"{IAM}:role/neonhub-backup/replication/backups"
BOUNDARY = f"{IAM}:policy/neonhub-backup/neonhub-production-boundary"
PROVIDER = f"{IAM}:oidc-provider/token.actions.githubusercontent.com"
TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:neonhub-production-alarms"
ALARM = f"arn:aws:cloudwatch:us-west-2:{ACCOUNT}:alarm:neonhub-production-backup-age-app"
RULE = f"arn:aws:events:us-east-1:{ACCOUNT}:rule/neonhub-production-tampering-keys"
TRAIL = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/neonhub-production-trail"
STACK = Stack(
    account_id=ACCOUNT,
    prefix="neonhub-production",
    copied="backups",
    buckets=["backups", "copies", "operations"],
    key_arns=[KEY],
    provider_arn=PROVIDER,
    boundary_arn=BOUNDARY,
)
PREVIEW, DEPLOY = preview_stack(STACK), deploy_stack(STACK)
BOUNDED = {"iam:PermissionsBoundary": BOUNDARY}

READS = [
    ("s3:GetBucketPolicy", BUCKET),
    ("s3:GetBucketObjectLockConfiguration", BUCKET),
    ("s3:GetLifecycleConfiguration", BUCKET),
    ("s3:ListBucket", "arn:aws:s3:::operations"),
    ("kms:DescribeKey", KEY),
    ("kms:GetKeyPolicy", KEY),
    ("iam:GetRole", ROLE),
    ("iam:GetRolePolicy", COPIER),
    ("iam:GetPolicyVersion", BOUNDARY),
    ("iam:GetOpenIDConnectProvider", PROVIDER),
    ("sns:GetTopicAttributes", TOPIC),
    ("cloudwatch:DescribeAlarms", "*"),
    ("events:ListTargetsByRule", RULE),
    ("cloudtrail:GetEventSelectors", TRAIL),
]


@pytest.mark.parametrize(("action", "resource"), READS)
def test_both_read_how_everything_is_configured(
    is_allowed: IsAllowed, action: str, resource: str
) -> None:
    assert is_allowed(PREVIEW, action, resource)
    assert is_allowed(DEPLOY, action, resource)


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:GetObject", DATA),
        ("s3:GetObject", "arn:aws:s3:::operations/trail/x"),
        ("s3:GetObjectVersion", DATA),
        ("s3:PutObject", DATA),
        ("s3:DeleteObject", DATA),
        ("s3:DeleteObjectVersion", "arn:aws:s3:::copies/db/x"),
        ("s3:PutObjectRetention", DATA),
        ("s3:RestoreObject", DATA),
        ("kms:Decrypt", KEY),
        ("kms:GenerateDataKey", KEY),
        ("kms:CreateGrant", KEY),
    ],
)
def test_neither_touches_what_is_stored(is_allowed: IsAllowed, action: str, resource: str) -> None:
    assert not is_allowed(PREVIEW, action, resource)
    assert not is_allowed(DEPLOY, action, resource)


@pytest.mark.parametrize(("action", "resource"), [("s3:GetObject", DATA), ("kms:Decrypt", KEY)])
def test_what_a_bucket_or_key_allows_them_does_not_count(action: str, resource: str) -> None:
    for policy in (PREVIEW, DEPLOY):
        denied = [each for each in policy["Statement"] if each["Effect"] == "Deny"]
        pattern = "arn:aws:s3:::backups/*" if action == "s3:GetObject" else resource
        assert any(
            pattern in each["Resource"] and ("s3:*" in each["Action"] or action in each["Action"])
            for each in denied
        )


CHANGES = [
    ("s3:PutLifecycleConfiguration", BUCKET),
    ("s3:PutBucketPolicy", BUCKET),
    ("s3:PutReplicationConfiguration", BUCKET),
    ("kms:PutKeyPolicy", KEY),
    ("kms:EnableKeyRotation", KEY),
    ("iam:UpdateAssumeRolePolicy", ROLE),
    ("sns:Subscribe", TOPIC),
    ("cloudwatch:PutMetricAlarm", ALARM),
    ("events:PutTargets", RULE),
    ("cloudtrail:PutEventSelectors", TRAIL),
]


@pytest.mark.parametrize(("action", "resource"), CHANGES)
def test_only_the_deployment_changes_how_it_is_configured(
    is_allowed: IsAllowed, action: str, resource: str
) -> None:
    assert is_allowed(DEPLOY, action, resource)
    assert not is_allowed(PREVIEW, action, resource)


def test_a_preview_is_allowed_nothing_but_to_read() -> None:
    for statement in PREVIEW["Statement"]:
        if statement["Effect"] == "Allow":
            for action in statement["Action"]:
                assert action.partition(":")[2].startswith(("Describe", "Get", "List")), action


@pytest.mark.parametrize("action", ["iam:CreateRole", "iam:PutRolePolicy"])
@pytest.mark.parametrize("role", [ROLE, COPIER])
def test_the_deployment_makes_and_changes_roles_below_the_boundary_alone(
    is_allowed: IsAllowed, action: str, role: str
) -> None:
    assert is_allowed(DEPLOY, action, role, BOUNDED)
    assert not is_allowed(DEPLOY, action, role)
    assert not is_allowed(
        DEPLOY,
        action,
        role,
        {"iam:PermissionsBoundary": "arn:aws:iam::aws:policy/AdministratorAccess"},
    )


@pytest.mark.parametrize("action", ["iam:CreateRole", "iam:PutRolePolicy"])
def test_the_deployment_changes_no_roles_of_others(is_allowed: IsAllowed, action: str) -> None:
    for role in ("role/admin", "role/neonhub-backup/neonhub-staging-drill"):
        assert not is_allowed(DEPLOY, action, f"{IAM}:{role}", BOUNDED)


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("iam:PutRolePolicy", DEPLOYER),
        ("iam:UpdateAssumeRolePolicy", DEPLOYER),
        ("iam:UpdateAssumeRolePolicy", DEPLOYER.replace("deploy", "preview")),
        ("iam:CreatePolicyVersion", BOUNDARY),
        ("iam:DeletePolicy", BOUNDARY),
        ("iam:SetDefaultPolicyVersion", BOUNDARY),
        ("iam:DeleteRolePermissionsBoundary", ROLE),
        ("iam:AttachRolePolicy", ROLE),
        ("iam:CreateAccessKey", f"{IAM}:user/neonhub-backup/neonhub-production-backup"),
        ("iam:AddClientIDToOpenIDConnectProvider", PROVIDER),
        ("iam:CreateUser", f"{IAM}:user/neonhub-backup/neonhub-production-x"),
    ],
)
def test_the_deployment_cannot_make_itself_stronger(
    is_allowed: IsAllowed, action: str, resource: str
) -> None:
    assert not is_allowed(DEPLOY, action, resource, BOUNDED)


def test_the_deployment_hands_its_role_to_replication_and_to_nothing_else(
    is_allowed: IsAllowed,
) -> None:
    s3 = {"iam:PassedToService": "s3.amazonaws.com"}
    assert is_allowed(DEPLOY, "iam:PassRole", COPIER, s3)
    assert not is_allowed(DEPLOY, "iam:PassRole", COPIER, {"iam:PassedToService": "lambda"})
    assert not is_allowed(DEPLOY, "iam:PassRole", ROLE, s3)


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:DeleteBucket", BUCKET),
        ("s3:DeleteBucketPolicy", BUCKET),
        ("s3:BypassGovernanceRetention", DATA),
        ("kms:ScheduleKeyDeletion", KEY),
        ("kms:DisableKey", KEY),
        ("kms:DisableKeyRotation", KEY),
        ("cloudtrail:DeleteTrail", TRAIL),
        ("cloudtrail:StopLogging", TRAIL),
    ],
)
def test_the_deployment_destroys_nothing(is_allowed: IsAllowed, action: str, resource: str) -> None:
    assert not is_allowed(DEPLOY, action, resource)


def test_the_deployment_locks_nobody_out_of_a_key(is_allowed: IsAllowed) -> None:
    forced = {"kms:BypassPolicyLockoutSafetyCheck": "true"}
    assert not is_allowed(DEPLOY, "kms:PutKeyPolicy", KEY, forced)


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:PutBucketPolicy", "arn:aws:s3:::uploads"),
        ("kms:PutKeyPolicy", f"arn:aws:kms:us-east-1:{ACCOUNT}:key/2"),
        ("sns:Subscribe", f"arn:aws:sns:us-east-1:{ACCOUNT}:billing"),
        ("cloudwatch:DeleteAlarms", f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:billing"),
        ("events:PutRule", f"arn:aws:events:us-east-1:{ACCOUNT}:rule/billing"),
    ],
)
def test_the_deployment_changes_nothing_of_others(
    is_allowed: IsAllowed, action: str, resource: str
) -> None:
    assert not is_allowed(DEPLOY, action, resource)


@pytest.mark.parametrize("key", ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"])
def test_what_else_they_are_given_for_the_state_of_pulumi_is_not_denied(key: str) -> None:
    for policy in (PREVIEW, DEPLOY):
        for statement in policy["Statement"]:
            if statement["Effect"] == "Deny" and statement["Resource"] == "*":
                assert key not in statement["Action"]
                assert "s3:*" not in statement["Action"]


def test_the_policies_fit_in_a_role_with_the_longest_names() -> None:
    stack = STACK._replace(
        prefix=LONGEST_PREFIX * "p",
        copied=63 * "b",
        buckets=[63 * "b"] * 4,
        key_arns=[f"arn:aws:kms:ap-southeast-1:{ACCOUNT}:key/" + 36 * "k"] * 4,
    )
    for policy in (preview_stack(stack), deploy_stack(stack)):
        assert len(json.dumps(policy, separators=(",", ":"))) <= 10240
