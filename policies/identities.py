"""Rules for roles: who may take them, and what they may never do."""

import re
from itertools import chain

from policies.buckets import PERMISSIONS, POLICY
from policies.documents import Statement, allowed, statements
from policies.model import Findings, Resource, Rule, alone, listed

PROVIDER = "aws:iam/openIdConnectProvider:OpenIdConnectProvider"
ROLE = "aws:iam/role:Role"

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

_SERVICES = {"kms", "s3"}
"""Where backups are: in none of them can a role make credentials, or a role, but by a grant."""


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
            yield f"it allows {', '.join(each.actions)} on every resource"


def _no_escalation(policy: Resource) -> Findings:
    document = statements(policy, "policy")
    for each in document:
        for action in each.actions if each.allows else ():
            if action.partition(":")[0].lower() not in _SERVICES:
                yield f"it allows {action}"
    for action in allowed(document, ("kms:CreateGrant",)):
        yield f"it allows {action}"


def _no_destruction(policy: Resource) -> Findings:
    return [f"it allows {action}" for action in allowed(statements(policy, "policy"), DESTRUCTION)]


def _no_overwriting(policy: Resource) -> Findings:
    for each in statements(policy, "policy"):
        if each.allows and each.covers("s3:PutObject") and not _makes_only_new(each):
            yield "it allows s3:PutObject for objects that exist"


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
        name="role-names-its-actions",
        meaning="The role can do what nobody reviewed, and more with every feature that AWS adds:"
        " list the actions that it needs.",
        answers=("CKV_AWS_62", "CKV_AWS_63", "IAM.1"),
        types=(PERMISSIONS,),
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
            "KMS.2",
        ),
        types=(PERMISSIONS,),
        check=alone(_named_resources),
    ),
    Rule(
        name="role-stays-what-it-is",
        meaning="A thief could make credentials, or a stronger role, out of this one: allow actions"
        " of S3 and KMS alone, and no grants.",
        answers=("CKV_AWS_107", "CKV_AWS_110", "CKV_AWS_286", "CKV_AWS_287"),
        types=(PERMISSIONS,),
        check=alone(_no_escalation),
    ),
    Rule(
        name="nobody-can-delete",
        meaning="Whoever steals this identity could end the backups, or what guards them: remove"
        " the permission, and let lifecycle rules expire backups.",
        types=(PERMISSIONS, POLICY),
        check=alone(_no_destruction),
    ),
    Rule(
        name="nobody-can-overwrite",
        meaning="Whoever steals this identity could replace a backup by rubbish: allow s3:PutObject"
        " only where s3:if-none-match is present, or for parts.",
        types=(PERMISSIONS, POLICY),
        check=alone(_no_overwriting),
    ),
)
