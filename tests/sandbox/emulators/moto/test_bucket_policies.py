"""What S3 answers when a bucket's policy has its say."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from werkzeug.datastructures import Headers

from components.aws import bucket_policies
from components.aws.documents import Policy
from sandbox.emulators.moto.bucket_policies import holds, object_action

KEY = "arn:aws:kms:us-east-1:123456789012:key/own"
BODY = b"a backup"


@pytest.fixture
def bucket(s3: Any, request: pytest.FixtureRequest) -> Callable[[Policy], str]:
    """Makes a bucket with one versioned object `db/x`, and then gives it a policy."""

    def make(policy: Policy) -> str:
        name = f"policies-{abs(hash(request.node.nodeid))}"
        s3.create_bucket(Bucket=name)
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        s3.put_object(Bucket=name, Key="db/x", Body=BODY)
        document = json.dumps(policy).replace("THE-BUCKET", name)
        s3.put_bucket_policy(Bucket=name, Policy=document)
        return name

    return make


def backups(*, protect: bool = True) -> Policy:
    return bucket_policies.backup_bucket_policy("THE-BUCKET", KEY, protect=protect)


def refused(call: Callable[..., Any], **asked: Any) -> None:
    with pytest.raises(ClientError, match=r"403|AccessDenied"):
        call(**asked)


def test_our_own_policy_keeps_nobody_from_adding_and_reading(
    s3: Any, bucket: Callable[[Policy], str]
) -> None:
    name = bucket(backups())

    s3.put_object(Bucket=name, Key="db/y", Body=BODY)
    s3.put_object(
        Bucket=name, Key="db/z", Body=BODY, ServerSideEncryption="aws:kms", SSEKMSKeyId=KEY
    )
    assert s3.get_object(Bucket=name, Key="db/y")["Body"].read() == BODY


@pytest.mark.parametrize(
    "encryption",
    [
        {"ServerSideEncryption": "AES256"},
        {"ServerSideEncryption": "aws:kms"},
        {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": f"{KEY}-not"},
    ],
)
def test_an_upload_with_another_key_is_refused(
    s3: Any, bucket: Callable[[Policy], str], encryption: dict[str, str]
) -> None:
    name = bucket(backups())

    refused(s3.put_object, Bucket=name, Key="db/y", Body=BODY, **encryption)
    refused(s3.create_multipart_upload, Bucket=name, Key="db/y", **encryption)


def test_nothing_is_deleted_from_a_protected_bucket_nor_the_bucket(
    s3: Any, bucket: Callable[[Policy], str]
) -> None:
    name = bucket(backups())
    version = s3.head_object(Bucket=name, Key="db/x")["VersionId"]

    refused(s3.delete_object, Bucket=name, Key="db/x")
    refused(s3.delete_object, Bucket=name, Key="db/x", VersionId=version)
    refused(s3.delete_bucket, Bucket=name)
    many = s3.delete_objects(Bucket=name, Delete={"Objects": [{"Key": "db/x"}]})
    assert [each["Code"] for each in many["Errors"]] == ["AccessDenied"]
    assert s3.get_object(Bucket=name, Key="db/x")["Body"].read() == BODY


def test_an_upload_to_a_protected_bucket_can_be_given_up(
    s3: Any, bucket: Callable[[Policy], str]
) -> None:
    name = bucket(backups())
    upload = s3.create_multipart_upload(Bucket=name, Key="db/y")["UploadId"]

    s3.abort_multipart_upload(Bucket=name, Key="db/y", UploadId=upload)

    assert "Uploads" not in s3.list_multipart_uploads(Bucket=name)


def test_a_bucket_without_protection_can_be_emptied_and_deleted(
    s3: Any, bucket: Callable[[Policy], str]
) -> None:
    name = bucket(backups(protect=False))
    version = s3.head_object(Bucket=name, Key="db/x")["VersionId"]

    s3.delete_object(Bucket=name, Key="db/x", VersionId=version)
    s3.delete_bucket(Bucket=name)

    assert name not in [each["Name"] for each in s3.list_buckets()["Buckets"]]


def test_access_logs_go_where_they_are_let_in(s3: Any, bucket: Callable[[Policy], str]) -> None:
    policy = bucket_policies.operations_bucket_policy("THE-BUCKET", "123456789012", ("source",))
    operations = bucket(policy)

    def log_to(prefix: str) -> None:
        target = {"TargetBucket": operations, "TargetPrefix": prefix}
        s3.put_bucket_logging(Bucket=operations, BucketLoggingStatus={"LoggingEnabled": target})

    log_to("access-logs/source/")
    with pytest.raises(ClientError, match="InvalidTargetBucketForLogging"):
        log_to("access-logs/stranger/")


def test_the_query_tells_what_a_request_is() -> None:
    assert object_action("PUT", {}) == "s3:PutObject"
    assert object_action("POST", {"uploads": ""}) == "s3:PutObject"
    assert object_action("DELETE", {"versionId": "1"}) == "s3:DeleteObjectVersion"
    assert object_action("DELETE", {"uploadId": "1"}) == "s3:AbortMultipartUpload"
    assert object_action("GET", {"retention": "", "versionId": "1"}) == "s3:GetObjectRetention"
    assert object_action("OPTIONS", {}) == "s3:OptionsObject"


def test_a_condition_that_is_not_known_is_no_condition_that_is_met() -> None:
    with pytest.raises(NotImplementedError, match="IpAddress"):
        holds({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, Headers())
