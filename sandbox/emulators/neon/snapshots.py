"""Neon's own snapshots, and when it takes them by itself."""

from typing import Any

from sandbox.emulators.neon.branches import state_at
from sandbox.emulators.neon.calls import Call, Reply, moment_of, new_id, operations, text
from sandbox.emulators.neon.models import ScheduleItem, Snapshot


def create_snapshot(call: Call, branch_id: str) -> Reply:
    branch, identity = call.branch(branch_id), new_id("snap")
    written, expires = call.query.get("timestamp"), call.query.get("expires_at")
    moment = None if written is None else moment_of(written, "timestamp")
    source = state_at(call, branch, moment)
    call.databases.copy(source, identity, is_open=True)
    snapshot = Snapshot(
        id=identity,
        name=call.query.get("name", identity),
        source_branch_id=branch.id,
        database=identity,
        created_at=call.now,
        expires_at=None if expires is None else moment_of(expires, "expires_at"),
    )
    call.project.snapshots.append(snapshot)
    started = call.start("create_branch", branch)
    return Reply({"snapshot": _render(snapshot), **operations(call, started)})


def list_snapshots(call: Call) -> Reply:
    return Reply({"snapshots": [_render(each) for each in call.project.snapshots]})


def show_schedule(call: Call, branch_id: str) -> Reply:
    items = call.project.schedules.get(call.branch(branch_id).id, [])
    return Reply({"schedule": [item.model_dump(exclude_none=True) for item in items]})


def set_schedule(call: Call, branch_id: str) -> Reply:
    items = [ScheduleItem.model_validate(item) for item in call.body["schedule"]]
    call.project.schedules |= {call.branch(branch_id).id: items}
    return Reply({})


def _render(snapshot: Snapshot) -> dict[str, Any]:
    expires = snapshot.expires_at
    return {
        "id": snapshot.id,
        "name": snapshot.name,
        "source_branch_id": snapshot.source_branch_id,
        "created_at": text(snapshot.created_at),
        "manual": True,
        **({} if expires is None else {"expires_at": text(expires)}),
    }
