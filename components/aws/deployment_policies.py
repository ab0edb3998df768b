"""What the infrastructure repository's own runs may do: pure functions of names, as the others."""

from collections.abc import Sequence
from typing import NamedTuple

from components.aws.documents import Policy, Statement, bucket_arn, document, objects_arn
from components.aws.replication import role_arn as replication_role_arn

ROLE_PATH = "/neonhub-backup/"
"""Where the identities of all stacks are among all of an account."""


def workflow_role_arn(account_id: str, prefix: str, purpose: str) -> str:
    """ARN of the role for a purpose, such as drill, before it exists."""
    return _identity("role", account_id, prefix, purpose)


def _identity(kind: str, account_id: str, prefix: str, name: str) -> str:
    return f"arn:aws:iam::{account_id}:{kind}{ROLE_PATH}{prefix}-{name}"


class Stack(NamedTuple):
    """What a stack consists of, by names: none of it has to exist."""

    account_id: str
    prefix: str
    """Beginning of the names of its roles, policies, topics, alarms, rules and trail."""
    copied: str
    """Name of the bucket that replication copies."""
    buckets: Sequence[str]
    """Names of all its buckets."""
    key_arns: Sequence[str]
    """All its keys."""
    provider_arn: str
    """The identity provider that it trusts."""
    boundary_arn: str
    """The permissions boundary of its roles."""

    @property
    def roles(self) -> list[str]:
        """ARNs of its roles, those of the infrastructure repository too."""
        copier = replication_role_arn(self.account_id, self.copied)
        return [self.identity("role", "*"), copier]

    def identity(self, kind: str, name: str) -> str:
        """ARN of a role, user or policy of the stack."""
        return _identity(kind, self.account_id, self.prefix, name)

    def regional(self, service: str, kind: str = "") -> str:
        """ARN of all things of a service that bear the stack's name, in any region."""
        return f"arn:aws:{service}:*:{self.account_id}:{kind}{self.prefix}-*"

    @property
    def objects(self) -> list[str]:
        """ARNs of all that is in its buckets."""
        return [objects_arn(bucket, "*") for bucket in self.buckets]


def preview_stack(stack: Stack) -> Policy:
    """Read how everything is configured, and nothing that is stored or encrypted."""
    return document(*_read(stack), *_never_touch_backups(stack))


def deploy_stack(stack: Stack) -> Policy:
    """Change how everything is configured; never what is stored, nor who deploys.

    It makes and changes roles only below the boundary. Keys, the boundary, the identity provider,
    static keys and the roles of the infrastructure repository are made by an administrator, whose
    `pulumi up` is the first: what could make itself stronger is not for a workflow.
    """
    return document(
        *_read(stack),
        {
            "Sid": "ChangeBuckets",
            "Effect": "Allow",
            "Action": [
                "s3:CreateBucket",
                "s3:PutBucketLogging",
                "s3:PutBucketObjectLockConfiguration",
                "s3:PutBucketOwnershipControls",
                "s3:PutBucketPolicy",
                "s3:PutBucketPublicAccessBlock",
                "s3:PutBucketTagging",
                "s3:PutBucketVersioning",
                "s3:PutEncryptionConfiguration",
                "s3:PutLifecycleConfiguration",
                "s3:PutReplicationConfiguration",
                "s3:TagResource",
                "s3:UntagResource",
            ],
            "Resource": [bucket_arn(bucket) for bucket in stack.buckets],
        },
        {
            "Sid": "ChangeKeys",
            "Effect": "Allow",
            "Action": [
                "kms:EnableKey",
                "kms:EnableKeyRotation",
                "kms:PutKeyPolicy",
                "kms:TagResource",
                "kms:UntagResource",
                "kms:UpdateKeyDescription",
            ],
            "Resource": list(stack.key_arns),
        },
        {
            "Sid": "ChangeRolesBelowTheBoundary",
            "Effect": "Allow",
            "Action": [
                "iam:CreateRole",
                "iam:DeleteRolePolicy",
                "iam:PutRolePermissionsBoundary",
                "iam:PutRolePolicy",
            ],
            "Resource": stack.roles,
            "Condition": {"StringEquals": {"iam:PermissionsBoundary": stack.boundary_arn}},
        },
        {
            # What follows knows no condition on the boundary, and gives no permission.
            "Sid": "ChangeWhoTakesRoles",
            "Effect": "Allow",
            "Action": [
                "iam:DeleteRole",
                "iam:TagRole",
                "iam:UntagRole",
                "iam:UpdateAssumeRolePolicy",
                "iam:UpdateRole",
            ],
            "Resource": stack.roles,
        },
        {
            "Sid": "LetS3Replicate",
            "Effect": "Allow",
            "Action": "iam:PassRole",
            "Resource": replication_role_arn(stack.account_id, stack.copied),
            "Condition": {"StringEquals": {"iam:PassedToService": "s3.amazonaws.com"}},
        },
        {
            "Sid": "ChangeAlarms",
            "Effect": "Allow",
            "Action": [
                "cloudtrail:AddTags",
                "cloudtrail:PutEventSelectors",
                "cloudtrail:RemoveTags",
                "cloudtrail:StartLogging",
                "cloudtrail:UpdateTrail",
                "cloudwatch:DeleteAlarms",
                "cloudwatch:PutMetricAlarm",
                "cloudwatch:TagResource",
                "cloudwatch:UntagResource",
                "events:DeleteRule",
                "events:PutRule",
                "events:PutTargets",
                "events:RemoveTargets",
                "events:TagResource",
                "events:UntagResource",
                "sns:CreateTopic",
                "sns:SetTopicAttributes",
                "sns:Subscribe",
                "sns:TagResource",
                "sns:Unsubscribe",
                "sns:UntagResource",
            ],
            "Resource": _alarms(stack),
        },
        *_never_touch_backups(stack),
        {
            "Sid": "NeverDestroyBuckets",
            "Effect": "Deny",
            "Action": ["s3:DeleteBucket", "s3:DeleteBucketPolicy"],
            "Resource": [bucket_arn(bucket) for bucket in stack.buckets],
        },
        {
            "Sid": "NeverDestroyWhatGuards",
            "Effect": "Deny",
            "Action": [
                "cloudtrail:DeleteTrail",
                "cloudtrail:StopLogging",
                "iam:DeleteRolePermissionsBoundary",
                "iam:DeleteUserPermissionsBoundary",
                "kms:DeleteImportedKeyMaterial",
                "kms:DisableKey*",
                "kms:ScheduleKeyDeletion",
                "s3:BypassGovernanceRetention",
            ],
            "Resource": "*",
        },
        {
            "Sid": "NeverLockOut",
            "Effect": "Deny",
            "Action": "kms:PutKeyPolicy",
            "Resource": "*",
            "Condition": {"Bool": {"kms:BypassPolicyLockoutSafetyCheck": "true"}},
        },
        {
            "Sid": "NeverChangeWhoDeploys",
            "Effect": "Deny",
            "Action": [
                "iam:Add*",
                "iam:Attach*",
                "iam:Create*",
                "iam:Delete*",
                "iam:Detach*",
                "iam:Put*",
                "iam:Set*",
                "iam:Update*",
            ],
            "Resource": [
                stack.identity("role", "deploy"),
                stack.identity("role", "preview"),
                stack.identity("policy", "*"),
                stack.identity("user", "*"),
                stack.provider_arn,
            ],
        },
    )


