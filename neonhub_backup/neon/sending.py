"""Requests to Neon, made again where that cannot do harm, and what a refusal means in words."""

import logging
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from neonhub_backup.errors import NeonError, NeonRefusedError, NeonUnansweredError
from neonhub_backup.neon.models import AnyAnswer, Refusal

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)

KEY_VARIABLE = "NEON_API_KEY"

_LOCKED = 423
_TOO_MANY = 429
_UNAVAILABLE = 503


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long is waited, and for what."""

    answer_seconds: float = 30
    """For an answer."""
    attempts: int = 6
    """How often a request is made that is not answered, or answered with a passing failure."""
    pause_seconds: float = 1
    """Before the second attempt; each further pause is twice as long, with some chance in it."""
    longest_pause_seconds: float = 30
    """The longest of them, and the longest that Neon may ask for."""
    locked_seconds: float = 600
    """While other operations of the project run."""
    operation_seconds: float = 900
    """For an operation to end."""
    look_seconds: float = 0.25
    """Before an operation is looked at; each further time half as long again."""
    longest_look_seconds: float = 5


class Sender:
    """Sends requests about one project, each named by what it does, for messages."""

    def __init__(
        self,
        api: str,
        project: str,
        key: str,
        patience: Patience,
        transport: "httpx.BaseTransport | None" = None,
    ) -> None:
        import httpx  # noqa: PLC0415 - it loads rich, which no other command waits for

        self.patience = patience
        self._project = project
        self._address = f"{api}/projects/{project}"
        self._client = httpx.Client(
            headers={
                "Accept": "application/json",
                "Authorization": f"Bearer {key}",
                "User-Agent": "neonhub-backup",
            },
            timeout=patience.answer_seconds,
            transport=transport,
            follow_redirects=False,
        )

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def ask(
        self, answer: type[AnyAnswer], path: str, doing: str, query: Mapping[str, Any] | None = None
    ) -> AnyAnswer:
        """Read something.

        Raises:
            NeonError: Neon refused, or did not answer.
        """
        return self.send(answer, "GET", path, doing, query=query)

    def send(
        self,
        answer: type[AnyAnswer],
        method: str,
        path: str,
        doing: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> AnyAnswer:
        """Make a request until it is answered for good.

        What changes something is made again only if Neon has said that it was not begun: that the
        project is locked, that there were too many requests, or that Neon is not available.

        Raises:
            NeonRefusedError: Neon refused.
            NeonUnansweredError: it is not known whether it was done.
            NeonError: it did not answer, and nothing was changed.
        """
        import httpx  # noqa: PLC0415 - as above

        harmless, address = method == "GET", f"{self._address}/{path}".removesuffix("/")
        attempt, locked_until = 1, time.monotonic() + self.patience.locked_seconds
        while True:
            try:
                response = self._client.request(method, address, params=query, json=body)
            except httpx.RequestError as error:
                problem = f"Neon's API did not answer ({_reason(error)})"
                again, asked = harmless or isinstance(error, httpx.ConnectError), None
                unknown = not again
            else:
                if response.is_success:
                    return _read(answer, response, doing)
                problem = _said(response)
                status, asked = response.status_code, _retry_after(response)
                if status == _LOCKED and time.monotonic() < locked_until:
                    log.info("waiting to %s: other operations of the project are running", doing)
                    self._pause(1, asked)
                    continue
                again = status in (_TOO_MANY, _UNAVAILABLE) or (harmless and status >= 500)
                unknown = status >= 500 and not again
                if not again and not unknown:
                    raise self._refused(response, doing)
            if unknown:
                raise NeonUnansweredError(
                    f"{problem}, so it is unknown whether it did what was asked, which was to"
                    f" {doing}: see in the Neon Console, and try again"
                )
            if attempt >= self.patience.attempts:
                raise NeonError(
                    f"{problem}, {attempt} times, so that it did not {doing}: see"
                    " https://neonstatus.com, and try again"
                )
            log.info("%s; trying again to %s", problem, doing)
            self._pause(attempt, asked)
            attempt += 1

    def _pause(self, attempt: int, asked: float | None) -> None:
        longest = self.patience.longest_pause_seconds
        grown = min(self.patience.pause_seconds * 2 ** (attempt - 1), longest)
        chance = random.uniform(0.5, 1)  # noqa: S311 - it only keeps clients from asking in step
        time.sleep(grown * chance if asked is None else min(asked, longest))

    def _refused(self, response: "httpx.Response", doing: str) -> NeonRefusedError:
        status, said = response.status_code, _said(response)
        match status:
            case 401:
                fix = (
                    f"set {KEY_VARIABLE} to a key that is valid, from the Neon Console under"
                    " Account settings or the organisation's, API keys"
                )
            case 403:
                fix = (
                    f"the key in {KEY_VARIABLE} lacks the right to do that in project"
                    f" {self._project}: give it a key of somebody who has it"
                )
            case 404:
                fix = (
                    f"correct `neon` in the configuration, whose project is {self._project}, or"
                    f" give {KEY_VARIABLE} a key that may see it"
                )
            case 423:
                fix = "let the operations end that run in the Neon Console, and try again"
            case 429:
                fix = "wait a minute, and try again"
            case _:
                fix = "correct what Neon says"
        error = NeonRefusedError(f"{said}, so that it did not {doing}: {fix}")
        error.code = _refusal(response).code
        return error


def _read(answer: type[AnyAnswer], response: "httpx.Response", doing: str) -> AnyAnswer:
    try:
        return answer.model_validate_json(response.content)
    except ValidationError as error:
        # The input may hold a connection string.
        fields = ", ".join(".".join(map(str, one["loc"])) for one in error.errors()[:3])
        raise NeonError(
            f"Neon's API was asked to {doing} and answered {response.status_code} with something"
            f" that is not as described ({fields or 'no JSON'}): see that the address of the API"
            " is right, and whether there is a newer version of this tool"
        ) from None


def _refusal(response: "httpx.Response") -> Refusal:
    try:
        return Refusal.model_validate_json(response.content)
    except ValidationError:
        return Refusal()


def _said(response: "httpx.Response") -> str:
    refusal = _refusal(response)
    details = [
        part
        for part in (
            " ".join(refusal.message[:300].split()),
            refusal.code,
            f"request {refusal.request_id}" if refusal.request_id else "",
        )
        if part
    ]
    return f"Neon's API answered {response.status_code}" + (
        f" ({', '.join(details)})" if details else ""
    )


def _retry_after(response: "httpx.Response") -> float | None:
    """The seconds that Neon asks to wait; the form with a date is passed over."""
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isdecimal() else None


def _reason(error: "httpx.RequestError") -> str:
    import httpx  # noqa: PLC0415 - as above

    if isinstance(error, httpx.TimeoutException):
        return "it took too long"
    return " ".join(str(error).split()) or type(error).__name__
