"""What checking, completing and comparing properties promises to every handler."""

import json

import pytest

from sandbox.providers.schema import (
    Naming,
    Schema,
    block,
    blocks,
    completed,
    differing,
    first_difference,
    flag,
    json_text,
    named,
    number,
    or_nothing,
    problems,
    remembered,
    text,
    text_map,
    texts,
)
from sandbox.providers.values import UNKNOWN, Props

RULES: Schema = {
    "rules": blocks(
        {"id": text(required=True), "expiration": block({"days": number()})}, unordered=True
    )
}


def reasons(schema: Schema, props: Props) -> list[str]:
    return [problem.reason for problem in problems(schema, props)]


def test_a_typo_in_a_property_is_refused_with_the_nearest_name() -> None:
    assert reasons({"bucket": text()}, {"bukcet": "a"}) == [
        "nothing here is called 'bukcet'; did you mean 'bucket'?"
    ]


def test_a_typo_deep_in_a_list_is_refused_with_its_path() -> None:
    wrong = {"rules": [{"id": "a"}, {"id": "b", "expirations": {"days": 1}}]}

    assert "did you mean 'rules[1].expiration'?" in reasons(RULES, wrong)[0]


def test_a_property_like_no_other_is_refused_with_all_known_names() -> None:
    assert "knows bucket, tags" in reasons({"tags": text_map(), "bucket": text()}, {"zzz": 1})[0]


def test_a_missing_property_is_named() -> None:
    assert reasons(RULES, {"rules": [{}]}) == [
        "'rules[0].id' is missing and has no default: set it"
    ]


