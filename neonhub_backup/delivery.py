"""Requests over HTTPS with Python's standard library alone, made again where that may help."""

import re
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any

from neonhub_backup.errors import ConfigurationError, DeliveryError

PAUSES = (1.0, 4.0)
"""Seconds before the second try and before the third."""

_SECONDS = 20
"""How long an answer may take."""
_OVER_HTTPS = re.compile(r"https://[\x21-\x7e]+")
_TO_THIS_MACHINE = re.compile(r"http://(localhost|127\.0\.0\.1)(:\d+)?(/[\x21-\x7e]*)?")


class _AsTheyAre(urllib.request.HTTPErrorProcessor):
    """Gives every answer back, so that no redirect is followed: the receiver alone is meant."""

    def http_response(self, request: Any, response: Any) -> Any:  # noqa: ARG002 - the name is urllib's
        return response

    https_response = http_response


_OPENER = urllib.request.build_opener(_AsTheyAre)


def deliver(
    request: urllib.request.Request, receiver: str, fix: str, *, quotes: bool = False
) -> bytes:
    """Make a request, three times if need be; the body of the answer.

    What a receiver seems not to have got it may get twice, which is better than never. Messages
    call it by the name given here, never by its address, which may be a secret; with `quotes` they
    repeat what it says when it refuses.

    Raises:
        DeliveryError: it did not answer, or refused.
    """
    problem = ""
    for pause in (0.0, *PAUSES):
        time.sleep(pause)
        try:
            with _OPENER.open(request, timeout=_SECONDS) as answer:
                status, body = answer.status, answer.read()
        except (OSError, HTTPException) as error:
            problem = f"{receiver} did not answer ({_reason(error)})"
            continue
        if 200 <= status < 300:
            return body
        said = " ".join(body.decode(errors="replace")[:300].split()) if quotes else ""
        problem = f"{receiver} refused it with {status}{said and f': {said}'}"
        if status != 429 and status < 500:
            break
    raise DeliveryError(f"{problem}; {fix}")


def secret_address(environment: Mapping[str, str], variable: str) -> str | None:
    """The address that an environment variable holds. None: it is empty or not set.

    Raises:
        ConfigurationError: what is sent there could be read on its way.
    """
    address = environment.get(variable, "").strip()
    if not address:
        return None
    if _OVER_HTTPS.fullmatch(address) or _TO_THIS_MACHINE.fullmatch(address):
        return address
    raise ConfigurationError(
        f"environment variable {variable} holds no address that begins with https://, so nothing"
        " was sent there: set it to the address as the service shows it"
    )


def _reason(error: Exception) -> str:
    """Why there was no answer, in words that hold no address."""
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return "it took too long" if isinstance(cause, TimeoutError) else type(cause).__name__
