"""What the emulator of AWS allows to whom, once it enforces permissions."""

import base64
import json
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

BUCKET, OTHER, LOCKING = "permissions", "permissions-other", "permissions-locking"
HOST = "token.example.com"
PROVIDER = f"arn:aws:iam::123456789012:oidc-provider/{HOST}"
SUBJECT = "repo:owner/name:environment:backup"
OBJECTS = f"arn:aws:s3:::{BUCKET}/db/*"

Session = Callable[[str], Any]


def client(moto: str, service: str, **options: Any) -> Any:
    untyped: Any = boto3  # its types are those of every service there is
    return untyped.client(service, endpoint_url=moto, region_name="us-east-1", **options)


def own(moto: str, service: str) -> Any:
    """A client of whoever owns the account; only before permissions are enforced."""
    keys = {"aws_access_key_id": "sandbox", "aws_secret_access_key": "sandbox"}
    return client(moto, service, **keys)


def enforce(moto: str, after: str) -> None:
    request = urllib.request.Request(  # noqa: S310 - our own server
        f"{moto}/moto-api/reset-auth",
        data=after.encode(),
        method="POST",
        headers={"Content-Type": "text/plain"},
    )
    urllib.request.urlopen(request)  # noqa: S310 - as above


def policy(*statements: dict[str, Any]) -> str:
    allowed = [
        {"Effect": "Allow", **({} if "NotResource" in each else {"Resource": "*"}), **each}
        for each in statements
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": allowed})


def token(subject: str, host: str = HOST) -> str:
    claims = {"iss": f"https://{host}", "sub": subject, "aud": "sts.amazonaws.com"}
    return ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in ({"alg": "RS256"}, claims, {})
    )


@pytest.fixture(scope="module")
def keys(moto: str) -> list[str]:
    """Two KMS keys, made with the bucket and the identity provider."""
    for name in (BUCKET, OTHER):
        own(moto, "s3").create_bucket(Bucket=name)
        own(moto, "s3").put_object(Bucket=name, Key="db/x", Body=b"a backup")
    own(moto, "s3").create_bucket(Bucket=LOCKING, ObjectLockEnabledForBucket=True)
    own(moto, "iam").create_open_id_connect_provider(
        Url=f"https://{HOST}", ClientIDList=["sts.amazonaws.com"]
    )
    return [own(moto, "kms").create_key()["KeyMetadata"]["Arn"] for _ in range(2)]


@pytest.fixture
def enforced(moto: str, keys: list[str]) -> Iterator[str]:
    """The server's URL; call `enforce` when everything is made."""
    assert len(keys) == 2
    yield moto
    enforce(moto, "inf")


@pytest.fixture
def become(enforced: str, request: pytest.FixtureRequest) -> Callable[..., Session]:
    """Makes a role with these statements, enforces permissions, and returns its clients."""

    def make(*statements: dict[str, Any], boundary: str | None = None) -> Session:
        name = f"role-{abs(hash(request.node.nodeid))}"
        iam = own(enforced, "iam")
        limit = {} if boundary is None else {"PermissionsBoundary": boundary}
        condition = {"StringEquals": {f"{HOST}:sub": SUBJECT, f"{HOST}:aud": "sts.amazonaws.com"}}
        trust = {
            "Effect": "Allow",
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": {"Federated": PROVIDER},
            "Condition": condition,
        }
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=document, **limit)
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy(*statements))
        enforce(enforced, "0")
        got = assume(enforced, name, token(SUBJECT))
        return lambda service: client(
            enforced,
            service,
            aws_access_key_id=got["AccessKeyId"],
            aws_secret_access_key=got["SecretAccessKey"],
            aws_session_token=got["SessionToken"],
        )

    return make


def assume(moto: str, role: str, proof: str) -> Any:
    sts = client(moto, "sts", config=Config(signature_version=UNSIGNED))
    return sts.assume_role_with_web_identity(
        RoleArn=f"arn:aws:iam::123456789012:role/{role}",
        RoleSessionName="test",
        WebIdentityToken=proof,
    )["Credentials"]


def refused(call: Callable[[], object]) -> bool:
    try:
        call()
    except ClientError as error:
        answer: Any = error.response
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 403
        return True
    return False


