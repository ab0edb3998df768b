"""Buckets, and the parts of a bucket that are resources of their own."""

# ruff: noqa: S105 - "token" is Pulumi's word for the name of a type

from typing import Any, ClassVar

from botocore.exceptions import ClientError

from sandbox.providers.aws.connection import Aws
from sandbox.providers.aws.documents import policy_text
from sandbox.providers.aws.handler import REGION, TAGS, AwsHandler, error_code, or_none
from sandbox.providers.aws.wire import from_api, tag_list, tag_map, to_api
from sandbox.providers.framework import ProviderError
from sandbox.providers.schema import Naming, Schema, block, blocks, flag, number, or_nothing, text
from sandbox.providers.values import Props

# Where clients that name no region are taken to be.
_DEFAULT_REGION = "us-east-1"


class Bucket(AwsHandler):
    """A bucket. Everything that is a resource of its own is not understood here."""

    token = "aws:s3/bucket:Bucket"
    inputs: ClassVar[Schema] = {
        **REGION,
        **TAGS,
        "bucket": text(
            replaces=True,
            identity=True,
            naming=Naming(lower=True, max_length=63, prefix_from="bucketPrefix"),
        ),
        "bucketPrefix": text(replaces=True, write_only=True),
        "objectLockEnabled": flag(computed=True, replaces=True),
        "forceDestroy": flag(default=False, write_only=True),
    }
    outputs = ("arn", "bucketDomainName", "bucketRegionalDomainName", "bucketRegion")

    def create(self, cloud: Aws, wanted: Props) -> str:
        """Make the bucket, without its tags."""
        name = wanted["bucket"]
        if _exists(cloud, name):
            # AWS, like moto, takes a bucket of one's own in us-east-1 for a success.
            raise ProviderError(f"BucketAlreadyOwnedByYou: there is a bucket '{name}' already")
        options: dict[str, Any] = {}
        if cloud.region != _DEFAULT_REGION:
            options["CreateBucketConfiguration"] = {"LocationConstraint": cloud.region}
        if wanted.get("objectLockEnabled"):
            options["ObjectLockEnabledForBucket"] = True
        cloud.s3.create_bucket(Bucket=name, **options)
        return name

    def settle(self, cloud: Aws, resource_id: str, wanted: Props) -> None:
        """Set the tags."""
        self.update(cloud, resource_id, {}, wanted)

    def read(self, cloud: Aws, resource_id: str, known: Props) -> Props | None:  # noqa: ARG002
        """The bucket itself."""
        cloud.s3.head_bucket(Bucket=resource_id)
        location = cloud.s3.get_bucket_location(Bucket=resource_id).get("LocationConstraint")
        region = location or _DEFAULT_REGION
        return {
            "bucket": resource_id,
            "region": region,
            "arn": f"arn:aws:s3:::{resource_id}",
            "bucketDomainName": f"{resource_id}.s3.amazonaws.com",
            "bucketRegionalDomainName": f"{resource_id}.s3.{region}.amazonaws.com",
            "bucketRegion": region,
            "objectLockEnabled": _has_lock(cloud, resource_id),
            "tagsAll": _tags(cloud, resource_id),
        }

    def update(self, cloud: Aws, resource_id: str, old: Props, wanted: Props) -> None:  # noqa: ARG002
        """Set the tags: nothing else of a bucket can change."""
        if wanted["tagsAll"]:
            tags = {"TagSet": tag_list(wanted["tagsAll"])}
            cloud.s3.put_bucket_tagging(Bucket=resource_id, Tagging=tags)  # pyright: ignore[reportArgumentType] - one shape
        else:
            cloud.s3.delete_bucket_tagging(Bucket=resource_id)

    def delete(self, cloud: Aws, resource_id: str, state: Props) -> None:
        """Delete the bucket, its objects only by forceDestroy.

        Like the real provider it overrides locks in GOVERNANCE mode; COMPLIANCE stops it.
        """
        if state.get("forceDestroy"):
            _empty(cloud, resource_id)
        else:
            _require_empty(cloud, resource_id)
        cloud.s3.delete_bucket(Bucket=resource_id)


