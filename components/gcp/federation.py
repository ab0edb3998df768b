"""The trust of a Google Cloud project in the tokens of GitHub."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_gcp import iam

from components.repository import ISSUER, Repository

_ID = re.compile(r"(?!gcp-)[a-z0-9-]{4,32}")


@dataclass(frozen=True, kw_only=True)
class FederationArgs:
    """What the trust needs to know."""

    pool_id: str
    """Id of the pool: 4 to 32 small letters, digits and hyphens.

    Google keeps a deleted pool's id for 30 days. Whoever deploys a destroyed stack again within
    them brings the pool back first: `gcloud iam workload-identity-pools undelete`, and
    `pulumi import`.
    """
    repositories: Sequence[Repository]
    """The repositories whose runs may come in at all; what for, the accounts say."""

    def __post_init__(self) -> None:
        """Refuse what Google would refuse only when it creates the pool, or would let all in."""
        if not _ID.fullmatch(self.pool_id):
            raise ValueError(
                f"pool_id {self.pool_id!r} is not 4 to 32 small letters, digits and hyphens that"
                " do not begin with gcp-, so the pool would be refused; choose another"
            )
        if not self.repositories:
            raise ValueError("repositories: none, so no run could ever come in; give at least one")


class Federation(pulumi.ComponentResource):
    """Runs of known repositories, by the numbers that GitHub gives them, come in without a key.

    Names can be given up and taken by others, and the `sub` claim is made of names in two forms;
    so neither is looked at. A run is known by its repository's number and its environment, and a
    run without an environment has no name here and is refused.
    """

    pool: pulumi.Output[str]
    """Full name of the pool, for `principal`."""
    provider: pulumi.Output[str]
    """Full name of the provider, for google-github-actions/auth."""

    def __init__(
        self, name: str, args: FederationArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("neonhub-backup:gcp:Federation", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)

        pool = iam.WorkloadIdentityPool(
            f"{name}-pool",
            workload_identity_pool_id=args.pool_id,
            display_name="Runs of GitHub Actions",
            opts=child,
        )
        provider = iam.WorkloadIdentityPoolProvider(
            f"{name}-provider",
            workload_identity_pool_id=pool.workload_identity_pool_id,
            workload_identity_pool_provider_id="github",
            display_name="GitHub",
            oidc={"issuer_uri": f"https://{ISSUER}"},
            attribute_mapping={
                "google.subject": 'assertion.repository_id + ":" + assertion.environment',
                "attribute.repository_owner_id": "assertion.repository_owner_id",
                "attribute.repository_id": "assertion.repository_id",
                "attribute.environment": "assertion.environment",
            },
            attribute_condition=attribute_condition(args.repositories),
            opts=child,
        )

        self.pool = pool.name
        self.provider = provider.name
        self.register_outputs({"pool": self.pool, "provider": self.provider})


def attribute_condition(repositories: Sequence[Repository]) -> str:
    """Whose tokens are taken, in Common Expression Language."""
    return " || ".join(
        f'(assertion.repository_owner_id == "{each.owner_id}"'
        f' && assertion.repository_id == "{each.repository_id}")'
        for each in repositories
    )


def principal(pool: str, repository: Repository, environment: str) -> str:
    """The runs in one environment of one repository, as policies name them."""
    return f"principal://iam.googleapis.com/{pool}/subject/{repository.repository_id}:{environment}"
