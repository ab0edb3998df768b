"""What act's log says of one job."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

_NANOSECONDS = 1e9
_BEGUN = "\u2b50"
"""The star with which act announces a step."""
_SAID = ("notice", "warning", "error")
"""Commands by which a step says something on the page of the run."""


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
                name=_name(entry),
                result=entry["stepResult"],
                seconds=entry["executionTime"] / _NANOSECONDS,
            )


def summary(entries: Iterable[dict[str, Any]]) -> str:
    """What the steps wrote for the page of the run, one below the other as GitHub shows it."""
    written = [entry["content"] for entry in entries if entry.get("command") == "summary"]
    return "\n".join(part.rstrip("\n") + "\n" for part in written)


def readable(entries: Iterable[dict[str, Any]]) -> str:
    """The log as GitHub shows it: each step, what it wrote, and how it ended."""
    return "".join(f"{line}\n" for entry in entries for line in _lines(entry))


def _lines(entry: dict[str, Any]) -> Iterator[str]:
    message = str(entry["msg"]).strip("\r\n")
    own = entry.get("stage") == "Main" and len(entry["stepID"]) == 1
    if entry.get("raw_output"):
        yield f"    {message}"
    elif entry.get("command") in _SAID:
        yield f"    {entry['command']}: {entry['arg']}"
    elif entry["level"] == "error":
        yield f"    error: {message.strip()}"
    elif own and "executionTime" in entry:
        seconds = entry["executionTime"] / _NANOSECONDS
        yield f"    {entry['stepResult']} after {seconds:.1f} s"
    elif own and message.startswith(_BEGUN):
        yield f"  {_name(entry)}"


def _name(entry: dict[str, Any]) -> str:
    """A step without a name is called as it begins."""
    return entry["step"].splitlines()[0]
