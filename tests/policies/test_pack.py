"""What the engine is told: plain data in, and no verdict on what is not known yet."""

import inspect
import json
from datetime import UTC, datetime
from typing import Any

from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import (
    PolicyCustomTimeouts,
    PolicyPack,
    PolicyResourceOptions,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, unknown_checking_proxy

from policies.model import UNKNOWN
from policies.pack import configure, plain, policy
from policies.rules import RULES


def violating_encryption() -> ResourceValidationArgs:
    """What the engine asks of a bucket key that is on."""
    return ResourceValidationArgs(
        resource_type="aws:s3/bucketServerSideEncryptionConfiguration:"
        "BucketServerSideEncryptionConfiguration",
        props={"rules": [{"bucketKeyEnabled": True}]},
        urn="urn",
        name="encryption",
        opts=PolicyResourceOptions(
            protect=False,
            ignore_changes=[],
            delete_before_replace=None,
            aliases=[],
            custom_timeouts=PolicyCustomTimeouts(0, 0, 0),
            additional_secret_outputs=[],
        ),
        provider=None,
    )


def test_what_the_engine_does_not_know_yet_is_marked_wherever_it_is() -> None:
    written: dict[str, Any] = {
        "days": 30.0,
        "role": UNKNOWN_STRING_VALUE,
        "rules": [{"key": UNKNOWN_STRING_VALUE, "status": "Enabled"}, UNKNOWN_STRING_VALUE],
    }

    assert plain(unknown_checking_proxy(written)) == {
        "days": 30,
        "role": UNKNOWN,
        "rules": [{"key": UNKNOWN, "status": "Enabled"}, UNKNOWN],
    }


def test_a_rule_is_asked_before_a_resource_is_made_unless_it_must_see_the_others() -> None:
    for rule in RULES:
        kind = StackValidationPolicy if rule.looks_around else ResourceValidationPolicy
        assert isinstance(policy(rule), kind)


def test_the_engine_shows_what_a_violation_means() -> None:
    assert [policy(rule).description for rule in RULES] == [rule.meaning for rule in RULES]


def test_a_waiver_of_the_stack_is_heeded_and_no_secret_of_it_is_kept() -> None:
    reported: list[str] = []

    def report(message: str, _urn: str | None = None) -> None:
        reported.append(message)

    rule = policy(next(each for each in RULES if each.name == "bucket-key-is-off"))
    assert isinstance(rule, ResourceValidationPolicy)
    waiver = {
        "rule": rule.name,
        "reason": "a test tries it",
        "expires": f"{datetime.now(UTC).date()}T00:00:00Z",
    }
    configurations: tuple[dict[str, str], ...] = (
        {},
        {"neonhub-backup:waivers": json.dumps([waiver]), "neonhub-backup:databaseUrl": "hush"},
        {},
    )
    found: list[int] = []
    for configuration in configurations:
        configure(configuration)
        reported.clear()
        rule.validate(violating_encryption(), report)  # pyright: ignore[reportUnknownMemberType] - the SDK does not say what it awaits
        found.append(len(reported))

    assert found == [1, 0, 1]


def test_the_engine_configures_the_pack_by_the_call_that_we_answer() -> None:
    """What we replace exists under this name, and is what a pack is made of."""
    source = inspect.getsource(PolicyPack)

    assert "servicer = _PolicyAnalyzerServicer(" in source
    assert "config" in {
        field.name for field in analyzer_pb2.AnalyzerStackConfigureRequest.DESCRIPTOR.fields
    }