@pytest.mark.parametrize(
    ("prop", "value"),
    [
        (text(), 1),
        (number(), "1"),
        (number(), True),
        (flag(), "yes"),
        (texts(), "a"),
        (text_map(), ["a"]),
        (block({}), "a"),
        (text(choices=("a", "b")), "c"),
        (json_text(), "{"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(prop: object, value: object) -> None:
    assert len(reasons({"it": prop}, {"it": value})) == 1  # pyright: ignore[reportArgumentType] - any prop


def test_a_value_of_the_wrong_type_may_be_secret_and_is_not_shown() -> None:
    assert reasons({"pin": text()}, {"pin": 4711}) == ["'pin' must be text, not a number"]


def test_a_value_that_is_not_known_yet_fits_everywhere() -> None:
    schema = {"a": text(choices=("x",)), "b": json_text(), **RULES}
    props = {"a": UNKNOWN, "b": UNKNOWN, "rules": [{"id": UNKNOWN, "expiration": UNKNOWN}]}

    assert reasons(schema, props) == []


def test_defaults_are_filled_in_at_every_depth() -> None:
    schema = {"on": flag(default=False), "rules": blocks({"status": text(default="Enabled")})}

    assert completed(schema, {"rules": [{}, {"status": "Disabled"}]}) == {
        "on": False,
        "rules": [{"status": "Enabled"}, {"status": "Disabled"}],
    }


NAMED: Schema = {
    "bucket": text(naming=Naming(lower=True, max_length=20, prefix_from="bucketPrefix"))
}


def name(props: Props, before: Props, seed: bytes) -> str:
    return named(NAMED, props, resource="My-Logs", before=before, seed=seed)["bucket"]


def test_a_resource_without_a_name_is_named_after_itself() -> None:
    generated = name({}, {}, b"seed")

    assert generated.startswith("my-logs-")
    assert len(generated) == len("my-logs-") + 7


def test_a_generated_name_is_kept() -> None:
    first = name({}, {}, b"one")

    assert name({}, {"bucket": first}, b"other") == first


def test_a_given_name_that_is_taken_back_is_not_kept() -> None:
    assert name({}, {"bucket": "given"}, b"seed") != "given"


def test_a_prefix_starts_the_generated_name() -> None:
    assert name({"bucketPrefix": "logs-"}, {}, b"seed").startswith("logs-")


def test_a_generated_name_is_never_too_long() -> None:
    assert len(name({"bucketPrefix": "x" * 50}, {}, b"seed")) == 20


def test_a_name_cannot_be_known_before_its_prefix_is() -> None:
    assert name({"bucketPrefix": UNKNOWN}, {}, b"seed") is UNKNOWN


def test_the_order_of_keys_and_spaces_in_json_is_no_change() -> None:
    old, new = json.dumps({"a": 1, "b": [2]}), '{"b":[2],"a":1}'

    assert differing({"doc": json_text()}, {"doc": old}, {"doc": new}) == []


def test_the_order_of_an_unordered_list_is_no_change() -> None:
    one, other = {"id": "a"}, {"id": "b", "expiration": {"days": 1}}

    assert differing(RULES, {"rules": [one, other]}, {"rules": [other, one]}) == []


def test_the_order_of_an_ordered_list_is_a_change() -> None:
    ordered = {"steps": texts(unordered=False)}

    assert differing(ordered, {"steps": ["a", "b"]}, {"steps": ["b", "a"]}) == ["steps"]


@pytest.mark.parametrize("nothing", [{}, {"tags": {}}, {"tags": None}])
def test_nothing_and_empty_are_the_same(nothing: Props) -> None:
    assert differing({"tags": text_map()}, nothing, {}) == []


def test_an_empty_value_under_a_key_of_the_programs_own_is_something() -> None:
    assert differing({"tags": text_map()}, {"tags": {"a": ""}}, {}) == ["tags"]


def test_what_the_cloud_chose_is_no_change_where_the_program_says_nothing() -> None:
    schema = {"policy": text(computed=True), "rules": blocks({"id": text(computed=True)})}
    old = {"policy": "chosen", "rules": [{"id": "chosen"}]}

    assert differing(schema, old, {"rules": [{}]}) == []


def test_taking_a_property_back_is_a_change() -> None:
    assert differing({"description": text()}, {"description": "a"}, {}) == ["description"]


def test_a_value_that_is_not_known_yet_is_a_change() -> None:
    assert differing({"name": text()}, {"name": "a"}, {"name": UNKNOWN}) == ["name"]


def test_false_zero_and_nothing_can_be_the_same() -> None:
    schema = {"rule": block({"days": number(same=or_nothing), "years": number(same=or_nothing)})}

    assert differing(schema, {"rule": {"days": 1, "years": 0}}, {"rule": {"days": 1}}) == []


def test_the_programs_own_words_are_remembered() -> None:
    state = remembered({"doc": json_text()}, {"doc": '{"a": 1}'}, {"doc": '{"a":1}'})

    assert state == {"doc": '{"a":1}'}


def test_the_real_value_is_remembered_where_it_differs() -> None:
    assert remembered({"a": text()}, {"a": "real"}, {"a": "wanted"}) == {"a": "real"}


def test_what_cannot_be_read_is_remembered_inside_a_block_too() -> None:
    schema = {
        "on": flag(write_only=True),
        "rules": blocks({"id": text(), "x": text(write_only=True)}),
    }
    known = {"on": True, "rules": [{"id": "a", "x": "said"}]}

    state = remembered(schema, {"rules": [{"id": "b", "x": "made up"}]}, known)

    assert state == {"on": True, "rules": [{"id": "b", "x": "said"}]}


def test_a_difference_is_named_by_its_path_and_without_its_text() -> None:
    actual = {"rules": [{"id": "daily", "expiration": {"days": 1}}]}
    wanted = {"rules": [{"id": "daily", "expiration": {"days": 2}}]}

    assert first_difference(RULES, "rules", actual, wanted) == ("rules[daily].expiration.days", "1")
    assert first_difference({"key": text()}, "key", {"key": "old"}, {"key": "new"}) == (
        "key",
        "another value",
    )
