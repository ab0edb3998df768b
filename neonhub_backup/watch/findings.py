"""What a watch says of one thing: well, a warning, or a breach of what was promised."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum


class Verdict(IntEnum):
    """How bad it is; the number is the exit code of `watch` and `status`."""

    WELL = 0
    WARNING = 1
    """It may become a breach, or people should look."""
    BREACH = 2
    """A promise does not hold, or nobody can tell whether it does."""

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that is not as it should be."""

    verdict: Verdict
    check: str
    """What was looked at: `freshness`, `tier`, `proof`, `copy`, `size`, `rows`, `recovery`…"""
    database: str | None
    """None: it concerns all."""
    store: str | None
    """None: it concerns no store, or all."""
    text: str
    """One sentence: what is wrong, what that means, and what to do."""


def worst(findings: Iterable[Finding]) -> Verdict:
    """The verdict on all of them."""
    return max((finding.verdict for finding in findings), default=Verdict.WELL)


class VerdictError(Exception):
    """A promise does not hold, or soon may not; the verdict is the exit code.

    The message names what is concerned, and stays the same while that does: whoever is told of it
    again and again can tell what is new. The notes say what was measured.
    """

    def __init__(self, headline: str, findings: Iterable[Finding]) -> None:
        super().__init__(headline)
        known = tuple(findings)
        self.verdict = worst(known)
        for finding in known:
            self.add_note(f"{finding.verdict}: {finding.text}")
