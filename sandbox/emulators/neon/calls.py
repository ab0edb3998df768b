"""What a handler is given, what it answers, and the operations that it starts."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import uuid4

from sandbox.emulators.neon.databases import Databases
from sandbox.emulators.neon.errors import ApiError, invalid, not_found
from sandbox.emulators.neon.models import Branch, Endpoint, Operation, Project

T = TypeVar("T")

LOOKS = 3
"""How often an operation is looked at until it has ended."""


@dataclass(frozen=True)
class Reply:
    """What a handler answers."""

    payload: Any
    status: int = 200


@dataclass(frozen=True)
class Call:
    """One request that fits the description, about the project."""

    project: Project
    databases: Databases
    body: Mapping[str, Any]
    query: Mapping[str, str]
    now: datetime

    def branch(self, branch_id: str) -> Branch:
        """404 when there is none."""
        return _by_id(self.project.branches, branch_id, "branch")

    def endpoints_of(self, branch: Branch) -> list[Endpoint]:
        return [each for each in self.project.endpoints if each.branch_id == branch.id]

    def refuse_while_busy(self) -> None:
        """423 while operations run."""
        for operation in self.project.operations:
            self.look(operation)
        if any(operation.looks for operation in self.project.operations):
            raise ApiError(
                423,
                "project already has running conflicting operations, scheduling of new ones is"
                " prohibited",
            )

    def start(
        self, action: str, branch: Branch | None, endpoint: Endpoint | None = None
    ) -> Operation:
        """An operation that has begun."""
        operation = Operation(
            id=str(uuid4()),
            action=action,
            branch_id=None if branch is None else branch.id,
            endpoint_id=None if endpoint is None else endpoint.id,
            created_at=self.now,
            updated_at=self.now,
            looks=LOOKS,
        )
        self.project.operations.append(operation)
        return operation

    def look(self, operation: Operation) -> None:
        """Bring an operation nearer to its end; a new branch opens with the last of its own."""
        if operation.looks == 0:
            return
        operation.looks -= 1
        operation.updated_at = self.now
        running = {each.branch_id for each in self.project.operations if each.looks}
        for branch in self.project.branches:
            if branch.state == "init" and branch.id not in running:
                self.databases.open(branch.database)
                branch.state = "ready"

    def page(
        self, items: Sequence[T], identity: Callable[[T], str], default: int
    ) -> tuple[Sequence[T], str | None]:
        """One page of a list, and the cursor of the next one."""
        cursor, limit = self.query.get("cursor"), int(self.query.get("limit", default))
        places = {identity(each): place for place, each in enumerate(items)}
        if cursor is not None and cursor not in places:
            raise ApiError(400, "invalid cursor")
        begin = 0 if cursor is None else places[cursor] + 1
        shown = items[begin : begin + limit]
        more = begin + limit < len(items)
        return shown, identity(shown[-1]) if more and shown else None


def new_id(prefix: str) -> str:
    """In the form of Neon's: a prefix and something that can be told apart."""
    return f"{prefix}-{secrets.token_hex(6)}"


def text(moment: datetime) -> str:
    """A time as Neon writes it."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def moment_of(written: str, name: str) -> datetime:
    """A time from a request; 422 when its zone is missing."""
    moment = datetime.fromisoformat(written)
    if moment.tzinfo is None:
        raise invalid(f"{name} must have a time zone")
    return moment


def render_operation(call: Call, operation: Operation) -> dict[str, Any]:
    """An operation as every answer shows it."""
    optional = {"branch_id": operation.branch_id, "endpoint_id": operation.endpoint_id}
    return {
        "id": operation.id,
        "project_id": call.project.id,
        **{name: value for name, value in optional.items() if value is not None},
        "action": operation.action,
        "status": "running" if operation.looks else "finished",
        "failures_count": 0,
        "created_at": text(operation.created_at),
        "updated_at": text(operation.updated_at),
        "total_duration_ms": 0 if operation.looks else 100,
    }


def operations(call: Call, *started: Operation) -> dict[str, Any]:
    """The part of an answer that tells what has begun."""
    return {"operations": [render_operation(call, each) for each in started]}


def find_operation(call: Call, operation_id: str) -> Operation:
    """404 when there is none."""
    return _by_id(call.project.operations, operation_id, "operation")


def _by_id(items: Sequence[Any], wanted: str, kind: str) -> Any:
    found = next((each for each in items if each.id == wanted), None)
    if found is None:
        raise not_found(kind)
    return found
