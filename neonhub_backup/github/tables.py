"""Values of results, for people, in tables of GitHub's Markdown."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from neonhub_backup.github.markdown import code
from neonhub_backup.wording import size_text

ROWS = 40
"""Rows of a table, for a page must not outgrow what GitHub shows."""
_ITEMS = 10
_LONG = 300


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], limit: int = ROWS) -> str:
    """Rows below their columns' names; a name that begins with # is that of numbers."""
    head = [column.removeprefix("#") for column in columns]
    rule = ["---:" if column.startswith("#") else "---" for column in columns]
    lines = [f"| {' | '.join(row)} |" for row in (head, rule, *rows[:limit])]
    return "\n".join(lines) + more(rows, limit, "\n\n")


def listed(items: Sequence[str], limit: int = ROWS) -> str:
    """Other people's sentences, one below the other."""
    lines = [f"- {code(item, 1_000)}" for item in items[:limit]]
    return "\n".join(lines) + more(items, limit, "\n- ")


def more(items: Sequence[object], limit: int, before: str) -> str:
    """How many are left out."""
    return f"{before}and {len(items) - limit} more" if len(items) > limit else ""


def shown(key: str, value: Any) -> str:
    """A value as its key asks: sizes, seconds, counts, yes and no; everything else as it is."""
    match value:
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return _number(key, value)
        case str():
            return code(value, _LONG)
        case list() if value:
            items = cast("list[Any]", value)
            words = [shown(key, item) for item in items[:_ITEMS]]
            return ", ".join(words) + more(items, _ITEMS, ", ")
        case _:
            return code(json.dumps(value, ensure_ascii=False), _LONG) if value else "-"


def _number(key: str, value: float) -> str:
    if key == "bytes" or key.endswith("_bytes"):
        return size_text(int(value))
    if key.startswith("seconds"):
        return f"{value:,.1f} s"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"


def facts(result: Mapping[str, Any]) -> list[str]:
    """A result whose form is not known: its values in a table, and a table for each that has parts.

    Rows of such a table are the parts of a list, or the entries of a mapping by their names.
    """
    nested = {key: parts for key, value in result.items() if (parts := _parts(value))}
    rows = [(label(key), shown(key, value)) for key, value in result.items() if key not in nested]
    made = [table(("", ""), rows)] if rows else []
    for key, parts in nested.items():
        made += [f"**{label(key).capitalize()}**", parts_table(parts)]
    return made


def parts_table(parts: Sequence[Mapping[str, Any]]) -> str:
    """One row for each part, with a column for every key that any of them has."""
    keys = list(dict.fromkeys(key for part in parts for key in part))
    rows = [[shown(key, part.get(key)) for key in keys] for part in parts]
    return table([label(key) for key in keys], rows)


def label(key: str) -> str:
    """A key in words."""
    words = key.replace("seconds_", "time_").replace("_", " ")
    return words if words.replace(" ", "").isalnum() or not words else code(key)


def _parts(value: Any) -> list[Mapping[str, Any]]:
    """The parts of a value that has some that are mappings themselves."""
    if isinstance(value, list):
        items = cast("list[Any]", value)
        return items if items and all(isinstance(item, dict) for item in items) else []
    if isinstance(value, dict):
        entries = cast("dict[str, Any]", value)
        if entries and all(isinstance(entry, dict) for entry in entries.values()):
            return [{"name": name, **entry} for name, entry in entries.items()]
        if entries and all(isinstance(entry, str) for entry in entries.values()):
            return [{"name": name, "value": entry} for name, entry in entries.items()]
    return []
