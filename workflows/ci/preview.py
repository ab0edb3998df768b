"""What a preview found, from the engine's log of events.

The log is what the engine writes to `--event-log`: a JSON object per line, described in
https://github.com/pulumi/pulumi/blob/v3.250.0/sdk/go/common/apitype/events.go. Values of properties
are left where they are: a report is read by more people than a stack.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

_PASSWORD = re.compile(r"([a-z][a-z0-9+.-]*://[^\s:/@]*:)[^\s/]+@", re.IGNORECASE)
"""In an address, as a database may repeat one in an error."""


class Verdict(StrEnum):
    """How a preview ended."""

    SAME = "same"
    """There is nothing to change."""
    CHANGED = "changed"
    """There is something to change."""
    FAILED = "failed"
    """It says nothing about the stack."""


class Action(StrEnum):
    """What would happen to a resource, what a reviewer fears most first.

    The engine's other operations are parts of these, or change nothing.
    """

    DELETE = "delete"
    REPLACE = "replace"
    UPDATE = "update"
    CREATE = "create"
    IMPORT = "import"


@dataclass(frozen=True)
class Change:
    """What would happen to one resource."""

    action: Action
    type: str
    name: str
    properties: tuple[str, ...]
    """Paths of the properties that change; none where all are new or gone."""


@dataclass(frozen=True)
class Violation:
    """A rule that a resource breaks."""

    rule: str
    resource: str
    """Name of the resource; that of the stack, for a rule about all of it."""
    message: str
    mandatory: bool
    """Whether it fails the preview."""


@dataclass(frozen=True)
class Preview:
    """What a preview found."""

    verdict: Verdict
    changes: tuple[Change, ...] = ()
    unchanged: int = 0
    """How many resources stay as they are."""
    violations: tuple[Violation, ...] = ()
    errors: tuple[str, ...] = ()


def read_preview(lines: Iterable[str]) -> Preview:
    """Read a log of events; without its end the preview failed.

    Raises:
        ValueError: a line is not an event.
    """
    changes: list[Change] = []
    violations: list[Violation] = []
    errors: list[str] = []
    result: str | None = None
    unchanged = 0
    for line in lines:
        match _event(line):
            case {"resourcePreEvent": {"metadata": {"op": str(op), "urn": str(urn), **found}}}:
                if op in set(Action) and "::pulumi:providers:" not in urn:
                    changes.append(_change(Action(op), urn, found))
            case {
                "policyEvent": {
                    "policyName": str(rule),
                    "message": str(message),
                    "enforcementLevel": level,
                    **found,
                }
            }:
                name = found.get("resourceUrn", "").rpartition("::")[2]
                violations.append(Violation(rule, name, _clean(message), level == "mandatory"))
            case {"diagnosticEvent": {"severity": "error", "message": str(message)}}:
                errors.append(_clean(message))
            case {"summaryEvent": {"result": str(ended), "resourceChanges": {**counts}}}:
                result, unchanged = ended, counts.get("same", 0)
            case _:
                pass
    return Preview(
        verdict=_verdict(result, changes),
        changes=tuple(sorted(changes, key=_place)),
        unchanged=unchanged,
        violations=tuple(violations),
        errors=tuple(errors),
    )


def _event(line: str) -> Mapping[str, Any]:
    event: Any = json.loads(line)
    if not isinstance(event, dict):
        raise ValueError(f"not an event of the engine: {line[:80]!r}")  # noqa: TRY004 - of the file
    return event  # pyright: ignore[reportUnknownVariableType] - matched field by field


def _verdict(result: str | None, changes: list[Change]) -> Verdict:
    if result != "succeeded":
        return Verdict.FAILED
    return Verdict.CHANGED if changes else Verdict.SAME


def _change(action: Action, urn: str, found: Mapping[str, Any]) -> Change:
    *_, types, name = urn.split("::", 3)
    paths: Iterable[str] = found.get("detailedDiff") or found.get("diffs") or ()
    return Change(action, types.rpartition("$")[2], name, tuple(sorted(paths)))


def _place(change: Change) -> tuple[int, str, str]:
    """Where a change stands in the list, which is the same for every run of a preview."""
    return list(Action).index(change.action), change.type, change.name


def _clean(message: str) -> str:
    return _PASSWORD.sub(r"\1[secret]@", message).strip()
