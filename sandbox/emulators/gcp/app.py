"""The emulator as a WSGI application."""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from werkzeug.wrappers import Request, Response

from sandbox.emulators.gcp import accounts, buckets, federation, front, keys, projects
from sandbox.emulators.gcp.errors import GoogleError, invalid, not_found
from sandbox.emulators.gcp.objects import Objects, ObjectsError
from sandbox.emulators.gcp.routing import Call, Handler
from sandbox.emulators.gcp.store import Document, Store

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_ROUTES = [
    route
    for part in (accounts, buckets, federation, keys, projects)
    for route in part.routes.entries
]
_CONFIGURED = "/v1/"
"""Where the services are that have no objects."""


class App:
    """Answers for every service: their paths do not overlap."""

    def __init__(self, store: Store, objects: Objects) -> None:
        self._store = store
        self._objects = objects

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        return self.answer(Request(environ))(environ, start_response)

    def answer(self, request: Request) -> Response:
        """The answer to one request; an error is one of Google's shape."""
        try:
            return self._answer(request)
        except GoogleError as error:
            return _json(error.body(), error.code)
        except ObjectsError as error:
            return _json({"error": {"code": 503, "message": str(error)}}, 503)

    def _answer(self, request: Request) -> Response:
        if request.path == "/_ready":
            return _json({"status": "ready"})
        for method, pattern, handler in _ROUTES:
            parts = pattern.fullmatch(request.path)
            if parts is not None and method == request.method:
                return _json(self._handled(request, handler, parts.groupdict()))
        if request.path.startswith(_CONFIGURED):
            raise not_found(f"The emulator has no {request.method} {request.path}.")
        asked = front.ObjectRequest(
            method=request.method,
            target=request.environ["REQUEST_URI"],
            query=request.args.to_dict(),
            headers=dict(request.headers),
            body=request.stream,
        )
        status, headers, pieces = front.pass_on(self._store, self._objects, asked)
        return Response(pieces, status, headers, direct_passthrough=True)

    def _handled(self, request: Request, handler: Handler, parts: dict[str, str]) -> Document:
        body = _body(request)
        with self._store.changing():
            call = Call(
                store=self._store,
                objects=self._objects,
                body=body,
                query=request.args,
                host=request.host_url.rstrip("/"),
            )
            # What it returns is part of the store, which the next request may change.
            return json.loads(json.dumps(handler(call, **parts)))


def _body(request: Request) -> Document:
    raw = request.get_data()
    if not raw or request.mimetype == "application/x-www-form-urlencoded":
        return {}
    try:
        parsed: Any = json.loads(raw)
    except ValueError:
        raise invalid("Invalid JSON payload received.") from None
    if not isinstance(parsed, dict):
        raise invalid("Invalid JSON payload received: it must be an object.")
    return cast("Document", parsed)


def _json(payload: Document, status: int = 200) -> Response:
    return Response(json.dumps(payload), status, content_type="application/json; charset=UTF-8")
