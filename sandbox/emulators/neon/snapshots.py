"""Neon's own snapshots, and when it takes them by itself; both are only shown here."""

from typing import Any

from sandbox.emulators.neon.calls import Call, Reply, text
from sandbox.emulators.neon.models import Snapshot


def list_snapshots(call: Call) -> Reply:
    return Reply({"snapshots": [_render(each) for each in call.project.snapshots]})


def show_schedule(call: Call, branch_id: str) -> Reply:
    items = call.project.schedules.get(call.branch(branch_id).id, [])
    return Reply({"schedule": [item.model_dump(exclude_none=True) for item in items]})


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
