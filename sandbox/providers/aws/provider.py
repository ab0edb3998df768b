"""The table of what the local AWS provider knows."""

from typing import ClassVar

from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError

from sandbox.providers.aws import (
    alarms,
    cloudtrail,
    events,
    iam,
    iam_users,
    kms,
    lookups,
    s3,
    s3_lifecycle,
    s3_replication,
    sns,
)
from sandbox.providers.aws.connection import Aws, Connection, seconds
from sandbox.providers.aws.handler import AwsHandler, error_code
from sandbox.providers.framework import LocalProvider, ProviderError
from sandbox.providers.schema import Prop, Schema, block, blocks, flag, text, text_map, texts
from sandbox.providers.values import Props

# What services answer about a thing that does not exist. A bucket without one of its parts has an
# error of its own for each.
_GONE = frozenset(
    {
        "404",
        "NoSuchBucket",
        "NoSuchBucketPolicy",
        "NoSuchEntity",
        "NoSuchKey",
        "NoSuchLifecycleConfiguration",
        "NoSuchPublicAccessBlockConfiguration",
        "NotFound",
        "NotFoundException",
        "ObjectLockConfigurationNotFoundError",
        "OwnershipControlsNotFoundError",
        "ReplicationConfigurationNotFoundError",
        "ResourceNotFound",
        "ResourceNotFoundException",
        "ServerSideEncryptionConfigurationNotFoundError",
        "TrailNotFoundException",
    }
)


HANDLERS: list[AwsHandler] = [
    *alarms.HANDLERS,
    *cloudtrail.HANDLERS,
    *events.HANDLERS,
    *iam.HANDLERS,
    *iam_users.HANDLERS,
    *kms.HANDLERS,
    *s3.HANDLERS,
    *s3_lifecycle.HANDLERS,
    *s3_replication.HANDLERS,
    *sns.HANDLERS,
]
"""One of each resource type."""


class AwsProvider(LocalProvider[Aws]):
    """Serves pulumi-aws's resource types against emulators."""

    package = "aws"
    config: ClassVar[Schema] = {
        "region": text(),
        "endpoints": Prop(kind="list", item=text_map()),
        "accessKey": text(secret=True),
        "secretKey": text(secret=True),
        "token": text(secret=True),
        "assumeRoles": blocks(
            {
                "roleArn": text(required=True),
                "sessionName": text(),
                "externalId": text(),
                "duration": text(same=seconds),
                "policy": text(),
            }
        ),
        "defaultTags": block({"tags": text_map()}),
        "allowedAccountIds": texts(),
        "s3UsePathStyle": flag(default=False),
        "skipCredentialsValidation": flag(default=False),
        "skipRequestingAccountId": flag(default=False),
        "skipRegionValidation": flag(default=False),
        # The sandbox never asks the machine's metadata service, so there is nothing to skip.
        "skipMetadataApiCheck": flag(default=True),
    }

    def __init__(self) -> None:
        super().__init__(
            handlers=HANDLERS,
            functions=lookups.FUNCTIONS,
        )
        self._connection: Connection | None = None

    def connect(self, settings: Props) -> None:
        """Take the configuration and, unless told to skip it, check it as the real plugin does."""
        connection = Connection(settings)
        if not settings["skipRegionValidation"]:
            connection.require_known_region()
        if not settings["skipCredentialsValidation"]:
            connection.require_working_credentials()
        allowed = settings.get("allowedAccountIds")
        if allowed and not settings["skipRequestingAccountId"]:
            connection.require_account(allowed)
        self._connection = connection

    def cloud(self, properties: Props) -> Aws:
        """AWS seen from the resource's own region, or else from the provider's."""
        if self._connection is None:
            raise ProviderError("the provider is asked for a resource before it was configured")
        region = properties.get("region")
        return Aws(
            self._connection,
            region if isinstance(region, str) else self._connection.region,
            self._connection.default_tags,
        )

    def is_gone(self, error: Exception) -> bool:
        """Whether AWS says that the thing does not exist."""
        return isinstance(error, ClientError) and error_code(error) in _GONE

    def reason(self, error: Exception) -> str | None:
        """The code and the message of AWS, or what kept the request from being made."""
        if isinstance(error, EndpointConnectionError):
            return f"{error}: is the emulator running?"
        if isinstance(error, BotoCoreError):
            return str(error)
        if isinstance(error, ClientError):
            message = error.response.get("Error", {}).get("Message", "")
            return f"{error.operation_name}: {error_code(error)}: {message}"
        return None