@pytest.mark.parametrize(
    "proof", [token("repo:owner/name:environment:other"), token(SUBJECT, "evil.com"), "nonsense"]
)
def test_a_role_goes_to_nobody_but_whom_it_trusts(
    become: Callable[..., Session], enforced: str, proof: str
) -> None:
    arn = become({"Action": "s3:*"})("sts").get_caller_identity()["Arn"]

    assert refused(lambda: assume(enforced, arn.split("/")[1], proof))


def test_a_token_is_judged_even_where_nothing_is_enforced(
    become: Callable[..., Session], enforced: str
) -> None:
    arn = become({"Action": "s3:*"})("sts").get_caller_identity()["Arn"]
    enforce(enforced, "inf")

    assert not refused(lambda: assume(enforced, arn.split("/")[1], token(SUBJECT)))
    assert refused(lambda: assume(enforced, arn.split("/")[1], token("repo:owner/name:ref:main")))
    assert refused(lambda: assume(enforced, "no-such-role", token(SUBJECT)))


def test_parts_of_an_upload_are_told_from_its_completion(become: Callable[..., Session]) -> None:
    s3 = become(
        {"Action": "s3:PutObject", "Condition": {"Null": {"s3:if-none-match": "false"}}},
        {
            "Action": "s3:PutObject",
            "Condition": {"Bool": {"s3:ObjectCreationOperation": "false"}},
        },
    )("s3")
    whole = {"Bucket": BUCKET, "Key": "db/parts"}
    begun = {**whole, "UploadId": s3.create_multipart_upload(**whole)["UploadId"]}
    part = {"PartNumber": 1, "ETag": s3.upload_part(**begun, PartNumber=1, Body=b"a")["ETag"]}
    upload = {**begun, "MultipartUpload": {"Parts": [part]}}

    assert refused(lambda: s3.put_object(**whole, Body=b"a"))
    assert refused(lambda: s3.complete_multipart_upload(**upload))
    assert not refused(lambda: s3.complete_multipart_upload(**upload, IfNoneMatch="*"))


def test_only_named_actions_on_named_objects_are_allowed(become: Callable[..., Session]) -> None:
    s3 = become({"Action": "s3:PutObject", "Resource": OBJECTS})("s3")

    assert not refused(lambda: s3.put_object(Bucket=BUCKET, Key="db/y", Body=b""))
    assert refused(lambda: s3.put_object(Bucket=BUCKET, Key="x", Body=b""))
    assert refused(lambda: s3.put_object(Bucket=OTHER, Key="db/y", Body=b""))
    assert refused(lambda: s3.get_object(Bucket=BUCKET, Key="db/x"))
    assert refused(lambda: s3.delete_object(Bucket=BUCKET, Key="db/x"))


@pytest.mark.parametrize(
    "more",
    [
        {"CopySource": {"Bucket": BUCKET, "Key": "db/x"}},
        {"Tagging": "a=b"},
        {"ObjectLockLegalHoldStatus": "ON"},
    ],
)
def test_what_a_request_does_besides_must_be_allowed_too(
    become: Callable[..., Session], more: dict[str, Any]
) -> None:
    s3 = become({"Action": "s3:PutObject", "Resource": OBJECTS})("s3")
    put = s3.copy_object if "CopySource" in more else s3.put_object

    assert refused(lambda: put(Bucket=BUCKET, Key="db/y", **more))


def test_who_may_make_buckets_may_not_set_their_locks(become: Callable[..., Session]) -> None:
    s3 = become({"Action": "s3:CreateBucket"})("s3")
    lock = {"ObjectLockEnabled": "Enabled"}

    assert refused(
        lambda: s3.put_object_lock_configuration(Bucket=BUCKET, ObjectLockConfiguration=lock)
    )
    assert refused(lambda: s3.delete_bucket_encryption(Bucket=BUCKET))


def test_a_condition_must_hold(become: Callable[..., Session]) -> None:
    s3 = become(
        {"Action": "s3:ListBucket", "Condition": {"StringLike": {"s3:prefix": "db/*"}}},
    )("s3")

    assert not refused(lambda: s3.list_objects_v2(Bucket=BUCKET, Prefix="db/"))
    assert refused(lambda: s3.list_objects_v2(Bucket=BUCKET, Prefix="wal/"))


