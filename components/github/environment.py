"""A GitHub environment: what the runs of one identity see, and from which branch."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
import pulumi_github as github


@dataclass(frozen=True, kw_only=True)
class EnvironmentArgs:
    """What an environment needs to know."""

    environment: str
    """Name, such as production-backup; clouds know the runs by it."""
    repository: str
    """Name of the repository, without its owner."""
    branch: str
    """The only branch whose runs may enter."""
    secrets: Mapping[str, pulumi.Output[str]] = field(default_factory=dict[str, pulumi.Output[str]])
    """Secrets by their names in GitHub."""
    variables: Mapping[str, pulumi.Input[str]] = field(default_factory=dict[str, pulumi.Input[str]])
    """Variables by their names in GitHub."""


class Environment(pulumi.ComponentResource):
    """An environment that one branch may enter, without exceptions for administrators."""

    def __init__(
        self, name: str, args: EnvironmentArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("neonhub-backup:github:Environment", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        # A changed secret is a replacement to some versions of the provider. GitHub knows it by
        # its name alone, so deleting the old one last would delete the new one.
        secret_child = pulumi.ResourceOptions.merge(
            child, pulumi.ResourceOptions(delete_before_replace=True)
        )

        environment = github.RepositoryEnvironment(
            f"{name}-environment",
            repository=args.repository,
            environment=args.environment,
            can_admins_bypass=False,
            deployment_branch_policy={"protected_branches": False, "custom_branch_policies": True},
            opts=child,
        )
        github.RepositoryEnvironmentDeploymentPolicy(
            f"{name}-branch",
            repository=args.repository,
            environment=environment.environment,
            branch_pattern=args.branch,
            opts=child,
        )
        for secret, value in args.secrets.items():
            github.ActionsEnvironmentSecret(
                f"{name}-{_words(secret)}",
                repository=args.repository,
                environment=environment.environment,
                secret_name=secret,
                value=value,
                opts=secret_child,
            )
        for variable, value in args.variables.items():
            github.ActionsEnvironmentVariable(
                f"{name}-{_words(variable)}",
                repository=args.repository,
                environment=environment.environment,
                variable_name=variable,
                value=value,
                opts=child,
            )

        self.register_outputs({})


def _words(name: str) -> str:
    return name.lower().replace("_", "-")
