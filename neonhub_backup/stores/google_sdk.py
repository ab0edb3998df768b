"""Google's libraries, imported in one place: they take half a second, and warn of Python's age."""

import os
import warnings

# Else the client asks for the bucket's metadata, for traces that nobody takes: a permission that no
# backup needs, and a denial in the bucket's audit log with every run.
os.environ.setdefault("DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA", "true")

with warnings.catch_warnings():
    # Which Python runs the tool is decided elsewhere; each command would repeat the warning.
    warnings.simplefilter("ignore", FutureWarning)
    import google_crc32c
    import requests
    from google.api_core import exceptions as api_exceptions
    from google.api_core.client_info import ClientInfo
    from google.auth import exceptions as auth_exceptions
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import storage

__all__ = [
    "AnonymousCredentials",
    "ClientInfo",
    "api_exceptions",
    "auth_exceptions",
    "google_crc32c",
    "requests",
    "storage",
]
