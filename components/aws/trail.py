"""The record of who changed or deleted what: EventBridge hears of nothing that is not in it."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws import cloudtrail

from components.aws.documents import objects_arn
from components.aws.naming import require_prefix
from components.aws.tampering import OBJECT_EVENTS
from neonhub_backup.domain.layout import TRAIL


@dataclass(frozen=True, kw_only=True)
class TrailArgs:
    """What a trail needs to know."""

    prefix: str
    """Name of the stack's resources, e.g. `neonhub-production`."""
    region: str
    """Its home; it records what happens in all regions."""
    operations_bucket: pulumi.Input[str]
    """Name of the bucket that takes the record, once its policy lets this trail in."""
    buckets: Sequence[str]
    """Names of the buckets whose deletions are recorded, of any region."""
    protect: bool = True
    """Refuses destruction: without the trail nobody hears of deletions."""

    def __post_init__(self) -> None:
        """Refuse a trail that records nothing of what matters."""
        require_prefix(self.prefix)
        if not self.buckets:
            raise ValueError(
                "buckets is empty, so no deletion would be recorded; name the backup buckets"
            )


class Trail(pulumi.ComponentResource):
    """All changes of the account's resources, and deletions in the backup buckets.

    Each is needed for an alarm, see
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
    """

    arn: pulumi.Output[str]
    """The trail, to watch over it."""

    def __init__(
        self, name: str, args: TrailArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("neonhub-backup:aws:Trail", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self, protect=args.protect)

        trail = cloudtrail.Trail(
            f"{name}-trail",
            region=args.region,
            name=trail_name(args.prefix),
            s3_bucket_name=args.operations_bucket,
            s3_key_prefix=TRAIL.rstrip("/"),
            is_multi_region_trail=True,
            include_global_service_events=True,
            enable_log_file_validation=True,
            advanced_event_selectors=selectors(args.buckets),
            opts=child,
        )

        self.arn = trail.arn
        self.register_outputs({"arn": self.arn})


def trail_name(prefix: str) -> str:
    """Name of the trail of a stack."""
    return f"{prefix}-trail"


def trail_arn(prefix: str, region: str, account_id: str) -> str:
    """Its ARN before it exists, for the policy of the bucket that takes its record."""
    return f"arn:aws:cloudtrail:{region}:{account_id}:trail/{trail_name(prefix)}"


def selectors(buckets: Sequence[str]) -> list[cloudtrail.TrailAdvancedEventSelectorArgsDict]:
    """What is recorded: nothing that only reads, and of objects nothing but their end.

    Whole buckets, not prefixes: a `DeleteObjects` names its bucket and no object.
    """
    return [
        {
            "name": "Changes of resources",
            "field_selectors": [
                {"field": "eventCategory", "equals": ["Management"]},
                {"field": "readOnly", "equals": ["false"]},
            ],
        },
        {
            "name": "Deletion and unlocking of backups",
            "field_selectors": [
                {"field": "eventCategory", "equals": ["Data"]},
                {"field": "resources.type", "equals": ["AWS::S3::Object"]},
                {"field": "eventName", "equals": list(OBJECT_EVENTS)},
                {
                    "field": "resources.ARN",
                    "starts_withs": [objects_arn(bucket, "") for bucket in buckets],
                },
            ],
        },
    ]
