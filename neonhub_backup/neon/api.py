"""Neon's API v2, as far as snapshots and restores need it.

https://api-docs.neon.tech/reference/getting-started-with-neon-api describes it.
"""

import logging
import os
import re
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from neonhub_backup.domain.configuration import Neon
from neonhub_backup.errors import (
    ConfigurationError,
    NeonError,
    NeonRefusedError,
    NeonUnansweredError,
)
from neonhub_backup.neon.models import (
    Annotation,
    Branch,
    BranchAnswer,
    BranchesAnswer,
    Endpoint,
    EndpointAnswer,
    EndpointsAnswer,
    Operation,
    OperationAnswer,
    OperationsAnswer,
    Project,
    ProjectAnswer,
    ScheduleAnswer,
    ScheduleItem,
    Snapshot,
    SnapshotsAnswer,
    UriAnswer,
)
from neonhub_backup.neon.sending import KEY_VARIABLE, Patience, Sender

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)

_PAGE = 100
_CREATIONS = 3
"""How often the creation of a branch is begun, when it is not answered."""
_ENDED_WELL = {"finished", "skipped"}
_ENDED_BADLY = {"failed", "error", "cancelled"}
_ENDED = _ENDED_WELL | _ENDED_BADLY
_LIMIT_REACHED = "BRANCHES_LIMIT_EXCEEDED"


@dataclass(frozen=True, kw_only=True)
class NewBranch:
    """What a branch is to be."""

    name: str
    parent: Branch
    at: datetime | None = None
    """The time of the parent's history that it begins with. None: now."""
    expires: datetime | None = None
    """When Neon deletes it by itself, at most 30 days from now. None: never."""
    endpoint: bool = False
    """With a compute, so that it can be read and written."""
    annotation: Mapping[str, str] = field(default_factory=dict[str, str])
    """What is noted of it."""

    def body(self) -> dict[str, Any]:
        """The request."""
        branch = {"name": self.name, "parent_id": self.parent.id}
        if self.at is not None:
            branch["parent_timestamp"] = written(self.at)
        if self.expires is not None:
            branch["expires_at"] = written(self.expires)
        body: dict[str, Any] = {"branch": branch}
        if self.annotation:
            body["annotation_value"] = dict(self.annotation)
        if self.endpoint:
            body["endpoints"] = [{"type": "read_write"}]
        return body


