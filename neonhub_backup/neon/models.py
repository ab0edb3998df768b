"""What of Neon's answers is used; whatever else they hold is left unread on purpose."""

from datetime import datetime, timedelta
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field


class Answer(BaseModel):
    """A part of an answer. Neon adds fields at any time."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Owner(Answer):
    branches_limit: int
    subscription_type: str


class Project(Answer):
    id: str
    history_retention_seconds: int
    owner: Owner | None = None
    """Whoever pays. None: the key is not told."""

    @property
    def history(self) -> timedelta:
        """How far back branches can be made."""
        return timedelta(seconds=self.history_retention_seconds)


class Branch(Answer):
    id: str
    name: str
    parent_id: str | None = None
    parent_timestamp: datetime | None = None
    current_state: str
    default: bool
    protected: bool
    created_at: datetime
    expires_at: datetime | None = None
    """When Neon deletes it by itself. None: never."""


class Endpoint(Answer):
    """A compute."""

    id: str
    branch_id: str
    host: str
    type: str


class Operation(Answer):
    id: str
    action: str
    status: str
    branch_id: str | None = None
    error: str | None = None


class Snapshot(Answer):
    """One of Neon's own, which are no branches."""

    id: str
    name: str
    source_branch_id: str | None = None
    created_at: datetime
    expires_at: datetime | None = None
    manual: bool | None = None
    """False: taken by the schedule."""


class ScheduleItem(Answer):
    """When Neon takes snapshots by itself."""

    frequency: str
    hour: int | None = None
    day: int | None = None
    month: int | None = None
    retention_seconds: int | None = None


class AnnotationObject(Answer):
    id: str


class Annotation(Answer):
    """What whoever made a branch noted of it."""

    object: AnnotationObject
    value: dict[str, str]


class CursorPagination(Answer):
    next: str | None = None


class Pagination(Answer):
    cursor: str


class ProjectAnswer(Answer):
    project: Project


class BranchesAnswer(Answer):
    branches: tuple[Branch, ...]
    annotations: dict[str, Annotation] = Field(default_factory=dict[str, Annotation])
    pagination: CursorPagination = CursorPagination()


class BranchAnswer(Answer):
    branch: Branch
    operations: tuple[Operation, ...] = ()


class EndpointsAnswer(Answer):
    endpoints: tuple[Endpoint, ...]


class EndpointAnswer(Answer):
    endpoint: Endpoint
    operations: tuple[Operation, ...] = ()


class OperationAnswer(Answer):
    operation: Operation


class OperationsAnswer(Answer):
    operations: tuple[Operation, ...]
    pagination: Pagination | None = None


class UriAnswer(Answer):
    uri: str


class SnapshotsAnswer(Answer):
    snapshots: tuple[Snapshot, ...]


class ScheduleAnswer(Answer):
    schedule: tuple[ScheduleItem, ...]


class Refusal(Answer):
    """How Neon says no."""

    code: str = ""
    message: str = ""
    request_id: str | None = None


AnyAnswer = TypeVar("AnyAnswer", bound=Answer)
