"""Pulumi's property values as plain Python values, and back again with their secrets.

The SDK passes unknown values of a preview through as the marker strings of the wire protocol and
refuses to send its own `Computed` back, so both directions are handled here.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeGuard

from pulumi.provider.experimental.property_value import Computed, PropertyValue

Props = dict[str, Any]
"""A resource's properties: text, numbers, flags, lists, dictionaries, assets, or UNKNOWN."""


class Unknown:
    """The type of UNKNOWN, a value that a preview cannot know yet."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()

# One marker per type of value, from sdk/go/common/resource/plugin/rpc.go of the engine.
_STRING_MARKER = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_MARKERS = frozenset(
    {
        _STRING_MARKER,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)


def to_plain(sealed: PropertyValue) -> Any:
    """The value without its wrapping; whole numbers are ints and nulls are left out of objects."""
    value = sealed.value
    if isinstance(value, Computed) or (isinstance(value, str) and value in _MARKERS):
        return UNKNOWN
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, Mapping):
        return to_props(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [to_plain(item) for item in value]
    return value


def to_props(sealed: Mapping[str, PropertyValue]) -> Props:
    """All of a resource's properties, without their wrapping and without nulls."""
    return {key: to_plain(item) for key, item in sealed.items() if item.value is not None}


def from_plain(value: Any, like: PropertyValue | None = None) -> PropertyValue:
    """The value for the wire, secret wherever `like`, an earlier value of the same property, is."""
    return PropertyValue(_wire(value, like), is_secret=like is not None and like.is_secret)


def _wire(value: Any, like: PropertyValue | None) -> Any:
    if isinstance(value, Unknown):
        return _STRING_MARKER
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    before = like.value if like is not None else None
    if is_map(value):
        known: Mapping[str, PropertyValue] = before if isinstance(before, Mapping) else {}
        return {key: from_plain(item, known.get(key)) for key, item in value.items()}
    if is_list(value):
        return _list(value, before if isinstance(before, Sequence) else ())
    return value


def _list(items: Sequence[Any], before: Sequence[Any]) -> list[PropertyValue]:
    if len(before) == len(items):
        return [from_plain(item, old) for item, old in zip(items, before, strict=True)]
    # The items have moved, so nobody can tell which of them came from a secret.
    hidden = any(isinstance(old, PropertyValue) and old.contains_secret() for old in before)
    return [from_plain(item).with_secret(hidden) for item in items]


def is_known(value: Any) -> bool:
    """Whether nothing in the value is UNKNOWN."""
    if is_map(value):
        return all(is_known(item) for item in value.values())
    if is_list(value):
        return all(is_known(item) for item in value)
    return not isinstance(value, Unknown)


def is_map(value: Any) -> TypeGuard[Props]:
    """Whether this is a map or an object."""
    return isinstance(value, dict)


def is_list(value: Any) -> TypeGuard[list[Any]]:
    """Whether this is a list."""
    return isinstance(value, list)
