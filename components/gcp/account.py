"""A service account that runs of GitHub Actions act as."""

import re
from dataclasses import dataclass

import pulumi
from pulumi_gcp import serviceaccount

from components.gcp.federation import principal
from components.repository import Repository

_ID = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]")


@dataclass(frozen=True, kw_only=True)
class FederatedAccountArgs:
    """What an account needs to know."""

    account_id: str
    """Start of its e-mail address: 6 to 30 small letters, digits and hyphens."""
    description: str
    """What it may do, for the console."""
    pool: pulumi.Input[str]
    """Full name of the pool that its runs come in by."""
    repository: Repository
    """The repository of its runs."""
    environment: str
    """The GitHub environment of its runs."""

    def __post_init__(self) -> None:
        """Refuse what Google would refuse only when it creates the account."""
        if not _ID.fullmatch(self.account_id):
            raise ValueError(
                f"account_id {self.account_id!r} is not 6 to 30 small letters, digits and hyphens"
                " that begin with a letter, so the account would be refused; choose another"
            )


class FederatedAccount(pulumi.ComponentResource):
    """An account without a key, for the runs in one environment of one repository."""

    email: pulumi.Output[str]
    """What google-github-actions/auth calls the account."""
    member: pulumi.Output[str]
    """What policies call it."""
    account_name: pulumi.Output[str]
    """Its full name."""

    def __init__(
        self, name: str, args: FederatedAccountArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("neonhub-backup:gcp:FederatedAccount", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)

        account = serviceaccount.Account(
            f"{name}-account",
            account_id=args.account_id,
            display_name=f"NeonHub Backup: {args.environment}",
            description=args.description,
            opts=child,
        )
        serviceaccount.IAMMember(
            f"{name}-trust",
            service_account_id=account.name,
            role="roles/iam.workloadIdentityUser",
            member=pulumi.Output.from_input(args.pool).apply(
                lambda pool: principal(pool, args.repository, args.environment)
            ),
            opts=child,
        )

        self.email = account.email
        self.member = account.member
        self.account_name = account.name
        self.register_outputs({"email": self.email})
