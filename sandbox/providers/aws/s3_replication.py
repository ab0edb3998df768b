"""Which objects of a bucket are copied to which other bucket."""

# ruff: noqa: S105 - "token" is Pulumi's word for the name of a type

from collections.abc import Iterable
from typing import ClassVar

from sandbox.providers.aws.connection import Aws
from sandbox.providers.aws.s3 import BucketPart
from sandbox.providers.aws.wire import from_api
from sandbox.providers.framework import ProviderError
from sandbox.providers.schema import (
    Problem,
    Schema,
    block,
    blocks,
    number,
    text,
    text_map,
)
from sandbox.providers.values import Props, is_list, is_map

_MINUTES = block({"minutes": number(required=True)})
_STATUS = text(required=True, choices=("Enabled", "Disabled"))
_SWITCH = block({"status": _STATUS})

_DESTINATION = {
    "bucket": text(required=True),
    "account": text(),
    "storageClass": text(),
    "accessControlTranslation": block({"owner": text(required=True, choices=("Destination",))}),
    "encryptionConfiguration": block({"replicaKmsKeyId": text(required=True)}),
    "metrics": block({"status": _STATUS, "eventThreshold": _MINUTES}),
    "replicationTime": block({"status": _STATUS, "time": _MINUTES}),
}
_RULE = {
    "id": text(computed=True),
    "status": _STATUS,
    "priority": number(computed=True),
    "prefix": text(),
    "filter": block(
        {
            "prefix": text(),
            "tag": block({"key": text(required=True), "value": text(required=True)}),
            "and": block({"prefix": text(), "tags": text_map()}),
        }
    ),
    "deleteMarkerReplication": _SWITCH,
    "existingObjectReplication": _SWITCH,
    "sourceSelectionCriteria": block(
        {"sseKmsEncryptedObjects": _SWITCH, "replicaModifications": _SWITCH}
    ),
    "destination": block(_DESTINATION, required=True),
}


class BucketReplicationConfig(BucketPart):
    """All replication rules of a bucket. moto keeps them, but copies nothing."""

    token = "aws:s3/bucketReplicationConfig:BucketReplicationConfig"
    settings: ClassVar[Schema] = {
        "role": text(required=True),
        "rules": blocks(_RULE, unordered=True, required=True),
    }

    def problems(self, inputs: Props) -> Iterable[Problem]:
        """What AWS refuses and moto does not."""
        for index, rule in enumerate(inputs["rules"] if is_list(inputs["rules"]) else []):
            if is_map(rule):
                for field, reason in _rule_problems(rule):
                    yield Problem(f"rules[{index}].{field}", reason)

    def put(self, cloud: Aws, bucket: str, wanted: Props) -> None:
        """Set role and rules. AWS wants both ends versioned; moto does not care."""
        targets = [rule["destination"]["bucket"].rpartition(":")[2] for rule in wanted["rules"]]
        for name in [bucket, *targets]:
            if cloud.s3.get_bucket_versioning(Bucket=name).get("Status") != "Enabled":
                raise ProviderError(
                    f"InvalidRequest: versioning must be enabled on bucket '{name}' to replicate"
                )
        cloud.s3.put_bucket_replication(Bucket=bucket, ReplicationConfiguration=self.told(wanted))

    def get(self, cloud: Aws, bucket: str) -> Props:
        """Role and rules."""
        found = cloud.s3.get_bucket_replication(Bucket=bucket)
        return from_api(self.settings, found["ReplicationConfiguration"])

    def delete(self, cloud: Aws, resource_id: str, state: Props) -> None:  # noqa: ARG002
        """Stop replicating."""
        cloud.s3.delete_bucket_replication(Bucket=resource_id)


def _rule_problems(rule: Props) -> Iterable[tuple[str, str]]:
    destination = rule["destination"]
    if "filter" in rule and "deleteMarkerReplication" not in rule:
        yield (
            "deleteMarkerReplication",
            "must be said (Enabled or Disabled) in a rule with a filter",
        )
    if not is_map(destination):
        return
    if "accessControlTranslation" in destination and "account" not in destination:
        yield "destination.account", "must name the account that is to own the replicas"
    if "replicationTime" in destination and "metrics" not in destination:
        yield "destination.metrics", "must be enabled together with replicationTime"
    if _replicates_encrypted(rule) and "encryptionConfiguration" not in destination:
        yield (
            "destination.encryptionConfiguration",
            "must name the replica's key where sseKmsEncryptedObjects are replicated",
        )


def _replicates_encrypted(rule: Props) -> bool:
    criteria = rule.get("sourceSelectionCriteria")
    encrypted = criteria.get("sseKmsEncryptedObjects") if is_map(criteria) else None
    return is_map(encrypted) and encrypted.get("status") == "Enabled"


HANDLERS = [BucketReplicationConfig()]
