"""When a broken rule is no violation, and when it is one again."""

import json
from datetime import date

import pytest

from policies.model import Outcome, Resource, Verdict
from policies.rules import RULES
from policies.waivers import KEY, Waiver, apply, read, strays

DAY = date(2026, 11, 23)
RULE = next(each for each in RULES if each.name == "key-rotates")
WAIVER = Waiver(rule="key-rotates", resource="aws-*", reason="an imported key", expires=DAY)


def verdict(name: str = "aws-key", outcome: Outcome = Outcome.BROKEN) -> Verdict:
    return Verdict(rule=RULE, resource=Resource(type="t", name=name, inputs={}), outcome=outcome)


def test_on_its_last_day_a_waiver_counts() -> None:
    waived = apply(verdict(), [WAIVER], DAY)
    assert waived.outcome is Outcome.WAIVED
    assert waived.waived == "until 2026-11-23: an imported key"


@pytest.mark.parametrize(
    ("name", "rule", "day"),
    [
        ("aws-key", "key-rotates", date(2026, 11, 24)),
        ("gcp-key", "key-rotates", DAY),
        ("aws-key", "key-deletion-waits", DAY),
    ],
    ids=["expired", "another resource", "another rule"],
)
def test_what_it_does_not_cover_stays_broken(name: str, rule: str, day: date) -> None:
    waiver = Waiver(rule=rule, resource="aws-*", reason="an imported key", expires=DAY)
    assert apply(verdict(name), [waiver], day).outcome is Outcome.BROKEN


@pytest.mark.parametrize("outcome", [Outcome.KEPT, Outcome.UNDECIDED])
def test_a_rule_that_is_not_broken_is_not_waived(outcome: Outcome) -> None:
    assert apply(verdict(outcome=outcome), [WAIVER], DAY).outcome is outcome


@pytest.mark.parametrize(
    "expires", ["2026-11-23", "2026-11-23 00:00:00 +0000 UTC"], ids=["in quotes", "without"]
)
def test_they_are_read_as_the_engine_gives_them(expires: str) -> None:
    written = [{"rule": "key-rotates", "reason": "an imported key", "expires": expires}]
    assert read({KEY: json.dumps(written)}) == (
        Waiver(rule="key-rotates", resource="*", reason="an imported key", expires=DAY),
    )


def test_a_stack_without_waivers_has_none() -> None:
    assert read({}) == ()


def test_a_waiver_that_names_no_rule_is_wrong() -> None:
    typo = Waiver(rule="key-rotate", resource="*", reason="an imported key", expires=DAY)
    (found,) = strays([WAIVER, typo], RULES)
    assert found.startswith(f"{KEY}: key-rotate is no rule, so nothing is waived; write a name")


def test_the_rule_of_3_2_1_can_be_named_though_the_program_checks_it() -> None:
    waiver = Waiver(rule="three-two-one", resource="*", reason="moving there", expires=DAY)
    assert list(strays([waiver], RULES)) == []
