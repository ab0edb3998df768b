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
    without: tuple[str, ...] = ()
    """Inputs that are taken away."""
    protect: bool | None = None
    """Whether the resource is protected then. None: as before."""
    added: tuple[Resource, ...] = ()
    """Resources that no stack has by default, and without which there is nothing to break."""

    @property
    def named(self) -> str:
        """Name of the resource that the rule names."""
        return self.resource or self.changed

    def applied(self, stack: list[Resource]) -> list[Resource]:
        """The stack with the change."""
        whole = [*stack, *self.added]
        assert self.changed in {each.name for each in whole}
        return [self._changed(each) if each.name == self.changed else each for each in whole]

    def _changed(self, resource: Resource) -> Resource:
        if not resource.inputs:
            return resource
        inputs: Any = resource.inputs
        for path, value in self.inputs.items():
            inputs = _with(inputs, path.split("."), value)
        inputs = {key: value for key, value in inputs.items() if key not in self.without}
        protect = resource.protect if self.protect is None else self.protect
        return replace(resource, inputs=inputs, protect=protect)


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


def cases(*each: tuple[Any, ...]) -> tuple[tuple[Any, ...], ...]:
    """Whatever a violation is made of, several times."""
    return each


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
        inputs={"rules.3.noncurrentVersionExpiration": {}},
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
            finds="it may lock for longer than the 2557 days that anything is kept there",
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
    Violation(
        rule="lock-ends-before-expiry",
        changed=ROLE,
        inputs={
            "policy": document(
                Action="s3:PutObjectRetention",
                Resource=f"{ARN}/db/daily/*",
                Condition={
                    "NumericLessThanEquals": {"s3:object-lock-remaining-retention-days": "365"}
                },
            )
        },
        finds="it may lock for longer than the 30 days that anything is kept there",
    ),
    Violation(
        rule="bucket-is-encrypted",
        changed="aws-primary-operations-encryption",
        inputs={"rules": []},
        finds="it has no rule",
    ),
    Violation(
        rule="bucket-is-encrypted",
        changed="aws-primary-operations-encryption",
        inputs={"rules.0.applyServerSideEncryptionByDefault": {}},
        finds="it names no algorithm",
    ),
    *(
        Violation(
            rule="bucket-is-logged",
            changed="aws-primary-logging",
            inputs=change,
            resource="aws-primary-bucket",
            finds=finds,
        )
        for change, finds in (
            ({"bucket": "another"}, "0 of what sets its access log, and it needs 1"),
            ({"targetBucket": "neonhub-production-backups"}, "it logs to itself"),
            ({"targetPrefix": "wal/"}, "its log is not below access-logs/, where it expires"),
        )
    ),
    Violation(
        rule="bucket-refuses-deletion",
        changed="aws-primary-policy",
        inputs={
            "policy": document(
                Effect="Deny",
                Principal="*",
                Action="s3:DeleteObject*",
                Resource=[ARN, f"{ARN}/*"],
            )
        },
        finds="nothing denies everybody s3:BypassGovernanceRetention",
    ),
    Violation(
        rule="bucket-refuses-deletion",
        changed="aws-primary-policy",
        inputs={
            "policy": document(
                Effect="Deny",
                Principal="*",
                Action=["s3:BypassGovernanceRetention", "s3:DeleteObject*"],
                Resource=f"{ARN}/*",
                Condition={"Bool": {"aws:MultiFactorAuthPresent": "false"}},
            )
        },
        finds="nothing denies everybody s3:BypassGovernanceRetention",
    ),
    Violation(
        rule="bucket-is-administered-here-alone",
        changed="aws-primary-policy",
        inputs={
            "policy": document(
                Principal={"AWS": "arn:aws:iam::210987654321:role/someone"},
                Action="s3:PutBucket*",
                Resource=ARN,
            )
        },
        finds="it allows s3:PutBucketAcl by a policy of the bucket",
    ),
    Violation(
        rule="young-backups-are-at-hand",
        changed="aws-primary-lifecycle",
        inputs={"rules.0.transitions": [{"days": 7, "storageClass": "GLACIER"}]},
        finds="its rule clean-up moves objects to GLACIER after 7 days",
    ),
    *(
        Violation(
            rule="key-works-for-one-service",
            changed="aws-primary-key",
            inputs={
                "policy": document(
                    Principal={"AWS": "arn"}, Action=action, Resource="*", Condition=condition
                )
            },
            finds="it allows kms:Decrypt without a condition",
        )
        for action, condition in (
            ("kms:*", {}),
            ("kms:Decrypt", {"StringEquals": {"aws:PrincipalAccount": "123456789012"}}),
        )
    ),
    *(
        Violation(
            rule=rule,
            changed=key,
            inputs={},
            protect=False,
            finds=f"it is not protected, and the buckets {which}",
        )
        for rule, key, which in (
            ("key-is-kept-with-its-buckets", "aws-primary-key", "of the stack are"),
            ("gcp-key-is-kept-with-its-buckets", "gcp-key", "that it encrypts are"),
        )
    ),
    *(
        Violation(
            rule="identity-has-a-boundary",
            changed=changed,
            inputs={},
            without=("permissionsBoundary",),
            finds="it has no permissionsBoundary",
        )
        for changed in ("aws-backup", "aws-replication-role")
    ),
    Violation(
        rule="session-is-short",
        changed="aws-backup",
        inputs={"maxSessionDuration": 43200},
        finds="its sessions may last 43200 s",
    ),
    *(
        Violation(
            rule="boundary-ends-what-roles-may-do",
            changed="aws-boundary",
            inputs={"policy": document(Action=action, Resource="*")},
            finds=f"it reaches {found}",
        )
        for action, found in (
            ("s3:*", "s3:DeleteObject"),
            ("iam:*", "iam:CreateRole"),
            ("sts:AssumeRole", "sts:AssumeRole"),
        )
    ),
    Violation(
        rule="boundary-ends-what-roles-may-do",
        changed="aws-boundary",
        inputs={"policy": document(Action="s3:PutObject", Resource=f"{ARN}*/*")},
        finds="it lets roles overwrite what is in neonhub-production-backups",
    ),
    Violation(
        rule="stored-keys-can-only-add",
        changed="key",
        inputs={"user": "neonhub-production-restore"},
        added=(
            Resource(type="aws:iam/accessKey:AccessKey", name="key", inputs={"user": "another"}),
        ),
        finds="it is of a user that is not in the stack",
    ),
    *(
        Violation(
            rule="stored-keys-can-only-add",
            changed="key",
            inputs={"user": name},
            added=(
                Resource(type="aws:iam/accessKey:AccessKey", name="key", inputs={"user": name}),
                Resource(type="aws:iam/user:User", name="user", inputs={"name": name, **bound}),
            ),
            finds=f"it is of {name}",
        )
        for name, bound in (
            ("neonhub-production-restore", {"permissionsBoundary": "arn"}),
            ("neonhub-production-backup", dict[str, str]()),
        )
    ),
    *(
        Violation(
            rule="preview-only-reads-settings",
            changed="aws-preview-permissions",
            inputs=permission(action),
            finds=f"it allows {action}",
        )
        for action in ("s3:PutBucketPolicy", "s3:GetObject", "iam:CreateRole", "kms:Decrypt", "*")
    ),
    *(
        Violation(
            rule="deployment-cannot-destroy",
            changed="aws-deploy-permissions",
            inputs=permission(action),
            finds=f"it allows {found}",
        )
        for action, found in (
            ("s3:DeleteObject", "s3:DeleteObject"),
            ("s3:*", "s3:BypassGovernanceRetention"),
            ("kms:*", "kms:CreateGrant"),
            ("kms:ScheduleKeyDeletion", "kms:ScheduleKeyDeletion"),
            ("cloudtrail:*", "cloudtrail:DeleteTrail"),
            ("s3:GetObject", "s3:GetObject"),
        )
    ),
    *(
        Violation(
            rule="deployment-stays-below-the-boundary",
            changed="aws-deploy-permissions",
            inputs=permission(action, condition),
            finds=finds,
        )
        for action, condition, finds in (
            ("iam:CreateRole", {}, "it allows iam:CreateRole without a boundary"),
            (
                "iam:PutRolePolicy",
                {"StringLike": {"iam:PermissionsBoundary": "*"}},
                "it allows iam:PutRolePolicy without a boundary",
            ),
            ("iam:PassRole", {}, "it may pass a role to any service"),
            ("iam:CreatePolicyVersion", {}, "it allows iam:CreatePolicyVersion"),
            ("iam:CreateAccessKey", {}, "it allows iam:CreateAccessKey"),
            ("s3:CreateBucket", {}, "nothing denies it iam:PutRolePolicy on itself"),
        )
    ),
    Violation(
        rule="role-stays-what-it-is",
        changed=ROLE,
        inputs=permission("cloudwatch:PutMetricData"),
        finds="it allows cloudwatch:PutMetricData",
    ),
    Violation(
        rule="role-names-its-resources",
        changed="aws-deploy-permissions",
        inputs={"policy": document(Action="s3:PutBucketPolicy", Resource="*")},
        finds="it allows s3:PutBucketPolicy on every resource",
    ),
    *(
        Violation(
            rule="nobody-can-overwrite",
            changed=ROLE,
            inputs={"policy": document(Action="s3:PutObject", Resource=where)},
            finds=f"it allows s3:PutObject for objects that exist in {where}",
        )
        for where in (f"{ARN}/db/*", f"{ARN}/*", "arn:aws:s3:::*/index/*", "*", f"{ARN}/i*")
    ),
    Violation(
        rule="environment-admits-exact-branches",
        changed="backup-branch",
        inputs={"branchPattern": "refs/pull/*/merge"},
        finds="its branches are refs/pull/*/merge",
    ),
    Violation(
        rule="environment-admits-exact-branches",
        changed="preview-branch",
        inputs={"branchPattern": "refs/pull/*"},
        finds="its branches are refs/pull/*",
    ),
    Violation(
        rule="environment-admits-exact-branches",
        changed="backup-database-url",
        inputs={"environment": "production-preview"},
        resource="preview-branch",
        finds="every pull request reads DATABASE_URL",
    ),
    *(
        Violation(rule="locked-store-takes-two-people", changed=changed, inputs=change, finds=finds)
        for changed, change, finds in cases(
            ("restore-environment", {"reviewers": []}, "nobody must agree to its runs"),
            ("restore-environment", {"reviewers": [{"waitTimer": 5}]}, "nobody must agree"),
            ("deploy-environment", {"reviewers": None}, "nobody must agree to its runs"),
            (
                "restore-environment",
                {"preventSelfReview": False},
                "whoever starts a run may agree to it",
            ),
        )
    ),
    *(
        Violation(
            rule="private-key-is-where-backups-are-read",
            changed="backup-database-url",
            inputs={"secretName": "NEONHUB_BACKUP_PRIVATE_KEY", "environment": environment},
            finds=f"{environment} holds NEONHUB_BACKUP_PRIVATE_KEY",
        )
        for environment in ("production-backup", "production-deploy", "production-preview")
    ),
    *(
        Violation(
            rule="configuration-holds-public-keys",
            changed="files-production.yaml",
            inputs={"content": f"encryption: {{public_keys: {keys}}}"},
            finds=finds,
        )
        for keys, finds in (
            ("[]", "it names no key, so backups would not be encrypted"),
            ("['-----BEGIN PGP MESSAGE-----']", "it holds something else than a public key"),
        )
    ),
    *(
        Violation(rule=rule, changed="gcp-backups-bucket", inputs=change, finds=finds)
        for rule, change, finds in cases(
            (
                "gcs-bucket-is-private",
                {"publicAccessPrevention": "inherited"},
                "publicAccessPrevention is not enforced",
            ),
            (
                "gcs-bucket-ignores-acls",
                {"uniformBucketLevelAccess": False},
                "uniformBucketLevelAccess is not true",
            ),
            ("gcs-bucket-keeps-versions", {"versioning": None}, "its versioning is off"),
            ("gcs-bucket-has-its-own-key", {"encryption": None}, "it names no key"),
            ("gcs-bucket-is-logged", {"logging": None}, "nothing logs who reads it"),
            (
                "gcs-bucket-is-logged",
                {"logging.logBucket": "neonhub-production-backups"},
                "it logs to itself",
            ),
            (
                "gcs-bucket-is-in-two-regions",
                {"customPlacementConfig": None},
                "its regions are not named",
            ),
            ("gcs-bucket-is-in-two-regions", {"rpo": "DEFAULT"}, "its rpo is not ASYNC_TURBO"),
            (
                "gcs-retention-ends-before-expiry",
                {"retentionPolicy": None},
                "it has no retention policy",
            ),
            (
                "gcs-retention-ends-before-expiry",
                {"retentionPolicy.retentionPeriod": "172800"},
                "it retains for 2 days what expires below db/hourly/ after 1",
            ),
            (
                "gcs-bucket-survives-mistakes",
                {"softDeletePolicy.retentionDurationSeconds": 0},
                "what is deleted is gone in less than 7 days",
            ),
            (
                "gcs-bucket-survives-mistakes",
                {"forceDestroy": True},
                "it is protected, but its objects may be destroyed with it",
            ),
            (
                "gcs-lifecycle-leaves-nothing-hidden",
                {"lifecycleRules": []},
                "no rule for all objects aborts incomplete uploads",
            ),
            (
                "gcs-lifecycle-leaves-nothing-hidden",
                {
                    "lifecycleRules": [
                        {
                            "action": {"type": "Delete"},
                            "condition": {"age": 30, "matchesPrefixes": ["db/daily/"]},
                        }
                    ]
                },
                "no rule for all objects aborts incomplete uploads",
            ),
            (
                "gcs-young-backups-are-cheap-to-read",
                {
                    "lifecycleRules": [
                        {
                            "action": {"type": "SetStorageClass", "storageClass": "ARCHIVE"},
                            "condition": {"age": 7},
                        }
                    ]
                },
                "it moves objects to ARCHIVE after 7 days",
            ),
        )
    ),
    *(
        Violation(rule=rule, changed="gcp-key", inputs=change, finds=finds)
        for rule, change, finds in (
            ("gcp-key-rotates", {"rotationPeriod": None}, "its rotationPeriod is not set"),
            ("gcp-key-rotates", {"rotationPeriod": "7776001s"}, "its rotationPeriod is 7776001s"),
            (
                "gcp-key-deletion-waits",
                {"destroyScheduledDuration": "86400s"},
                "its destroyScheduledDuration is 86400s",
            ),
        )
    ),
    *(
        Violation(
            rule="gcp-grant-is-to-somebody",
            changed=changed,
            inputs={"member": who},
            finds=f"it lets {who} in",
        )
        for changed in ("gcp-backup-read-backups", "gcp-use", "gcp-preview-grant")
        for who in ("allUsers", "allAuthenticatedUsers")
    ),
    *(
        Violation(
            rule="gcp-grant-is-of-a-narrow-role",
            changed=changed,
            inputs={"role": role},
            finds=f"it gives {role}",
        )
        for changed, role in (
            ("gcp-backup-add-backups", "roles/storage.objectAdmin"),
            ("gcp-backup-add-backups", "roles/storage.admin"),
            ("gcp-backup-add-backups", "roles/storage.legacyBucketOwner"),
            ("gcp-deploy-grant", "roles/owner"),
            ("gcp-deploy-grant", "roles/storage.objectCreator"),
            ("gcp-deploy-grant", "roles/iam.serviceAccountTokenCreator"),
            ("gcp-preview-grant", "roles/iam.serviceAccountUser"),
        )
    ),
    *(
        Violation(
            rule="gcp-role-cannot-destroy",
            changed="gcp-add-role",
            inputs={"permissions": ["storage.objects.create", allowed]},
            finds=f"it allows {allowed}",
        )
        for allowed in (
            "storage.objects.delete",
            "storage.objects.update",
            "storage.buckets.setIamPolicy",
            "cloudkms.cryptoKeyVersions.destroy",
            "iam.serviceAccounts.getAccessToken",
            "iam.serviceAccountKeys.create",
        )
    ),
    *(
        Violation(
            rule="gcp-pipeline-never-sees-objects",
            changed=changed,
            inputs={"permissions": [allowed]},
            finds=f"it allows {allowed}",
        )
        for changed, allowed in (
            ("gcp-preview-role", "storage.buckets.update"),
            ("gcp-preview-role", "storage.objects.get"),
            ("gcp-deploy-role", "storage.objects.create"),
        )
    ),
    *(
        Violation(
            rule="gcp-federation-is-exact", changed="gcp-provider", inputs=change, finds=finds
        )
        for change, finds in (
            ({"oidc.issuerUri": "https://example.org"}, "its issuer is https://example.org"),
            (
                {"attributeMapping": {"google.subject": "assertion.sub"}},
                "its subject is not the repository's number and the environment",
            ),
            ({"attributeCondition": None}, "its condition does not name the numbers"),
            (
                {"attributeCondition": 'assertion.repository == "neonhub/neonhub"'},
                "its condition does not name the numbers",
            ),
            (
                {
                    "attributeCondition": 'assertion.repository_owner_id == "1"'
                    ' && assertion.repository_id == "1" || true'
                },
                "its condition does not name the numbers",
            ),
        )
    ),
    Violation(
        rule="gcp-account-trusts-one-environment",
        changed="gcp-backup-trust",
        inputs={
            "member": "principalSet://iam.googleapis.com/pool/attribute.repository_id/1",
        },
        finds="principalSet://iam.googleapis.com/pool/attribute.repository_id/1 is not one",
    ),
    Violation(
        rule="gcp-stored-keys-can-only-add",
        changed="key",
        inputs={"serviceAccountId": "<name of gcp-restore-account>"},
        added=(
            Resource(
                type="gcp:serviceaccount/key:Key",
                name="key",
                inputs={"serviceAccountId": "projects/-/serviceAccounts/production-backup@x"},
            ),
        ),
        finds="it is of <name of gcp-restore-account>",
    ),
    *(
        Violation(rule=rule, changed=changed, inputs=change, finds=finds)
        for rule, changed, change, finds in cases(
            (
                "alarm-tells-somebody",
                "aws-primary-backup-age-neonhub",
                {"alarmActions": []},
                "nobody hears when it begins",
            ),
            (
                "alarm-tells-somebody",
                "aws-primary-backup-age-neonhub",
                {"okActions": None},
                "nobody hears when it ends",
            ),
            (
                "alarm-tells-somebody",
                "aws-primary-backup-age-neonhub",
                {"actionsEnabled": False},
                "its actions are off",
            ),
            (
                "age-alarm-counts-silence",
                "aws-primary-proof-age-neonhub",
                {"treatMissingData": "notBreaching"},
                "missing data is notBreaching",
            ),
            ("subscription-is-sealed", "aws-primary-email-1", {"protocol": "http"}, "it sends"),
            (
                "trail-is-provable",
                "aws-trail",
                {"enableLogFileValidation": None},
                "enableLogFileValidation is not true",
            ),
            (
                "trail-is-everywhere",
                "aws-trail",
                {"isMultiRegionTrail": False},
                "isMultiRegionTrail is not true",
            ),
            ("trail-is-everywhere", "aws-trail", {"enableLogging": False}, "it is stopped"),
        )
    ),
    Violation(
        rule="topic-is-encrypted",
        changed="aws-primary-topic",
        inputs={},
        without=("kmsMasterKeyId",),
        finds="it names no key",
    ),
    *(
        Violation(
            rule="topic-hears-services-alone",
            changed="aws-primary-topic-policy",
            inputs={"policy": document(Principal=who, Action="sns:Publish", Resource="arn")},
            finds=finds,
        )
        for who, finds in (
            ("*", "it allows others than services sns:Publish"),
            ({"AWS": "arn:aws:iam::123456789012:root"}, "it allows others than services"),
            (
                {"Service": "cloudwatch.amazonaws.com"},
                "it allows cloudwatch.amazonaws.com on behalf of every account",
            ),
        )
    ),
    *(
        Violation(
            rule="bucket-is-recorded",
            changed="aws-trail",
            inputs={f"advancedEventSelectors.1.fieldSelectors.{field}": selector},
            resource="aws-replica-bucket",
            finds=f"no trail records {event} of its objects",
        )
        for field, selector, event in (
            ("3", {"field": "resources.ARN", "startsWiths": [f"{ARN}/"]}, "DeleteObject"),
            ("2", {"field": "eventName", "equals": ["DeleteObject"]}, "DeleteObjects"),
            ("0", {"field": "eventCategory", "equals": ["Management"]}, "DeleteObject"),
        )
    ),
    *(
        Violation(
            rule="bucket-is-watched",
            changed=changed,
            inputs=change,
            resource="aws-primary-bucket",
            finds=f"nobody hears of {event}",
        )
        for changed, change, event in (
            ("aws-primary-tampering-buckets", {"state": "DISABLED"}, "DeleteObject"),
            ("aws-primary-tampering-buckets", {"region": "eu-west-1"}, "DeleteObject"),
            (
                "aws-primary-tampering-buckets",
                {"eventPattern": '{"detail": {"requestParameters": {"bucketName": ["another"]}}}'},
                "DeleteObject",
            ),
            (
                "aws-primary-tampering-buckets",
                {
                    "eventPattern": '{"detail": {"eventName": ["DeleteObject"],'
                    ' "requestParameters": {"bucketName": ["neonhub-production-backups"]}}}'
                },
                "DeleteObjects",
            ),
        )
    ),
)
