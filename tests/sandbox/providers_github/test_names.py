"""Ids and spellings."""

import pytest

from sandbox.providers.github.names import camel, exactly_one, joined, parted, snake


def test_an_id_is_taken_apart_as_it_was_joined():
    assert joined("repo", "env:eu", "NAME") == "repo:env??eu:NAME"
    assert parted("repo:env??eu:NAME", 3) == ["repo", "env:eu", "NAME"]


def test_the_last_part_may_hold_colons():
    assert parted("repo:a:b", 2) == ["repo", "a:b"]


def test_an_id_of_another_form_is_refused():
    with pytest.raises(ValueError, match="'repo' is no id"):
        parted("repo", 2)


def test_names_are_spelled_both_ways():
    assert snake("waitTimer") == "wait_timer"
    assert camel("wait_timer") == "waitTimer"


@pytest.mark.parametrize(("given", "said"), [([], "none is"), (["a", "b"], "a and b is")])
def test_a_choice_is_made_exactly_once(given: list[str], said: str):
    (problem,) = exactly_one(given, ("a", "b"))

    assert said in problem.reason
    assert not list(exactly_one(["b"], ("a", "b")))
