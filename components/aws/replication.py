"""Copies of every new backup in a second region."""

import json
from dataclasses import dataclass

import pulumi
from pulumi_aws import iam, s3

from components.aws import bucket_policies
from components.aws.documents import EncryptedBucket, bucket_arn

COPIER_PATH = "/neonhub-backup/replication/"
"""Where the roles of replication are among all of an account."""


@dataclass(frozen=True, kw_only=True)
class ReplicationEnd:
    """One of the two buckets."""

    bucket: pulumi.Input[str]
    """Its name, once it is versioned: AWS refuses to replicate before that."""
    region: str
    """Where it is."""
    key_arn: pulumi.Input[str]
    """Key that encrypts its objects."""


@dataclass(frozen=True, kw_only=True)
class ReplicationArgs:
    """What replication needs to know."""

    source: ReplicationEnd
    """The bucket that receives the backups."""
    replica: ReplicationEnd
    """The bucket that receives the copies."""
    account_id: pulumi.Input[str]
    """Account of the source, and of the replica unless that has one of its own."""
    replica_account_id: str | None = None
    """Account of the replica, which owns the copies. None: that of the source."""
    boundary_arn: pulumi.Input[str] | None = None
    """What no identity of the stack can go beyond. None: the role has its own policy alone."""
    protect: bool = True
    """Refuses destruction: a bucket without its replication has one copy."""


class Replication(pulumi.ComponentResource):
    """Replication with a service level of 15 minutes; deletions stay where they happen."""

    def __init__(
        self, name: str, args: ReplicationArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("neonhub-backup:aws:Replication", name, {}, opts)
        child = pulumi.ResourceOptions(
            parent=self, protect=args.protect, retain_on_delete=args.protect
        )
        source, replica = args.source, args.replica

        role = iam.Role(
            f"{name}-role",
            # Known before it exists, so that a replica of another account can let it in.
            name=source.bucket,
            path=COPIER_PATH,
            description=pulumi.Output.concat("Copies ", source.bucket, " to ", replica.bucket),
            assume_role_policy=pulumi.Output.all(args.account_id, source.bucket).apply(
                lambda known: json.dumps(
                    bucket_policies.service_trust(
                        "s3.amazonaws.com", known[0], bucket_arn(known[1])
                    )
                )
            ),
            permissions_boundary=args.boundary_arn,
            opts=child,
        )
        permissions = iam.RolePolicy(
            f"{name}-permissions",
            role=role.name,
            policy=pulumi.Output.all(
                source.bucket, source.key_arn, replica.bucket, replica.key_arn
            ).apply(
                lambda known: json.dumps(
                    bucket_policies.replicate(
                        EncryptedBucket(known[0], source.region, known[1]),
                        EncryptedBucket(known[2], replica.region, known[3]),
                        override_owner=args.replica_account_id is not None,
                    )
                )
            ),
            opts=child,
        )
        s3.BucketReplicationConfig(
            f"{name}-configuration",
            region=source.region,
            bucket=source.bucket,
            role=role.arn,
            rules=[
                {
                    "id": "everything",
                    "status": "Enabled",
                    "priority": 0,
                    "filter": {"prefix": ""},
                    # A delete marker hides a backup: the copy must outlive such a mistake.
                    "delete_marker_replication": {"status": "Disabled"},
                    "source_selection_criteria": {
                        "sse_kms_encrypted_objects": {"status": "Enabled"}
                    },
                    "destination": _destination(replica, args.replica_account_id),
                }
            ],
            # Objects that arrive before the role has its permissions are never copied.
            opts=pulumi.ResourceOptions.merge(
                child, pulumi.ResourceOptions(depends_on=[permissions])
            ),
        )

        self.register_outputs({})


def role_arn(account_id: str, source_bucket: str) -> str:
    """ARN of the role that copies the objects of a bucket; it bears the bucket's name."""
    return f"arn:aws:iam::{account_id}:role{COPIER_PATH}{source_bucket}"


def _destination(
    replica: ReplicationEnd, account_id: str | None
) -> s3.BucketReplicationConfigRuleDestinationArgsDict:
    destination: s3.BucketReplicationConfigRuleDestinationArgsDict = {
        "bucket": pulumi.Output.from_input(replica.bucket).apply(bucket_arn),
        "encryption_configuration": {"replica_kms_key_id": replica.key_arn},
        "replication_time": {"status": "Enabled", "time": {"minutes": 15}},
        "metrics": {"status": "Enabled", "event_threshold": {"minutes": 15}},
    }
    if account_id is not None:
        # Otherwise the source's account, perhaps lost by then, would own the copies too.
        destination["account"] = account_id
        destination["access_control_translation"] = {"owner": "Destination"}
    return destination
