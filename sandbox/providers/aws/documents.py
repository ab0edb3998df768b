"""Policy documents as IAM reads them, so that two that mean the same are equal."""

import json
from typing import Any, Unpack

from sandbox.providers.schema import Options, Prop, text
from sandbox.providers.values import is_list, is_map


def policy_text(**options: Unpack[Options]) -> Prop:
    """A policy document as JSON."""
    options.setdefault("same", canonical_policy)
    return text(**options)


def canonical_policy(document: str) -> Any:
    """The policy with its lists sorted and single values as lists. Raises ValueError if it is not
    a policy.
    """
    try:
        parsed = json.loads(document)
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON ({error})") from None
    if not is_map(parsed) or "Statement" not in parsed:
        raise ValueError("a policy is an object with a 'Statement'")
    return {name: _canonical(name, value) for name, value in parsed.items()}


# Everything else in a policy may be one value or a list of them.
_SINGLE = frozenset({"Version", "Id", "Sid", "Effect"})


def _canonical(name: str, value: Any) -> Any:
    if name in {"Principal", "NotPrincipal"} and value == "*":
        return {"AWS": ["*"]}
    if is_map(value):
        inner = {key: _canonical(key, item) for key, item in value.items()}
        return [inner] if name == "Statement" else inner
    if name in _SINGLE:
        return value
    values = value if is_list(value) else [value]
    return sorted((_canonical_item(item) for item in values), key=_order)


def _canonical_item(item: Any) -> Any:
    if is_map(item):
        return {key: _canonical(key, value) for key, value in item.items()}
    return str(item).lower() if isinstance(item, bool) else str(item)


def _order(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
