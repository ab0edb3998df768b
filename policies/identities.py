"""Rules for the roles of AWS: who may take them, and what they may never do.

What a role is for is the end of its name. `-deploy` administers the stack and `-preview` reads its
settings; they have rules of their own, which are no weaker where backups are concerned. All other
roles, the boundary that they share, and what a stored key may do have the rest.
"""

import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from itertools import chain

from neonhub_backup.domain.layout import ACCESS_LOGS, INDEX, STATUS, TRAIL, WAL
from policies.buckets import PERMISSIONS, POLICY, backup_buckets
from policies.documents import Statement, allowed, statements
from policies.model import Findings, Resource, Rule, Stack, alone, listed

ACCESS_KEY = "aws:iam/accessKey:AccessKey"
DOCUMENT = "aws:iam/policy:Policy"
PROVIDER = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"
ROLE = "aws:iam/role:Role"
USER = "aws:iam/user:User"

_ISSUER = "token.actions.githubusercontent.com"
_AUDIENCE = "sts.amazonaws.com"
_SUBJECT = re.compile(r"repo:([\w.-]+)(@\d+)?/([\w.-]+)(@\d+)?:environment:[\w-]+")
_WHOLE_ACCOUNT = re.compile(r"\d{12}|arn:aws:iam::[^:]+:root")

DESTRUCTION = (
    "s3:BypassGovernanceRetention",
    "s3:DeleteBucket",
    "s3:DeleteBucketPolicy",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:PutBucketObjectLockConfiguration",
    "s3:PutBucketPolicy",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketVersioning",
    "s3:PutEncryptionConfiguration",
    "s3:PutLifecycleConfiguration",
    "s3:PutObjectLegalHold",
    "s3:PutReplicationConfiguration",
    "s3:ReplicateDelete",
    "kms:DisableKey",
    "kms:PutKeyPolicy",
    "kms:ScheduleKeyDeletion",
)
"""What ends backups, or what guards them."""

DESTRUCTION_BY_DEPLOYMENT = (
    "cloudtrail:DeleteTrail",
    "cloudtrail:StopLogging",
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:DeleteImportedKeyMaterial",
    "kms:DisableKey",
    "kms:ScheduleKeyDeletion",
    "s3:BypassGovernanceRetention",
    "s3:DeleteBucket",
    "s3:DeleteBucketPolicy",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:GetObject",
    "s3:GetObjectVersion",
    "s3:PutObject",
    "s3:PutObjectLegalHold",
    "s3:PutObjectRetention",
)
"""What even whoever administers the stack needs never: to read, write or end backups."""

_MAKES_ROLES = (
    "iam:AttachRolePolicy",
    "iam:CreateRole",
    "iam:PutRolePermissionsBoundary",
    "iam:PutRolePolicy",
)
_NEVER_BY_DEPLOYMENT = (
    "iam:AddUserToGroup",
    "iam:AttachUserPolicy",
    "iam:CreateAccessKey",
    "iam:CreateLoginProfile",
    "iam:CreatePolicyVersion",
    "iam:CreateUser",
    "iam:DeleteRolePermissionsBoundary",
    "iam:PutUserPolicy",
    "iam:SetDefaultPolicyVersion",
    "iam:UpdateLoginProfile",
    "sts:AssumeRole",
)
"""Ways to become somebody else, or to move the boundary: a person does that by hand."""

_READING = ("Describe", "Get", "List")

_SERVICES = {"kms", "s3"}
"""Where backups are: in none of them can a role make credentials, or a role, but by a grant."""

_WITHOUT_RESOURCE = {
    "cloudtrail:DescribeTrails": None,
    "cloudwatch:DescribeAlarms": None,
    "cloudwatch:PutMetricData": "cloudwatch:namespace",
    "kms:ListAliases": None,
    "sns:GetSubscriptionAttributes": None,
}
"""Actions that AWS lets nobody limit to some resources, and what limits them instead.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/
"""

_REWRITTEN = (ACCESS_LOGS, INDEX, STATUS, TRAIL, WAL)
"""Where objects are that must be rewritten: only in an operations bucket, and never a backup."""

_LONGEST_SESSION_SECONDS = 3 * 60 * 60
_OBJECT = re.compile(r"arn:aws[\w-]*:s3:::(?P<bucket>[^/*?]+)/(?P<key>.*)")


def _for(*purposes: str) -> Callable[[Resource, Stack], bool]:
    """Whether the permissions are of a role with one of these purposes."""
    return lambda policy, _: _purpose(policy) in purposes


