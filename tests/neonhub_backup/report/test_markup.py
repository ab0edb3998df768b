"""Nothing that a name or a store says becomes markup."""

from neonhub_backup.report.markup import Markup, element, join

HOSTILE = "</td><script>alert('1')</script>\" onload=\"x"


def test_text_is_escaped() -> None:
    said = element("td", HOSTILE)

    assert "<script" not in said
    assert said == (
        "<td>&lt;/td&gt;&lt;script&gt;alert(&#x27;1&#x27;)&lt;/script&gt;&quot; onload=&quot;x</td>"
    )


def test_an_attribute_is_escaped() -> None:
    assert element("a", title=HOSTILE).count('"') == 2


def test_markup_is_not_escaped_twice() -> None:
    assert element("p", element("b", "a & b")) == "<p><b>a &amp; b</b></p>"


def test_several_stand_one_after_the_other() -> None:
    said = join("a", None, [element("b", "c"), "<"])

    assert said == "a<b>c</b>&lt;"
    assert isinstance(said, Markup)


def test_attributes_that_are_python_s_words_end_with_an_underscore() -> None:
    assert element("p", class_="a", aria_label="b", for_="c") == (
        '<p class="a" aria-label="b" for="c"></p>'
    )


def test_attributes_are_left_out_or_have_no_value() -> None:
    assert element("details", open=True, hidden=False, title=None) == "<details open></details>"


def test_elements_without_an_end_have_none() -> None:
    assert element("meta", charset="utf-8") == '<meta charset="utf-8">'
