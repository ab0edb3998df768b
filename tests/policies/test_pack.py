"""What the engine is told: plain data in, and no verdict on what is not known yet."""

from typing import Any

from pulumi_policy import ResourceValidationPolicy, StackValidationPolicy
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, unknown_checking_proxy

from policies.model import UNKNOWN
from policies.pack import plain, policy
from policies.rules import RULES


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
