"""Branches: made of now or of a kept state, protected, expiring, restored in place."""

from datetime import datetime, timedelta
from typing import Any

from sandbox.emulators.neon.calls import Call, Reply, moment_of, new_id, operations, text
from sandbox.emulators.neon.endpoints import add_endpoint, render_endpoint
from sandbox.emulators.neon.errors import ApiError, invalid
from sandbox.emulators.neon.models import Branch, Kept, Operation

_LONGEST_EXPIRY = timedelta(days=30)


def list_branches(call: Call) -> Reply:
    """Newest change first, as Neon has it by default."""
    wanted, order = call.query.get("search", ""), call.query.get("sort_order", "desc")
    field = call.query.get("sort_by", "updated_at")
    found = [each for each in call.project.branches if wanted in each.name or wanted in each.id]
    found.sort(key=lambda each: (getattr(each, field), each.id), reverse=order == "desc")
    shown, following = call.page(found, lambda each: each.id, 100)
    pagination = {"sort_by": field, "sort_order": order}
    return Reply(
        {
            "branches": [render_branch(call, each) for each in shown],
            "annotations": {each.id: _annotation(each) for each in shown if each.annotation},
            "pagination": pagination | ({"next": following} if following else {}),
        }
    )


def show_branch(call: Call, branch_id: str) -> Reply:
    branch = call.branch(branch_id)
    return Reply({"branch": render_branch(call, branch), "annotation": _annotation(branch)})


def create_branch(call: Call) -> Reply:
    asked: dict[str, Any] = call.body.get("branch", {})
    parent = _parent(call, asked.get("parent_id"))
    if parent.expires_at is not None:
        raise invalid("cannot create a branch from a branch that expires")
    if len(call.project.branches) >= call.project.limits.most_branches:
        raise invalid("branches limit exceeded", "BRANCHES_LIMIT_EXCEEDED")
    written = asked.get("parent_timestamp")
    moment = None if written is None else moment_of(written, "parent_timestamp")
    identity = new_id("br")
    branch = Branch(
        id=identity,
        name=_free_name(call, asked.get("name", identity)),
        database=identity,
        parent_id=parent.id,
        parent_timestamp=moment or call.now,
        state="init",
        created_at=call.now,
        updated_at=call.now,
        annotation=dict(call.body.get("annotation_value", {})),
    )
    _protect(call, branch, wanted=asked.get("protected", False))
    _expire(call, branch, asked.get("expires_at"))
    source = state_at(call, parent, moment)
    call.databases.copy(source, branch.database, is_open=False)
    call.project.branches.append(branch)
    endpoints = [
        add_endpoint(call, branch, each["type"]) for each in call.body.get("endpoints", [])
    ]
    started = [
        call.start("create_branch", branch),
        *(call.start("start_compute", branch, each) for each in endpoints),
    ]
    return Reply(
        {
            "branch": render_branch(call, branch),
            "endpoints": [render_endpoint(call, each) for each in endpoints],
            **operations(call, *started),
            "roles": [],
            "databases": [],
        },
        201,
    )


def update_branch(call: Call, branch_id: str) -> Reply:
    branch, asked = call.branch(branch_id), call.body["branch"]
    if "name" in asked and asked["name"] != branch.name:
        branch.name = _free_name(call, asked["name"])
    if "protected" in asked:
        _protect(call, branch, wanted=asked["protected"])
    if "expires_at" in asked:
        _expire(call, branch, asked["expires_at"])
    branch.updated_at = call.now
    return Reply({"branch": render_branch(call, branch), **operations(call)})


def delete_branch(call: Call, branch_id: str) -> Reply:
    branch = call.branch(branch_id)
    if branch.protected:
        raise invalid("cannot delete protected branch")
    if branch.default or branch.parent_id is None:
        raise invalid("cannot delete the default or the root branch")
    if _children(call, branch):
        raise invalid("cannot delete branch that has children")
    started = remove_branch(call, branch)
    return Reply({"branch": render_branch(call, branch), **operations(call, started)})


def restore_branch(call: Call, branch_id: str) -> Reply:
    """The branch keeps its id, its computes and its place; what it held moves to a new one."""
    branch, source = call.branch(branch_id), call.branch(call.body["source_branch_id"])
    written, name = call.body.get("source_timestamp"), call.body.get("preserve_under_name", "")
    moment = None if written is None else moment_of(written, "source_timestamp")
    children = _children(call, branch)
    if source.id == branch.id and moment is None:
        raise invalid("source_timestamp or source_lsn is required")
    if not name and (children or source.id == branch.id):
        raise invalid("preserve_under_name is required")
    if branch.protected:
        raise invalid("cannot restore protected branch")
    if source.expires_at is not None:
        raise invalid("cannot restore from a branch that expires")
    copied, draft = state_at(call, source, moment), new_id("br")
    call.databases.copy(copied, draft, is_open=True)
    started: list[Operation] = []
    if name:
        started.append(_preserve(call, branch, _free_name(call, name), children))
    else:
        call.databases.drop(branch.database)
        _forget(call, branch)
    call.databases.rename(draft, branch.database)
    branch.updated_at = call.now
    started.append(call.start("apply_config", branch))
    return Reply({"branch": render_branch(call, branch), **operations(call, *started)})


