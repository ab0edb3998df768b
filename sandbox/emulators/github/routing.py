"""From an HTTP request to a handler and back: who may call, what a body holds, pages, errors."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar, cast
from urllib.parse import urlencode

from flask import Flask, Response, request
from werkzeug.datastructures import MultiDict

from sandbox.emulators.github import clock
from sandbox.emulators.github.errors import ApiError, invalid, malformed
from sandbox.emulators.github.models import Account
from sandbox.emulators.github.storage import Repository, Store

PREFIX = "/api/v3"
CONTROL = "/_control"
"""Below it is no API of GitHub's, but what makes GitHub's own doings happen here."""

_Value = TypeVar("_Value")
_Item = TypeVar("_Item")
_KINDS: dict[Any, str] = {
    str: "a string",
    int: "an integer",
    bool: "a boolean",
    list: "an array",
    dict: "an object",
}


@dataclass(frozen=True)
class Reply:
    """What a handler answers: JSON, or raw bytes, or nothing."""

    payload: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


NO_CONTENT = Reply(status=204)


@dataclass(frozen=True)
class Call:
    """One authenticated request."""

    store: Store
    viewer: Account
    body: Mapping[str, Any]
    query: MultiDict[str, str]
    accept: str
    """The media type asked for."""
    host: str
    """The emulator's address, without a path."""
    url: str
    """This request's own address, without its query."""

    @property
    def api(self) -> str:
        """Where the API's addresses begin."""
        return f"{self.host}{PREFIX}"

    def optional(self, name: str, kind: type[_Value]) -> _Value | None:
        """A field of the body; None when it is absent or null, 422 when it is of another type."""
        return typed(name, self.body.get(name), kind)

    def require(self, name: str, kind: type[_Value]) -> _Value:
        """A field of the body; 422 when it is absent, null or of another type."""
        return required(name, self.optional(name, kind))

    def object(self, name: str) -> dict[str, Any] | None:
        """A field of the body that is an object; None when it is absent or null."""
        value = self.body.get(name)
        return None if value is None else as_object(name, value)

    def array(self, name: str) -> list[Any] | None:
        """A field of the body that is an array; None when it is absent or null."""
        return cast("list[Any] | None", self.optional(name, list))

    def objects(self, name: str) -> list[dict[str, Any]] | None:
        """A field of the body that is an array of objects; None when it is absent or null."""
        items = self.array(name)
        return None if items is None else [as_object(name, item) for item in items]

    def moment(self, name: str) -> str | None:
        """A field of the body that is a timestamp; None when it is absent or null."""
        text = self.optional(name, str)
        try:
            return None if text is None else clock.written(clock.read(text))
        except ValueError as error:
            raise malformed(f"For 'properties/{name}', {text} is not a timestamp.") from error

    def page(
        self, items: Sequence[_Item], render: Callable[[_Item], Any], key: str | None = None
    ) -> Reply:
        """One page of a list, with GitHub's Link header.

        With a key the list goes under it, beside `total_count`.
        """
        size = min(self._number("per_page", 30), 100)
        number = self._number("page", 1)
        last = max(1, -(-len(items) // size))
        shown = [render(item) for item in items[(number - 1) * size : number * size]]
        wanted = {"prev": number - 1, "next": number + 1, "last": last, "first": 1}
        if number >= last:
            del wanted["next"], wanted["last"]
        if number == 1:
            del wanted["prev"], wanted["first"]
        links = [f'<{self.url}?{self._query(page)}>; rel="{rel}"' for rel, page in wanted.items()]
        payload = shown if key is None else {"total_count": len(items), key: shown}
        return Reply(payload, headers={"Link": ", ".join(links)} if links else {})

    def _number(self, name: str, default: int) -> int:
        text = self.query.get(name, "")
        return int(text) if text.isdecimal() and int(text) > 0 else default

    def _query(self, page: int) -> str:
        return urlencode({**self.query.to_dict(), "page": str(page)})


@dataclass(frozen=True)
class RepositoryCall(Call):
    """One authenticated request about a repository that exists."""

    repository: Repository

    @property
    def repository_api(self) -> str:
        """Where the addresses of this repository begin."""
        return f"{self.api}/repos/{self.repository.full_name}"


class Routes:
    """The handlers of one part of the API."""

    def __init__(self) -> None:
        self._plain: list[tuple[str, str, Callable[..., Reply]]] = []
        self._repository: list[tuple[str, str, Callable[..., Reply]]] = []
        self._control: list[tuple[str, str, Callable[..., Reply]]] = []

    def plain(
        self, method: str, rule: str
    ) -> Callable[[Callable[..., Reply]], Callable[..., Reply]]:
        """Register a handler `(call, **path values)`."""

        def register(handler: Callable[..., Reply]) -> Callable[..., Reply]:
            self._plain.append((method, rule, handler))
            return handler

        return register

    def repository(
        self, method: str, suffix: str
    ) -> Callable[[Callable[..., Reply]], Callable[..., Reply]]:
        """Register a handler for a repository by name and, as GitHub also allows, by id.

        What it changes in the repository's state is kept, unless it raises.
        """

        def register(handler: Callable[..., Reply]) -> Callable[..., Reply]:
            self._repository.append((method, suffix, handler))
            return handler

        return register

    def control(
        self, method: str, suffix: str
    ) -> Callable[[Callable[..., Reply]], Callable[..., Reply]]:
        """Register a handler as `repository` does, for what no client of GitHub's can do."""

        def register(handler: Callable[..., Reply]) -> Callable[..., Reply]:
            self._control.append((method, suffix, handler))
            return handler

        return register

    def install(self, app: Flask, store: Store) -> None:
        """Make the handlers answer in `app`."""
        for method, rule, handler in self._plain:
            _add(app, method, f"{PREFIX}{rule}", _plain_view(store, handler))
        for method, suffix, handler in self._repository:
            view = _repository_view(
                store, handler, needs_unarchived=bool(suffix) and method != "GET"
            )
            _add(app, method, f"{PREFIX}/repos/<owner>/<repo>{suffix}", view)
            _add(app, method, f"{PREFIX}/repositories/<int:number>{suffix}", view)
        for method, suffix, handler in self._control:
            view = _repository_view(store, handler, needs_unarchived=False)
            _add(app, method, f"{CONTROL}/repos/<owner>/<repo>{suffix}", view)


def typed(name: str, value: Any, kind: type[_Value]) -> _Value | None:
    """The value, if it is None or of that type; 422 otherwise."""
    # Python counts True among the integers; JSON does not.
    if value is None or (isinstance(value, kind) and not (kind is int and isinstance(value, bool))):
        return value
    raise malformed(f"For 'properties/{name}', {json.dumps(value)} is not {_KINDS[kind]}.")


def as_object(name: str, value: Any) -> dict[str, Any]:
    """The value, if it is an object; 422 otherwise."""
    return required(name, typed(name, value, cast("type[dict[str, Any]]", dict)))


def required(name: str, value: _Value | None) -> _Value:
    """The value; 422 when it is None."""
    if value is None:
        raise malformed(f'"{name}" wasn\'t supplied.')
    return value


def one_of(resource: str, field_name: str, value: str, allowed: Sequence[str]) -> str:
    """The value, if it is among those allowed; 422 otherwise."""
    if value not in allowed:
        raise invalid(resource, field_name, "invalid")
    return value


def to_response(reply: Reply) -> Response:
    """The HTTP form of an answer."""
    if isinstance(reply.payload, bytes):
        response = Response(reply.payload, content_type="application/vnd.github.raw+json")
    elif reply.payload is None:
        response = Response(b"")
    else:
        text = json.dumps(reply.payload)
        response = Response(text, content_type="application/json; charset=utf-8")
    response.status_code = reply.status
    response.headers.extend(dict(reply.headers))
    response.headers["X-GitHub-Media-Type"] = "github.v3; format=json"
    return response


def _add(app: Flask, method: str, rule: str, view: Callable[..., Response]) -> None:
    app.add_url_rule(rule, f"{method} {rule}", view, methods=[method], strict_slashes=False)


def _plain_view(store: Store, handler: Callable[..., Reply]) -> Callable[..., Response]:
    def view(**values: Any) -> Response:
        call = _call(store)
        with store.lock:
            return to_response(handler(call, **values))

    return view


def _repository_view(
    store: Store, handler: Callable[..., Reply], *, needs_unarchived: bool
) -> Callable[..., Response]:
    def view(owner: str = "", repo: str = "", number: int | None = None, **values: Any) -> Response:
        call = _call(store)
        with store.lock:
            found = (
                store.repository(owner, repo) if number is None else store.repository_by_id(number)
            )
            if needs_unarchived and found.state.settings.archived:
                raise ApiError(403, "Repository was archived so is read-only.")
            with store.changing(found):
                return to_response(
                    handler(RepositoryCall(**vars(call), repository=found), **values)
                )

    return view


def _call(store: Store) -> Call:
    return Call(
        store=store,
        viewer=store.viewer,
        body=_body(),
        query=request.args,
        accept=request.headers.get("Accept", ""),
        host=request.host_url.rstrip("/"),
        url=request.base_url,
    )


def _body() -> Mapping[str, Any]:
    raw = request.get_data()
    if not raw:
        return {}
    try:
        parsed: object = json.loads(raw)
    except ValueError as error:
        raise ApiError(HTTPStatus.BAD_REQUEST, "Problems parsing JSON") from error
    if parsed is None:
        return {}
    if not isinstance(parsed, dict):
        raise ApiError(HTTPStatus.BAD_REQUEST, "Body should be a JSON object")
    return cast("dict[str, Any]", parsed)
