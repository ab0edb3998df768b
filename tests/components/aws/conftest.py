"""A judge of policies, as far as ours go: what AWS would answer to a request."""

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

import pytest

Context = Mapping[str, str]
IsAllowed = Callable[..., bool]


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _holds(operator: str, wanted: list[str], actual: str | None) -> bool:
    if operator == "Null":
        return (actual is None) == (wanted == ["true"])
    if actual is None:
        return operator.endswith("IfExists")
    match operator.removesuffix("IfExists"):
        case "StringEquals" | "Bool" | "ArnEquals":
            return actual in wanted
        case "StringLike":
            return any(fnmatchcase(actual, pattern) for pattern in wanted)
        case "NumericLessThanEquals":
            return float(actual) <= float(wanted[0])
        case _:
            raise NotImplementedError(f"this judge does not know the operator {operator}")


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
    """Call it with a policy, an action, a resource and the request's context."""

    def judge(
        policy: dict[str, Any], action: str, resource: str, context: Context | None = None
    ) -> bool:
        effects = {
            statement["Effect"]
            for statement in policy["Statement"]
            if _applies(statement, action, resource, context or {})
        }
        return effects == {"Allow"}

    return judge
