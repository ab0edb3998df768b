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
        # As in AWS, what is not there differs from everything.
        return operator.endswith("IfExists") or "Not" in operator
    match operator.removesuffix("IfExists"):
        case "StringEquals" | "Bool" | "ArnEquals":
            return actual in wanted
        case "StringNotEquals":
            return actual not in wanted
        case "StringLike":
            return any(fnmatchcase(actual, pattern) for pattern in wanted)
        case "NumericLessThanEquals":
            return float(actual) <= float(wanted[0])
        case "NumericLessThan":
            return float(actual) < float(wanted[0])
        case _:
            raise NotImplementedError(f"this judge does not know the operator {operator}")


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
