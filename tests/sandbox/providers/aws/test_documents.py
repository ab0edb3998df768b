"""Which policies mean the same."""

import json

import pytest

from sandbox.providers.aws.documents import canonical_policy


def policy(*statements: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def same(one: str, other: str) -> bool:
    return canonical_policy(one) == canonical_policy(other)


def test_one_value_is_a_list_of_one() -> None:
    assert same(
        policy({"Effect": "Allow", "Action": "s3:*", "Principal": {"AWS": "a"}}),
        policy({"Effect": "Allow", "Action": ["s3:*"], "Principal": {"AWS": ["a"]}}),
    )


def test_one_statement_is_a_list_of_one() -> None:
    assert same('{"Statement": {"Effect": "Deny"}}', '{"Statement": [{"Effect": "Deny"}]}')


def test_order_makes_no_difference() -> None:
    allow = {"Effect": "Allow", "Action": ["a", "b"]}
    deny = {"Effect": "Deny", "Action": ["c"]}

    assert same(policy(allow, deny), policy(deny, {"Action": ["b", "a"], "Effect": "Allow"}))


def test_everybody_can_be_written_in_two_ways() -> None:
    assert same(policy({"Principal": "*"}), policy({"Principal": {"AWS": "*"}}))


def test_flags_in_conditions_are_text() -> None:
    assert same(
        policy({"Condition": {"Bool": {"aws:SecureTransport": False}}}),
        policy({"Condition": {"Bool": {"aws:SecureTransport": "false"}}}),
    )


@pytest.mark.parametrize(
    "other",
    [
        {"Effect": "Deny", "Action": ["a"]},
        {"Effect": "Allow", "Action": ["a", "b"]},
        {"Effect": "Allow", "Action": ["a"], "Condition": {"Bool": {"x": "true"}}},
    ],
)
def test_another_effect_action_or_condition_is_another_policy(other: object) -> None:
    assert not same(policy({"Effect": "Allow", "Action": ["a"]}), policy(other))


@pytest.mark.parametrize("document", ["{", "[]", '"text"', "{}"])
def test_what_is_no_policy_is_refused(document: str) -> None:
    with pytest.raises(ValueError, match=r"JSON|Statement"):
        canonical_policy(document)
