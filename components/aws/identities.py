"""Who may do what with the backups, by tokens that GitHub signs: there are no stored keys."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws import iam

from components.aws import policies
from components.aws.deployment_policies import ROLE_PATH, Stack, deploy_stack, preview_stack
from components.aws.documents import EncryptedBucket
from components.aws.naming import require_prefix
from components.aws.policies import Places
from components.aws.replication import ReplicationEnd
from components.aws.static_key import StaticKey, StaticKeyArgs
from components.repository import ISSUER, Repository
from neonhub_backup.domain.retention import RetentionPolicy

_AUDIENCE = "sts.amazonaws.com"


@dataclass(frozen=True, kw_only=True)
class WorkflowRole:
    """A role for the runs of one GitHub environment."""

    environment: str
    """The environment, whose reviewers and branches decide who takes the role."""
    session_seconds: int = 3600
    """How long a session may last; what it is for must finish in it."""

    def __post_init__(self) -> None:
        """Refuse what AWS would refuse only when it creates the role."""
        if not 3600 <= self.session_seconds <= 43200:
            raise ValueError(
                f"session_seconds of {self.environment} must be from 3600 to 43200, or AWS refuses"
                f" the role: got {self.session_seconds}"
            )


@dataclass(frozen=True, kw_only=True)
class Infrastructure:
    """The repository of this program, whose own runs preview and deploy the stack."""

    repository: Repository
    """The repository."""
    preview: WorkflowRole
    """Reads how everything is configured."""
    deploy: WorkflowRole
    """Changes how everything is configured, but not what is stored, nor itself."""
    other_buckets: Sequence[pulumi.Input[str]] = ()
    """Names of the stack's buckets besides those of the backups and of operations."""
    other_key_arns: Sequence[pulumi.Input[str]] = ()
    """Keys of the stack besides those of the backups, such as those of topics."""


@dataclass(frozen=True, kw_only=True)
class IdentitiesArgs:
    """What the roles need to know."""

    prefix: str
    """Beginning of the names of roles and policies, e.g. `neonhub-production`."""
    account_id: pulumi.Input[str]
    """Account of the roles."""
    repository: Repository
    """The repository whose runs take the roles."""
    backup: WorkflowRole
    """Adds backups, and measures them."""
    drill: WorkflowRole
    """Reads backups to prove them."""
    restore: WorkflowRole
    """Reads backups in need. Its environment is the one with reviewers."""
    primary: ReplicationEnd
    """The bucket that receives the backups."""
    replica: ReplicationEnd | None
    """The bucket that receives their copies. None: there is none."""
    operations_bucket: pulumi.Input[str]
    """Name of the bucket for index, status page and WAL."""
    retention: RetentionPolicy
    """Its longest lock is the longest that a role may set."""
    oidc_provider_arn: pulumi.Input[str] | None = None
    """The account's trust in GitHub, if another stack or team has made it: there can be only one.
    None: this stack makes it."""
    infrastructure: Infrastructure | None = None
    """Roles for the runs that preview and deploy this stack. None: administrators do so."""
    static_keys: bool = False
    """True: a user with the permissions of the backup role and a key that never expires, for
    machines that get no tokens. Every preview warns of it."""

    def __post_init__(self) -> None:
        """Refuse names that AWS would refuse, and environments that would mix identities."""
        require_prefix(self.prefix)
        takers = [(self.repository, role) for role in (self.backup, self.drill, self.restore)]
        if self.infrastructure is not None:
            own = self.infrastructure
            takers += [(own.repository, role) for role in (own.preview, own.deploy)]
        taken: set[tuple[str, str]] = set()
        for repository, role in takers:
            if (repository.full_name, role.environment) in taken:
                raise ValueError(
                    f"environment '{role.environment}' of {repository.full_name} is given to two"
                    " roles, so whoever may run in it has the permissions of both; give each role"
                    " an environment of its own"
                )
            taken.add((repository.full_name, role.environment))


