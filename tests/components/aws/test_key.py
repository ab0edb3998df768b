"""What a key promises to the bucket that relies on it."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from components.aws.key import EncryptionKey, EncryptionKeyArgs

Deploy = Callable[..., dict[str, Any]]
ARGS = EncryptionKeyArgs(alias="neonhub-backups", region="us-west-2", account_id="123456789012")


def test_a_key_rotates_every_year(deploy: Deploy) -> None:
    asked = deploy(lambda: EncryptionKey("db", ARGS))

    assert asked["db-key"].inputs["enableKeyRotation"] is True
    assert asked["db-key"].inputs["rotationPeriodInDays"] == 365


def test_a_key_scheduled_for_deletion_can_be_saved_for_a_month(deploy: Deploy) -> None:
    asked = deploy(lambda: EncryptionKey("db", ARGS))

    assert asked["db-key"].inputs["deletionWindowInDays"] == 30


def test_a_key_is_found_by_its_alias_in_the_region_of_its_bucket(deploy: Deploy) -> None:
    asked = deploy(lambda: EncryptionKey("db", ARGS))

    assert asked["db-alias"].inputs["name"] == "alias/neonhub-backups"
    assert {each.inputs["region"] for each in asked.values()} == {"us-west-2"}


def test_a_key_belongs_to_the_account_that_was_named(deploy: Deploy) -> None:
    asked = deploy(lambda: EncryptionKey("db", ARGS))

    assert "arn:aws:iam::123456789012:root" in asked["db-key"].inputs["policy"]
    assert json.loads(asked["db-key"].inputs["policy"])["Version"] == "2012-10-17"


def test_a_key_for_a_topic_works_through_sns(deploy: Deploy) -> None:
    args = EncryptionKeyArgs(
        alias="alarms",
        region="us-west-2",
        account_id="123456789012",
        through="sns",
    )
    policy = deploy(lambda: EncryptionKey("db", args))["db-key"].inputs["policy"]

    assert "sns.us-west-2.amazonaws.com" in policy
    assert "s3.us-west-2.amazonaws.com" not in policy


def test_a_key_lets_in_whoever_else_is_named(deploy: Deploy) -> None:
    other = {"Sid": "Other", "Effect": "Allow"}
    args = replace(ARGS, others=[other])
    policy = deploy(lambda: EncryptionKey("db", args))["db-key"].inputs["policy"]

    assert json.loads(policy)["Statement"][-1] == other


def test_by_default_a_key_outlives_its_stack(deploy: Deploy) -> None:
    asked = deploy(lambda: EncryptionKey("db", ARGS))

    assert all(each.options.protect and each.options.retainOnDelete for each in asked.values())


def test_every_child_belongs_to_the_key(deploy: Deploy) -> None:
    asked = deploy(lambda: EncryptionKey("db", ARGS))

    assert all(
        each.options.parent.endswith("neonhub-backup:aws:EncryptionKey::db")
        for each in asked.values()
    )
