"""Clients of the emulated AWS: one per service and region, never one of the real AWS."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from sandbox.providers.framework import ProviderError
from sandbox.providers.values import Props

if TYPE_CHECKING:
    from mypy_boto3_cloudtrail import CloudTrailClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sts import STSClient

# Emulators answer at once or not at all.
_CONNECT_SECONDS = 5
_READ_SECONDS = 60
_ATTEMPTS = 3

# By boto3's name of a service: what else the real plugin lets it be called.
_ALIASES: Mapping[str, Sequence[str]] = {"events": ("eventbridge", "cloudwatchevents")}


class Connection:
    """The provider's configuration, and the clients made from it."""

    def __init__(self, settings: Props) -> None:
        self.region: str = settings.get("region") or _region_of_environment()
        self.default_tags: Mapping[str, str] = settings.get("defaultTags", {}).get("tags", {})
        self._endpoints: dict[str, str] = {}
        for entry in settings.get("endpoints", []):
            self._endpoints.update(entry)
        self._session = boto3.Session(**_credentials(settings))
        # Typed as one overload per service there is, of which most have no stubs here.
        self._make: Any = self._session.client  # pyright: ignore[reportUnknownMemberType]
        self._path_style = bool(settings.get("s3UsePathStyle"))
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = Lock()
        for role in settings.get("assumeRoles", []):
            self._assume(role)

    def _assume(self, role: Props) -> None:
        """Go on as a role, which may be one of another account."""
        optional = {"ExternalId": "externalId", "Policy": "policy"}
        asked: Props = {name: role[key] for name, key in optional.items() if key in role}
        if "duration" in role:
            asked["DurationSeconds"] = seconds(role["duration"])
        client: STSClient = self.client("sts", self.region)
        got = client.assume_role(
            RoleArn=role["roleArn"], RoleSessionName=role.get("sessionName", "pulumi"), **asked
        )["Credentials"]
        self._session = boto3.Session(
            aws_access_key_id=got["AccessKeyId"],
            aws_secret_access_key=got["SecretAccessKey"],
            aws_session_token=got["SessionToken"],
        )
        self._make = self._session.client  # pyright: ignore[reportUnknownMemberType]
        self._clients = {}

    def client(self, service: str, region: str) -> Any:
        """A client by boto3's name of the service. Raises ProviderError without an endpoint."""
        with self._lock:  # Clients may be shared between threads; a session may not.
            key = (service, region)
            if key not in self._clients:
                self._clients[key] = self._make(
                    service,
                    region_name=region,
                    endpoint_url=self._endpoint(service),
                    config=Config(
                        connect_timeout=_CONNECT_SECONDS,
                        read_timeout=_READ_SECONDS,
                        retries={"total_max_attempts": _ATTEMPTS, "mode": "standard"},
                        s3={"addressing_style": "path"} if self._path_style else {},
                        max_pool_connections=32,
                    ),
                )
            return self._clients[key]

    def _endpoint(self, service: str) -> str:
        in_environment = (f"AWS_ENDPOINT_URL_{service.upper()}", "AWS_ENDPOINT_URL")
        called = (service, *_ALIASES.get(service, ()))
        given = [self._endpoints[name] for name in called if self._endpoints.get(name)]
        given += [os.environ[name] for name in in_environment if os.environ.get(name)]
        found = next(iter(given), None)
        if found is None:
            raise ProviderError(
                f"aws:endpoints does not say where '{service}' is, and the sandbox's provider "
                f"never talks to the real AWS: add '{service}: URL of the emulator' to it"
            )
        return found

    def require_known_region(self) -> None:
        """Raises ProviderError for a region that AWS does not have."""
        if self.region not in self._session.get_available_regions("s3"):
            raise ProviderError(
                f"aws:region '{self.region}' is none that AWS has: correct it, or set "
                "aws:skipRegionValidation"
            )

    def require_working_credentials(self) -> None:
        """Raises an error of boto3 if the emulator does not know the credentials."""
        client: STSClient = self.client("sts", self.region)
        client.get_caller_identity()

    def require_account(self, allowed: Sequence[str]) -> None:
        """Raises ProviderError if the credentials belong to an account that is not in the list."""
        if self.account_id not in allowed:
            raise ProviderError(
                f"the credentials belong to account {self.account_id}, which is not among "
                f"aws:allowedAccountIds ({', '.join(allowed)})"
            )

    @cached_property
    def account_id(self) -> str:
        """The account that the credentials belong to."""
        client: STSClient = self.client("sts", self.region)
        return client.get_caller_identity()["Account"]


_UNITS = {"h": 3600, "m": 60, "s": 1}


def seconds(duration: str) -> int:
    """The length of a duration as Go writes it: `1h`, `1h30m`, `900s`. Raises ValueError."""
    if not re.fullmatch(r"(\d+[hms])+", duration):
        raise ValueError(f"'{duration}' is no duration: write it like 1h or 1h30m")
    return sum(int(count) * _UNITS[unit] for count, unit in re.findall(r"(\d+)([hms])", duration))


def _region_of_environment() -> str:
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if not region:
        raise ProviderError("there is no region: set aws:region, or AWS_REGION in the environment")
    return region


def _credentials(settings: Props) -> Props:
    given = {
        "aws_access_key_id": settings.get("accessKey") or os.environ.get("AWS_ACCESS_KEY_ID"),
        "aws_secret_access_key": settings.get("secretKey")
        or os.environ.get("AWS_SECRET_ACCESS_KEY"),
    }
    found = {name: value for name, value in given.items() if value}
    if len(found) != len(given):
        raise ProviderError(
            "there are no credentials: set aws:accessKey and aws:secretKey, or AWS_ACCESS_KEY_ID "
            "and AWS_SECRET_ACCESS_KEY in the environment (an emulator takes any)"
        )
    token = settings.get("token") or os.environ.get("AWS_SESSION_TOKEN")
    return {**found, "aws_session_token": token} if token else found


@dataclass(frozen=True)
class Aws:
    """AWS as one resource sees it: from its own region."""

    connection: Connection
    region: str
    default_tags: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def s3(self) -> "S3Client":
        """S3."""
        return self.connection.client("s3", self.region)

    @property
    def kms(self) -> "KMSClient":
        """Key Management Service."""
        return self.connection.client("kms", self.region)

    @property
    def iam(self) -> "IAMClient":
        """Identity and Access Management, which has no regions."""
        return self.connection.client("iam", self.connection.region)

    @property
    def sts(self) -> "STSClient":
        """Security Token Service."""
        return self.connection.client("sts", self.region)

    @property
    def sns(self) -> "SNSClient":
        """Simple Notification Service."""
        return self.connection.client("sns", self.region)

    @property
    def cloudwatch(self) -> "CloudWatchClient":
        """Metrics and alarms."""
        return self.connection.client("cloudwatch", self.region)

    @property
    def events(self) -> "EventBridgeClient":
        """EventBridge."""
        return self.connection.client("events", self.region)

    @property
    def cloudtrail(self) -> "CloudTrailClient":
        """The record of what was done in the account."""
        return self.connection.client("cloudtrail", self.region)
