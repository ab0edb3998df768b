"""Neon as a list of answers, each of them and each request as Neon describes it."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from neonhub_backup.domain.configuration import Neon
from neonhub_backup.neon.api import Api, open_api
from neonhub_backup.neon.sending import Patience
from sandbox.emulators.neon.description import BASE, endpoint

SETTINGS = Neon(project="quiet-sandbox-12345678", database="app", role="app_owner")
KEY = "napi_secret"

Answer = tuple[int, Any] | httpx.TransportError
"""A status and a body, or what happens instead."""


@dataclass
class Script(httpx.BaseTransport):
    """Gives one answer after the other, and keeps what was asked."""

    answers: list[Answer]
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    asked: list[tuple[str, str, Any]] = field(default_factory=list[tuple[str, str, Any]])
    fits: bool = True
    """Whether the answers are as described."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["Authorization"] == f"Bearer {KEY}"
        path = request.url.path.removeprefix(BASE)
        described = endpoint(request.method, path)
        assert described is not None, f"{request.method} {path} is not described"
        body = json.loads(request.content) if request.content else None
        assert described.request_problems(dict(request.url.params), body) == []
        self.asked.append((request.method, path.partition(SETTINGS.project)[2], body))
        answer = self.answers.pop(0)
        if isinstance(answer, httpx.TransportError):
            raise answer
        status, payload = answer
        if self.fits:
            assert described.answer_problems(status, payload) == []
        return httpx.Response(status, json=payload, headers=dict(self.headers))


Play = Callable[..., tuple[Api, Script]]


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that would have been made."""
    made: list[float] = []
    monkeypatch.setattr("time.sleep", made.append)
    return made


@pytest.fixture
def play(pauses: list[float]) -> Iterator[Play]:  # noqa: ARG001 - nothing is waited for
    """Give the answers; our client, and what it asks."""
    with ExitStack() as stack:

        def begin(
            *answers: Answer,
            fits: bool = True,
            headers: Mapping[str, str] | None = None,
            **patience: Any,
        ) -> tuple[Api, Script]:
            script = Script(list(answers), headers or {}, fits=fits)
            opened = open_api(SETTINGS, {"NEON_API_KEY": KEY}, Patience(**patience), script)
            return stack.enter_context(opened), script

        yield begin


def refusal(message: str, code: str = "") -> dict[str, str]:
    """How Neon says no."""
    return {"request_id": "0000-1", "code": code, "message": message}


def operation(status: str, **more: Any) -> dict[str, Any]:
    """One as Neon shows it."""
    return {
        "id": "a07f8772-1877-4da9-a939-3a3ae62d1d8d",
        "project_id": SETTINGS.project,
        "branch_id": "br-new",
        "action": "create_branch",
        "status": status,
        "failures_count": 0,
        "created_at": "2026-01-05T02:00:00Z",
        "updated_at": "2026-01-05T02:00:00Z",
        "total_duration_ms": 0,
        **more,
    }


def branch(name: str, **more: Any) -> dict[str, Any]:
    """One as Neon shows it."""
    numbers = (
        *("cpu_used_sec", "active_time_seconds", "compute_time_seconds"),
        *("written_data_bytes", "data_transfer_bytes"),
    )
    return {
        "id": f"br-{name}",
        "project_id": SETTINGS.project,
        "name": name,
        "current_state": "ready",
        "state_changed_at": "2026-01-05T02:00:00Z",
        "creation_source": "console",
        "created_at": "2026-01-05T02:00:00Z",
        "updated_at": "2026-01-05T02:00:00Z",
        "default": False,
        "protected": False,
        **dict.fromkeys(numbers, 0),
        **more,
    }


def branches(*found: Mapping[str, Any], following: str | None = None) -> tuple[int, Any]:
    """A page of them."""
    pagination = {} if following is None else {"next": following}
    return 200, {"branches": list(found), "annotations": {}, "pagination": pagination}


def created(name: str, operations: Sequence[Mapping[str, Any]] = ()) -> tuple[int, Any]:
    """The answer to a creation."""
    answer: dict[str, Any] = {"branch": branch(name), "operations": list(operations)}
    return 201, answer | {key: list[Any]() for key in ("endpoints", "roles", "databases")}
