"""What a resource type's properties look like: checked, completed with defaults, and compared.

A schema is a table of `Prop`, written with the short constructors below::

    inputs = {
        "bucket": text(required=True, replaces=True, identity=True),
        "policy": json_text(required=True),
        "rules": blocks({"id": text(required=True), "days": number()}, required=True),
        "tags": text_map(),
    }
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal, NamedTuple, TypedDict, Unpack

from sandbox.providers.values import UNKNOWN, Props, Unknown, is_known, is_list, is_map

Kind = Literal["text", "number", "flag", "list", "map", "block", "anything"]


@dataclass(frozen=True, kw_only=True)
class Naming:
    """How a resource that its program did not name gets a name, as the real providers do."""

    stem: str = "{}-"
    lower: bool = False
    max_length: int = 64
    prefix_from: str | None = None
    """The property, `bucketPrefix` or the like, whose value starts the name instead."""


class Options(TypedDict, total=False):
    """What can be said of any property. Inside blocks `required`, `default`, `computed`,
    `write_only`, `choices` and `same` count; the others are for a resource's own properties.
    """

    required: bool
    default: Any
    """Filled in at check where the program says nothing, as the real provider does."""
    replaces: bool
    """A change makes a new resource instead of updating this one."""
    identity: bool
    """Part of the resource's name in the cloud: two cannot exist at once, so a replacement that
    keeps every identity property deletes the old resource first."""
    computed: bool
    """The cloud chooses a value where the program says nothing, so that choice is no change."""
    write_only: bool
    """Cannot be read back: the state keeps what the program said."""
    secret: bool
    choices: Sequence[str]
    naming: Naming
    same: Callable[[Any], Any]
    """Brings values that mean the same to the same form before they are compared. Raises
    ValueError for one that means nothing, which is then refused at check."""


@dataclass(frozen=True, kw_only=True)
class Prop:
    """One property. Options are described at `Options`."""

    kind: Kind
    fields: Mapping[str, "Prop"] | None = None
    item: "Prop | None" = None
    unordered: bool = False
    required: bool = False
    default: Any = None
    replaces: bool = False
    identity: bool = False
    computed: bool = False
    write_only: bool = False
    secret: bool = False
    choices: Sequence[str] = ()
    naming: Naming | None = None
    same: Callable[[Any], Any] | None = None


Schema = Mapping[str, Prop]


class Problem(NamedTuple):
    """Something wrong with an input, where it is and in one sentence what to do."""

    path: str
    reason: str


def text(**options: Unpack[Options]) -> Prop:
    """A string."""
    return Prop(kind="text", **options)


def json_text(**options: Unpack[Options]) -> Prop:
    """A JSON document as a string: spaces and the order of keys make no difference."""
    options.setdefault("same", _parsed)
    return Prop(kind="text", **options)


def number(**options: Unpack[Options]) -> Prop:
    """A number."""
    return Prop(kind="number", **options)


def flag(**options: Unpack[Options]) -> Prop:
    """True or false."""
    return Prop(kind="flag", **options)


def texts(*, unordered: bool = True, **options: Unpack[Options]) -> Prop:
    """Strings; their order makes no difference unless said otherwise."""
    return Prop(kind="list", item=text(), unordered=unordered, **options)


def text_map(**options: Unpack[Options]) -> Prop:
    """Strings by keys that the program chooses, such as tags."""
    return Prop(kind="map", item=text(), **options)


def block(fields: Schema, **options: Unpack[Options]) -> Prop:
    """An object with these fields and no others."""
    return Prop(kind="block", fields=fields, **options)


def blocks(fields: Schema, *, unordered: bool = False, **options: Unpack[Options]) -> Prop:
    """A list of objects with these fields and no others."""
    return Prop(kind="list", item=block(fields), unordered=unordered, **options)


def anything(**options: Unpack[Options]) -> Prop:
    """A value that nobody looks into: an asset, or free-form data."""
    return Prop(kind="anything", **options)


def problems(schema: Schema, props: Props, path: str = "") -> Iterator[Problem]:
    """Everything that does not fit the schema: unknown names, wrong types, missing values."""
    for name, value in props.items():
        where = f"{path}{name}"
        if name in schema:
            yield from _problems_of(schema[name], value, where)
        else:
            yield Problem(where, f"nothing here is called '{where}'; {_hint(name, schema, path)}")
    for name, prop in schema.items():
        if prop.required and name not in props:
            yield Problem(f"{path}{name}", f"'{path}{name}' is missing and has no default: set it")


def _hint(name: str, schema: Iterable[str], path: str) -> str:
    known = sorted(schema)
    near = nearest(name, known)
    if near is not None:
        return f"did you mean '{path}{near}'?"
    return f"the sandbox's provider knows {', '.join(known)}"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that this one is most likely a slip of."""
    by_lower = {item.lower(): item for item in known}
    match = get_close_matches(name.lower(), by_lower, n=1)
    return by_lower[match[0]] if match else None


