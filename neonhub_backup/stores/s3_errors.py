"""What goes wrong at S3, in words: each error of botocore becomes a reason and its fix."""

from typing import Literal

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's own, which Python's does not catch
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSLError,
    SSOError,
    TokenRetrievalError,
)

from neonhub_backup.domain import configuration

Action = Literal["write", "read", "list", "clean up"]

_PERMISSIONS: dict[Action, str] = {
    "write": (
        "s3:PutObject on it, s3:PutObjectRetention if it is to be locked, and"
        " kms:GenerateDataKey and kms:Decrypt on the key of the bucket"
    ),
    "read": "s3:GetObject on it and kms:Decrypt on the key of the bucket",
    "list": "s3:ListBucket on the bucket",
    "clean up": "s3:AbortMultipartUpload on it",
}

_ANSWERS: tuple[tuple[frozenset[str], str, str], ...] = (
    (
        frozenset({"403", "AccessDenied", "AccessDeniedException", "AllAccessDisabled"}),
        "access is denied ({said})",
        "allow the identity in use {permissions}",
    ),
    (
        frozenset({"NoSuchBucket"}),
        "there is no bucket {store.bucket}",
        "deploy it with `pulumi up`, or correct the bucket of store {store.name}",
    ),
    (
        frozenset(
            {
                "301",
                "307",
                "AuthorizationHeaderMalformed",
                "IllegalLocationConstraintException",
                "PermanentRedirect",
                "TemporaryRedirect",
            }
        ),
        "the bucket is not in region {store.region} ({said})",
        "set the region of store {store.name} to the bucket's own",
    ),
    (
        frozenset(
            {
                "InvalidAccessKeyId",
                "InvalidClientTokenId",
                "InvalidToken",
                "SignatureDoesNotMatch",
                "UnrecognizedClientException",
            }
        ),
        "the credentials are not valid ({said})",
        "correct AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or sign in again",
    ),
    (
        frozenset(
            {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
        ),
        "the session's token has expired ({said})",
        "sign in again, or give the job a session that outlives it",
    ),
    (
        frozenset(
            {
                "500",
                "503",
                "InternalError",
                "RequestLimitExceeded",
                "RequestTimeout",
                "ServiceUnavailable",
                "SlowDown",
                "Throttling",
                "ThrottlingException",
                "TooManyRequests",
            }
        ),
        "the server was too busy at every attempt ({said})",
        "run it again later",
    ),
    (
        frozenset(
            {
                "BadDigest",
                "IncompleteBody",
                "XAmzContentChecksumMismatch",
                "XAmzContentSHA256Mismatch",
            }
        ),
        "the bytes arrived damaged ({said})",
        "look for a faulty proxy or network card on the way, then run it again",
    ),
    (
        # S3 itself is never full; Ceph, MinIO and the like are.
        frozenset({"507", "QuotaExceeded", "XMinioAdminBucketQuotaExceeded", "XMinioStorageFull"}),
        "the store is full ({said})",
        "free some space, or ask for a larger quota",
    ),
    (
        frozenset({"ConditionalRequestConflict", "OperationAborted"}),
        "another client was changing the same thing ({said})",
        "run it again",
    ),
    (
        frozenset({"RequestTimeTooSkewed"}),
        "the clock of this machine is wrong ({said})",
        "set it, best by turning NTP on",
    ),
    (
        frozenset({"NoSuchUpload"}),
        "its multipart upload was ended by someone else or by a lifecycle rule ({said})",
        "run it again, and let the rule wait longer than the longest upload",
    ),
    (
        frozenset({"InvalidObjectState"}),
        "it lies in an archive storage class and cannot be read yet ({said})",
        (
            "thaw every object of its backup with `aws s3api restore-object --bucket {store.bucket}"
            " --restore-request Days=7 --key KEY`, which takes up to 48 hours, and meanwhile use a"
            " newer backup or another store"
        ),
    ),
    (
        frozenset({"InvalidStorageClass"}),
        "the server has no such storage class ({said})",
        "set every one of the storage_classes of store {store.name} to STANDARD",
    ),
)

_UNREACHABLE = (
    "{place} cannot be reached ({said})",
    "check the network, the proxy, and region and endpoint_url of store {store.name}",
)
_SILENCES: tuple[tuple[type[BotoCoreError], str, str], ...] = (
    (
        NoCredentialsError,
        "no AWS credentials were found",
        (
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE, or in GitHub Actions"
            " the role to assume"
        ),
    ),
    (PartialCredentialsError, "the AWS credentials are incomplete ({said})", "set the missing one"),
    (
        ProfileNotFound,
        "its AWS profile does not exist ({said})",
        "correct AWS_PROFILE or create that profile",
    ),
    (SSOError, "the sign-in is not valid ({said})", "sign in again with `aws sso login`"),
    (TokenRetrievalError, "the sign-in is not valid ({said})", "sign in with `aws sso login`"),
    (
        SSLError,
        "the server's certificate is not trusted ({said})",
        "set AWS_CA_BUNDLE to the certificate authority of the server or of the proxy",
    ),
    (ConnectionError, *_UNREACHABLE),
    (HTTPClientError, *_UNREACHABLE),
    (
        BotoCoreError,
        "the request could not be made ({said})",
        "correct the AWS settings of this machine or of store {store.name}",
    ),
)
"""The first class that fits is taken, so the general ones stand last."""


def explain(
    error: BotoCoreError | ClientError, store: configuration.S3Store, action: Action
) -> str:
    """Why it failed and what to do: `<reason>; <fix>`, without a full stop."""
    if isinstance(error, ClientError):
        said = _one_line(error.response.get("Error", {}).get("Message", "") or code_of(error))
        reason, fix = _explain_answer(error, said, action)
    else:
        said = _one_line(str(error))
        reason, fix = next(words for kind, *words in _SILENCES if isinstance(error, kind))
    place = store.endpoint_url or f"S3 in {store.region}"
    return f"{reason}; {fix}".format(
        said=said, store=store, place=place, permissions=_PERMISSIONS[action], code=code_of(error)
    )


def code_of(error: BaseException | None) -> str:
    """The server's own word for the error, such as `NoSuchKey`; empty if it is not from one."""
    if not isinstance(error, ClientError):
        return ""
    return error.response.get("Error", {}).get("Code", "")


def _explain_answer(error: ClientError, said: str, action: Action) -> tuple[str, str]:
    code = code_of(error)
    if error.operation_name.startswith("AssumeRole"):
        return (
            "its role cannot be assumed ({code}: {said})",
            "let the trust policy of the role name the identity that asks",
        )
    if code.startswith("KMS."):
        return (
            "its KMS key cannot be used ({code}: {said})",
            "enable the key, or correct kms_key_arn of store {store.name}",
        )
    if code == "PreconditionFailed" and action == "read":
        return "it was replaced while it was read", "find out by whom, and run it again"
    if code == "PreconditionFailed":
        return "an object of that name is there and is never overwritten", "take another name"
    if code == "InvalidRequest" and "lock" in said.lower():
        return (
            "the bucket has no Object Lock ({said})",
            "turn it on for the bucket, or set retention.lock_mode to null and go without",
        )
    unknown = (
        "the server answered {code} ({said})",
        "look that code up in its documentation, remove the cause and run it again",
    )
    return next(((reason, fix) for codes, reason, fix in _ANSWERS if code in codes), unknown)


def _one_line(text: str) -> str:
    return " ".join(text.split()).rstrip(".")
