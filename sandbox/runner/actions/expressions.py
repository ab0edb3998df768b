"""As much of Common Expression Language as our workload identity providers are written in."""

import re
from collections.abc import Mapping

_TOKEN = re.compile(
    r'\s*(?:(?P<claim>assertion\.\w+)|(?P<text>"[^"\\]*")|(?P<operator>\|\||&&|==|\+|[()]))\s*'
)
_PYTHON = {"||": " or ", "&&": " and "}


def evaluate(expression: str, claims: Mapping[str, str]) -> bool | str:
    """What an expression is for a token with these claims.

    Raises KeyError for a claim that the token does not have, as Google refuses it, and
    NotImplementedError for an expression that has anything else in it.
    """
    translated, position = "", 0
    while position < len(expression):
        found = _TOKEN.match(expression, position)
        if found is None:
            raise NotImplementedError(f"this judge does not know all of {expression}")
        if found["claim"]:
            translated += repr(claims[found["claim"].removeprefix("assertion.")])
        else:
            translated += found["text"] or _PYTHON.get(found["operator"], found["operator"])
        position = found.end()
    return eval(translated)  # noqa: S307 - nothing is in it but the tokens above
