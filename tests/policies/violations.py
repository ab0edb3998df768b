"""For every rule, the least that breaks it: one input changed in the resources of production."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from policies.model import Resource

if TYPE_CHECKING:
    from collections.abc import Mapping

ARN = "arn:aws:s3:::neonhub-production-backups"
ISSUER = "token.actions.githubusercontent.com"
NAMED = "repo:neonhub/neonhub:environment:production-backup"
NUMBERED = "repo:neonhub@1/neonhub@1:environment:production-backup"


@dataclass(frozen=True, kw_only=True)
class Violation:
    """A change to one resource, and what a rule finds then."""

    rule: str
    changed: str
    """Name of the resource that is changed."""
    inputs: dict[str, Any]
    """Inputs by their paths, with dots, and a list's entries by their numbers."""
    finds: str
    resource: str = ""
    """Name of the resource that the rule names, when it is another one."""

    @property
    def named(self) -> str:
        """Name of the resource that the rule names."""
        return self.resource or self.changed

    def applied(self, stack: list[Resource]) -> list[Resource]:
        """The stack with the change."""
        assert self.changed in {each.name for each in stack}
        return [self._changed(each) if each.name == self.changed else each for each in stack]

    def _changed(self, resource: Resource) -> Resource:
        if not resource.inputs:
            return resource
        inputs: Any = resource.inputs
        for path, value in self.inputs.items():
            inputs = _with(inputs, path.split("."), value)
        return replace(resource, inputs=inputs)


def _with(value: Any, path: list[str], new: Any) -> Any:
    if not path:
        return new
    key, *rest = path
    if isinstance(value, list):
        entries = cast("list[Any]", value)
        return [
            _with(each, rest, new) if str(index) == key else each
            for index, each in enumerate(entries)
        ]
    entries = cast("Mapping[str, Any]", value)
    return {**entries, key: _with(entries.get(key, {}), rest, new)}


def document(**statement: Any) -> dict[str, Any]:
    """A policy of one statement that allows something, unless it says otherwise."""
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]}


def trust(subjects: Any, audience: str = "sts.amazonaws.com") -> dict[str, Any]:
    """A trust in workflows."""
    return document(
        Principal={"Federated": "arn"},
        Action="sts:AssumeRoleWithWebIdentity",
        Condition={"StringEquals": {f"{ISSUER}:aud": audience, f"{ISSUER}:sub": subjects}},
    )


def permission(action: str, condition: dict[str, Any] | None = None) -> dict[str, Any]:
    """A permission of a role, as the input that holds it."""
    return {"policy": document(Action=action, Resource=ARN, Condition=condition or {})}


ROLE = "aws-backup-permissions"
DESTINATION = "rules.0.destination"
WORKFLOW = "files-db-backup-production.yml"

