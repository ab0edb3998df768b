"""What policy documents are made of."""

from typing import Any, NamedTuple

Policy = dict[str, Any]
Statement = dict[str, Any]


class EncryptedBucket(NamedTuple):
    """A bucket, and the key that encrypts its objects."""

    bucket: str
    region: str
    key_arn: str


def bucket_arn(bucket: str) -> str:
    """ARN of a bucket."""
    return f"arn:aws:s3:::{bucket}"


def objects_arn(bucket: str, keys: str) -> str:
    """ARN of objects in a bucket; `keys` may hold wildcards."""
    return f"{bucket_arn(bucket)}/{keys}"


def document(*statements: Statement) -> Policy:
    """One policy of statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def through_s3(place: EncryptedBucket, keys: str) -> dict[str, Any]:
    """Use of a key by S3 alone, for objects that match.

    The encryption context is the object's ARN only while bucket keys are off: with them it is
    the bucket's, and no object would match.
    """
    return {
        "StringEquals": {"kms:ViaService": service_name("s3", place.region)},
        "StringLike": {"kms:EncryptionContext:aws:s3:arn": objects_arn(place.bucket, keys)},
    }


def service_name(service: str, region: str) -> str:
    """Name by which KMS knows a service of a region."""
    return f"{service}.{region}.amazonaws.com"
