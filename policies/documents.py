"""Policy documents of IAM, KMS and S3, as far as rules need to understand them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import chain
from typing import Any, cast

from policies.model import Resource, get, listed


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement of a policy document, its single texts as lists of one."""

    effect: str
    actions: list[str]
    not_actions: list[str]
    resources: list[str]
    not_resources: list[str]
    principals: dict[str, list[str]]
    """Who, by kind; `*` alone is `{"*": ["*"]}`."""
    condition: dict[str, dict[str, Any]]

    @property
    def allows(self) -> bool:
        """Whether it gives something."""
        return self.effect == "Allow"

    @property
    def admits_everybody(self) -> bool:
        """Whether it gives something to whoever asks, or does not say to whom."""
        return self.allows and (not self.principals or "*" in chain(*self.principals.values()))

    def covers(self, action: str) -> bool:
        """Whether it is about an action: IAM compares them without regard to case."""
        patterns = self.actions or self.not_actions
        matches = any(fnmatchcase(action.lower(), pattern.lower()) for pattern in patterns)
        return matches == bool(self.actions)

    def limited_by(self, key: str) -> bool:
        """Whether some condition asks for a key, without regard to case, as IAM compares them."""
        asked = {each.lower() for keys in self.condition.values() for each in keys}
        return key.lower() in asked

    def condition_values(self, operator: str, key: str) -> list[Any]:
        """What a condition compares a key with; nothing where there is no such condition."""
        return listed(get(self.condition, operator, key))


def statements(resource: Resource, name: str) -> list[Statement]:
    """The statements of the document in an input.

    Raises:
        UndecidedError: it is not known yet.
    """
    written = resource.get(name)
    document = json.loads(written) if isinstance(written, str) else written
    return [_statement(each) for each in listed(get(document, "Statement"))]


def allowed(document: list[Statement], actions: tuple[str, ...]) -> Iterator[str]:
    """Those actions that a document allows on some resource and does not deny on all."""
    for action in actions:
        given = any(each.allows and each.covers(action) for each in document)
        if given and not any(_denies_always(each, action) for each in document):
            yield action


def _denies_always(statement: Statement, action: str) -> bool:
    return (
        not statement.allows
        and not statement.condition
        and statement.resources == ["*"]
        and statement.covers(action)
    )


def _statement(written: Any) -> Statement:
    principal = get(written, "Principal")
    kinds = cast("dict[str, Any]", principal) if isinstance(principal, dict) else {}
    return Statement(
        effect=get(written, "Effect"),
        actions=listed(get(written, "Action")),
        not_actions=listed(get(written, "NotAction")),
        resources=listed(get(written, "Resource")),
        not_resources=listed(get(written, "NotResource")),
        principals={"*": ["*"]} if principal == "*" else {k: listed(v) for k, v in kinds.items()},
        condition=get(written, "Condition") or {},
    )
