"""What every bucket of a stack has, whatever it is for."""

import pulumi
from pulumi_aws import s3


def guard(
    name: str, bucket: s3.Bucket, region: str, opts: pulumi.ResourceOptions
) -> s3.BucketVersioning:
    """Keep a bucket private, its objects its owner's, and their versions; return the last."""
    s3.BucketPublicAccessBlock(
        f"{name}-private",
        region=region,
        bucket=bucket.bucket,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
        opts=opts,
    )
    s3.BucketOwnershipControls(
        f"{name}-ownership",
        region=region,
        bucket=bucket.bucket,
        rule={"object_ownership": "BucketOwnerEnforced"},
        opts=opts,
    )
    return s3.BucketVersioning(
        f"{name}-versioning",
        region=region,
        bucket=bucket.bucket,
        versioning_configuration={"status": "Enabled"},
        opts=opts,
    )
