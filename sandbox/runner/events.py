"""What GitHub tells a run of the event that started it."""

from collections.abc import Mapping
from typing import Any

from sandbox.errors import SandboxError
from sandbox.runner.document import Document

DISPATCH, SCHEDULE = "workflow_dispatch", "schedule"


def payload(
    document: Document, event: str, inputs: Mapping[str, str], branch: str
) -> dict[str, Any]:
    """The event's own part of the payload.

    Raises SandboxError, as GitHub refuses, when the workflow does not listen to the event or does
    not take the inputs.
    """
    if event not in document.events:
        raise SandboxError(
            f"{document.path} does not start on `{event}`, but on {', '.join(document.events)}"
        )
    settings: Any = document.events[event]
    if event != DISPATCH and inputs:
        raise SandboxError(f"only `{DISPATCH}` takes inputs, so give none with `{event}`")
    match event:
        case "workflow_dispatch":
            return {"inputs": _inputs(settings, inputs), "ref": f"refs/heads/{branch}"}
        case "schedule":
            return {"schedule": settings[0]["cron"]}
        case _:
            raise SandboxError(f"this runner starts {SCHEDULE} and {DISPATCH}, not `{event}`")


def _inputs(settings: Mapping[str, Any] | None, given: Mapping[str, str]) -> dict[str, str]:
    """What the workflow is given: every input that has a value."""
    known: Mapping[str, Mapping[str, Any]] = (settings or {}).get("inputs") or {}
    for name in given:
        if name not in known:
            raise SandboxError(f"unexpected input `{name}`: the workflow has {', '.join(known)}")
    values: dict[str, str] = {}
    for name, described in known.items():
        value = given.get(name, str(described.get("default", "")))
        if not value and described.get("required"):
            raise SandboxError(f"the required input `{name}` is missing: give it")
        if value and described.get("type") == "choice" and value not in described["options"]:
            options = ", ".join(described["options"])
            raise SandboxError(f"the input `{name}` cannot be `{value}`: choose of {options}")
        values[name] = value
    return values
