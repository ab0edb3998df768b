"""The trust of a Google Cloud project in the tokens of GitHub."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_gcp import iam

from components.repository import ISSUER, Repository

_ENVIRONMENT = re.compile(r"[a-z0-9-]{1,16}")


@dataclass(frozen=True, kw_only=True)
class FederationArgs:
    """What the trust needs to know."""

    environment: str
    """What is backed up: up to 16 small letters, digits and hyphens, for the id of the pool."""
    letters: pulumi.Input[str]
    """Some that no earlier stack of this environment had, up to 8, for the id of the pool.

    Google keeps the id of a deleted pool for 30 days, so a stack that was destroyed and comes back
    could not use a fixed one.
    """
    repositories: Sequence[Repository]
    """The repositories whose runs may come in at all; what for, the accounts say."""
    protect: bool = True
    """Refuses destruction and survives its stack, as whatever the letters are taken from does."""

    def __post_init__(self) -> None:
        """Refuse what Google would refuse only when it creates the pool, or would let all in."""
        if not _ENVIRONMENT.fullmatch(self.environment):
            raise ValueError(
                f"environment {self.environment!r} is not 1 to 16 small letters, digits and"
                " hyphens, so the pool that is named after it would be refused; choose another"
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
        child = pulumi.ResourceOptions(
            parent=self, protect=args.protect, retain_on_delete=args.protect
        )

        pool = iam.WorkloadIdentityPool(
            f"{name}-pool",
            workload_identity_pool_id=pulumi.Output.from_input(args.letters).apply(
                lambda letters: f"github-{args.environment}-{letters}"
            ),
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
