"""What goes wrong at Google Cloud Storage, in words: each error becomes a reason and its fix."""

import json
from http import HTTPStatus
from typing import Literal, cast

from neonhub_backup.domain import configuration
from neonhub_backup.stores.google_sdk import api_exceptions, auth_exceptions, requests

Action = Literal["write", "read", "list", "clean up"]

ERRORS = (
    api_exceptions.GoogleAPICallError,
    auth_exceptions.GoogleAuthError,
    requests.RequestException,
)
"""All that Google's libraries raise for a request that failed."""

# https://cloud.google.com/storage/docs/performing-resumable-uploads#required_roles
_PERMISSIONS: dict[Action, str] = {
    "write": (
        "storage.objects.create on the bucket, and storage.objects.setRetention, which"
        " roles/storage.objectCreator lacks, if its objects are to be locked"
    ),
    "read": "storage.objects.get on it",
    "list": "storage.objects.list on the bucket",
    "clean up": "storage.objects.create on the bucket",
}

_TRANSIENT_STATUSES = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}
"""https://cloud.google.com/storage/docs/retry-strategy#retryable"""
_LONGEST = 300
"""Characters of an answer that is not JSON: a proxy's page, for instance."""
_DAMAGED = ("crc32c", "md5", "checksum", "hash")


def is_transient(error: Exception) -> bool:
    """Whether the same request may succeed a moment later."""
    if isinstance(error, auth_exceptions.GoogleAuthError):
        retryable = cast("bool", error.retryable)  # pyright: ignore[reportUnknownMemberType] - Google's libraries have no types
        return retryable or isinstance(error, auth_exceptions.TransportError)
    if isinstance(error, requests.exceptions.SSLError):
        return False
    if isinstance(error, requests.RequestException):
        dropped = (
            requests.ConnectionError,
            requests.Timeout,
            requests.exceptions.ChunkedEncodingError,
        )
        return isinstance(error, dropped)
    return code_of(error) in _TRANSIENT_STATUSES


def error_of(answer: requests.Response, *, of_upload: bool = False) -> Exception:
    """The error that an answer stands for. An upload that is not found is not a missing bucket."""
    status = answer.status_code
    if of_upload and status == HTTPStatus.NOT_FOUND:
        status = HTTPStatus.GONE
    error = api_exceptions.from_http_status(status, "", response=answer)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - as above
    return cast("Exception", error)


def code_of(error: BaseException | None) -> int | None:
    """The status of the server's answer; None if the error is not from one."""
    if not isinstance(error, api_exceptions.GoogleAPICallError):
        return None
    code: int | None = error.code
    return code


def explain(error: Exception, store: configuration.GcsStore, action: Action) -> str:
    """Why it failed and what to do: `<reason>; <fix>`, without a full stop."""
    place = store.endpoint_url or "Google Cloud Storage"
    said = _said(error)
    if isinstance(error, api_exceptions.GoogleAPICallError):
        reason, fix = _explain_answer(code_of(error), said, store, action)
    elif isinstance(error, auth_exceptions.DefaultCredentialsError):
        reason = f"no usable Google credentials were found ({said})"
        fix = (
            "set GOOGLE_APPLICATION_CREDENTIALS to the file of a workload identity federation or of"
            " a service account, or sign in with `gcloud auth application-default login`"
        )
    elif isinstance(error, requests.exceptions.SSLError):
        reason = f"the server's certificate is not trusted ({said})"
        fix = "set REQUESTS_CA_BUNDLE to the certificate authority of the server or of the proxy"
    elif isinstance(error, auth_exceptions.TransportError | requests.RequestException):
        reason = f"{place} cannot be reached ({said})"
        fix = f"check the network, the proxy, and endpoint_url of store {store.name}"
    else:
        reason = f"the Google credentials are expired or not valid ({said})"
        fix = (
            "sign in again, or let the workload identity provider and the service account accept"
            " the identity that asks"
        )
    return f"{reason}; {fix}"


def _explain_answer(
    code: int | None, said: str, store: configuration.GcsStore, action: Action
) -> tuple[str, str]:
    words = said.lower()
    bad = code == HTTPStatus.BAD_REQUEST
    rules = (
        (
            "kms" in words,
            f"the bucket's KMS key cannot be used ({said})",
            (
                "enable the key, and give the bucket's service agent"
                " roles/cloudkms.cryptoKeyEncrypterDecrypter on it"
            ),
        ),
        (
            bad and "retention" in words,
            f"the bucket does not let objects be locked ({said})",
            (
                "turn on object retention for the bucket, or set object_retention of store"
                f" {store.name} to false and rely on the bucket's own retention policy"
            ),
        ),
        (
            bad and any(word in words for word in _DAMAGED),
            f"the bytes arrived damaged ({said})",
            "look for a faulty proxy or network card on the way, then run it again",
        ),
        (
            code == HTTPStatus.UNAUTHORIZED,
            f"the Google credentials are expired or not valid ({said})",
            "sign in again, or give the job a token that outlives it",
        ),
        (
            code == HTTPStatus.FORBIDDEN,
            f"access is denied ({said})",
            f"allow the identity in use {_PERMISSIONS[action]}",
        ),
        (
            code == HTTPStatus.NOT_FOUND,
            f"there is no bucket {store.bucket}",
            f"deploy it with `pulumi up`, or correct the bucket of store {store.name}",
        ),
        (
            code == HTTPStatus.GONE,
            f"its upload was ended by someone else ({said})",
            "run it again",
        ),
        (
            code == HTTPStatus.PRECONDITION_FAILED and action == "read",
            "it was replaced while it was read",
            "find out by whom, and run it again",
        ),
        (
            code == HTTPStatus.PRECONDITION_FAILED,
            "an object of that name is there and is never overwritten",
            "take another name",
        ),
        (
            code in _TRANSIENT_STATUSES,
            f"the server was too busy at every attempt ({said})",
            "run it again later",
        ),
        (
            True,
            f"the server answered {code} ({said})",
            "look that code up in its documentation, remove the cause and run it again",
        ),
    )
    return next((reason, fix) for applies, reason, fix in rules if applies)


def _said(error: Exception) -> str:
    """The server's own words. The address of a request is not among them: it can be a secret."""
    if not isinstance(error, api_exceptions.GoogleAPICallError):
        return _one_line(str(error.args[0]) if error.args else type(error).__name__)
    text: str = getattr(cast("object", error.response), "text", "")  # pyright: ignore[reportUnknownMemberType] - as above
    try:
        said = json.loads(text)["error"]["message"]
    except (KeyError, TypeError, ValueError):
        said = text[:_LONGEST] or str(code_of(error))
    return _one_line(str(said))


def _one_line(text: str) -> str:
    return " ".join(text.split()).rstrip(".")
