"""A preview in words, for whoever reviews it or is called by it."""

import json
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from neonhub_backup.github.markdown import code, fenced, shortened
from workflows.ci.preview import Action, Preview, Verdict

_SIGNS = {
    Action.DELETE: "-",
    Action.REPLACE: "±",
    Action.UPDATE: "~",
    Action.CREATE: "+",
    Action.IMPORT: "=",
}
_LENGTH = 60_000
"""Characters of a report; GitHub takes 65,536 in a comment."""
_MESSAGE = 1_000
_ERRORS = 5


@dataclass(frozen=True)
class Report:
    """What a job says of a preview to another that writes it down."""

    verdict: Verdict
    markdown: str

    def to_json(self) -> str:
        """The report as a file."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Report":
        """Read it back.

        Raises:
            ValueError: it is not a report.
        """
        match json.loads(text):
            case {"verdict": str(verdict), "markdown": str(markdown), **rest} if not rest:
                return cls(Verdict(verdict), markdown)
            case other:
                kind: Any = type(other).__name__
                raise ValueError(f"not a report but a {kind}: it has a verdict and its markdown")


def report_of(stack: str, preview: Preview) -> Report:
    """What to say of a stack's preview: names of what changes, and no values."""
    parts = [f"### `pulumi preview` of `{stack}`: {_headline(preview)}"]
    if preview.errors:
        parts += [fenced(error) for error in preview.errors[:_ERRORS]]
    if preview.violations:
        parts.append(_violations(preview))
    if preview.changes:
        parts.append(_changes(preview))
    markdown = shortened("\n\n".join(parts), _LENGTH, "The rest is in the log of the run.")
    return Report(preview.verdict, f"{markdown}\n")


def never_started(stack: str) -> Report:
    """What to say where the engine left no log of events."""
    return Report(
        Verdict.FAILED,
        f"### `pulumi preview` of `{stack}`: failed before it began\n\n"
        "The log of the run says why.\n",
    )


def _headline(preview: Preview) -> str:
    counts = Counter(change.action for change in preview.changes)
    found = [f"{counts[action]} to {action}" for action in Action if counts[action]]
    words = ", ".join([*found, f"{preview.unchanged} unchanged"])
    match preview.verdict:
        case Verdict.FAILED:
            return "failed"
        case Verdict.SAME:
            return f"no changes, {words}"
        case Verdict.CHANGED:
            return words


def _violations(preview: Preview) -> str:
    rows = [
        f"- {'**mandatory**' if each.mandatory else 'advisory'}"
        f" {code(each.rule)} in {code(each.resource)}: {code(each.message, _MESSAGE)}"
        for each in preview.violations
    ]
    return "\n".join(rows)


def _changes(preview: Preview) -> str:
    rows = [
        f"| {_SIGNS[each.action]} {each.action} | {code(each.type)} | {code(each.name)}"
        f" | {', '.join(code(path) for path in each.properties[:10])}"
        f"{' …' if len(each.properties) > 10 else ''} |"
        for each in preview.changes
    ]
    head = ["| | type | name | properties |", "|---|---|---|---|"]
    return "\n".join([*head, *rows])