VIOLATIONS = (
    *(
        Violation(
            rule="bucket-is-guarded",
            changed=f"aws-primary-{guard}",
            inputs={"bucket": "another"},
            resource="aws-primary-bucket",
            finds=f"it has 0 of what sets its {what}, and needs 1",
        )
        for guard, what in (
            ("private", "public access block"),
            ("ownership", "ownership controls"),
            ("policy", "policy"),
            ("encryption", "encryption"),
            ("versioning", "versioning"),
        )
    ),
    Violation(
        rule="bucket-has-one-lifecycle",
        changed="aws-replica-lifecycle",
        inputs={"bucket": "neonhub-production-backups"},
        resource="aws-primary-bucket",
        finds="it has 2 lifecycle configurations, and needs 1",
    ),
    Violation(
        rule="bucket-has-one-lifecycle",
        changed="aws-replica-lifecycle",
        inputs={"bucket": "neonhub-production-backups"},
        resource="aws-replica-bucket",
        finds="it has 0 lifecycle configurations, and needs 1",
    ),
    Violation(
        rule="bucket-is-locked",
        changed="aws-primary-bucket",
        inputs={"objectLockEnabled": False},
        finds="its object lock is off",
    ),
    Violation(
        rule="bucket-is-locked",
        changed="aws-primary-lock",
        inputs={"bucket": "another"},
        resource="aws-primary-bucket",
        finds="no configuration locks what arrives without a lock of its own",
    ),
    Violation(
        rule="protected-bucket-keeps-its-objects",
        changed="aws-primary-bucket",
        inputs={"forceDestroy": True},
        finds="it is protected, but its objects may be destroyed with it",
    ),
    *(
        Violation(
            rule="bucket-is-private",
            changed="aws-replica-private",
            inputs={door: False},
            finds=f"{door} is not true",
        )
        for door in (
            "blockPublicAcls",
            "blockPublicPolicy",
            "ignorePublicAcls",
            "restrictPublicBuckets",
        )
    ),
    Violation(
        rule="bucket-ignores-acls",
        changed="aws-primary-ownership",
        inputs={"rule.objectOwnership": "ObjectWriter"},
        finds="objectOwnership is not BucketOwnerEnforced",
    ),
    Violation(
        rule="bucket-refuses-plain-http",
        changed="aws-primary-policy",
        inputs={
            "policy": document(
                Effect="Deny",
                Principal="*",
                Action="s3:*",
                Resource=ARN,
                Condition={"Bool": {"aws:SecureTransport": "false"}},
            )
        },
        finds=f"requests to {ARN}/* may come without TLS",
    ),
    *(
        Violation(
            rule="bucket-policy-names-principals",
            changed="aws-primary-policy",
            inputs={"policy": document(**who, Action="s3:GetObject", Resource=f"{ARN}/*")},
            finds="it allows everybody s3:GetObject",
        )
        for who in ({"Principal": "*"}, {"Principal": {"AWS": "*"}}, {"NotPrincipal": {"AWS": "a"}})
    ),
    Violation(
        rule="bucket-has-its-own-key",
        changed="aws-primary-encryption",
        inputs={"rules.0.applyServerSideEncryptionByDefault.sseAlgorithm": "AES256"},
        finds="its algorithm is not aws:kms",
    ),
    Violation(
        rule="bucket-has-its-own-key",
        changed="aws-primary-encryption",
        inputs={"rules.0.applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms"}},
        finds="it names no key",
    ),
    Violation(
        rule="bucket-has-its-own-key",
        changed="aws-primary-encryption",
        inputs={"rules": []},
        finds="it has no rule",
    ),
    Violation(
        rule="bucket-key-is-off",
        changed="aws-primary-encryption",
        inputs={"rules.0.bucketKeyEnabled": True},
        finds="bucketKeyEnabled is true",
    ),
    Violation(
        rule="bucket-keeps-versions",
        changed="aws-primary-versioning",
        inputs={"versioningConfiguration.status": "Suspended"},
        finds="its status is not Enabled",
    ),
    *(
        Violation(
            rule="lifecycle-gives-up-unfinished-uploads",
            changed="aws-primary-lifecycle",
            inputs=change,
            finds="no enabled rule for all objects aborts incomplete uploads",
        )
        for change in (
            {"rules.0.status": "Disabled"},
            {"rules.0.filter.prefix": "db/daily/"},
            {"rules.0.abortIncompleteMultipartUpload": None},
        )
    ),
    Violation(
        rule="lifecycle-removes-what-it-hides",
        changed="aws-primary-lifecycle",
        inputs={"rules.1.noncurrentVersionExpiration": {}},
        finds="its rule expire-annual hides objects and keeps them",
    ),
    Violation(
        rule="lock-ends-before-expiry",
        changed="aws-primary-lock",
        inputs={"rule.defaultRetention.days": 2},
        finds="it locks for 2 days what expire-hourly expires after 1",
    ),
    Violation(
        rule="lock-ends-before-expiry",
        changed="aws-primary-lock",
        inputs={"rule.defaultRetention": {"mode": "COMPLIANCE", "years": 1}},
        finds="it has no default period in days",
    ),
    *(
        Violation(
            rule="lock-ends-before-expiry",
            changed=ROLE,
            inputs=permission("s3:PutObjectRetention", condition),
            finds="it may lock for longer than the 2557 days that anything is kept",
        )
        for condition in (
            None,
            {"NumericLessThanEquals": {"s3:object-lock-remaining-retention-days": "2559"}},
        )
    ),
    *(
        Violation(
            rule="bucket-is-copied-to-another-region",
            changed=changed,
            inputs=change,
            resource="aws-primary-bucket",
            finds="no enabled rule copies all of it to, or from, a bucket in another region",
        )
        for changed, change in (
            ("aws-replication-configuration", {"rules.0.status": "Disabled"}),
            ("aws-replication-configuration", {"rules.0.filter.prefix": "db/daily/"}),
            ("aws-replication-configuration", {"bucket": "another"}),
            ("aws-replica-bucket", {"region": "us-east-1"}),
        )
    ),
    *(
        Violation(
            rule="copies-arrive-in-time",
            changed="aws-replication-configuration",
            inputs=change,
            finds="its rule everything lets copies take over 15 min",
        )
        for change in (
            {f"{DESTINATION}.replicationTime": None},
            {f"{DESTINATION}.replicationTime.status": "Disabled"},
            {f"{DESTINATION}.replicationTime.time.minutes": 60},
        )
    ),
    Violation(
        rule="copies-arrive-in-time",
        changed="aws-replication-configuration",
        inputs={f"{DESTINATION}.metrics.status": "Disabled"},
        finds="its rule everything measures nothing",
    ),
    Violation(
        rule="copies-are-encrypted",
        changed="aws-replication-configuration",
        inputs={"rules.0.sourceSelectionCriteria": {}},
        finds="its rule everything skips encrypted objects, which all are",
    ),
    Violation(
        rule="copies-are-encrypted",
        changed="aws-replication-configuration",
        inputs={f"{DESTINATION}.encryptionConfiguration": {}},
        finds="its rule everything names no key for the copies",
    ),
    Violation(
        rule="deletions-are-not-copied",
        changed="aws-replication-configuration",
        inputs={"rules.0.deleteMarkerReplication.status": "Enabled"},
        finds="its rule everything copies delete markers",
    ),
    Violation(
        rule="key-rotates",
        changed="aws-replica-key",
        inputs={"enableKeyRotation": False},
        finds="enableKeyRotation is not true",
    ),
    Violation(
        rule="key-policy-names-principals",
        changed="aws-primary-key",
        inputs={"policy": None},
        finds="it has no policy",
    ),
    Violation(
        rule="key-policy-names-principals",
        changed="aws-primary-key",
        inputs={"policy": document(Principal={"AWS": "*"}, Action="kms:Decrypt", Resource="*")},
        finds="it allows everybody kms:Decrypt",
    ),
    Violation(
        rule="key-deletion-waits",
        changed="aws-primary-key",
        inputs={"deletionWindowInDays": 7},
        finds="deletionWindowInDays is not 30",
    ),
    Violation(
        rule="tokens-are-for-aws-alone",
        changed="aws-github",
        inputs={"clientIdLists": ["sts.amazonaws.com", "https://github.com/neonhub"]},
        finds="its audiences are not sts.amazonaws.com alone",
    ),
    *(
        Violation(
            rule="role-names-who-takes-it",
            changed="aws-replication-role",
            inputs={"assumeRolePolicy": document(Principal=who, Action="sts:AssumeRole")},
            finds=f"it may be taken by {name}",
        )
        for who, name in (
            ("*", "*"),
            ({"Service": "*"}, "*"),
            ({"AWS": "123456789012"}, "123456789012"),
            ({"AWS": "arn:aws:iam::123456789012:root"}, "arn:aws:iam::123456789012:root"),
        )
    ),
    Violation(
        rule="role-names-who-takes-it",
        changed="aws-backup",
        inputs={"assumeRolePolicy": document(Action="sts:AssumeRoleWithWebIdentity")},
        finds="it does not say who may take it",
    ),
    *(
        Violation(
            rule="workflow-trust-is-exact",
            changed="aws-backup",
            inputs={"assumeRolePolicy": trust([NUMBERED, subject])},
            finds=f"the subject {subject} is not one repository and environment",
        )
        for subject in (
            "repo:neonhub/neonhub:*",
            "repo:neonhub/*:environment:production-backup",
            "repo:neonhub/neonhub:ref:refs/heads/main",
            "*",
        )
    ),
    *(
        Violation(
            rule="workflow-trust-is-exact",
            changed="aws-backup",
            inputs={"assumeRolePolicy": trust(subjects)},
            finds="the subjects are not given in both forms, by names and by numbers",
        )
        for subjects in (NAMED, [NUMBERED], [])
    ),
    Violation(
        rule="workflow-trust-is-exact",
        changed="aws-backup",
        inputs={"assumeRolePolicy": trust([NAMED, NUMBERED], audience="https://github.com")},
        finds="tokens need not be for sts.amazonaws.com",
    ),
    *(
        Violation(
            rule="service-acts-for-this-account-alone",
            changed="aws-replication-role",
            inputs={
                "assumeRolePolicy": document(
                    Principal={"Service": "s3.amazonaws.com"},
                    Action="sts:AssumeRole",
                    Condition={"StringEquals": {other: "a value"}},
                )
            },
            finds=f"no condition limits {key}",
        )
        for key, other in (
            ("aws:SourceArn", "aws:SourceAccount"),
            ("aws:SourceAccount", "aws:SourceArn"),
        )
    ),
    *(
        Violation(
            rule="role-names-its-actions",
            changed=ROLE,
            inputs=permission(action),
            finds=f"it allows {action}",
        )
        for action in ("*", "s3:*")
    ),
    Violation(
        rule="role-names-its-actions",
        changed=ROLE,
        inputs={"policy": document(NotAction="s3:DeleteObject", Resource=ARN)},
        finds="it allows everything but what it lists",
    ),
    *(
        Violation(
            rule="role-names-its-resources",
            changed=ROLE,
            inputs={"policy": document(Action="kms:Decrypt", **where)},
            finds="it allows kms:Decrypt on every resource",
        )
        for where in ({"Resource": "*"}, {"Resource": [ARN, "*"]}, {"NotResource": ARN}, {})
    ),
    *(
        Violation(
            rule="role-stays-what-it-is",
            changed=ROLE,
            inputs=permission(action),
            finds=f"it allows {action}",
        )
        for action in ("iam:PassRole", "iam:Create*", "sts:AssumeRole", "kms:CreateGrant", "*")
    ),
    *(
        Violation(
            rule="nobody-can-delete",
            changed=ROLE,
            inputs=permission(action),
            finds=f"it allows {found}",
        )
        for action, found in (
            ("s3:DeleteObject", "s3:DeleteObject"),
            ("s3:Delete*", "s3:DeleteObjectVersion"),
            ("S3:deleteobject", "s3:DeleteObject"),
            ("s3:BypassGovernanceRetention", "s3:BypassGovernanceRetention"),
            ("s3:PutLifecycleConfiguration", "s3:PutLifecycleConfiguration"),
            ("s3:PutBucketVersioning", "s3:PutBucketVersioning"),
            ("s3:ReplicateDelete", "s3:ReplicateDelete"),
            ("kms:*", "kms:ScheduleKeyDeletion"),
        )
    ),
    Violation(
        rule="nobody-can-delete",
        changed="aws-primary-policy",
        inputs={
            "policy": document(
                Principal={"AWS": "arn:aws:iam::123456789012:role/someone"},
                Action="s3:DeleteObject",
                Resource=f"{ARN}/*",
            )
        },
        finds="it allows s3:DeleteObject",
    ),
    *(
        Violation(
            rule="nobody-can-overwrite",
            changed=ROLE,
            inputs=permission("s3:PutObject", condition),
            finds="it allows s3:PutObject for objects that exist",
        )
        for condition in (None, {"Null": {"s3:if-none-match": "true"}})
    ),
    Violation(
        rule="environment-has-no-exceptions",
        changed="backup-environment",
        inputs={"canAdminsBypass": True},
        finds="administrators may bypass it",
    ),
    Violation(
        rule="environment-has-no-exceptions",
        changed="backup-environment",
        inputs={"deploymentBranchPolicy": None},
        finds="every branch may enter it",
    ),
    Violation(
        rule="environment-admits-exact-branches",
        changed="backup-branch",
        inputs={"branchPattern": "release/*"},
        finds="its branches are release/*",
    ),
    *(
        Violation(
            rule="actions-are-pinned",
            changed=WORKFLOW,
            inputs={"content": f"jobs: {{a: {{steps: [{{uses: '{action}'}}]}}}}"},
            finds=f"it uses {action}",
        )
        for action in ("actions/checkout@v6", "actions/checkout@de0fac2", "docker://alpine:3")
    ),
    Violation(
        rule="workflow-begins-without-permissions",
        changed=WORKFLOW,
        inputs={"content": "jobs: {}"},
        finds="its jobs begin with permissions",
    ),
    Violation(
        rule="workflow-begins-without-permissions",
        changed=WORKFLOW,
        inputs={"content": "{permissions: {}, jobs: {a: {permissions: write-all}}}"},
        finds="a job has the permissions write-all",
    ),
    *(
        Violation(
            rule="secrets-are-not-in-plain-inputs",
            changed="backup-aws-region",
            inputs={"value": value},
            finds=f"value holds {what}",
        )
        for value, what in (
            ("postgresql://neonhub:hush@example.org/neonhub", "a connection string"),
            ("-----BEGIN PGP PRIVATE KEY BLOCK-----", "a private key"),
            ("AKIA" + "A" * 16, "an AWS access key"),
            ("ghp_" + "a" * 36, "a GitHub token"),
            ("napi_" + "a" * 60, "a Neon API key"),
            ("[secret]", "a secret of the configuration"),
        )
    ),
)
