"""The parts of a GitHub Actions workflow, and the rules that every one of ours keeps.

A value that breaks a rule cannot be built, so no rendered workflow does.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

_EXPRESSION = "${{"


@dataclass(frozen=True)
class Action:
    """Someone else's code, at one commit."""

    name: str
    commit: str
    version: str
    """The release that the commit is, for people."""

    def __post_init__(self) -> None:
        """Refuse what could change under a workflow."""
        if not re.fullmatch(r"[0-9a-f]{40}", self.commit):
            raise ValueError(
                f"{self.name} is pinned to {self.commit!r}, which can be moved to other code;"
                " give the full SHA of a commit"
            )


@dataclass(frozen=True, kw_only=True)
class Uses:
    """A step that runs an action."""

    name: str
    action: Action
    inputs: Mapping[str, str | int | bool] = field(default_factory=dict[str, str | int | bool])
    """Its `with`."""
    condition: str | None = None
    """Its `if`. None: when all steps before it succeeded."""
    may_fail: bool = False
    """Whether the job goes on when it has failed, as if it had succeeded."""
    comment: str | None = None
    """Why the step is as it is, written above it."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """A step that runs a bash script, which stops at the first command that fails."""

    name: str
    script: str
    """Commands; values come in by `env` alone."""
    id: str | None = None
    """By which expressions find its outputs. None: it has none."""
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    condition: str | None = None
    """Its `if`. None: when all steps before it succeeded."""
    comment: str | None = None
    """Why the step is as it is, written above it."""

    def __post_init__(self) -> None:
        """Refuse scripts that GitHub would paste values into."""
        if _EXPRESSION in self.script:
            raise ValueError(
                f"the script of {self.name!r} holds {_EXPRESSION}, so a value could become a"
                " command; pass it by env"
            )


Step = Uses | Run


@dataclass(frozen=True)
class Permission:
    """Something that a job's token may do."""

    access: Literal["read", "write"]
    reason: str
    """What for, written behind it."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """Steps on one machine."""

    name: str
    runner: str
    timeout_minutes: int
    permissions: Mapping[str, Permission]
    """All that the job's token may do."""
    steps: tuple[Step, ...]
    environment: str | None = None
    """GitHub environment: whose secrets it sees, and what clouds know the run by. None: it sees no
    secrets, and no cloud lets it in."""
    needs: tuple[str, ...] = ()
    """The jobs that it waits for, all of which must have succeeded unless its condition differs."""
    condition: str | None = None
    """Its `if`. None: when all jobs that it needs succeeded."""
    concurrency: str | None = None
    """Jobs of one group wait for one another, in other runs too; none is cancelled half done."""
    outputs: Mapping[str, str] = field(default_factory=dict[str, str])
    """What jobs that need this one learn from it: expressions over its steps."""
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    """What every step sees, which must be no secret."""
    comment: str | None = None
    """Why the job is as it is, written above it."""

    def __post_init__(self) -> None:
        """Refuse to give a secret to steps that do not need it."""
        for name, value in self.env.items():
            if "secrets." in value:
                raise ValueError(
                    f"{name} gives a secret to every step of {self.name!r}, those of others among"
                    " them; give it to the steps that need it"
                )


@dataclass(frozen=True, kw_only=True)
class Cron:
    """A time to start at, UTC."""

    expression: str
    comment: str
    """What the expression means, written above it."""
    every: timedelta
    """The longest time from one start to the next."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A question to whoever starts a run, with the answers there are; the first is the default."""

    description: str
    options: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Text:
    """A question to whoever starts a run, answered in their own words."""

    description: str
    required: bool
    default: str | None = None
    """What stands there beforehand. None: nothing."""


@dataclass(frozen=True, kw_only=True)
class Workflow:
    """One file in `.github/workflows/`. Its jobs have no permission but their own."""

    name: str
    header: str
    """Where the file comes from, written at its top."""
    concurrency: str
    """Runs of one group wait for one another."""
    jobs: Mapping[str, Job]
    run_name: str | None = None
    """What a run is called in the list of runs. None: as what started it."""
    cancel_in_progress: bool = False
    """Whether a newer run of the group ends an older one; else none is cancelled half done."""
    concurrency_comment: str | None = None
    """Why runs wait for one another, or do not, written above it."""
    pull_requests: bool = False
    """Whether it starts for every state of every pull request."""
    pushed_branch: str | None = None
    """The branch whose every new commit starts it. None: commits start nothing."""
    schedule: tuple[Cron, ...] = ()
    inputs: Mapping[str, Choice | Text] | None = None
    """What is asked of whoever starts it by hand. None: nobody can."""

    def __post_init__(self) -> None:
        """Refuse what GitHub would refuse, or would never start."""
        if not (self.pull_requests or self.pushed_branch or self.schedule) and self.inputs is None:
            raise ValueError(f"nothing starts {self.name!r}; give it a schedule, or inputs")
        for name, job in self.jobs.items():
            unknown = ", ".join(sorted(set(job.needs) - self.jobs.keys()))
            if unknown:
                raise ValueError(
                    f"the job {name!r} needs {unknown}, which {self.name!r} does not have, so"
                    " GitHub would refuse the file; name jobs of the same workflow"
                )
