"""A GitHub environment: what the runs of one identity see, from which branches, and who agrees."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_github as github

from components.github.reviewers import NOBODY, Reviewers

LONGEST_WAIT_MINUTES = 43200
"""30 days, GitHub's own limit."""


@dataclass(frozen=True, kw_only=True)
class EnvironmentArgs:
    """What an environment needs to know."""

    environment: str
    """Name, such as production-backup; clouds know the runs by it."""
    repository: str
    """Name of the repository, without its owner."""
    branches: Sequence[str]
    """The only branches whose runs may enter; `refs/pull/*/merge` is every pull request."""
    secrets: Mapping[str, pulumi.Output[str]] = field(default_factory=dict[str, pulumi.Output[str]])
    """Secrets by their names in GitHub."""
    variables: Mapping[str, pulumi.Input[str]] = field(default_factory=dict[str, pulumi.Input[str]])
    """Variables by their names in GitHub."""
    reviewers: Reviewers = NOBODY
    """Any of whom must agree to each run, and none of whom to their own unless they are the only
    one. By default nobody is asked, which is right for what runs on a schedule. In a private
    repository GitHub asks reviewers in its Enterprise plan alone."""
    wait_minutes: int = 0
    """Minutes before a run begins, in which it can still be cancelled."""

    def __post_init__(self) -> None:
        """Refuse a time that GitHub would refuse."""
        if not 0 <= self.wait_minutes <= LONGEST_WAIT_MINUTES:
            raise ValueError(
                f"wait_minutes is {self.wait_minutes}, and GitHub takes 0 to"
                f" {LONGEST_WAIT_MINUTES}, so the environment would be refused; give fewer"
            )


class Environment(pulumi.ComponentResource):
    """An environment that named branches may enter, without exceptions for administrators."""

    def __init__(
        self, name: str, args: EnvironmentArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("neonhub-backup:github:Environment", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        # This version of the provider updates a changed secret in place. Others replace it, and
        # GitHub knows it by its name alone, so deleting the old one last would delete the new one:
        # https://github.com/pulumi/pulumi-github/issues/223
        secret_child = pulumi.ResourceOptions.merge(
            child, pulumi.ResourceOptions(delete_before_replace=True)
        )

        environment = github.RepositoryEnvironment(
            f"{name}-environment",
            repository=args.repository,
            environment=args.environment,
            can_admins_bypass=False,
            deployment_branch_policy={"protected_branches": False, "custom_branch_policies": True},
            reviewers=_named(args.reviewers),
            prevent_self_review=args.reviewers.four_eyes,
            wait_timer=args.wait_minutes or None,
            opts=child,
        )
        for number, branch in enumerate(args.branches, start=1):
            github.RepositoryEnvironmentDeploymentPolicy(
                f"{name}-branch" if number == 1 else f"{name}-branch-{number}",
                repository=args.repository,
                environment=environment.environment,
                branch_pattern=branch,
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


def _named(reviewers: Reviewers) -> list[github.RepositoryEnvironmentReviewerArgs] | None:
    """All users and teams are one entry; no reviewers are no entry."""
    if not reviewers:
        return None
    return [
        github.RepositoryEnvironmentReviewerArgs(
            users=sorted(reviewers.users) or None, teams=sorted(reviewers.teams) or None
        )
    ]


def _words(name: str) -> str:
    return name.lower().replace("_", "-")