class Api:
    """One project of Neon's."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def project(self) -> Project:
        """The project, with what its plan allows."""
        return self._sender.ask(ProjectAnswer, "", "read the project").project

    def branches(self) -> tuple[dict[str, Branch], dict[str, Annotation]]:
        """All branches by their names, and what is noted of them by their ids."""
        found: dict[str, Branch] = {}
        notes: dict[str, Annotation] = {}
        query: dict[str, Any] = {"limit": _PAGE, "sort_by": "created_at", "sort_order": "asc"}
        while True:
            page = self._sender.ask(BranchesAnswer, "branches", "list its branches", query)
            found |= {branch.name: branch for branch in page.branches}
            notes |= {note.object.id: note for note in page.annotations.values()}
            if page.pagination.next is None or not page.branches:
                return found, notes
            query["cursor"] = page.pagination.next

    def branch(self, name: str) -> Branch:
        """A branch by its name.

        Raises:
            NeonError: there is none.
        """
        found, _ = self.branches()
        if name not in found:
            raise NeonError(
                f"the project has no branch {name}, so nothing was done: its branches are"
                f" {', '.join(found) or 'none'}"
            )
        return found[name]

    def create_branch(self, new: NewBranch) -> Branch:
        """Make a branch, and wait until it can be used.

        When the answer is lost, the branch is looked for by its name before it is made again.

        Raises:
            NeonRefusedError: Neon refused.
            NeonError: it is not known what became of it, or it was not ready in time.
        """
        doing = f"create branch {new.name}"
        for attempt in range(_CREATIONS):
            try:
                answer = self._sender.send(BranchAnswer, "POST", "branches", doing, body=new.body())
            except NeonUnansweredError:
                made = self.branches()[0].get(new.name)
                if made is not None:
                    log.info("branch %s was created although that was not answered", new.name)
                    self.settle(made)
                    return made
                if attempt == _CREATIONS - 1:
                    raise
                log.info("branch %s was not created; trying again", new.name)
            except NeonRefusedError as error:
                if error.code != _LIMIT_REACHED:
                    raise
                raise NeonRefusedError(
                    f"the project has as many branches as its plan allows, so that Neon did not"
                    f" {doing}: delete those that have had their time with `neon snapshot prune"
                    " --yes`, keep fewer with `neon.keep` in the configuration, or choose a larger"
                    " plan"
                ) from error
            else:
                self.wait(answer.operations)
                return answer.branch
        raise AssertionError("the last attempt returns or raises")

    def protect(self, branch: Branch, *, protected: bool) -> Branch:
        """Have a branch protected from being deleted, or not any more."""
        doing = f"{'protect' if protected else 'lift the protection of'} branch {branch.name}"
        return self._update(branch, doing, {"protected": protected})

    def set_expiry(self, branch: Branch, expires: datetime | None) -> Branch:
        """Say when Neon deletes a branch by itself. None: never."""
        moment = None if expires is None else written(expires)
        return self._update(
            branch, f"set when branch {branch.name} expires", {"expires_at": moment}
        )

    def delete_branch(self, branch: Branch) -> None:
        """Delete a branch with its computes."""
        doing = f"delete branch {branch.name}"
        path = f"branches/{branch.id}"
        self.wait(self._sender.send(BranchAnswer, "DELETE", path, doing).operations)

    def restore_branch(
        self, branch: Branch, source: Branch, *, at: datetime | None, preserve_as: str
    ) -> Branch:
        """Give a branch what another holds, or held; what it held is kept under another name.

        It keeps its id, its computes and so its connection strings.
        """
        body = {"source_branch_id": source.id, "preserve_under_name": preserve_as}
        if at is not None:
            body["source_timestamp"] = written(at)
        path, doing = f"branches/{branch.id}/restore", f"restore branch {branch.name}"
        answer = self._sender.send(BranchAnswer, "POST", path, doing, body=body)
        self.wait(answer.operations)
        return answer.branch

    def endpoints(self, branch: Branch) -> tuple[Endpoint, ...]:
        """The computes of a branch."""
        path, doing = f"branches/{branch.id}/endpoints", f"list the computes of {branch.name}"
        return self._sender.ask(EndpointsAnswer, path, doing).endpoints

    def create_endpoint(self, branch: Branch) -> Endpoint:
        """Give a branch a compute that reads and writes, and wait until it runs."""
        body = {"endpoint": {"branch_id": branch.id, "type": "read_write"}}
        doing = f"create a compute for branch {branch.name}"
        answer = self._sender.send(EndpointAnswer, "POST", "endpoints", doing, body=body)
        self.wait(answer.operations)
        return answer.endpoint

    def connection_uri(self, branch: Branch, *, database: str, role: str) -> str:
        """The connection string of a branch's compute, with its password and without a pool."""
        query = {
            "branch_id": branch.id,
            "database_name": database,
            "role_name": role,
            "pooled": "false",
        }
        doing = f"give the connection string of role {role} in database {database}"
        return self._sender.ask(UriAnswer, "connection_uri", doing, query).uri

    def snapshots(self) -> tuple[Snapshot, ...]:
        """Neon's own snapshots."""
        return self._sender.ask(SnapshotsAnswer, "snapshots", "list its own snapshots").snapshots

    def schedule(self, branch: Branch) -> tuple[ScheduleItem, ...]:
        """When Neon takes snapshots of a branch by itself."""
        path = f"branches/{branch.id}/backup_schedule"
        doing = f"read the snapshot schedule of branch {branch.name}"
        return self._sender.ask(ScheduleAnswer, path, doing).schedule

    def wait(self, operations: Sequence[Operation]) -> None:
        """Wait until all of these have ended.

        Raises:
            NeonError: one failed, or did not end in time.
        """
        patience = self._sender.patience
        until = time.monotonic() + patience.operation_seconds
        for operation in operations:
            current, pause = operation, patience.look_seconds
            while current.status not in _ENDED_WELL:
                if current.status in _ENDED_BADLY:
                    raise NeonError(
                        f"operation {current.action} ended as {current.status}"
                        f" ({current.error or 'without a reason'}), so the branch cannot be relied"
                        " on: see the project's operations in the Neon Console, and try again"
                    )
                if time.monotonic() >= until:
                    raise NeonError(
                        f"operation {current.action} did not end within"
                        f" {patience.operation_seconds:.0f} s, so it is unknown whether the branch"
                        " can be used: see the project's operations in the Neon Console"
                    )
                time.sleep(pause)
                pause = min(pause * 1.5, patience.longest_look_seconds)
                current = self._sender.ask(
                    OperationAnswer, f"operations/{current.id}", "tell how far an operation is"
                ).operation

    def settle(self, branch: Branch) -> None:
        """Wait until nothing more is done to a branch.

        Raises:
            NeonError: as for `wait`.
        """
        self.wait(self._running(branch))

    def _running(self, branch: Branch) -> list[Operation]:
        """The operations of a branch that have not ended.

        Neon lists the newest first, of years; a page on which all have ended is the last to read.
        """
        found: list[Operation] = []
        query: dict[str, Any] = {"limit": _PAGE}
        while True:
            page = self._sender.ask(OperationsAnswer, "operations", "list its operations", query)
            running = [each for each in page.operations if each.status not in _ENDED]
            found += [each for each in running if each.branch_id == branch.id]
            if page.pagination is None or not running:
                return found
            query["cursor"] = page.pagination.cursor

    def _update(self, branch: Branch, doing: str, fields: Mapping[str, Any]) -> Branch:
        answer = self._sender.send(
            BranchAnswer, "PATCH", f"branches/{branch.id}", doing, body={"branch": dict(fields)}
        )
        self.wait(answer.operations)
        return answer.branch


@contextmanager
def open_api(
    settings: Neon,
    environment: Mapping[str, str] = os.environ,
    patience: Patience | None = None,
    transport: "httpx.BaseTransport | None" = None,
) -> Generator[Api]:
    """The project that the configuration names, with the key of the environment.

    Raises:
        ConfigurationError: there is no key.
    """
    key = environment.get(KEY_VARIABLE, "").strip()
    if not key:
        raise ConfigurationError(
            f"environment variable {KEY_VARIABLE} is not set, so Neon's API cannot be asked and"
            " nothing was done: set it to a key of the Neon Console, under Account settings or the"
            " organisation's, API keys"
        )
    if not re.fullmatch(r"[\x21-\x7e]+", key):
        raise ConfigurationError(
            f"environment variable {KEY_VARIABLE} holds something with spaces or letters that no"
            " key has, so nothing was done: set it to the key alone, as the Neon Console showed it"
        )
    sender = Sender(settings.api, settings.project, key, patience or Patience(), transport)
    try:
        yield Api(sender)
    finally:
        sender.close()


def written(moment: datetime) -> str:
    """A time as Neon takes it."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
