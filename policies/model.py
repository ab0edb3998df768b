"""What a rule is, and how it judges the resources of a stack: plain data in, verdicts out."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, cast


class Unknown:
    """A value that only the cloud can give, and has not given yet."""

    def __repr__(self) -> str:
        return "unknown"


UNKNOWN: Final = Unknown()


class UndecidedError(Exception):
    """A rule looked at a value that is not known before the resource is about to be made."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One resource, by the engine's names."""

    type: str
    name: str
    inputs: Mapping[str, Any]
    protect: bool = False

    def get(self, *path: str) -> Any:
        """The input at a path; None where there is nothing.

        Raises:
            UndecidedError: it is not known yet.
        """
        return get(self.inputs, *path)


Stack = Sequence[Resource]
Findings = Iterable[str]


def always(_resource: Resource, _stack: Stack) -> bool:
    """Whatever the resource."""
    return True


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What must hold for every resource of some types."""

    name: str
    meaning: str
    """One sentence: what a violation means, and the fix."""
    answers: tuple[str, ...] = ()
    """The public rules that say the same. None: no checker has it."""
    types: tuple[str, ...]
    """The types of resources that it judges. None: all."""
    check: Callable[[Resource, Stack], Findings]
    """What is wrong with a resource; nothing when it is as it must be."""
    about: Callable[[Resource, Stack], bool] = always
    """Which resources of its types it judges."""
    looks_around: bool = False
    """Whether it must see the other resources too, and so cannot judge one before it is made."""

    def concerns(self, resource: Resource) -> bool:
        """Whether it judges resources of such a type."""
        return not self.types or resource.type in self.types


def alone(check: Callable[[Resource], Findings]) -> Callable[[Resource, Stack], Findings]:
    """A check that needs one resource and no other."""
    return lambda resource, _stack: check(resource)


class Outcome(Enum):
    """How a resource stands to a rule."""

    KEPT = "kept"
    BROKEN = "broken"
    WAIVED = "waived"
    UNDECIDED = "undecided"
    APART = "apart"
    """The rule is about others of its type."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One rule's judgement of one resource."""

    rule: Rule
    resource: Resource
    outcome: Outcome
    findings: tuple[str, ...] = ()
    waived: str | None = None
    """Until when and why it need not be kept, where that was decided."""

    @property
    def message(self) -> str:
        """What is wrong, without what it means."""
        return f"{self.resource.name}: {'; '.join(self.findings)}"


def judge(rule: Rule, resource: Resource, stack: Stack) -> Verdict:
    """One rule's judgement of one resource that it concerns."""
    try:
        if not rule.about(resource, stack):
            return Verdict(rule=rule, resource=resource, outcome=Outcome.APART)
        findings = tuple(rule.check(resource, stack))
    except UndecidedError:
        return Verdict(rule=rule, resource=resource, outcome=Outcome.UNDECIDED)
    outcome = Outcome.BROKEN if findings else Outcome.KEPT
    return Verdict(rule=rule, resource=resource, outcome=outcome, findings=findings)


def judge_all(rules: Iterable[Rule], stack: Stack) -> Iterator[Verdict]:
    """Every rule's judgement of every resource that it concerns."""
    for rule in rules:
        for resource in stack:
            if rule.concerns(resource):
                verdict = judge(rule, resource, stack)
                if verdict.outcome is not Outcome.APART:
                    yield verdict


def get(value: Any, *path: str) -> Any:
    """What is at a path of mappings; None where there is nothing.

    Raises:
        UndecidedError: it is not known yet.
    """
    for key in path:
        _known(value)
        value = cast("Mapping[str, Any]", value).get(key) if isinstance(value, Mapping) else None
    return _known(value)


def of_type(stack: Stack, *types: str) -> list[Resource]:
    """The resources of some types."""
    return [each for each in stack if each.type in types]


def listed(value: Any) -> list[Any]:
    """A list as it is, nothing as an empty one, anything else as its only entry."""
    if value is None:
        return []
    return (
        [_known(entry) for entry in cast("list[Any]", value)]
        if isinstance(value, list)
        else [value]
    )


def _known(value: Any) -> Any:
    if value is UNKNOWN:
        raise UndecidedError
    return value
