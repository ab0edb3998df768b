"""A judge of the conditions in grants of Google Cloud, as far as ours go."""

import re

_TERM = re.compile(r'resource\.name\.(startsWith|endsWith)\("([^"]+)"\)')


def holds(expression: str, resource: str) -> bool:
    """Judge a condition of `||`, `&&`, parentheses and both kinds of term, and no other.

    Raises NotImplementedError for a condition that has anything else.
    """

    def judged(term: re.Match[str]) -> str:
        kind, text = term.groups()
        return str(resource.startswith(text) if kind == "startsWith" else resource.endswith(text))

    left = _TERM.sub(judged, expression).replace("||", "or").replace("&&", "and")
    if not re.fullmatch(r"(True|False|and|or|[() ])+", left):
        raise NotImplementedError(f"this judge does not know all of the condition {expression}")
    return bool(eval(left))  # noqa: S307 - nothing is left but words that the line above knows
