"""Keys and their aliases."""

# ruff: noqa: S105 - "token" is Pulumi's word for the name of a type

from collections.abc import Iterable
from typing import Any, ClassVar

from sandbox.providers.aws.connection import Aws
from sandbox.providers.aws.documents import policy_text
from sandbox.providers.aws.handler import REGION, TAGS, AwsHandler, changed_tags
from sandbox.providers.schema import Naming, Problem, Schema, flag, number, text
from sandbox.providers.values import Props

_SHORTEST_ROTATION, _LONGEST_ROTATION = 90, 2560
_SHORTEST_WINDOW, _LONGEST_WINDOW = 7, 30


class Key(AwsHandler):
    """A KMS key. Deleting it only schedules its deletion, as AWS does."""

    token = "aws:kms/key:Key"
    inputs: ClassVar[Schema] = {
        **REGION,
        **TAGS,
        "description": text(computed=True),
        "policy": policy_text(computed=True),
        "keyUsage": text(default="ENCRYPT_DECRYPT", replaces=True),
        "customerMasterKeySpec": text(default="SYMMETRIC_DEFAULT", replaces=True),
        "multiRegion": flag(computed=True, replaces=True),
        "isEnabled": flag(default=True),
        "enableKeyRotation": flag(default=False),
        # moto rotates keys or not, and forgets how often.
        "rotationPeriodInDays": number(write_only=True),
        "deletionWindowInDays": number(write_only=True),
        "bypassPolicyLockoutSafetyCheck": flag(default=False, write_only=True),
    }
    outputs = ("arn", "keyId")

    def problems(self, inputs: Props) -> Iterable[Problem]:
        """Combinations that AWS refuses and moto does not."""
        period = inputs.get("rotationPeriodInDays")
        if isinstance(period, int) and not _SHORTEST_ROTATION <= period <= _LONGEST_ROTATION:
            yield Problem(
                "rotationPeriodInDays",
                f"must be {_SHORTEST_ROTATION} to {_LONGEST_ROTATION} days, not {period}",
            )
        if period is not None and inputs["enableKeyRotation"] is False:
            yield Problem(
                "rotationPeriodInDays", "has no meaning unless enableKeyRotation is true: set it"
            )
        window = inputs.get("deletionWindowInDays")
        if isinstance(window, int) and not _SHORTEST_WINDOW <= window <= _LONGEST_WINDOW:
            yield Problem(
                "deletionWindowInDays",
                f"must be {_SHORTEST_WINDOW} to {_LONGEST_WINDOW} days, not {window}",
            )

    def create(self, cloud: Aws, wanted: Props) -> str:
        """Make the key with everything but its rotation."""
        optional = {"Description": "description", "Policy": "policy", "MultiRegion": "multiRegion"}
        asked = {name: wanted[key] for name, key in optional.items() if key in wanted}
        made = cloud.kms.create_key(
            KeyUsage=wanted["keyUsage"],
            KeySpec=wanted["customerMasterKeySpec"],
            BypassPolicyLockoutSafetyCheck=wanted["bypassPolicyLockoutSafetyCheck"],
            Tags=_tags(wanted["tagsAll"]),
            **asked,
        )
        return made["KeyMetadata"]["KeyId"]

    def settle(self, cloud: Aws, resource_id: str, wanted: Props) -> None:
        """Set what a new key cannot be made with."""
        self._rotate(cloud, resource_id, wanted)
        if not wanted["isEnabled"]:
            cloud.kms.disable_key(KeyId=resource_id)

    def read(self, cloud: Aws, resource_id: str, known: Props) -> Props | None:  # noqa: ARG002
        """The key, unless it waits for its deletion."""
        key = cloud.kms.describe_key(KeyId=resource_id)["KeyMetadata"]
        if key.get("KeyState") in {"PendingDeletion", "PendingReplicaDeletion"}:
            return None
        rotation = cloud.kms.get_key_rotation_status(KeyId=resource_id)
        tags = cloud.kms.list_resource_tags(KeyId=resource_id)["Tags"]
        return {
            "arn": key.get("Arn"),
            "keyId": resource_id,
            "description": key.get("Description"),
            "keyUsage": key.get("KeyUsage"),
            "customerMasterKeySpec": key.get("KeySpec"),
            "multiRegion": key.get("MultiRegion"),
            "isEnabled": key.get("Enabled"),
            "enableKeyRotation": rotation["KeyRotationEnabled"],
            "policy": cloud.kms.get_key_policy(KeyId=resource_id, PolicyName="default")["Policy"],
            "tagsAll": {tag["TagKey"]: tag["TagValue"] for tag in tags},
        }

    def update(self, cloud: Aws, resource_id: str, old: Props, wanted: Props) -> None:
        """Set everything that can be set."""
        # A disabled key can be changed in nothing, so it is enabled first and disabled last.
        cloud.kms.enable_key(KeyId=resource_id)
        if "description" in wanted:
            cloud.kms.update_key_description(KeyId=resource_id, Description=wanted["description"])
        if "policy" in wanted:
            cloud.kms.put_key_policy(
                KeyId=resource_id, PolicyName="default", Policy=wanted["policy"]
            )
        removed, added = changed_tags(old, wanted)
        if removed:
            cloud.kms.untag_resource(KeyId=resource_id, TagKeys=removed)
        if added:
            cloud.kms.tag_resource(KeyId=resource_id, Tags=_tags(added))
        self.settle(cloud, resource_id, wanted)

    def _rotate(self, cloud: Aws, resource_id: str, wanted: Props) -> None:
        if not wanted["enableKeyRotation"]:
            cloud.kms.disable_key_rotation(KeyId=resource_id)
        elif "rotationPeriodInDays" in wanted:
            cloud.kms.enable_key_rotation(
                KeyId=resource_id, RotationPeriodInDays=wanted["rotationPeriodInDays"]
            )
        else:
            cloud.kms.enable_key_rotation(KeyId=resource_id)

    def delete(self, cloud: Aws, resource_id: str, state: Props) -> None:
        """Schedule the deletion, unless it is scheduled already."""
        if self.read(cloud, resource_id, state) is not None:
            window = state.get("deletionWindowInDays", _LONGEST_WINDOW)
            cloud.kms.schedule_key_deletion(KeyId=resource_id, PendingWindowInDays=window)