def _for_backups(policy: Resource, _: Stack) -> bool:
    return _purpose(policy) not in {"deploy", "preview"}


def _purpose(policy: Resource) -> str:
    """The last part of the name of the role; nothing for what is no permission of a role."""
    return (policy.get("role") or "").rpartition("-")[2] if policy.type == PERMISSIONS else ""


def _tokens_for_aws(provider: Resource) -> Findings:
    if listed(provider.get("clientIdLists")) != [_AUDIENCE]:
        yield f"its audiences are not {_AUDIENCE} alone"


def _named_principals(role: Resource) -> Findings:
    for each in statements(role, "assumeRolePolicy"):
        if not each.allows:
            continue
        everyone = [name for name in chain(*each.principals.values()) if "*" in name]
        accounts = [name for name in each.principals.get("AWS", []) if _WHOLE_ACCOUNT.match(name)]
        for name in everyone + accounts:
            yield f"it may be taken by {name}"
        if not each.principals:
            yield "it does not say who may take it"


def _exact_workflow(role: Resource) -> Findings:
    for each in statements(role, "assumeRolePolicy"):
        if not (each.allows and each.covers("sts:AssumeRoleWithWebIdentity")):
            continue
        if each.condition_values("StringEquals", f"{_ISSUER}:aud") != [_AUDIENCE]:
            yield f"tokens need not be for {_AUDIENCE}"
        subjects = each.condition_values("StringEquals", f"{_ISSUER}:sub")
        for subject in subjects:
            if not _SUBJECT.fullmatch(subject):
                yield f"the subject {subject} is not one repository and environment"
        if {"@" in subject for subject in subjects} != {True, False}:
            yield "the subjects are not given in both forms, by names and by numbers"


def _on_behalf(role: Resource) -> Findings:
    for each in statements(role, "assumeRolePolicy"):
        if each.allows and "Service" in each.principals:
            operators = {key for keys in each.condition.values() for key in keys}
            for key in ("aws:SourceAccount", "aws:SourceArn"):
                if key not in operators:
                    yield f"no condition limits {key}"


def _named_actions(policy: Resource) -> Findings:
    for each in statements(policy, "policy"):
        if each.allows and each.not_actions:
            yield "it allows everything but what it lists"
        for action in each.actions if each.allows else ():
            if action.partition(":")[2] in {"", "*"}:
                yield f"it allows {action}"


def _named_resources(policy: Resource) -> Findings:
    for each in statements(policy, "policy"):
        if each.allows and ("*" in each.resources or each.not_resources or not each.resources):
            loose = [action for action in each.actions if not _limited_otherwise(each, action)]
            if loose or each.not_actions:
                yield f"it allows {', '.join(loose or ['all the rest'])} on every resource"


def _limited_otherwise(statement: Statement, action: str) -> bool:
    if action not in _WITHOUT_RESOURCE:
        return False
    key = _WITHOUT_RESOURCE[action]
    return key is None or bool(statement.condition_values("StringEquals", key))


def _no_escalation(policy: Resource) -> Findings:
    document = statements(policy, "policy")
    for each in document:
        for action in each.actions if each.allows else ():
            harmless = _limited_otherwise(each, action)
            if action.partition(":")[0].lower() not in _SERVICES and not harmless:
                yield f"it allows {action}"
    for action in allowed(document, ("kms:CreateGrant",)):
        yield f"it allows {action}"


def _no_destruction(policy: Resource) -> Findings:
    return [f"it allows {action}" for action in allowed(statements(policy, "policy"), DESTRUCTION)]


def _no_destruction_by_deployment(policy: Resource) -> Findings:
    document = statements(policy, "policy")
    return [f"it allows {action}" for action in allowed(document, DESTRUCTION_BY_DEPLOYMENT)]


def _reads_settings_alone(policy: Resource) -> Findings:
    document = statements(policy, "policy")
    for each in document:
        for action in each.actions if each.allows else ():
            if not action.partition(":")[2].startswith(_READING):
                yield f"it allows {action}"
    for action in allowed(document, ("kms:Decrypt", "s3:GetObject", "s3:GetObjectVersion")):
        yield f"it allows {action}"