_TYPES: Mapping[Kind, tuple[tuple[type, ...], str]] = {
    "text": ((str,), "text"),
    "number": ((int, float), "a number"),
    "flag": ((bool,), "true or false"),
    "list": ((list,), "a list"),
    "map": ((dict,), "a map"),
    "block": ((dict,), "an object"),
}


def _problems_of(prop: Prop, value: Any, path: str) -> Iterator[Problem]:
    if isinstance(value, Unknown) or prop.kind == "anything":
        return
    types, called = _TYPES[prop.kind]
    if not isinstance(value, types) or (prop.kind == "number" and isinstance(value, bool)):
        # Not the value: any value may be secret.
        yield Problem(path, f"'{path}' must be {called}, not {_type_of(value)}")
    elif prop.choices and value not in prop.choices:
        yield Problem(path, f"'{path}' must be one of {', '.join(prop.choices)}, not '{value}'")
    elif prop.same is not None:
        yield from _meaningless(prop.same, value, path)
    elif prop.fields is not None:
        yield from problems(prop.fields, value, f"{path}.")
    elif prop.item is not None:
        for key, item in _entries(value):
            yield from _problems_of(prop.item, item, f"{path}[{key}]")


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, str):
        return "text"
    return "a list" if is_list(value) else "an object" if is_map(value) else "an asset"


def _entries(value: Any) -> Iterator[tuple[str, Any]]:
    if is_map(value):
        yield from ((json.dumps(key), item) for key, item in value.items())
    elif is_list(value):
        yield from ((str(index), item) for index, item in enumerate(value))


def _meaningless(same: Callable[[Any], Any], value: Any, path: str) -> Iterator[Problem]:
    if not is_known(value):
        return
    try:
        same(value)
    except ValueError as error:
        yield Problem(path, f"'{path}' cannot be used: {error}")


def completed(schema: Schema, props: Props) -> Props:
    """The properties with the schema's defaults filled in, nested ones too."""
    filled: Props = {
        name: prop.default
        for name, prop in schema.items()
        if prop.default is not None and name not in props
    }
    for name, value in props.items():
        filled[name] = _completed(schema[name], value) if name in schema else value
    return filled


def _completed(prop: Prop, value: Any) -> Any:
    if prop.fields is not None and is_map(value):
        return completed(prop.fields, value)
    if prop.item is not None and is_list(value):
        item = prop.item
        return [_completed(item, each) for each in value]
    return value


def named(schema: Schema, props: Props, *, resource: str, before: Props, seed: bytes) -> Props:
    """The properties with a generated name, kept from `before` if it was generated there."""
    result = dict(props)
    for name, prop in schema.items():
        if prop.naming is None or name in props:
            continue
        start = prop.naming.stem.format(resource)
        if prop.naming.prefix_from is not None and prop.naming.prefix_from in props:
            start = props[prop.naming.prefix_from]
        result[name] = UNKNOWN
        if is_known(start):
            result[name] = _generated(prop.naming, start, before.get(name), seed)
    return result


_SUFFIX_LENGTH = 7


def _generated(naming: Naming, start: str, old: Any, seed: bytes) -> str:
    start = start[: naming.max_length - _SUFFIX_LENGTH]
    if naming.lower:
        start = start.lower()
    if isinstance(old, str) and re.fullmatch(
        f"{re.escape(start)}[0-9a-f]{{{_SUFFIX_LENGTH}}}", old
    ):
        return old
    return start + hashlib.sha256(seed).hexdigest()[:_SUFFIX_LENGTH]


