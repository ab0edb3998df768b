"""Names: ids of resources in the form of the real plugin, and two spellings of one word."""

from collections.abc import Iterable

from sandbox.providers.schema import Problem

_SEPARATOR, _ESCAPED = ":", "??"


def joined(*parts: str | int) -> str:
    """An id. Only the last part may hold colons of its own unescaped."""
    *first, last = (str(part) for part in parts)
    return _SEPARATOR.join([*(part.replace(_SEPARATOR, _ESCAPED) for part in first), last])


def parted(resource_id: str, count: int) -> list[str]:
    """The parts of an id. Raises ValueError if there are fewer."""
    *first, last = resource_id.split(_SEPARATOR, count - 1)
    if len(first) + 1 != count:
        raise ValueError(f"'{resource_id}' is no id of this type: it has {count} parts and colons")
    return [*(part.replace(_ESCAPED, _SEPARATOR) for part in first), last]


def exactly_one(given: Iterable[str], choices: tuple[str, ...]) -> Iterable[Problem]:
    """A problem unless exactly one of the choices is given."""
    found = [name for name in choices if name in set(given)]
    if len(found) != 1:
        named = " or ".join(f"'{name}'" for name in choices)
        has = " and ".join(found) or "none"
        yield Problem(choices[0], f"exactly one of {named} must be set: {has} is")


def snake(name: str) -> str:
    """Pulumi's spelling of a name in GitHub's: `waitTimer` is `wait_timer`."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)


def camel(name: str) -> str:
    """GitHub's spelling of a name in Pulumi's: `wait_timer` is `waitTimer`."""
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)