def _exists(cloud: Aws, bucket: str) -> bool:
    return or_none(cloud.s3.head_bucket, "404", "NoSuchBucket", Bucket=bucket) is not None


def _has_lock(cloud: Aws, bucket: str) -> bool:
    found = or_none(
        cloud.s3.get_object_lock_configuration,
        "ObjectLockConfigurationNotFoundError",
        Bucket=bucket,
    )
    return found is not None and "ObjectLockConfiguration" in found


def _tags(cloud: Aws, bucket: str) -> dict[str, str]:
    found = or_none(cloud.s3.get_bucket_tagging, "NoSuchTagSet", Bucket=bucket)
    return tag_map(found["TagSet"]) if found else {}


def _require_empty(cloud: Aws, bucket: str) -> None:
    # moto counts current objects only; AWS counts old versions and delete markers too.
    found = cloud.s3.list_object_versions(Bucket=bucket, MaxKeys=1)
    if found.get("Versions") or found.get("DeleteMarkers"):
        raise ProviderError(
            f"BucketNotEmpty: bucket '{bucket}' still holds objects, old versions or delete "
            "markers: empty it first, or deploy it with forceDestroy"
        )


def _empty(cloud: Aws, bucket: str) -> None:
    for page in cloud.s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        everything = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        for each in everything:
            _delete_version(cloud, bucket, each.get("Key", ""), each.get("VersionId", ""))


def _delete_version(cloud: Aws, bucket: str, key: str, version: str) -> None:
    try:
        cloud.s3.delete_object(
            Bucket=bucket, Key=key, VersionId=version, BypassGovernanceRetention=True
        )
    except ClientError as error:
        raise ProviderError(
            f"{error_code(error)}: '{key}' in bucket '{bucket}' is protected by "
            "its lock or a legal hold, so the bucket stays until that ends"
        ) from error


class BucketPart(AwsHandler):
    """A part of a bucket: its id is the bucket's name, and it is set as a whole."""

    settings: ClassVar[Schema]
    """The inputs besides bucket and region."""
    outputs = ()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "settings" in cls.__dict__:
            bucket = text(required=True, replaces=True, identity=True)
            cls.inputs = {**REGION, "bucket": bucket, **cls.settings}

    def put(self, cloud: Aws, bucket: str, wanted: Props) -> None:
        """Set the part, whatever it was before."""
        raise NotImplementedError

    def get(self, cloud: Aws, bucket: str) -> Props | None:
        """The settings as they are; None, or an error that says so, if there are none."""
        raise NotImplementedError

    def create(self, cloud: Aws, wanted: Props) -> str:
        """Set it for the first time."""
        self.put(cloud, wanted["bucket"], wanted)
        return wanted["bucket"]

    def read(self, cloud: Aws, resource_id: str, known: Props) -> Props | None:  # noqa: ARG002
        """The settings, with the bucket they belong to."""
        found = self.get(cloud, resource_id)
        return None if found is None else {"bucket": resource_id, **found}

    def update(self, cloud: Aws, resource_id: str, old: Props, wanted: Props) -> None:  # noqa: ARG002
        """Set it again."""
        self.put(cloud, resource_id, wanted)

    def told(self, wanted: Props) -> Any:
        """The settings as the API wants them."""
        return to_api(
            self.settings, {name: wanted[name] for name in self.settings if name in wanted}
        )


_VERSIONED = ("Enabled", "Suspended", "Disabled")


