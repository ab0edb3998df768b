"""A client of Google Cloud's REST APIs: JSON in and out, errors as they are."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlencode

from sandbox.providers.framework import ProviderError

_TIMEOUT_SECONDS = 60
_DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))

ENDPOINTS: Mapping[str, str] = {
    "storage": "storageCustomEndpoint",
    "kms": "kmsCustomEndpoint",
    "iam": "iamCustomEndpoint",
    "iamBeta": "iamBetaCustomEndpoint",
    "resourceManager": "resourceManagerCustomEndpoint",
    "serviceUsage": "serviceUsageCustomEndpoint",
}
"""Each service, and the configuration key of the real plugin that says where it is."""


class GoogleError(Exception):
    """Google refused. The message never holds what was sent: that may be secret."""

    def __init__(self, operation: str, status: int, message: str) -> None:
        super().__init__(f"{operation}: {status} {message}")
        self.status = status
        self.message = message


class UnreachableError(Exception):
    """There is nothing at the address."""


@dataclass(frozen=True, kw_only=True)
class Gcp:
    """Google Cloud as one resource sees it. May be used by several threads at once."""

    endpoints: Mapping[str, str]
    """URLs by service, each with its version and a slash at its end."""
    token: str
    default_project: str | None = None
    region: str | None = None
    zone: str | None = None
    default_labels: Mapping[str, str] = field(default_factory=dict[str, str])
    """Labels that the stack gives to everything that has labels."""
    attribution: Mapping[str, str] = field(default_factory=dict[str, str])
    """Labels that the plugin adds of its own accord."""

    @property
    def project(self) -> str:
        """The project of resources that name none."""
        if self.default_project is None:
            raise ProviderError(
                "there is no project: set gcp:project, or GOOGLE_PROJECT in the environment"
            )
        return self.default_project

    def get(self, service: str, path: str, **query: str) -> Any:
        """Raises GoogleError, with status 404 if there is nothing."""
        return self.request(service, "GET", path, query)

    def post(
        self, service: str, path: str, body: Mapping[str, Any] | None = None, **query: str
    ) -> Any:
        return self.request(service, "POST", path, query, body or {})

    def put(self, service: str, path: str, body: Mapping[str, Any]) -> Any:
        return self.request(service, "PUT", path, {}, body)

    def patch(self, service: str, path: str, body: Mapping[str, Any], **query: str) -> Any:
        return self.request(service, "PATCH", path, query, body)

    def delete(self, service: str, path: str) -> None:
        self.request(service, "DELETE", path, {})

    def request(
        self,
        service: str,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Mapping[str, Any] | None = None,
    ) -> Any:
        """The parsed answer, None if it is empty. Raises GoogleError or UnreachableError."""
        base = self._endpoint(service)
        request = urllib.request.Request(  # noqa: S310 - the address that the stack file gives
            f"{base}{path}" + (f"?{urlencode(query)}" if query else ""),
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
                "User-Agent": "neonhub-sandbox-provider",
            },
        )
        try:
            with _DIRECTLY.open(request, timeout=_TIMEOUT_SECONDS) as response:
                text = response.read()
        except urllib.error.HTTPError as error:
            operation = f"{service} {method} {path}"
            raise GoogleError(operation, error.code, _message(error.read())) from error
        except OSError as error:
            reason = error.reason if isinstance(error, urllib.error.URLError) else error
            raise UnreachableError(f"no Google Cloud answers at {base} ({reason})") from error
        return json.loads(text) if text.strip() else None

    def _endpoint(self, service: str) -> str:
        if service not in self.endpoints:
            key = ENDPOINTS[service]
            raise ProviderError(
                f"gcp:{key} is missing, and the sandbox's provider never talks to the real Google "
                f"Cloud: set it, or {variable(key)} in the environment, to the emulator's URL"
            )
        return self.endpoints[service]


def variable(key: str) -> str:
    """The environment variable that the real plugin reads where a configuration key is missing."""
    return "GOOGLE_" + "".join(f"_{c}" if c.isupper() else c for c in key).upper()


def _message(body: bytes) -> str:
    """Google's own words."""
    try:
        parsed = cast("dict[str, Any]", json.loads(body))
        return " ".join(parsed["error"]["message"].split())
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace")
