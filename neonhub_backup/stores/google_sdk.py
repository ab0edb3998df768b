"""Google's libraries, imported in one place: they take half a second, and warn of Python's age."""

import logging
import os
import warnings
from typing import Any

# Else the client asks for the bucket's metadata, for traces that nobody takes: a permission that no
# backup needs, and a denial in the bucket's audit log with every run.
os.environ.setdefault("DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA", "true")

# No request of a store names a project, so there is nothing to warn of where none is known.
logging.getLogger("google.auth._default").setLevel(logging.ERROR)

with warnings.catch_warnings():
    # Which Python runs the tool is decided elsewhere; each command would repeat the warning.
    warnings.simplefilter("ignore", FutureWarning)
    import google.auth
    import google_crc32c
    import requests
    from google.api_core import exceptions as api_exceptions
    from google.api_core.client_info import ClientInfo
    from google.auth import exceptions as auth_exceptions
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import storage
    from requests.adapters import HTTPAdapter

__all__ = [
    "AnonymousCredentials",
    "ClientInfo",
    "HTTPAdapter",
    "ambient_credentials",
    "api_exceptions",
    "auth_exceptions",
    "google_crc32c",
    "requests",
    "storage",
]


def ambient_credentials() -> Any:
    """What every Google tool finds: of a workload identity, a service account, or a person."""
    # Given a scope, this would look up a project, with a permission that no backup has.
    return google.auth.default()[0]  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - Google's libraries have no types