class BucketVersioning(BucketPart):
    """Whether overwritten objects are kept."""

    token = "aws:s3/bucketVersioning:BucketVersioning"
    settings: ClassVar[Schema] = {
        "versioningConfiguration": block(
            {
                "status": text(required=True, choices=_VERSIONED),
                "mfaDelete": text(choices=("Enabled", "Disabled"), computed=True),
            },
            required=True,
        )
    }

    def put(self, cloud: Aws, bucket: str, wanted: Props) -> None:
        """Set it; "Disabled" is what a new bucket is, and cannot be gone back to."""
        if wanted["versioningConfiguration"]["status"] == "Disabled":
            if self.get(cloud, bucket) != {"versioningConfiguration": {"status": "Disabled"}}:
                raise ProviderError(
                    "versioning was enabled once and can only be suspended: use 'Suspended'"
                )
            return
        asked = self.told(wanted)["VersioningConfiguration"]
        cloud.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=asked)

    def get(self, cloud: Aws, bucket: str) -> Props:
        """The status; a bucket that never was versioned has none."""
        found = from_api(
            {"versioningConfiguration": self.settings["versioningConfiguration"]},
            {"VersioningConfiguration": cloud.s3.get_bucket_versioning(Bucket=bucket)},
        )
        found["versioningConfiguration"].setdefault("status", "Disabled")
        return found

    def delete(self, cloud: Aws, resource_id: str, state: Props) -> None:  # noqa: ARG002
        """Suspend it, as the real provider does; with a lock it cannot even be suspended."""
        if self.get(cloud, resource_id)["versioningConfiguration"]["status"] != "Enabled":
            return
        if not _has_lock(cloud, resource_id):
            suspended: Any = {"Status": "Suspended"}
            cloud.s3.put_bucket_versioning(Bucket=resource_id, VersioningConfiguration=suspended)


class BucketServerSideEncryptionConfiguration(BucketPart):
    """How objects are encrypted that come without instructions."""

    token = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    settings: ClassVar[Schema] = {
        "rules": blocks(
            {
                "applyServerSideEncryptionByDefault": block(
                    {
                        "sseAlgorithm": text(
                            required=True, choices=("AES256", "aws:kms", "aws:kms:dsse")
                        ),
                        "kmsMasterKeyId": text(),
                    }
                ),
                "bucketKeyEnabled": flag(same=or_nothing),
            },
            required=True,
        )
    }

    def put(self, cloud: Aws, bucket: str, wanted: Props) -> None:
        """Set the rules."""
        cloud.s3.put_bucket_encryption(
            Bucket=bucket, ServerSideEncryptionConfiguration=self.told(wanted)
        )

    def get(self, cloud: Aws, bucket: str) -> Props:
        """The rules."""
        found = cloud.s3.get_bucket_encryption(Bucket=bucket)
        return from_api(self.settings, found["ServerSideEncryptionConfiguration"])

    def delete(self, cloud: Aws, resource_id: str, state: Props) -> None:  # noqa: ARG002
        """Go back to what AWS does by itself."""
        cloud.s3.delete_bucket_encryption(Bucket=resource_id)


class BucketPublicAccessBlock(BucketPart):
    """The four doors to the public."""

    token = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
    settings: ClassVar[Schema] = {
        "blockPublicAcls": flag(default=False),
        "blockPublicPolicy": flag(default=False),
        "ignorePublicAcls": flag(default=False),
        "restrictPublicBuckets": flag(default=False),
    }

    def put(self, cloud: Aws, bucket: str, wanted: Props) -> None:
        """Set all four."""
        cloud.s3.put_public_access_block(
            Bucket=bucket, PublicAccessBlockConfiguration=self.told(wanted)
        )

    def get(self, cloud: Aws, bucket: str) -> Props:
        """All four."""
        found = cloud.s3.get_public_access_block(Bucket=bucket)
        return from_api(self.settings, found["PublicAccessBlockConfiguration"])

    def delete(self, cloud: Aws, resource_id: str, state: Props) -> None:  # noqa: ARG002
        """Remove the block."""
        cloud.s3.delete_public_access_block(Bucket=resource_id)


class BucketOwnershipControls(BucketPart):
    """Who owns what others upload."""

    token = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
    settings: ClassVar[Schema] = {
        "rule": block(
            {
                "objectOwnership": text(
                    required=True,
                    choices=("BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"),
                )
            },
            required=True,
        )
    }

    def put(self, cloud: Aws, bucket: str, wanted: Props) -> None:
        """Set the one rule."""
        rules: Any = {"Rules": [self.told(wanted)["Rule"]]}
        cloud.s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=rules)

    def get(self, cloud: Aws, bucket: str) -> Props:
        """The one rule."""
        found = cloud.s3.get_bucket_ownership_controls(Bucket=bucket)
        return from_api(self.settings, {"Rule": found["OwnershipControls"]["Rules"][0]})

    def delete(self, cloud: Aws, resource_id: str, state: Props) -> None:  # noqa: ARG002
        """Remove the rule."""
        cloud.s3.delete_bucket_ownership_controls(Bucket=resource_id)


