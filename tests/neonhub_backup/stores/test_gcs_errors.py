"""Every error of Google Cloud Storage becomes a reason and a fix."""

import json
from typing import Any

import pytest

from neonhub_backup.domain import configuration
from neonhub_backup.stores.gcs_errors import Action, code_of, error_of, explain, is_transient
from neonhub_backup.stores.google_sdk import auth_exceptions, requests

STORE = configuration.GcsStore(name="offsite", bucket="vault")
SESSION = "https://storage.googleapis.com/upload?upload_id=secret"


def _answer(status: int, message: str = "Because.", body: str | None = None) -> requests.Response:
    answer: Any = requests.Response()
    answer.status_code = status
    answer.request = requests.Request("PUT", SESSION).prepare()
    whole = json.dumps({"error": {"code": status, "message": message}})
    answer._content = (whole if body is None else body).encode()  # noqa: SLF001 - an answer cannot be made otherwise
    return answer


@pytest.mark.parametrize(
    ("status", "message", "reason", "fix"),
    [
        (401, "Invalid Credentials", "credentials are expired or not valid", "sign in again"),
        (
            403,
            "b@x does not have access.",
            "access is denied (b@x does not",
            "storage.objects.create",
        ),
        (403, "Permission denied on Cloud KMS key.", "KMS key cannot be used", "service agent"),
        (404, "No such bucket", "there is no bucket vault", "deploy it with `pulumi up`"),
        (408, "Slow", "the server was too busy", "run it again later"),
        (412, "conditionNotMet", "is never overwritten", "take another name"),
        (400, "Object retention is off", "does not let objects be locked", "set object_retention"),
        (400, "CRC32C does not match", "the bytes arrived damaged", "look for a faulty proxy"),
        (429, "Rate limit", "the server was too busy", "run it again later"),
        (503, "Backend error", "the server was too busy", "run it again later"),
        (418, "Teapot", "the server answered 418 (Teapot)", "look that code up"),
    ],
)
def test_an_answer_is_explained(status: int, message: str, reason: str, fix: str) -> None:
    explained = explain(error_of(_answer(status, message)), STORE, "write")

    assert reason in explained.split("; ")[0]
    assert fix in explained.split("; ")[1]


@pytest.mark.parametrize(
    ("error", "reason", "fix"),
    [
        (
            auth_exceptions.DefaultCredentialsError("none"),
            "no usable Google credentials were found (none)",
            "GOOGLE_APPLICATION_CREDENTIALS",
        ),
        (
            auth_exceptions.RefreshError("Unable to acquire impersonated credentials", "body"),
            "credentials are expired or not valid (Unable",
            "the workload identity provider",
        ),
        (
            auth_exceptions.TransportError("no route"),
            "Google Cloud Storage cannot be reached (no route)",
            "check the network",
        ),
        (requests.ConnectionError("refused"), "cannot be reached (refused)", "check the network"),
        (requests.Timeout("slow"), "cannot be reached (slow)", "check the network"),
        (
            requests.exceptions.SSLError("self-signed"),
            "certificate is not trusted (self-signed)",
            "REQUESTS_CA_BUNDLE",
        ),
        (requests.RequestException(), "cannot be reached (RequestException)", "check the network"),
    ],
)
def test_a_failure_without_an_answer_is_explained(error: Exception, reason: str, fix: str) -> None:
    explained = explain(error, STORE, "write")

    assert reason in explained.split("; ")[0]
    assert fix in explained.split("; ")[1]


@pytest.mark.parametrize(
    ("action", "permission"),
    [
        ("write", "storage.objects.setRetention"),
        ("read", "storage.objects.get on it"),
        ("list", "storage.objects.list on the bucket"),
    ],
)
def test_a_refusal_names_the_permission_that_was_missing(action: Action, permission: str) -> None:
    assert permission in explain(error_of(_answer(403)), STORE, action)


def test_an_object_replaced_while_read_is_not_called_an_overwrite() -> None:
    assert "replaced while it was read" in explain(error_of(_answer(412)), STORE, "read")


def test_an_upload_that_is_gone_is_not_called_a_missing_bucket() -> None:
    error = error_of(_answer(404), of_upload=True)

    assert code_of(error) == 410
    assert "its upload was ended by someone else" in explain(error, STORE, "write")


@pytest.mark.parametrize("body", ["<html>no\n good</html>", "", "[]", '{"error": "no"}'])
def test_the_address_of_an_upload_is_never_told(body: str) -> None:
    explained = explain(error_of(_answer(409, body=body)), STORE, "write")

    assert "the server answered 409" in explained
    assert "secret" not in explained
    assert "\n" not in explained


def test_an_endpoint_of_ones_own_is_named() -> None:
    store = STORE.model_copy(update={"endpoint_url": "http://127.0.0.1:4443"})

    assert explain(requests.Timeout("x"), store, "read").startswith("http://127.0.0.1:4443 cannot")


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        (error_of(_answer(503)), True),
        (error_of(_answer(429)), True),
        (error_of(_answer(408)), True),
        (error_of(_answer(403)), False),
        (error_of(_answer(412)), False),
        (requests.ConnectionError("reset"), True),
        (requests.ReadTimeout("slow"), True),
        (requests.exceptions.ChunkedEncodingError("cut"), True),
        (requests.exceptions.SSLError("self-signed"), False),
        (requests.exceptions.MissingSchema("no scheme"), False),
        (auth_exceptions.TransportError("no route"), True),
        (auth_exceptions.RefreshError("refused"), False),
        (auth_exceptions.RefreshError("busy", retryable=True), True),
        (auth_exceptions.DefaultCredentialsError("none"), False),
    ],
)
def test_only_what_may_pass_is_tried_again(error: Exception, *, transient: bool) -> None:
    assert is_transient(error) is transient