def _tags(tags: Props) -> Any:
    return [{"TagKey": key, "TagValue": value} for key, value in tags.items()]


class Alias(AwsHandler):
    """A name for a key. Its id is that name, `alias/` included."""

    token = "aws:kms/alias:Alias"
    inputs: ClassVar[Schema] = {
        **REGION,
        "name": text(replaces=True, identity=True, naming=Naming(stem="alias/{}-", max_length=256)),
        "targetKeyId": text(required=True, same=lambda key: key.rpartition("/")[2]),
    }
    outputs = ("arn", "targetKeyArn")
    volatile = ("targetKeyArn",)

    def create(self, cloud: Aws, wanted: Props) -> str:
        """Make the alias."""
        cloud.kms.create_alias(AliasName=wanted["name"], TargetKeyId=wanted["targetKeyId"])
        return wanted["name"]

    def read(self, cloud: Aws, resource_id: str, known: Props) -> Props | None:  # noqa: ARG002
        """The alias, found by its name among all."""
        for page in cloud.kms.get_paginator("list_aliases").paginate():
            for alias in page["Aliases"]:
                if alias.get("AliasName") == resource_id:
                    key_id = alias.get("TargetKeyId", "")
                    return {
                        "name": resource_id,
                        "arn": alias.get("AliasArn"),
                        "targetKeyId": key_id,
                        "targetKeyArn": cloud.kms.describe_key(KeyId=key_id)["KeyMetadata"].get(
                            "Arn"
                        ),
                    }
        return None

    def update(self, cloud: Aws, resource_id: str, old: Props, wanted: Props) -> None:  # noqa: ARG002
        """Point it at another key."""
        cloud.kms.update_alias(AliasName=resource_id, TargetKeyId=wanted["targetKeyId"])

    def delete(self, cloud: Aws, resource_id: str, state: Props) -> None:  # noqa: ARG002
        """Delete the alias; the key stays."""
        cloud.kms.delete_alias(AliasName=resource_id)


HANDLERS = [Key(), Alias()]
