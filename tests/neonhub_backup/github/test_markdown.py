"""The words of others format nothing, wherever they stand."""

import pytest

from neonhub_backup.github.markdown import code, fenced, shortened


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("public.users", "`public.users`"),
        ("a\nb\r\n\tc", "`a b c`"),
        ("`x` | <b>", "`'x' ❘ <b>`"),
        ("", "-"),
        ("x" * 300, f"`{'x' * 200}…`"),
    ],
)
def test_a_few_words_stay_in_their_cell(text: str, shown: str) -> None:
    assert code(text) == shown


@pytest.mark.parametrize(
    ("text", "fence"), [("a sentence", "~~~"), ("a ~~~ b\n~~~~", "~~~~~"), ("```", "~~~")]
)
def test_a_fence_is_longer_than_any_within(text: str, fence: str) -> None:
    assert fenced(text) == f"{fence}text\n{text}\n{fence}"


def test_long_text_ends_within_its_fence() -> None:
    assert fenced("x" * 50, 10) == "~~~text\nxxxxxxxxxx\n…\n~~~"


def test_as_many_whole_lines_as_fit_are_kept() -> None:
    assert shortened("one\ntwo\nthree", 100, "More.") == "one\ntwo\nthree"
    assert shortened("one\ntwo\nthree", 9, "More.") == "one\ntwo\n\nMore."
