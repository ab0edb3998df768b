"""A KMS key for one bucket or topic."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws import kms

from components.aws import bucket_policies
from components.aws.documents import Statement


@dataclass(frozen=True, kw_only=True)
class EncryptionKeyArgs:
    """What a key needs to know."""

    alias: str
    """Name in the console and in logs, without `alias/`."""
    region: str
    """Region of the bucket: S3 uses no key of another one."""
    account_id: pulumi.Input[str]
    """Account whose IAM policies decide who uses the key."""
    through: str = "s3"
    """The AWS service through which it is used, e.g. `sns`; directly nobody can."""
    others: pulumi.Input[Sequence[Statement]] = ()
    """What its policy says besides: how another account uses it."""
    protect: bool = True
    """Refuses destruction and survives its stack: without the key its bucket is unreadable."""


class EncryptionKey(pulumi.ComponentResource):
    """A key that rotates every year and works through one service alone."""

    arn: pulumi.Output[str]
    """The key to give to a bucket or topic."""

    def __init__(
        self, name: str, args: EncryptionKeyArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("neonhub-backup:aws:EncryptionKey", name, {}, opts)
        child = pulumi.ResourceOptions(
            parent=self, protect=args.protect, retain_on_delete=args.protect
        )

        key = kms.Key(
            f"{name}-key",
            region=args.region,
            description=f"Encrypts {args.alias}, through {args.through.upper()} alone",
            enable_key_rotation=True,
            rotation_period_in_days=365,
            # The longest there is: a deletion is loss of all backups, and this the time to notice.
            deletion_window_in_days=30,
            policy=pulumi.Output.all(args.account_id, args.others).apply(
                lambda known: json.dumps(
                    bucket_policies.key_policy(known[0], args.region, args.through, known[1])
                )
            ),
            opts=child,
        )
        kms.Alias(
            f"{name}-alias",
            region=args.region,
            name=f"alias/{args.alias}",
            target_key_id=key.key_id,
            opts=child,
        )

        self.arn = key.arn
        self.register_outputs({"arn": self.arn})