class BucketPolicy(BucketPart):
    """Who may do what with the bucket."""

    token = "aws:s3/bucketPolicy:BucketPolicy"
    settings: ClassVar[Schema] = {"policy": policy_text(required=True)}

    def put(self, cloud: Aws, bucket: str, wanted: Props) -> None:
        """Set the policy."""
        cloud.s3.put_bucket_policy(Bucket=bucket, Policy=wanted["policy"])

    def get(self, cloud: Aws, bucket: str) -> Props:
        """The policy."""
        return {"policy": cloud.s3.get_bucket_policy(Bucket=bucket)["Policy"]}

    def delete(self, cloud: Aws, resource_id: str, state: Props) -> None:  # noqa: ARG002
        """Remove the policy."""
        cloud.s3.delete_bucket_policy(Bucket=resource_id)


class BucketObjectLockConfiguration(BucketPart):
    """How long new objects are locked if nobody says otherwise."""

    token = "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration"
    settings: ClassVar[Schema] = {
        "objectLockEnabled": text(default="Enabled", choices=("Enabled",), replaces=True),
        "rule": block(
            {
                "defaultRetention": block(
                    {
                        "mode": text(choices=("COMPLIANCE", "GOVERNANCE")),
                        "days": number(same=or_nothing),
                        "years": number(same=or_nothing),
                    },
                    required=True,
                )
            }
        ),
    }

    def put(self, cloud: Aws, bucket: str, wanted: Props) -> None:
        """Set the default retention."""
        cloud.s3.put_object_lock_configuration(
            Bucket=bucket, ObjectLockConfiguration=self.told(wanted)
        )

    def get(self, cloud: Aws, bucket: str) -> Props:
        """The default retention."""
        found = cloud.s3.get_object_lock_configuration(Bucket=bucket)
        return from_api(self.settings, found["ObjectLockConfiguration"])

    def delete(self, cloud: Aws, resource_id: str, state: Props) -> None:  # noqa: ARG002
        """Remove the default: the lock itself lasts as long as the bucket.

        moto keeps the default of a bucket that holds objects, which protects more, not less.
        """
        or_none(
            cloud.s3.put_object_lock_configuration,
            "InvalidBucket",
            Bucket=resource_id,
            ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"},
        )


class BucketLogging(BucketPart):
    """Where a record of every request to the bucket goes."""

    token = "aws:s3/bucketLogging:BucketLogging"
    settings: ClassVar[Schema] = {
        "targetBucket": text(required=True),
        "targetPrefix": text(required=True),
        "targetObjectKeyFormat": block(
            {
                "partitionedPrefix": block(
                    {
                        "partitionDateSource": text(
                            required=True, choices=("EventTime", "DeliveryTime")
                        )
                    }
                ),
                "simplePrefix": block({}),
            }
        ),
    }

    def put(self, cloud: Aws, bucket: str, wanted: Props) -> None:
        """Turn it on. The target's policy must let logging.s3.amazonaws.com write."""
        enabled: Any = {"LoggingEnabled": self.told(wanted)}
        cloud.s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus=enabled)

    def get(self, cloud: Aws, bucket: str) -> Props | None:
        """Where records go, or None if nowhere."""
        found = cloud.s3.get_bucket_logging(Bucket=bucket)
        return (
            from_api(self.settings, found["LoggingEnabled"]) if "LoggingEnabled" in found else None
        )

    def delete(self, cloud: Aws, resource_id: str, state: Props) -> None:  # noqa: ARG002
        """Turn it off."""
        cloud.s3.put_bucket_logging(Bucket=resource_id, BucketLoggingStatus={})


HANDLERS = [
    Bucket(),
    BucketVersioning(),
    BucketServerSideEncryptionConfiguration(),
    BucketPublicAccessBlock(),
    BucketOwnershipControls(),
    BucketPolicy(),
    BucketObjectLockConfiguration(),
    BucketLogging(),
]