class Identities(pulumi.ComponentResource):
    """The trust in GitHub, and a role for each purpose that runs there."""

    backup_role_arn: pulumi.Output[str]
    """The role that may add backups, and nothing else."""
    drill_role_arn: pulumi.Output[str]
    """The role that may read backups and write what drills found out."""
    restore_role_arn: pulumi.Output[str]
    """The role that may read backups."""
    preview_role_arn: pulumi.Output[str] | None = None
    """The role that may read the stack's configuration, if there is one."""
    deploy_role_arn: pulumi.Output[str] | None = None
    """The role that may change the stack's configuration, if there is one."""
    boundary_arn: pulumi.Output[str]
    """What no identity of the stack can go beyond: give it to every other role too."""
    access_key_id: pulumi.Output[str] | None = None
    """Name of the static key, if there is one."""
    secret_access_key: pulumi.Output[str] | None = None
    """The static key itself, a secret."""

    def __init__(
        self, name: str, args: IdentitiesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("neonhub-backup:aws:Identities", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        places, longest = _places(args), args.retention.longest_lock_days()

        if args.oidc_provider_arn is None:
            provider_arn = iam.OpenIdConnectProvider(
                f"{name}-github",
                url=f"https://{ISSUER}",
                client_id_lists=[_AUDIENCE],
                opts=child,
            ).arn
        else:
            provider_arn = iam.get_open_id_connect_provider_output(
                arn=args.oidc_provider_arn, opts=pulumi.InvokeOutputOptions(parent=self)
            ).apply(_trusted)
        boundary = iam.Policy(
            f"{name}-boundary",
            name=f"{args.prefix}-boundary",
            path=ROLE_PATH,
            description=f"All that any identity of {args.prefix} may ever do",
            policy=places.apply(lambda known: json.dumps(policies.boundary(known, longest))),
            opts=child,
        )

        def make(
            purpose: str,
            says: str,
            repository: Repository,
            workflow: WorkflowRole,
            permissions: pulumi.Output[str],
            limit: pulumi.Output[str] | None,
        ) -> pulumi.Output[str]:
            role = iam.Role(
                f"{name}-{purpose}",
                name=f"{args.prefix}-{purpose}",
                path=ROLE_PATH,
                description=f"{says} from {repository.full_name}, {workflow.environment}",
                assume_role_policy=provider_arn.apply(
                    lambda arn: json.dumps(
                        policies.workflow_trust(arn, repository, workflow.environment)
                    )
                ),
                max_session_duration=workflow.session_seconds,
                permissions_boundary=limit,
                opts=child,
            )
            iam.RolePolicy(
                f"{name}-{purpose}-permissions", role=role.name, policy=permissions, opts=child
            )
            return role.arn

        adding = places.apply(lambda known: json.dumps(policies.add_backups(known, longest)))
        proving = places.apply(lambda known: json.dumps(policies.prove_backups(known)))
        restoring = places.apply(lambda known: json.dumps(policies.restore_backups(known)))
        runs, limit = args.repository, boundary.arn
        self.boundary_arn = boundary.arn
        self.backup_role_arn = make("backup", "Adds backups", runs, args.backup, adding, limit)
        self.drill_role_arn = make("drill", "Proves backups", runs, args.drill, proving, limit)
        self.restore_role_arn = make(
            "restore", "Restores backups", runs, args.restore, restoring, limit
        )
        if args.infrastructure is not None:
            own = args.infrastructure
            stack = _stack(args, own, provider_arn, boundary.arn)
            previewing = stack.apply(lambda known: json.dumps(preview_stack(known)))
            deploying = stack.apply(lambda known: json.dumps(deploy_stack(known)))
            # The boundary would leave them nothing; and neither can change itself.
            self.preview_role_arn = make(
                "preview", "Previews", own.repository, own.preview, previewing, None
            )
            self.deploy_role_arn = make(
                "deploy", "Deploys", own.repository, own.deploy, deploying, None
            )
        if args.static_keys:
            static = StaticKey(
                f"{name}-static",
                StaticKeyArgs(prefix=args.prefix, permissions=adding, boundary_arn=boundary.arn),
                child,
            )
            self.access_key_id = static.access_key_id
            self.secret_access_key = static.secret_access_key

        self.register_outputs(
            {
                "backup_role_arn": self.backup_role_arn,
                "drill_role_arn": self.drill_role_arn,
                "restore_role_arn": self.restore_role_arn,
                "preview_role_arn": self.preview_role_arn,
                "deploy_role_arn": self.deploy_role_arn,
                "boundary_arn": self.boundary_arn,
                "access_key_id": self.access_key_id,
                "secret_access_key": self.secret_access_key,
            }
        )


def _copies(args: IdentitiesArgs) -> list[ReplicationEnd]:
    return [args.primary] if args.replica is None else [args.primary, args.replica]


def _places(args: IdentitiesArgs) -> pulumi.Output[Places]:
    ends = _copies(args)

    def known(outputs: list[str]) -> Places:
        operations, *pairs = outputs
        primary, *others = (
            EncryptedBucket(pairs[2 * number], end.region, pairs[2 * number + 1])
            for number, end in enumerate(ends)
        )
        return Places(primary, others[0] if others else None, operations)

    return pulumi.Output.all(
        args.operations_bucket, *(each for end in ends for each in (end.bucket, end.key_arn))
    ).apply(known)


def _stack(
    args: IdentitiesArgs,
    own: Infrastructure,
    provider_arn: pulumi.Output[str],
    boundary_arn: pulumi.Output[str],
) -> pulumi.Output[Stack]:
    buckets = [*(each.bucket for each in _copies(args)), args.operations_bucket]
    keys = [each.key_arn for each in _copies(args)]
    return pulumi.Output.all(
        account_id=args.account_id,
        buckets=[*buckets, *own.other_buckets],
        key_arns=[*keys, *own.other_key_arns],
        provider_arn=provider_arn,
        boundary_arn=boundary_arn,
    ).apply(lambda known: Stack(prefix=args.prefix, copied=known["buckets"][0], **known))


def _trusted(provider: iam.GetOpenIdConnectProviderResult) -> str:
    """The provider, if it lets GitHub's tokens in for AWS."""
    if provider.url.removeprefix("https://") != ISSUER or _AUDIENCE not in provider.client_id_lists:
        raise pulumi.RunError(
            f"oidc_provider_arn {provider.arn} trusts {provider.url} for"
            f" {', '.join(provider.client_id_lists)}, so no run could take a role; name the one for"
            f" https://{ISSUER} with the audience {_AUDIENCE}"
        )
    return provider.arn
