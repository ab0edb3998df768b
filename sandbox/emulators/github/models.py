"""What the emulator remembers of accounts and repositories beside their git data."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Visibility = Literal["public", "private", "internal"]
WorkflowState = Literal[
    "active", "deleted", "disabled_fork", "disabled_inactivity", "disabled_manually"
]


class Document(BaseModel):
    """Unknown keys are errors: a file written by another version is refused, not half read."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)


class Account(Document):
    """A user or an organisation."""

    id: int
    login: str
    type: Literal["User", "Organization"]
    created_at: str

    @property
    def email(self) -> str:
        """The private address that GitHub puts on commits made in its interface."""
        return f"{self.id}+{self.login}@users.noreply.github.com"


class Team(Document):
    """A team of an organisation. Nobody is in it: only its access matters here."""

    id: int
    organization: str
    slug: str


class Registry(Document):
    """Everything that belongs to no single repository."""

    next_id: int = 1001
    """One sequence for all kinds of things, so that confusing two ids is always noticed."""
    accounts: list[Account] = Field(default_factory=list[Account])
    teams: list[Team] = Field(default_factory=list[Team])


class Settings(Document):
    """The part of a repository that its owner edits, under the API's own names and defaults."""

    model_config = ConfigDict(extra="ignore", strict=True)

    description: str | None = None
    homepage: str | None = None
    visibility: Visibility = "public"
    default_branch: str = "main"
    has_issues: bool = True
    has_projects: bool = True
    has_wiki: bool = True
    has_discussions: bool = False
    has_downloads: bool = True
    is_template: bool = False
    archived: bool = False
    allow_squash_merge: bool = True
    allow_merge_commit: bool = True
    allow_rebase_merge: bool = True
    allow_auto_merge: bool = False
    allow_update_branch: bool = False
    allow_forking: bool = True
    delete_branch_on_merge: bool = False
    web_commit_signoff_required: bool = False
    squash_merge_commit_title: Literal["PR_TITLE", "COMMIT_OR_PR_TITLE"] = "COMMIT_OR_PR_TITLE"
    squash_merge_commit_message: Literal["PR_BODY", "COMMIT_MESSAGES", "BLANK"] = "COMMIT_MESSAGES"
    merge_commit_title: Literal["PR_TITLE", "MERGE_MESSAGE"] = "MERGE_MESSAGE"
    merge_commit_message: Literal["PR_BODY", "PR_TITLE", "BLANK"] = "PR_TITLE"


class SealedSecret(Document):
    """A secret as the client sent it; only its vault's key opens it."""

    sealed: str
    """Base64 of a libsodium sealed box."""
    created_at: str
    updated_at: str


class Vault(Document):
    """The secrets of one repository or environment, and the key pair they are sealed for."""

    private_key: str | None = None
    """Base64; made when the public key is first asked for."""
    secrets: dict[str, SealedSecret] = Field(default_factory=dict[str, SealedSecret])


class Variable(Document):
    """A value that everybody may read."""

    value: str
    created_at: str
    updated_at: str


class DeploymentPolicy(Document):
    """A pattern of branches or tags that may use an environment."""

    id: int
    name: str
    type: Literal["branch", "tag"]


class Reviewer(Document):
    """Who may let a job pass."""

    type: Literal["User", "Team"]
    id: int


class BranchPolicy(Document):
    """Exactly one of the two is true; an environment without a policy takes every branch."""

    protected_branches: bool
    custom_branch_policies: bool


class Environment(Document):
    id: int
    wait_timer: int = 0
    """Minutes."""
    prevent_self_review: bool = False
    can_admins_bypass: bool = True
    reviewers: list[Reviewer] = Field(default_factory=list[Reviewer])
    deployment_branch_policy: BranchPolicy | None = None
    rule_ids: dict[str, int] = Field(default_factory=dict[str, int])
    """Type of a protection rule to its id."""
    policies: dict[int, DeploymentPolicy] = Field(default_factory=dict[int, DeploymentPolicy])
    variables: dict[str, Variable] = Field(default_factory=dict[str, Variable])
    vault: Vault = Field(default_factory=Vault)
    created_at: str
    updated_at: str


class Comment(Document):
    """On an issue or a pull request."""

    id: int
    author: str
    body: str
    created_at: str
    updated_at: str


class PullRequest(Document):
    """What an issue has in addition when it proposes a change."""

    id: int
    head: str
    """Branch."""
    base: str
    """Branch."""
    head_sha: str
    """Follows the branch while the pull request is open."""
    base_sha: str
    draft: bool = False
    maintainer_can_modify: bool = False
    merged_at: str | None = None
    merged_by: str | None = None
    merge_commit_sha: str | None = None


class Issue(Document):
    """An issue or a pull request: they share their numbers."""

    id: int
    number: int
    author: str
    title: str
    body: str | None = None
    state: Literal["open", "closed"] = "open"
    state_reason: Literal["completed", "not_planned", "duplicate", "reopened"] | None = None
    labels: list[str] = Field(default_factory=list[str])
    assignees: list[str] = Field(default_factory=list[str])
    comments: list[Comment] = Field(default_factory=list[Comment])
    pull_request: PullRequest | None = None
    created_at: str
    updated_at: str
    closed_at: str | None = None


class Ruleset(Document):
    """Rules for branches or tags, as given."""

    id: int
    name: str
    target: Literal["branch", "tag", "push"]
    enforcement: Literal["disabled", "active", "evaluate"]
    bypass_actors: list[dict[str, Any]]
    conditions: dict[str, Any]
    rules: list[dict[str, Any]]
    created_at: str
    updated_at: str


class Workflow(Document):
    """A workflow file the emulator has seen on the default branch."""

    id: int
    state: WorkflowState = "active"
    created_at: str
    updated_at: str


class WorkflowRun(Document):
    """What somebody recorded as a run of a workflow."""

    id: int
    workflow_id: int
    name: str
    """Of the workflow, as it was then."""
    path: str
    run_number: int
    event: str
    status: str
    conclusion: str | None
    """How it ended. None: it has not."""
    head_branch: str
    head_sha: str
    created_at: str
    run_started_at: str
    """Of its newest attempt."""
    updated_at: str
    """When it ended, if it has."""
    inputs: dict[str, str] = Field(default_factory=dict[str, str])
    """What somebody gave who started it by hand."""


class RepositoryState(Document):
    """Owner and name are not here: they are the directory's place, so that a rename is one step."""

    id: int
    settings: Settings = Field(default_factory=Settings)
    topics: list[str] = Field(default_factory=list[str])
    vulnerability_alerts: bool = False
    collaborators: list[int] = Field(default_factory=list[int])
    """Numbers of users who may read it even when it is private."""
    teams: list[int] = Field(default_factory=list[int])
    """Numbers of teams that may read it."""
    environments: dict[str, Environment] = Field(default_factory=dict[str, Environment])
    variables: dict[str, Variable] = Field(default_factory=dict[str, Variable])
    vault: Vault = Field(default_factory=Vault)
    issues: dict[int, Issue] = Field(default_factory=dict[int, Issue])
    rulesets: dict[int, Ruleset] = Field(default_factory=dict[int, Ruleset])
    workflows: dict[str, Workflow] = Field(default_factory=dict[str, Workflow])
    runs: list[WorkflowRun] = Field(default_factory=list[WorkflowRun])
    created_at: str
    updated_at: str
