"""The table of what the local provider of Google Cloud knows."""

import os
from typing import Any, ClassVar

from sandbox.providers.framework import LocalProvider, ProviderError
from sandbox.providers.gcp import (
    accounts,
    bindings,
    buckets,
    federation,
    kms,
    lookups,
    projects,
)
from sandbox.providers.gcp.client import (
    ENDPOINTS,
    Gcp,
    GoogleError,
    UnreachableError,
    variable,
)
from sandbox.providers.schema import Schema, flag, text, text_map
from sandbox.providers.values import Props

_NOT_FOUND = 404
_PROJECT_VARIABLES = (
    "GOOGLE_PROJECT",
    "GOOGLE_CLOUD_PROJECT",
    "GCLOUD_PROJECT",
    "CLOUDSDK_CORE_PROJECT",
)
_ATTRIBUTION = {"goog-pulumi-provisioned": "true"}


class GcpProvider(LocalProvider[Gcp]):
    """Serves pulumi-gcp's resource types against an emulator."""

    package = "gcp"
    config: ClassVar[Schema] = {
        "project": text(),
        "region": text(),
        "zone": text(),
        # An emulator asks nobody who they are.
        "accessToken": text(secret=True),
        "credentials": text(secret=True),
        "impersonateServiceAccount": text(),
        "defaultLabels": text_map(),
        "addPulumiAttributionLabel": flag(default=True),
        "disableGlobalProjectWarning": flag(default=False),
        "skipRegionValidation": flag(default=False),
        "userProjectOverride": flag(default=False),
        **{key: text() for key in ENDPOINTS.values()},
    }

    def __init__(self) -> None:
        super().__init__(
            handlers=[
                *accounts.HANDLERS,
                *bindings.HANDLERS,
                *buckets.HANDLERS,
                *federation.HANDLERS,
                *kms.HANDLERS,
                *projects.HANDLERS,
            ],
            functions=lookups.FUNCTIONS,
        )
        self._cloud: Gcp | None = None

    def connect(self, settings: Props) -> None:
        """Take the configuration; what it does not say, the environment may."""
        endpoints = {
            service: settings.get(key) or os.environ.get(variable(key), "")
            for service, key in ENDPOINTS.items()
        }
        self._cloud = Gcp(
            endpoints={name: f"{url.rstrip('/')}/" for name, url in endpoints.items() if url},
            token=settings.get("accessToken") or _first("GOOGLE_OAUTH_ACCESS_TOKEN") or "sandbox",
            default_project=settings.get("project") or _first(*_PROJECT_VARIABLES),
            region=settings.get("region") or _first("GOOGLE_REGION"),
            zone=settings.get("zone") or _first("GOOGLE_ZONE"),
            default_labels=settings.get("defaultLabels", {}),
            attribution=_ATTRIBUTION if settings["addPulumiAttributionLabel"] else {},
        )

    def cloud(self, properties: Props) -> Gcp:  # noqa: ARG002 - the same for all resources
        """The Google Cloud of the configuration."""
        if self._cloud is None:
            raise ProviderError("the provider is asked for a resource before it was configured")
        return self._cloud

    def is_gone(self, error: Exception) -> bool:
        """Whether Google says that the thing does not exist."""
        return isinstance(error, GoogleError) and error.status == _NOT_FOUND

    def reason(self, error: Exception) -> str | None:
        """Google's own words, or what kept the request from being made."""
        if isinstance(error, UnreachableError):
            return f"{error}: is the emulator running?"
        return str(error) if isinstance(error, GoogleError) else None


def _first(*names: str) -> Any:
    return next((os.environ[name] for name in names if os.environ.get(name)), None)
