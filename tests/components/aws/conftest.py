"""A judge of policies, as far as ours go: what AWS would answer to a request."""

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

import pytest

Context = Mapping[str, str]
IsAllowed = Callable[..., bool]


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


_OPERATORS: dict[str, Callable[[str, list[str]], bool]] = {
    "ArnEquals": lambda actual, wanted: actual in wanted,
    "Bool": lambda actual, wanted: actual in wanted,
    "NumericLessThan": lambda actual, wanted: float(actual) < float(wanted[0]),
    "NumericLessThanEquals": lambda actual, wanted: float(actual) <= float(wanted[0]),
    "StringEquals": lambda actual, wanted: actual in wanted,
    "StringLike": lambda actual, wanted: any(fnmatchcase(actual, each) for each in wanted),
    "StringNotEquals": lambda actual, wanted: actual not in wanted,
}


def _holds(operator: str, wanted: list[str], actual: str | None) -> bool:
    if operator == "Null":
        return (actual is None) == (wanted == ["true"])
    if actual is None:
        # As in AWS, what is not there differs from everything.
        return operator.endswith("IfExists") or "Not" in operator
    holds = _OPERATORS.get(operator.removesuffix("IfExists"))
    if holds is None:
        raise NotImplementedError(f"this judge does not know the operator {operator}")
    return holds(actual, wanted)


def _is_about(statement: dict[str, Any], principal: str | None) -> bool:
    """Whether a statement of a resource's policy is about who asks. None: it does not matter."""
    wanted = statement.get("Principal", "*")
    if principal is None or wanted == "*":
        return True
    return any(principal in _listed(names) for names in wanted.values())


def _applies(statement: dict[str, Any], action: str, resource: str, context: Context) -> bool:
    return (
        any(fnmatchcase(action, pattern) for pattern in _listed(statement["Action"]))
        and any(fnmatchcase(resource, pattern) for pattern in _listed(statement["Resource"]))
        and all(
            _holds(operator, _listed(wanted), context.get(key))
            for operator, keys in statement.get("Condition", {}).items()
            for key, wanted in keys.items()
        )
    )


@pytest.fixture
def is_allowed() -> IsAllowed:
    """Call it with a policy, an action, a resource, the request's context and who asks."""

    def judge(
        policy: dict[str, Any],
        action: str,
        resource: str,
        context: Context | None = None,
        principal: str | None = None,
    ) -> bool:
        effects = {
            statement["Effect"]
            for statement in policy["Statement"]
            if _is_about(statement, principal)
            and _applies(statement, action, resource, context or {})
        }
        return effects == {"Allow"}

    return judge
