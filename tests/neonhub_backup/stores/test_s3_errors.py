"""Every error of S3 becomes a reason and a fix."""

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    ReadTimeoutError,
    SSLError,
    UnauthorizedSSOTokenError,
)

from neonhub_backup.domain import configuration
from neonhub_backup.stores.s3_errors import Action, explain

STORE = configuration.S3Store(name="offsite", bucket="vault", region="eu-west-1")


def _answer(code: str, message: str = "Because.", operation: str = "PutObject") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


@pytest.mark.parametrize(
    ("code", "reason", "fix"),
    [
        ("AccessDenied", "access is denied (Because)", "s3:PutObject on it"),
        ("NoSuchBucket", "there is no bucket vault", "deploy it with `pulumi up`"),
        ("PermanentRedirect", "is not in region eu-west-1", "set the region of store offsite"),
        ("AuthorizationHeaderMalformed", "not in region eu-west-1", "set the region of store"),
        ("ExpiredToken", "the session's token has expired", "sign in again"),
        ("InvalidAccessKeyId", "credentials are not valid", "correct AWS_ACCESS_KEY_ID"),
        ("SlowDown", "the server was too busy", "run it again later"),
        ("InternalError", "the server was too busy", "run it again later"),
        ("BadDigest", "the bytes arrived damaged", "look for a faulty proxy"),
        ("XMinioStorageFull", "the store is full (Because)", "free some space"),
        ("QuotaExceeded", "the store is full (Because)", "ask for a larger quota"),
        ("NoSuchUpload", "was ended by someone else", "let the rule wait longer"),
        ("PreconditionFailed", "is never overwritten", "take another name"),
        ("ConditionalRequestConflict", "another client was changing", "run it again"),
        ("RequestTimeTooSkewed", "the clock of this machine is wrong", "turning NTP on"),
        ("KMS.DisabledException", "its KMS key cannot be used", "correct kms_key_arn of store"),
        ("InvalidStorageClass", "has no such storage class", "storage_classes of store offsite"),
        ("Odd", "the server answered Odd (Because)", "look that code up"),
    ],
)
def test_an_answer_is_explained(code: str, reason: str, fix: str) -> None:
    explained = explain(_answer(code), STORE, "write")

    assert reason in explained.split("; ")[0]
    assert fix in explained.split("; ")[1]


@pytest.mark.parametrize(
    ("error", "reason", "fix"),
    [
        (NoCredentialsError(), "no AWS credentials were found", "set AWS_ACCESS_KEY_ID"),
        (
            PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"),
            "AWS_SECRET_ACCESS_KEY",
            "set the missing one",
        ),
        (ProfileNotFound(profile="work"), "work", "correct AWS_PROFILE"),
        (UnauthorizedSSOTokenError(), "the sign-in is not valid", "`aws sso login`"),
        (
            EndpointConnectionError(endpoint_url="https://x"),
            "S3 in eu-west-1 cannot be reached",
            "check the network",
        ),
        (ConnectTimeoutError(endpoint_url="https://x"), "cannot be reached", "check the network"),
        (ReadTimeoutError(endpoint_url="https://x"), "cannot be reached", "check the network"),
        (
            SSLError(endpoint_url="https://x", error=ValueError("self-signed")),
            "certificate is not trusted",
            "AWS_CA_BUNDLE",
        ),
        (
            ParamValidationError(report="Invalid bucket\nname {x}"),
            "Invalid bucket name {x}",
            "correct the AWS settings",
        ),
    ],
)
def test_a_failure_without_an_answer_is_explained(
    error: BotoCoreError, reason: str, fix: str
) -> None:
    explained = explain(error, STORE, "write")

    assert reason in explained.split("; ")[0]
    assert fix in explained.split("; ")[1]


@pytest.mark.parametrize(
    ("action", "permission"),
    [
        ("write", "s3:PutObject on it"),
        ("read", "s3:GetObject on it"),
        ("list", "s3:ListBucket on the bucket"),
        ("clean up", "s3:AbortMultipartUpload on it"),
    ],
)
def test_a_refusal_names_the_permission_that_was_missing(action: Action, permission: str) -> None:
    assert permission in explain(_answer("AccessDenied"), STORE, action)


def test_a_role_that_cannot_be_assumed_is_not_taken_for_a_refusal_of_the_bucket() -> None:
    error = _answer("AccessDenied", operation="AssumeRoleWithWebIdentity")

    assert explain(error, STORE, "write").startswith("its role cannot be assumed (AccessDenied")


def test_an_object_in_an_archive_is_told_how_to_be_brought_back() -> None:
    explained = explain(_answer("InvalidObjectState", operation="GetObject"), STORE, "read")

    assert "archive storage class" in explained
    assert "`aws s3api restore-object --bucket vault" in explained
    assert "up to 48 hours" in explained
    assert "a newer backup or another store" in explained


def test_an_object_replaced_while_read_is_not_called_an_overwrite() -> None:
    assert "replaced while it was read" in explain(_answer("PreconditionFailed"), STORE, "read")


def test_a_bucket_without_locks_is_told_from_other_invalid_requests() -> None:
    missing = _answer("InvalidRequest", "Bucket is missing Object Lock Configuration")

    assert "set retention.lock_mode to null" in explain(missing, STORE, "write")
    assert "answered InvalidRequest" in explain(_answer("InvalidRequest"), STORE, "write")


def test_an_endpoint_of_ones_own_is_named() -> None:
    store = STORE.model_copy(update={"endpoint_url": "https://minio.example"})

    assert explain(ReadTimeoutError(endpoint_url="x"), store, "read").startswith(
        "https://minio.example cannot be reached"
    )