def test_locks_may_have_a_longest_time(become: Callable[..., Session]) -> None:
    days = "s3:object-lock-remaining-retention-days"
    s3 = become(
        {"Action": "s3:PutObject"},
        {
            "Action": "s3:PutObjectRetention",
            "Condition": {"NumericLessThanEqualsIfExists": {days: "31"}},
        },
    )("s3")

    def lock(days: int) -> None:
        until = datetime.now(UTC) + timedelta(days=days)
        mode = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": until}
        s3.put_object(Bucket=LOCKING, Key="db/y", Body=b"", **mode)

    def relock(days: int) -> None:
        until = datetime.now(UTC) + timedelta(days=days)
        retention = {"Mode": "GOVERNANCE", "RetainUntilDate": until}
        s3.put_object_retention(Bucket=LOCKING, Key="db/y", Retention=retention)

    for put in (lock, relock):
        assert not refused(lambda put=put: put(30))
        assert refused(lambda put=put: put(32))


def test_a_denial_counts_only_where_its_condition_holds(become: Callable[..., Session]) -> None:
    encryption = {"s3:x-amz-server-side-encryption": "aws:kms"}
    s3 = become(
        {"Action": "s3:PutObject"},
        {
            "Effect": "Deny",
            "Action": "s3:PutObject",
            "Condition": {"StringNotEquals": encryption},
        },
    )("s3")

    assert refused(lambda: s3.put_object(Bucket=BUCKET, Key="db/y", Body=b""))
    encrypted = {"Bucket": BUCKET, "Key": "db/y", "ServerSideEncryption": "aws:kms"}
    assert not refused(lambda: s3.put_object(**encrypted))


def test_a_denial_of_everything_else_spares_what_it_names(become: Callable[..., Session]) -> None:
    everything_else = {"Effect": "Deny", "Action": "s3:*", "NotResource": OBJECTS}
    s3 = become({"Action": "s3:*"}, everything_else)("s3")

    assert not refused(lambda: s3.put_object(Bucket=BUCKET, Key="db/y", Body=b""))
    assert refused(lambda: s3.put_object(Bucket=BUCKET, Key="x", Body=b""))


def test_nobody_goes_beyond_the_boundary(become: Callable[..., Session], enforced: str) -> None:
    document = policy({"Action": "s3:GetObject"})
    made = own(enforced, "iam").create_policy(PolicyName="limit", PolicyDocument=document)
    s3 = become({"Action": "s3:*"}, boundary=made["Policy"]["Arn"])("s3")

    assert not refused(lambda: s3.get_object(Bucket=BUCKET, Key="db/x"))
    assert refused(lambda: s3.put_object(Bucket=BUCKET, Key="db/y", Body=b""))


def test_a_key_is_told_from_another(
    become: Callable[..., Session], enforced: str, keys: list[str]
) -> None:
    kms = own(enforced, "kms")
    blobs = [kms.encrypt(KeyId=key, Plaintext=b"a")["CiphertextBlob"] for key in keys]
    kms.create_alias(AliasName="alias/permissions", TargetKeyId=keys[0])
    kms = become({"Action": ["kms:Decrypt", "kms:Encrypt"], "Resource": keys[0]})("kms")

    assert [refused(lambda blob=blob: kms.decrypt(CiphertextBlob=blob)) for blob in blobs] == [
        False,
        True,
    ]
    assert not refused(lambda: kms.encrypt(KeyId="alias/permissions", Plaintext=b"a"))
    assert refused(lambda: kms.disable_key(KeyId=keys[0]))


def test_metrics_may_be_written_under_one_name_only(become: Callable[..., Session]) -> None:
    condition = {"StringEquals": {"cloudwatch:namespace": "NeonHub"}}
    metrics = become({"Action": "cloudwatch:PutMetricData", "Condition": condition})("cloudwatch")
    data = [{"MetricName": "Age", "Value": 1}]

    assert not refused(lambda: metrics.put_metric_data(Namespace="NeonHub", MetricData=data))
    assert refused(lambda: metrics.put_metric_data(Namespace="AWS/S3", MetricData=data))
    assert refused(metrics.describe_alarms)