def _roles_below_boundary(policy: Resource) -> Findings:
    document = statements(policy, "policy")
    for each in (each for each in document if each.allows):
        for action in _MAKES_ROLES:
            if each.covers(action) and not each.condition_values(
                "StringEquals", "iam:PermissionsBoundary"
            ):
                yield f"it allows {action} without a boundary"
        if each.covers("iam:PassRole") and not each.condition_values(
            "StringEquals", "iam:PassedToService"
        ):
            yield "it may pass a role to any service"
    for action in allowed(document, _NEVER_BY_DEPLOYMENT):
        yield f"it allows {action}"
    own = f"role/neonhub-backup/{policy.get('role')}"
    for action in ("iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy"):
        if not any(_denies_on(each, action, own) for each in document):
            yield f"nothing denies it {action} on itself"


def _denies_on(statement: Statement, action: str, ending: str) -> bool:
    return (
        not statement.allows
        and not statement.condition
        and statement.covers(action)
        and any(each == "*" or each.endswith(ending) for each in statement.resources)
    )


def _bounded(identity: Resource) -> Findings:
    # Not known before the boundary is made, and enough that there is one.
    if "permissionsBoundary" not in identity.inputs:
        yield "it has no permissionsBoundary"


def _bounded_role(identity: Resource, _: Stack) -> bool:
    return not (identity.get("name") or "").endswith(("-deploy", "-preview"))


def _short_session(role: Resource) -> Findings:
    if (role.get("maxSessionDuration") or 0) > _LONGEST_SESSION_SECONDS:
        yield f"its sessions may last {role.get('maxSessionDuration')} s"


def _only_backup_has_a_key(key: Resource, stack: Stack) -> Findings:
    users = [each for each in stack if each.type == USER and each.get("name") == key.get("user")]
    if not users:
        yield "it is of a user that is not in the stack"
    for user in users:
        if not user.get("name").endswith("-backup") or "permissionsBoundary" not in user.inputs:
            yield f"it is of {user.get('name')}"


def _boundary(document: Resource, _: Stack) -> bool:
    return (document.get("name") or "").endswith("-boundary")


def _ends(boundary: Resource, stack: Stack) -> Findings:
    document = statements(boundary, "policy")
    for action in (*DESTRUCTION, "iam:CreateRole", "iam:PutRolePolicy", "sts:AssumeRole"):
        if any(each.allows and each.covers(action) for each in document):
            yield f"it reaches {action}"
    buckets = {each.get("bucket") for each in backup_buckets(stack)}
    for each in document:
        if each.allows and each.covers("s3:PutObject") and not _makes_only_new(each):
            for bucket in sorted(buckets):
                if any(fnmatchcase(f"arn:aws:s3:::{bucket}/db/", arn) for arn in each.resources):
                    yield f"it lets roles overwrite what is in {bucket}"


def _no_overwriting(policy: Resource) -> Findings:
    for each in statements(policy, "policy"):
        if each.allows and each.covers("s3:PutObject") and not _makes_only_new(each):
            for arn in each.resources or ["*"]:
                found = _OBJECT.fullmatch(arn)
                if not found or not found["key"].startswith(_REWRITTEN):
                    yield f"it allows s3:PutObject for objects that exist in {arn}"


def _grants(policy: Resource, _: Stack) -> bool:
    """Whether it gives something: a boundary only limits."""
    if policy.type == PERMISSIONS:
        return _for_backups(policy, ())
    return policy.type == POLICY or not _boundary(policy, ())


def _makes_only_new(statement: Statement) -> bool:
    return "false" in (
        *statement.condition_values("Null", "s3:if-none-match"),
        *statement.condition_values("Bool", "s3:ObjectCreationOperation"),
    )


