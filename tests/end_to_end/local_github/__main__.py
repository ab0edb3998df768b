"""One of everything that the local GitHub provider knows, varied by a settings file beside it."""

import json
from pathlib import Path

import pulumi
import pulumi_github as github

settings = json.loads((Path(__file__).parent / "settings.json").read_text())

repository = github.get_repository(full_name="neonhub/neonhub")
reviewer = github.get_user(username="reviewer")

environment = github.RepositoryEnvironment(
    "backup",
    repository=repository.name,
    environment=settings["environment"],
    wait_timer=settings["wait_minutes"],
    can_admins_bypass=False,
    prevent_self_review=True,
    reviewers=[{"users": [int(reviewer.id)]}],
    deployment_branch_policy={"protected_branches": False, "custom_branch_policies": True},
)
github.RepositoryEnvironmentDeploymentPolicy(
    "main-only",
    repository=repository.name,
    environment=environment.environment,
    branch_pattern=settings["branch_pattern"],
)
github.ActionsEnvironmentSecret(
    "database-url",
    repository=repository.name,
    environment=environment.environment,
    secret_name="DATABASE_URL",  # noqa: S106 - a name
    value=pulumi.Output.secret(settings["database_url"]),
)
github.ActionsEnvironmentVariable(
    "region",
    repository=repository.name,
    environment=environment.environment,
    variable_name="AWS_REGION",
    value=settings["region"],
)
github.ActionsVariable(
    "stack", repository=repository.name, variable_name="stack_name", value="test"
)
workflow = github.RepositoryFile(
    "workflow",
    repository=repository.name,
    file=".github/workflows/backup.yml",
    content=settings["workflow"],
    commit_message="Generate the backup workflow",
    commit_author="NeonHub Backup",
    commit_email="backup@example.com",
    overwrite_on_create=True,
)
branch = github.Branch("next", repository=repository.name, branch="next")
proposal = github.RepositoryFile(
    "proposal", repository=repository.name, branch=branch.branch, file="docs/a.md", content="a\n"
)
github.RepositoryPullRequest(
    "pull",
    base_repository=repository.name,
    base_ref="main",
    head_ref=branch.branch,
    title=settings["title"],
    body=pulumi.Output.concat("Adds ", proposal.commit_sha),
)
github.RepositoryRuleset(
    "main",
    repository=repository.name,
    name="main",
    target="branch",
    enforcement=settings["enforcement"],
    conditions={"ref_name": {"includes": ["~DEFAULT_BRANCH"], "excludes": []}},
    rules={
        "deletion": True,
        "non_fast_forward": True,
        "pull_request": {"required_approving_review_count": 1},
        "required_status_checks": {"required_checks": [{"context": "test"}]},
    },
)
other = github.Repository(
    "other",
    name="other",
    description=settings["title"],
    visibility="private",
    has_issues=True,
    auto_init=True,
    topics=["backup", "postgresql"],
)

pulumi.export("repository_id", repository.repo_id)
pulumi.export("other", other.full_name)
pulumi.export("commit", workflow.commit_sha)