def keep_states(call: Call) -> None:
    """Keep the present state of every branch for branches of the time from now on."""
    for branch in call.project.branches:
        if branch.state == "ready":
            database = new_id("kept")
            call.databases.copy(branch.database, database, is_open=True)
            branch.kept.append(Kept(at=call.now, database=database))


def remove_expired(call: Call) -> None:
    """Delete the branches whose time has come, as a job of Neon's does."""
    for branch in list(call.project.branches):
        if branch.expires_at is not None and branch.expires_at <= call.now:
            remove_branch(call, branch)


def remove_branch(call: Call, branch: Branch) -> Operation:
    """Delete it with its computes and its data."""
    call.project.branches.remove(branch)
    for endpoint in call.endpoints_of(branch):
        call.project.endpoints.remove(endpoint)
    _forget(call, branch)
    call.databases.drop(branch.database)
    return call.start("delete_timeline", branch)


def state_at(call: Call, branch: Branch, moment: datetime | None) -> str:
    """The database that holds what a branch held; 422 outside of its history."""
    if moment is None:
        return branch.database
    if moment > call.now:
        raise invalid("timestamp is in the future")
    if moment < max(call.now - call.project.limits.history, branch.created_at):
        raise invalid("timestamp is outside of the project's history retention window")
    before = [kept for kept in branch.kept if kept.at <= moment]
    if not before:
        raise ApiError(500, "the emulator has kept no state of that time: POST /_keep keeps one")
    return before[-1].database


def render_branch(call: Call, branch: Branch) -> dict[str, Any]:
    """A branch as every answer shows it."""
    optional: dict[str, Any] = {"parent_id": branch.parent_id}
    if branch.parent_timestamp is not None:
        optional["parent_timestamp"] = text(branch.parent_timestamp)
    if branch.expires_at is not None:
        optional["expires_at"] = text(branch.expires_at)
        optional["ttl_interval_seconds"] = int(
            (branch.expires_at - branch.updated_at).total_seconds()
        )
    return {
        "id": branch.id,
        "project_id": call.project.id,
        "name": branch.name,
        **{name: value for name, value in optional.items() if value is not None},
        "current_state": branch.state,
        "state_changed_at": text(branch.updated_at),
        "creation_source": "console",
        "init_source": "parent-data",
        "default": branch.default,
        "protected": branch.protected,
        "cpu_used_sec": 0,
        "active_time_seconds": 0,
        "compute_time_seconds": 0,
        "written_data_bytes": 0,
        "data_transfer_bytes": 0,
        "created_at": text(branch.created_at),
        "updated_at": text(branch.updated_at),
    }


def _annotation(branch: Branch) -> dict[str, Any]:
    return {
        "object": {"type": "console/branch", "id": branch.id},
        "value": branch.annotation,
        "created_at": text(branch.created_at),
        "updated_at": text(branch.created_at),
    }


def _parent(call: Call, branch_id: str | None) -> Branch:
    if branch_id:
        return call.branch(branch_id)
    return next(each for each in call.project.branches if each.default)


def _children(call: Call, branch: Branch) -> list[Branch]:
    return [each for each in call.project.branches if each.parent_id == branch.id]


def _free_name(call: Call, name: str) -> str:
    if any(each.name == name for each in call.project.branches):
        raise ApiError(409, "branch with the provided name already exists")
    return name


def _protect(call: Call, branch: Branch, *, wanted: bool) -> None:
    allowed = call.project.limits.protected_branches
    others = [each for each in call.project.branches if each.protected and each.id != branch.id]
    if wanted and branch.expires_at is not None:
        raise invalid("cannot protect a branch that expires")
    if wanted and len(others) >= allowed:
        raise invalid(f"your plan allows {allowed} protected branches")
    branch.protected = wanted


def _expire(call: Call, branch: Branch, written: str | None) -> None:
    if written is None:
        branch.expires_at = None
        return
    moment = moment_of(written, "expires_at").replace(microsecond=0)
    if not call.now < moment <= call.now + _LONGEST_EXPIRY:
        raise invalid("expires_at must be in the future, and at most 30 days away")
    if branch.protected or branch.default or _children(call, branch):
        raise invalid("cannot expire a protected or default branch, or one with children")
    branch.expires_at = moment


def _preserve(call: Call, branch: Branch, name: str, children: list[Branch]) -> Operation:
    identity = new_id("br")
    preserved = branch.model_copy(
        update={
            "id": identity,
            "name": name,
            "database": identity,
            "default": False,
            "created_at": call.now,
            "updated_at": call.now,
        }
    )
    call.databases.rename(branch.database, preserved.database)
    branch.kept = []
    call.project.branches.append(preserved)
    for child in children:
        child.parent_id = preserved.id
    if branch.parent_id is not None:  # both of a root branch stay roots
        branch.parent_id, branch.parent_timestamp = identity, call.now
    return call.start("create_branch", preserved)


def _forget(call: Call, branch: Branch) -> None:
    for kept in branch.kept:
        call.databases.drop(kept.database)
    branch.kept = []
