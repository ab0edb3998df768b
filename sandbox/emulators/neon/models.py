"""What the emulator remembers of a project."""

from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

Plan = Literal["free_v3", "launch_v3", "scale_v3"]


class Limits(NamedTuple):
    """What a plan allows. https://neon.com/docs/introduction/plans"""

    history: timedelta
    included_branches: int
    most_branches: int
    protected_branches: int


PLANS: dict[Plan, Limits] = {
    "free_v3": Limits(timedelta(hours=6), 10, 10, 0),
    "launch_v3": Limits(timedelta(days=7), 10, 5000, 2),
    "scale_v3": Limits(timedelta(days=30), 25, 5000, 5),
}


class Document(BaseModel):
    """Unknown keys are errors: a file written by another version is refused, not half read."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)


class Kept(Document):
    """A state of a branch that branches of the time after it are made of."""

    at: datetime
    database: str


class Branch(Document):
    id: str
    name: str
    database: str
    """The real one that holds its data."""
    parent_id: str | None = None
    parent_timestamp: datetime | None = None
    state: Literal["init", "ready"] = "ready"
    default: bool = False
    protected: bool = False
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None = None
    annotation: dict[str, str] = Field(default_factory=dict[str, str])
    kept: list[Kept] = Field(default_factory=list[Kept])
    """Oldest first."""


class Endpoint(Document):
    id: str
    branch_id: str
    type: Literal["read_write", "read_only"]
    created_at: datetime
    updated_at: datetime


class Operation(Document):
    id: str
    action: str
    branch_id: str | None
    endpoint_id: str | None
    created_at: datetime
    updated_at: datetime
    looks: int
    """How often it is looked at until it has ended."""


class Snapshot(Document):
    """One of Neon's own, without its data: nothing restores it here."""

    id: str
    name: str
    source_branch_id: str
    created_at: datetime
    expires_at: datetime | None = None


class ScheduleItem(Document):
    frequency: str
    hour: int | None = None
    day: int | None = None
    month: int | None = None
    retention_seconds: int | None = None


class Fault(Document):
    """What goes wrong with the next request, if it is for this."""

    path: str = ""
    """How the request's path ends. Empty: whatever it is."""
    status: int
    """What it is answered with. 0: with nothing for a while."""
    carried_out: bool = False
    """Whether it is done nevertheless."""


class Project(Document):
    """The one project of an emulator."""

    id: str
    plan: Plan
    database: str
    """The name that clients call the database of every branch."""
    created_at: datetime
    branches: list[Branch] = Field(default_factory=list[Branch])
    endpoints: list[Endpoint] = Field(default_factory=list[Endpoint])
    operations: list[Operation] = Field(default_factory=list[Operation])
    snapshots: list[Snapshot] = Field(default_factory=list[Snapshot])
    schedules: dict[str, list[ScheduleItem]] = Field(default_factory=dict[str, list[ScheduleItem]])
    """By the branch's id."""
    faults: list[Fault] = Field(default_factory=list[Fault])
    """Each for one request."""

    @property
    def limits(self) -> Limits:
        """What its plan allows."""
        return PLANS[self.plan]
