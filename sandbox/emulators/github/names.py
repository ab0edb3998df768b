"""GitHub's rules for the names and sizes of secrets and variables."""

import re

from sandbox.emulators.github.errors import unprocessable

_LARGEST_BYTES = 48 * 1024


def checked(kind: str, name: str) -> str:
    """The name in the capitals that GitHub stores; 422 when it is not allowed."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) or name.upper().startswith("GITHUB_"):
        raise unprocessable(
            f"{kind} names can only contain alphanumeric characters ([a-z], [A-Z], [0-9]) or "
            "underscores (_), must not start with a number and must not start with GITHUB_."
        )
    return name.upper()


def refuse_long(kind: str, value: str) -> None:
    """422 when GitHub would not keep a value of that size."""
    if len(value.encode()) > _LARGEST_BYTES:
        raise unprocessable(f"{kind} value is too long (maximum is 48 KB)")
