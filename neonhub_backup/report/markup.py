"""Elements of HTML, in which everything is escaped that is not markup itself."""

from collections.abc import Iterable
from html import escape

_EMPTY = {"input", "link", "meta"}
"""Elements that have no end."""


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Content = str | Markup | None | Iterable["Content"]
"""What may stand in an element: text, other elements, nothing, or several of them."""


def element(name: str, /, *content: Content, **attributes: str | bool | None) -> Markup:
    """An element. Attributes that Python has a word for end with `_`, those with a dash have `_`.

    None and False leave an attribute out, True gives it no value.
    """
    said = "".join(_attribute(key, value) for key, value in attributes.items())
    inner = join(*content)
    return Markup(f"<{name}{said}>" if name in _EMPTY else f"<{name}{said}>{inner}</{name}>")


def join(*content: Content) -> Markup:
    """One after the other, without an element around them."""
    return Markup("".join(_inner(each) for each in content))


def _inner(content: Content) -> str:
    match content:
        case None:
            return ""
        case Markup():
            return content
        case str():
            return escape(content)
        case _:
            return join(*content)


def _attribute(key: str, value: str | bool | None) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(value)}"'
