"""Who may do what with the backups, by tokens that GitHub signs."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
from pulumi_gcp import projects, serviceaccount, storage

from components.gcp import permissions
from components.gcp.account import FederatedAccount, FederatedAccountArgs
from components.gcp.permissions import Grant, Role, Where
from components.repository import Repository
from workflows.environments import environment_name


@dataclass(frozen=True, kw_only=True)
class IdentitiesArgs:
    """What the accounts need to know."""

    environment: str
    """What is backed up: the runs are in `<environment>-backup`, `-drill` and `-restore`."""
    repository: Repository
    """The repository of those runs."""
    pool: pulumi.Input[str]
    """Full name of the pool that they come in by."""
    bucket: pulumi.Input[str]
    """Name of the bucket that receives the backups."""
    operations_bucket: pulumi.Input[str]
    """Name of the bucket for index, status page and WAL archive."""
    locks: bool = True
    """Whether uploads set how long an object is retained."""
    archivers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Addresses of the service accounts of servers that archive WAL, by the names of their
    archives. They exist."""
    static_keys: bool = False
    """Whether the backup account has a key too, which is stored until someone changes it."""


class Identities(pulumi.ComponentResource):
    """An account for each purpose, none of which can delete an object or overwrite one."""

    backup_service_account: pulumi.Output[str]
    """E-mail address of the account that may add backups, and nothing else."""
    drill_service_account: pulumi.Output[str]
    """E-mail address of the account that may read backups and add the results of drills."""
    restore_service_account: pulumi.Output[str]
    """E-mail address of the account that may read backups."""
    service_account_key: pulumi.Output[str] | None
    """Key of the backup account, a secret JSON text. None: it has none."""

    def __init__(
        self, name: str, args: IdentitiesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("neonhub-backup:gcp:Identities", name, {}, opts)
        self._name, self._args = name, args
        self._child = pulumi.ResourceOptions(parent=self)
        wanted = {
            "backup": permissions.backup_grants(locks=args.locks),
            "drill": permissions.drill_grants(),
            "restore": permissions.restore_grants(),
        }

        self._roles = self._own_roles({grant.role for each in wanted.values() for grant in each})
        accounts = {purpose: self._account(purpose, grants) for purpose, grants in wanted.items()}
        for archive, address in args.archivers.items():
            grants = permissions.archiver_grants(archive)
            self._grant(f"archive-{archive}", f"serviceAccount:{address}", grants)

        self.backup_service_account = accounts["backup"].email
        self.drill_service_account = accounts["drill"].email
        self.restore_service_account = accounts["restore"].email
        self.service_account_key = self._key(accounts["backup"]) if args.static_keys else None
        self.register_outputs(
            {
                "backup_service_account": self.backup_service_account,
                "drill_service_account": self.drill_service_account,
                "restore_service_account": self.restore_service_account,
                "service_account_key": self.service_account_key,
            }
        )

    def _own_roles(self, roles: set[Role]) -> dict[Role, pulumi.Output[str]]:
        return {
            role: projects.IAMCustomRole(
                f"{self._name}-{role}-role",
                role_id=role_id(self._args.environment, role),
                title=f"NeonHub Backup: {role} objects",
                permissions=[role.permission],
                opts=self._child,
            ).name
            for role in sorted(roles)
        }

    def _account(self, purpose: str, grants: Sequence[Grant]) -> FederatedAccount:
        args = self._args
        account = FederatedAccount(
            f"{self._name}-{purpose}",
            FederatedAccountArgs(
                account_id=f"{args.environment}-{purpose}",
                description=f"Runs of {args.repository.full_name} in {args.environment}-{purpose}",
                pool=args.pool,
                repository=args.repository,
                environment=environment_name(args.environment, purpose),
            ),
            self._child,
        )
        self._grant(purpose, account.member, grants)
        return account

    def _grant(self, purpose: str, member: pulumi.Input[str], grants: Sequence[Grant]) -> None:
        args = self._args
        for grant in grants:
            bucket = args.bucket if grant.where is Where.BACKUPS else args.operations_bucket
            storage.BucketIAMMember(
                f"{self._name}-{purpose}-{grant.role}-{grant.where}",
                bucket=bucket,
                role=self._roles[grant.role],
                member=member,
                condition=_condition(grant, bucket),
                opts=self._child,
            )

    def _key(self, account: FederatedAccount) -> pulumi.Output[str]:
        pulumi.log.warn(
            "staticKeys: true stores a key of the Google service account that adds backups, so"
            " whoever copies it can add backups from anywhere until it is deleted; remove"
            " staticKeys, and runs prove who they are by tokens that last an hour",
            self,
        )
        key = serviceaccount.Key(
            f"{self._name}-backup-key",
            service_account_id=account.account_name,
            opts=self._child,
        )
        return pulumi.Output.secret(key.private_key).apply(
            lambda encoded: base64.b64decode(encoded).decode("utf-8")
        )


def role_id(environment: str, role: str) -> str:
    """Id of a role of our own: a project takes each once, and no hyphens."""
    return f"neonhub_backup.{environment.replace('-', '_')}.{role}"


def _condition(
    grant: Grant, bucket: pulumi.Input[str]
) -> storage.BucketIAMMemberConditionArgsDict | None:
    if not grant.prefixes:
        return None
    return {
        "title": " ".join(filter(None, ("only", *grant.prefixes, grant.name, *grant.besides))),
        "expression": pulumi.Output.from_input(bucket).apply(
            lambda name: grant.condition(name) or ""
        ),
    }
