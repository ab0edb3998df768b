"""What act's log says of one job."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

_NANOSECONDS = 1e9


@dataclass(frozen=True, kw_only=True)
class Step:
    """A step that ended; one that was skipped leaves no trace."""

    name: str
    result: str
    """`success` or `failure`."""
    seconds: float


def entries(text: str) -> list[dict[str, Any]]:
    """Every line of it."""
    return [json.loads(line) for line in text.splitlines()]


def steps(entries: Iterable[dict[str, Any]]) -> Iterator[Step]:
    """The job's own steps, in their order, without those of the actions they call."""
    for entry in entries:
        if entry.get("stage") == "Main" and "executionTime" in entry and len(entry["stepID"]) == 1:
            yield Step(
                name=entry["step"],
                result=entry["stepResult"],
                seconds=entry["executionTime"] / _NANOSECONDS,
            )


def summary(entries: Iterable[dict[str, Any]]) -> str:
    """What the steps wrote for the page of the run, one below the other as GitHub shows it."""
    written = [entry["content"] for entry in entries if entry.get("command") == "summary"]
    return "\n".join(part.rstrip("\n") + "\n" for part in written)


def readable(entries: Iterable[dict[str, Any]]) -> str:
    """The log as a person reads it: a heading for each step, and what the step wrote."""
    lines: list[str] = []
    for entry in entries:
        message = str(entry.get("msg", "")).rstrip("\r\n")
        lines.append(f"  {message}" if entry.get("raw_output") else message)
    return "".join(f"{line}\n" for line in lines if line.strip())