RULES = (
    Rule(
        name="tokens-are-for-aws-alone",
        meaning="A token that a workflow gave to some other service would open this account too:"
        " list sts.amazonaws.com as the only audience.",
        types=(PROVIDER,),
        check=alone(_tokens_for_aws),
    ),
    Rule(
        name="role-names-who-takes-it",
        meaning="Everybody, or everything in an account, could become this role: name the one"
        " service or provider that takes it.",
        answers=("CKV_AWS_60", "CKV_AWS_61"),
        types=(ROLE,),
        check=alone(_named_principals),
    ),
    Rule(
        name="workflow-trust-is-exact",
        meaning="Runs of other repositories, branches or environments could take the role: compare"
        " aud and sub by StringEquals, with both forms of one repository and environment.",
        answers=("CKV_AWS_358", "CKV_AWS_393"),
        types=(ROLE,),
        check=alone(_exact_workflow),
    ),
    Rule(
        name="service-acts-for-this-account-alone",
        meaning="The service could be talked into using the role by another account: add conditions"
        " on aws:SourceAccount and aws:SourceArn.",
        types=(ROLE,),
        check=alone(_on_behalf),
    ),
    Rule(
        name="identity-has-a-boundary",
        meaning="One changed policy would make the identity an administrator: set the stack's"
        " permissions boundary; only -deploy and -preview, which rules of their own limit, do"
        " without.",
        types=(ROLE, USER),
        about=_bounded_role,
        check=alone(_bounded),
    ),
    Rule(
        name="session-is-short",
        meaning="Stolen credentials would work for longer than any run needs them: set"
        " maxSessionDuration to 3 hours or less.",
        types=(ROLE,),
        check=alone(_short_session),
    ),
    Rule(
        name="boundary-ends-what-roles-may-do",
        meaning="A changed role could end backups, overwrite them or become another: take the"
        " action out of what the boundary allows.",
        types=(DOCUMENT,),
        about=_boundary,
        check=_ends,
        looks_around=True,
    ),
    Rule(
        name="stored-keys-can-only-add",
        meaning="A key that never expires would read or end backups for whoever copies it: set"
        " staticKeys to false, or give the key to the backup user below the boundary alone.",
        types=(ACCESS_KEY,),
        check=_only_backup_has_a_key,
        looks_around=True,
    ),
    Rule(
        name="preview-only-reads-settings",
        meaning="Every pull request runs with this role, so whoever opens one could change the"
        " stack or read backups: allow reading of settings alone, and deny objects and keys.",
        types=(PERMISSIONS,),
        about=_for("preview"),
        check=alone(_reads_settings_alone),
    ),
    Rule(
        name="deployment-cannot-destroy",
        meaning="Whoever merges a change could read or end all backups: take the permission away,"
        " and let a person do by hand what ends backups.",
        types=(PERMISSIONS,),
        about=_for("deploy"),
        check=alone(_no_destruction_by_deployment),
    ),
    Rule(
        name="deployment-stays-below-the-boundary",
        meaning="Whoever merges a change could make a role that may do everything: allow roles and"
        " their policies only with the boundary, and nothing of its own.",
        answers=("CKV_AWS_110", "CKV_AWS_286"),
        types=(PERMISSIONS,),
        about=_for("deploy"),
        check=alone(_roles_below_boundary),
    ),
    Rule(
        name="role-names-its-actions",
        meaning="The role can do what nobody reviewed, and more with every feature that AWS adds:"
        " list the actions that it needs.",
        answers=("CKV_AWS_62", "CKV_AWS_63", "IAM.1"),
        types=(PERMISSIONS, DOCUMENT),
        check=alone(_named_actions),
    ),
    Rule(
        name="role-names-its-resources",
        meaning="A thief could read or write in every bucket and with every key of the account:"
        " name the resources that the role needs.",
        answers=(
            "CKV_AWS_108",
            "CKV_AWS_109",
            "CKV_AWS_111",
            "CKV_AWS_288",
            "CKV_AWS_289",
            "CKV_AWS_290",
            "CKV_AWS_355",
            "CKV_AWS_356",
            "KMS.1",
            "KMS.2",
        ),
        types=(PERMISSIONS, DOCUMENT),
        check=alone(_named_resources),
    ),
    Rule(
        name="role-stays-what-it-is",
        meaning="A thief could make credentials, or a stronger role, out of this one: allow actions"
        " of S3 and KMS alone, metrics of one namespace, and no grants.",
        answers=("CKV_AWS_107", "CKV_AWS_110", "CKV_AWS_286", "CKV_AWS_287"),
        types=(PERMISSIONS, DOCUMENT),
        about=_for_backups,
        check=alone(_no_escalation),
    ),
    Rule(
        name="nobody-can-delete",
        meaning="Whoever steals this identity could end the backups, or what guards them: remove"
        " the permission, and let lifecycle rules expire backups.",
        types=(PERMISSIONS, DOCUMENT, POLICY),
        about=_for_backups,
        check=alone(_no_destruction),
    ),
    Rule(
        name="nobody-can-overwrite",
        meaning="Whoever steals this identity could replace a backup by rubbish: allow s3:PutObject"
        " only where s3:if-none-match is present, for parts, or below the prefixes of an operations"
        " bucket, such as index/.",
        types=(PERMISSIONS, DOCUMENT, POLICY),
        about=_grants,
        check=alone(_no_overwriting),
    ),
)