def _read(stack: Stack) -> list[Statement]:
    """What a refresh asks for, of each kind of resource in a stack."""
    return [
        {
            "Sid": "ReadBuckets",
            "Effect": "Allow",
            "Action": [
                "s3:GetAccelerateConfiguration",
                "s3:GetBucket*",
                "s3:GetEncryptionConfiguration",
                "s3:GetLifecycleConfiguration",
                "s3:GetReplicationConfiguration",
                # To ask whether a bucket exists is to list it.
                "s3:ListBucket",
                "s3:ListTagsForResource",
            ],
            "Resource": [bucket_arn(bucket) for bucket in stack.buckets],
        },
        {
            "Sid": "ReadKeys",
            "Effect": "Allow",
            "Action": [
                "kms:DescribeKey",
                "kms:GetKeyPolicy",
                "kms:GetKeyRotationStatus",
                "kms:ListResourceTags",
            ],
            "Resource": list(stack.key_arns),
        },
        {
            "Sid": "ReadIdentities",
            "Effect": "Allow",
            "Action": [
                "iam:GetAccessKeyLastUsed",
                "iam:GetOpenIDConnectProvider",
                "iam:GetPolicy",
                "iam:GetPolicyVersion",
                "iam:GetRole",
                "iam:GetRolePolicy",
                "iam:GetUser",
                "iam:ListAccessKeys",
                "iam:ListAttachedRolePolicies",
                "iam:ListAttachedUserPolicies",
                "iam:ListInstanceProfilesForRole",
                "iam:ListPolicyVersions",
                "iam:ListRolePolicies",
            ],
            "Resource": [
                *stack.roles,
                stack.identity("policy", "*"),
                stack.identity("user", "*"),
                stack.provider_arn,
            ],
        },
        {
            "Sid": "ReadAlarms",
            "Effect": "Allow",
            "Action": [
                "cloudtrail:GetEventSelectors",
                "cloudtrail:GetInsightSelectors",
                "cloudtrail:GetTrail",
                "cloudtrail:GetTrailStatus",
                "cloudtrail:ListTags",
                "cloudwatch:ListTagsForResource",
                "events:DescribeRule",
                "events:ListTagsForResource",
                "events:ListTargetsByRule",
                "sns:GetTopicAttributes",
                "sns:ListSubscriptionsByTopic",
                "sns:ListTagsForResource",
            ],
            "Resource": _alarms(stack),
        },
        {
            # AWS lets nobody limit these to some resources; they show names and settings.
            "Sid": "ReadLists",
            "Effect": "Allow",
            "Action": [
                "cloudtrail:DescribeTrails",
                "cloudwatch:DescribeAlarms",
                "kms:ListAliases",
                "sns:GetSubscriptionAttributes",
            ],
            "Resource": "*",
        },
    ]


def _alarms(stack: Stack) -> list[str]:
    return [
        stack.regional("cloudtrail", "trail/"),
        stack.regional("cloudwatch", "alarm:"),
        stack.regional("events", "rule/"),
        stack.regional("sns"),
    ]


def _never_touch_backups(stack: Stack) -> list[Statement]:
    """Denied, not only not allowed: what bucket and key policies allow does not count either.

    For this stack alone: where Pulumi keeps its state may be a bucket too.
    """
    return [
        {
            "Sid": "NeverTouchBackups",
            "Effect": "Deny",
            "Action": "s3:*",
            "Resource": stack.objects,
        },
        {
            "Sid": "NeverUseKeys",
            "Effect": "Deny",
            "Action": [
                "kms:CreateGrant",
                "kms:Decrypt",
                "kms:Encrypt",
                "kms:GenerateDataKey*",
                "kms:ReEncrypt*",
            ],
            "Resource": list(stack.key_arns),
        },
    ]
