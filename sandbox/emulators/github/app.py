"""The emulator as a WSGI application."""

import hmac
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from sandbox.emulators.github import (
    access,
    accounts,
    contents,
    environments,
    issues,
    pulls,
    references,
    repositories,
    rulesets,
    runs,
    secrets,
    variables,
    workflows,
)
from sandbox.emulators.github.errors import ApiError, not_found
from sandbox.emulators.github.routing import PREFIX, Reply, to_response
from sandbox.emulators.github.storage import Store

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_PARTS = (
    access.routes,
    accounts.routes,
    contents.routes,
    environments.routes,
    issues.routes,
    pulls.routes,
    references.routes,
    repositories.routes,
    rulesets.routes,
    runs.routes,
    secrets.routes,
    variables.routes,
    workflows.routes,
)

API_VERSION = "2022-11-28"

# A slash inside one path segment (%2F) travels as this private character until routing is done.
_SLASH = "\ue000"


def create_app(data_dir: Path, token: str) -> tuple[Flask, Store]:
    """The application, and the store it keeps its data in: close that when done."""
    store = Store(data_dir)
    app = Flask("github", static_folder=None)
    app.url_map.merge_slashes = False
    app.wsgi_app = _KeepEncodedSlashes(app.wsgi_app)
    app.url_value_preprocessor(_restore_slashes)
    app.before_request(lambda: _admit(token))
    app.after_request(_tag)
    app.register_error_handler(ApiError, _refuse)
    app.register_error_handler(HTTPException, _refuse_http)
    app.add_url_rule("/_ready", "ready", lambda: to_response(Reply({"status": "ready"})))
    for part in _PARTS:
        part.install(app, store)
    return app, store


def _restore_slashes(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    for key, value in (values or {}).items():
        if isinstance(value, str) and values is not None:
            values[key] = value.replace(_SLASH, "/")


def _tag(response: Response) -> Response:
    if request.method == "GET" and response.status_code == HTTPStatus.OK:
        response.add_etag()
        response.make_conditional(request)
    return response


def _refuse(error: ApiError) -> Response:
    return to_response(Reply(error.body(), error.status))


def _refuse_http(error: HTTPException) -> Response:
    status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    unknown = status in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)
    return _refuse(not_found() if unknown else ApiError(status, error.name))


def _admit(token: str) -> None:
    known = "Authorization" in request.headers
    if request.path != "/_ready" and (known or request.path != f"{PREFIX}/meta"):
        _authenticate(token)


def _authenticate(token: str) -> None:
    if not request.headers.get("User-Agent"):
        raise ApiError(
            403,
            "Request forbidden by administrative rules. "
            "Please make sure your request has a User-Agent header.",
        )
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if not given:
        raise ApiError(401, "Requires authentication")
    if scheme.lower() not in ("bearer", "token") or not hmac.compare_digest(
        given.strip().encode(), token.encode()
    ):
        raise ApiError(401, "Bad credentials")
    version = request.headers.get("X-GitHub-Api-Version", API_VERSION)
    if version != API_VERSION:
        raise ApiError(
            400, f"Version {version} is not supported: this emulator speaks {API_VERSION}."
        )


class _KeepEncodedSlashes:
    """WSGI decodes paths before routing, and then `a%2Fb` cannot be told from `a/b`."""

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> "Iterable[bytes]":
        raw: str = environ["REQUEST_URI"].split("?", 1)[0]
        if "%2f" in raw.lower():
            kept = raw.replace("%2F", "%2f").replace("%2f", _SLASH)
            environ["PATH_INFO"] = unquote_to_bytes(kept).decode("latin-1")
        return self._app(environ, start_response)
