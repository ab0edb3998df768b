"""What becomes of values between the engine and the handlers."""

from collections.abc import Mapping

from pulumi.provider.experimental.property_value import Computed, PropertyValue

from sandbox.providers.values import UNKNOWN, from_plain, to_plain, to_props

MARKER = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def test_whole_numbers_are_ints_and_come_back_as_numbers() -> None:
    assert repr(to_plain(PropertyValue(3.0))) == "3"
    assert from_plain(3).value == 3.0


def test_flags_do_not_become_numbers() -> None:
    assert from_plain(value=True).value is True


def test_unknown_values_are_recognised_in_both_forms() -> None:
    assert to_plain(PropertyValue(MARKER)) is UNKNOWN
    assert to_plain(PropertyValue(Computed())) is UNKNOWN


def test_an_unknown_value_can_be_sent() -> None:
    assert from_plain([UNKNOWN]).marshal().list_value.values[0].string_value == MARKER


def test_nulls_are_left_out_of_objects() -> None:
    assert to_props({"a": PropertyValue.null(), "b": PropertyValue("x")}) == {"b": "x"}


def test_a_secret_deep_inside_is_still_one_afterwards() -> None:
    before = PropertyValue({"list": PropertyValue([PropertyValue("hush", is_secret=True)])})

    after = from_plain({"list": ["hush"], "other": "open"}, before)

    assert to_plain(after) == {"list": ["hush"], "other": "open"}
    assert after.contains_secret()
    assert isinstance(after.value, Mapping)
    assert not after.value["other"].is_secret


def test_a_list_that_changed_around_a_secret_is_secret_throughout() -> None:
    before = PropertyValue([PropertyValue("hush", is_secret=True)])

    after = from_plain(["open", "hush"], before)

    assert isinstance(after.value, tuple)
    assert [item.is_secret for item in after.value] == [True, True]
