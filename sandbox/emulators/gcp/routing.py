"""From an HTTP request to a handler: which one, what the body holds, and how often it changed."""

import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from werkzeug.datastructures import MultiDict

from sandbox.emulators.gcp.errors import invalid
from sandbox.emulators.gcp.objects import Objects
from sandbox.emulators.gcp.store import Document, Store


@dataclass(frozen=True)
class Call:
    """One request."""

    store: Store
    objects: Objects
    body: Document
    query: MultiDict[str, str]
    host: str
    """The emulator's address, without a path."""

    def require(self, name: str) -> Any:
        """A parameter of the query; 400 when it is absent."""
        if name not in self.query:
            raise invalid(f"Required parameter: {name}")
        return self.query[name]


Handler = Callable[..., Document]


class Routes:
    """The handlers of one API."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, re.Pattern[str], Handler]] = []

    def on(self, method: str, path: str) -> Callable[[Handler], Handler]:
        """Register a handler `(call, **parts of the path)`. A part has no slashes and colons."""
        pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/:]+)", path))

        def register(handler: Handler) -> Handler:
            self.entries.append((method, pattern, handler))
            return handler

        return register


def allow(body: Mapping[str, Any], known: Iterable[str], where: str = "") -> None:
    """Refuse a field that is none of Google's, or none that is kept here."""
    for name in body:
        if name not in set(known):
            raise invalid(f'Invalid JSON payload received. Unknown name "{where}{name}"')


def as_object(name: str, value: Any) -> Document:
    """The value, if it is an object or nothing; 400 otherwise."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise invalid(f"Invalid value for field '{name}': it must be an object")
    return cast("Document", value)


def objects(name: str, value: Any) -> list[Document]:
    """The items of a list of objects; 400 otherwise."""
    return [as_object(name, item) for item in items(name, value)]


def items(name: str, value: Any) -> list[Any]:
    """The value, if it is a list or nothing; 400 otherwise."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise invalid(f"Invalid value for field '{name}': it must be a list")
    return cast("list[Any]", value)


def matching(name: str, value: Any, pattern: str) -> str:
    """The value, if it is text of that form; 400 otherwise."""
    if not isinstance(value, str) or re.fullmatch(pattern, value) is None:
        raise invalid(f"Invalid value for field '{name}': '{value}' does not match {pattern}")
    return value


def one_of(name: str, value: Any, allowed: Iterable[str]) -> str:
    """The value, if it is among those allowed; 400 otherwise."""
    if value not in (found := list(allowed)):
        raise invalid(f"Invalid value for field '{name}': '{value}' is none of {', '.join(found)}")
    return value


def whole(name: str, value: Any, least: int, most: int) -> int:
    """The number, which may be text as in all of Google's JSON; 400 if it is out of range."""
    if isinstance(value, bool) or not re.fullmatch(r"-?\d+", str(value)):
        raise invalid(f"Invalid value for field '{name}': '{value}' is no whole number")
    if not least <= int(value) <= most:
        raise invalid(f"Invalid value for field '{name}': {value} is not from {least} to {most}")
    return int(value)


def seconds(name: str, value: Any, least: int, most: int) -> int:
    """The seconds of a duration such as `7776000s`; 400 if it is none or out of range."""
    return whole(name, matching(name, value, r"\d+(\.0+)?s").rstrip("s").split(".")[0], least, most)


def masked(call: Call, mutable: Iterable[str]) -> list[str]:
    """The fields that an update is about; 400 if one cannot be changed."""
    names = [name for name in call.require("updateMask").split(",") if name]
    for name in names:
        if name.split(".")[0] not in set(mutable):
            raise invalid(f"Field '{name}' is immutable or unknown, and cannot be updated")
    return list(dict.fromkeys(name.split(".")[0] for name in names))


def now() -> str:
    """This moment, as Google writes it."""
    return written(datetime.now(UTC))


def written(moment: datetime) -> str:
    """A moment of UTC, as Google writes it."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def etag() -> str:
    """A mark that no other state has."""
    return secrets.token_urlsafe(9) + "="


def done(name: str, response: Document) -> Document:
    """A long-running operation that has ended already."""
    return {"name": f"{name}/operations/{secrets.token_hex(8)}", "done": True, "response": response}
