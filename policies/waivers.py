"""Rules that a stack need not keep for some time, as its stack file says.

The program refuses a waiver that has expired, so none that it let through is past.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fnmatch import fnmatchcase
from typing import Any

from components.agreement import THREE_TWO_ONE
from policies.model import Outcome, Rule, Verdict

KEY = "neonhub-backup:waivers"
"""Where the stack file has them."""


@dataclass(frozen=True, kw_only=True)
class Waiver:
    """A rule, the resources that need not keep it, until when and why."""

    rule: str
    resource: str
    """Name of the resource; `*` stands for any characters."""
    reason: str
    expires: date
    """The last day on which it counts."""

    def covers(self, verdict: Verdict, today: date) -> bool:
        """Whether what was found is what was decided about."""
        return (
            today <= self.expires
            and self.rule == verdict.rule.name
            and fnmatchcase(verdict.resource.name, self.resource)
        )


def read(values: Mapping[str, str]) -> tuple[Waiver, ...]:
    """The waivers of a stack's configuration, as the engine gives it."""
    entries: list[dict[str, Any]] = json.loads(values.get(KEY, "[]"))
    return tuple(
        Waiver(
            rule=each["rule"],
            resource=each.get("resource", "*"),
            reason=each["reason"],
            # Where the file has no quotes around it, the engine adds a time and a zone.
            expires=date.fromisoformat(each["expires"][:10]),
        )
        for each in entries
    )


def apply(verdict: Verdict, waivers: Iterable[Waiver], today: date) -> Verdict:
    """The verdict, waived where its rule is broken and a waiver covers it."""
    if verdict.outcome is not Outcome.BROKEN:
        return verdict
    for each in waivers:
        if each.covers(verdict, today):
            why = f"until {each.expires}: {each.reason}"
            return replace(verdict, outcome=Outcome.WAIVED, waived=why)
    return verdict


def strays(waivers: Sequence[Waiver], rules: Iterable[Rule]) -> Iterator[str]:
    """What is wrong with waivers that name no rule: what they were meant for is not waived."""
    known = {rule.name for rule in rules} | {THREE_TWO_ONE}
    for each in waivers:
        if each.rule not in known:
            yield (
                f"{KEY}: {each.rule} is no rule, so nothing is waived; write a name that"
                " `make policy` prints, or remove the waiver"
            )
