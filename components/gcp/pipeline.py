"""Who previews and deploys a stack: the CI of the infrastructure's own repository."""

from dataclasses import dataclass

import pulumi
from pulumi_gcp import projects

from components.gcp.account import FederatedAccount, FederatedAccountArgs
from components.gcp.identities import role_id
from components.gcp.permissions import DEPLOY_PERMISSIONS, PREVIEW_PERMISSIONS
from components.repository import Repository
from workflows.environments import environment_name


@dataclass(frozen=True, kw_only=True)
class PipelineArgs:
    """What the accounts need to know."""

    project: str
    """Id of the Google Cloud project."""
    environment: str
    """What is backed up: the runs are in `<environment>-preview` and `<environment>-deploy`."""
    repository: Repository
    """The infrastructure's own repository."""
    pool: pulumi.Input[str]
    """Full name of the pool that its runs come in by."""


class Pipeline(pulumi.ComponentResource):
    """An account that may look, and one that may also change buckets and keys.

    Neither reads an object, deletes anything or decides who may do what: a change to roles and
    accounts is deployed by a person, and fails in CI with the permission that is missing.
    """

    preview_service_account: pulumi.Output[str]
    """E-mail address of the account that may read how everything is set up."""
    deploy_service_account: pulumi.Output[str]
    """E-mail address of the account that may also change it."""

    def __init__(
        self, name: str, args: PipelineArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("neonhub-backup:gcp:Pipeline", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)

        emails: dict[str, pulumi.Output[str]] = {}
        for purpose, allowed in (
            ("preview", PREVIEW_PERMISSIONS),
            ("deploy", (*PREVIEW_PERMISSIONS, *DEPLOY_PERMISSIONS)),
        ):
            role = projects.IAMCustomRole(
                f"{name}-{purpose}-role",
                role_id=role_id(args.environment, purpose),
                title=f"NeonHub Backup: {purpose} the stack",
                permissions=sorted(allowed),
                opts=child,
            )
            account = FederatedAccount(
                f"{name}-{purpose}",
                FederatedAccountArgs(
                    account_id=f"{args.environment}-{purpose}",
                    description=f"Runs of {args.repository.full_name} in"
                    f" {args.environment}-{purpose}",
                    pool=args.pool,
                    repository=args.repository,
                    environment=environment_name(args.environment, purpose),
                ),
                child,
            )
            projects.IAMMember(
                f"{name}-{purpose}-grant",
                project=args.project,
                role=role.name,
                member=account.member,
                opts=child,
            )
            emails[purpose] = account.email

        self.preview_service_account = emails["preview"]
        self.deploy_service_account = emails["deploy"]
        self.register_outputs(
            {
                "preview_service_account": self.preview_service_account,
                "deploy_service_account": self.deploy_service_account,
            }
        )