def canonical(prop: Prop, value: Any) -> Any:
    """A form in which values that mean the same are equal; None for one that means nothing."""
    if isinstance(value, Unknown):
        return value
    if prop.same is not None and value is not None and is_known(value):
        return prop.same(value)
    if prop.fields is not None and is_map(value):
        return _canonical_block(prop.fields, value) or None
    if prop.item is not None and is_list(value):
        item = prop.item
        items = [canonical(item, each) for each in value]
        return (sorted(items, key=_order) if prop.unordered else items) or None
    return None if value in ("", {}, []) else value


def _canonical_block(fields: Schema, value: Mapping[str, Any]) -> Props:
    known = {name: canonical(prop, value.get(name, prop.default)) for name, prop in fields.items()}
    return {name: item for name, item in known.items() if item is not None}


def _order(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=repr)


def _parsed(document: str) -> Any:
    try:
        return json.loads(document)
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON ({error})") from None


def differing(schema: Schema, old: Props, new: Props) -> list[str]:
    """The names of the properties that mean something else in `new` than in `old`.

    An unknown value may turn out to be anything, so it differs.
    """
    return [
        name
        for name, prop in schema.items()
        if not (prop.computed and name not in new)
        and _differs(prop, old.get(name, prop.default), new.get(name, prop.default))
    ]


def _differs(prop: Prop, old: Any, new: Any) -> bool:
    if not is_known(new):
        return True
    return canonical(prop, _without_choices(prop, old, new)) != canonical(prop, new)


def _without_choices(prop: Prop, old: Any, new: Any) -> Any:
    """The old value without what the cloud chose inside it where the program still says nothing."""
    fields, item = prop.fields, prop.item
    if fields is not None and is_map(old) and is_map(new):
        return {
            name: _without_choices(fields[name], value, new.get(name))
            for name, value in old.items()
            if name in fields and not (fields[name].computed and name not in new)
        }
    if item is not None and is_list(old) and is_list(new) and len(old) == len(new):
        return [_without_choices(item, *pair) for pair in zip(old, new, strict=True)]
    return old


def remembered(schema: Schema, actual: Props, known: Props) -> Props:
    """The actual state, in the program's own words wherever it means the same."""
    state = {name: value for name, value in actual.items() if value is not None}
    for name, prop in schema.items():
        if name not in known or not is_known(known[name]):
            continue
        if prop.write_only:
            state[name] = known[name]
        elif name in state:
            state[name] = _with_write_only(prop, state[name], known[name])
        if not differing({name: prop}, state, known):
            state[name] = known[name]
    return state


def _with_write_only(prop: Prop, actual: Any, known: Any) -> Any:
    fields, item = prop.fields, prop.item
    if fields is not None and is_map(actual) and is_map(known):
        kept = {
            name: _with_write_only(fields[name], value, known.get(name))
            for name, value in actual.items()
            if name in fields and not fields[name].write_only
        }
        words = {name: value for name, value in known.items() if fields[name].write_only}
        return kept | words
    if item is not None and is_list(actual) and is_list(known) and len(actual) == len(known):
        return [_with_write_only(item, *pair) for pair in zip(actual, known, strict=True)]
    return actual


def first_difference(schema: Schema, name: str, actual: Props, wanted: Props) -> tuple[str, str]:
    """Where in this property the values differ, and what is there, told without any text of it:
    that may be secret.
    """
    prop = schema[name]
    return _first_difference(
        name, canonical(prop, actual.get(name)), canonical(prop, wanted.get(name))
    )


def _first_difference(path: str, actual: Any, wanted: Any) -> tuple[str, str]:
    if is_map(actual) and is_map(wanted):
        for key in sorted(actual.keys() | wanted.keys()):
            if actual.get(key) != wanted.get(key):
                return _first_difference(f"{path}.{key}", actual.get(key), wanted.get(key))
    if is_list(actual) and is_list(wanted) and len(actual) == len(wanted):
        for index, pair in enumerate(zip(actual, wanted, strict=True)):
            if pair[0] != pair[1]:
                return _first_difference(f"{path}[{_label(pair[1], index)}]", *pair)
    if actual is None:
        return path, "nothing"
    return path, json.dumps(actual) if isinstance(actual, (bool, int, float)) else "another value"


def _label(item: Any, index: int) -> Any:
    """An unordered list is compared in an order of its own, so its indices tell nobody anything."""
    return item["id"] if is_map(item) and "id" in item else index


def or_nothing(value: Any) -> Any:
    """For `same`: false, zero and nothing at all mean the same."""
    return value or None
