"""The emulator as a WSGI application."""

import hmac
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, cast

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from sandbox.emulators.neon import branches, endpoints, projects, snapshots
from sandbox.emulators.neon.calls import Call, Reply
from sandbox.emulators.neon.databases import Databases
from sandbox.emulators.neon.description import BASE, Endpoint, endpoint
from sandbox.emulators.neon.errors import ApiError, not_found
from sandbox.emulators.neon.models import Fault, Project
from sandbox.emulators.neon.storage import Store

_PROJECT = f"{BASE}/projects/<project_id>"
_BRANCH = f"{_PROJECT}/branches/<branch_id>"

_HANDLERS: tuple[tuple[str, str, Callable[..., Reply]], ...] = (
    ("GET", _PROJECT, projects.show_project),
    ("GET", f"{_PROJECT}/operations", projects.list_operations),
    ("GET", f"{_PROJECT}/operations/<operation_id>", projects.show_operation),
    ("GET", f"{_PROJECT}/branches", branches.list_branches),
    ("POST", f"{_PROJECT}/branches", branches.create_branch),
    ("GET", _BRANCH, branches.show_branch),
    ("PATCH", _BRANCH, branches.update_branch),
    ("DELETE", _BRANCH, branches.delete_branch),
    ("POST", f"{_BRANCH}/restore", branches.restore_branch),
    ("GET", f"{_BRANCH}/endpoints", endpoints.list_endpoints),
    ("POST", f"{_PROJECT}/endpoints", endpoints.create_endpoint),
    ("GET", f"{_PROJECT}/connection_uri", endpoints.connection_uri),
    ("GET", f"{_PROJECT}/snapshots", snapshots.list_snapshots),
    ("GET", f"{_BRANCH}/backup_schedule", snapshots.show_schedule),
)

SILENT_SECONDS = 5
"""How long a request is not answered that a test wants to be silent."""


def create_app(store: Store, databases: Databases, key: str) -> Flask:
    """The application. Beside the API it has `POST /_keep`, which keeps the present state."""
    app = Flask("neon", static_folder=None)
    app.register_error_handler(ApiError, _refuse)
    app.register_error_handler(
        HTTPException, lambda error: _refuse(ApiError(error.code or 500, error.name))
    )
    for method, rule, handler in _HANDLERS:
        app.add_url_rule(
            rule, f"{method} {rule}", _view(store, databases, key, handler), methods=[method]
        )

    def keep() -> Response:
        with store.changing() as project:
            branches.keep_states(Call(project, databases, {}, {}, datetime.now(UTC)))
        return _response(Reply({}))

    app.add_url_rule("/_keep", "keep", keep, methods=["POST"])
    app.add_url_rule("/_ready", "ready", lambda: _response(Reply({})))
    return app


class _WantedError(ApiError):
    """A request that goes wrong because a test wants it to."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.status or 504, "a fault that the test asked for")
        self.seconds = 0 if fault.status else SILENT_SECONDS


def _next_fault(project: Project) -> Fault | None:
    if not project.faults or not request.path.endswith(project.faults[0].path):
        return None
    fault = project.faults[0]
    project.faults = project.faults[1:]
    return fault


def _view(
    store: Store, databases: Databases, key: str, handler: Callable[..., Reply]
) -> Callable[..., Response]:
    def view(project_id: str, **values: str) -> Response:
        _authenticate(key)
        described, body = _described(), _body()
        now = datetime.now(UTC)
        with store.changing() as project:
            fault = _next_fault(project)
            if fault is not None and not fault.carried_out:
                raise _WantedError(fault)
            if project_id != project.id:
                raise not_found("project")
            problems = described.request_problems(request.args, body)
            if problems:
                raise ApiError(400, "; ".join(problems))
            call = Call(project, databases, body or {}, request.args, now)
            branches.remove_expired(call)
            if request.method != "GET":
                call.refuse_while_busy()
            reply = handler(call, **values)
        if fault is not None:
            raise _WantedError(fault)
        wrong = described.answer_problems(reply.status, reply.payload)
        if wrong:
            raise AssertionError(f"an answer of the emulator is not as described: {wrong}")
        return _response(reply)

    return view


def _authenticate(key: str) -> None:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Bearer" or not hmac.compare_digest(given.encode(), key.encode()):
        raise ApiError(401, "this API key is not valid")


def _described() -> Endpoint:
    found = endpoint(request.method, request.path.removeprefix(BASE))
    if found is None:
        raise AssertionError(f"{request.method} {request.path} is not described")
    return found


def _body() -> dict[str, Any] | None:
    raw = request.get_data()
    if not raw:
        return None
    parsed: object = json.loads(raw)
    if not isinstance(parsed, dict):
        raise ApiError(400, "the body is not an object")
    return cast("dict[str, Any]", parsed)


def _refuse(error: ApiError) -> Response:
    if isinstance(error, _WantedError):
        time.sleep(error.seconds)
    return _response(Reply(error.body(request.headers.get("X-Request-ID")), error.status))


def _response(reply: Reply) -> Response:
    response = Response(json.dumps(reply.payload), reply.status, content_type="application/json")
    if reply.status == 429:
        response.headers["Retry-After"] = "1"
    return response
