"""Other people's words in GitHub's Markdown: they format nothing and mention nobody."""

import re

_CELL = 200
_BLOCK = 4_000


def code(text: str, length: int = _CELL) -> str:
    """A few words in one line, also in a cell of a table."""
    line = " ".join(text.split())
    short = line if len(line) <= length else f"{line[:length]}…"
    return f"`{short.replace('`', chr(39)).replace('|', chr(0x2758))}`" if short else "-"


def fenced(text: str, length: int = _BLOCK) -> str:
    """Lines as they are, within a fence that none of them closes."""
    short = text if len(text) <= length else f"{text[:length]}\n…"
    fence = "~" * max(3, 1 + max(map(len, re.findall("~+", short)), default=0))
    return f"{fence}text\n{short}\n{fence}"


def shortened(text: str, length: int, rest: str) -> str:
    """As many whole lines as there is room for, and where the rest is.

    What is fenced has to come first, so that no fence stays open.
    """
    if len(text) <= length:
        return text
    return f"{text[: text.rindex(chr(10), 0, length)]}\n\n{rest}"
