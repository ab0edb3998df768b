"""Any result becomes tables that a page has room for."""

from typing import Any

import pytest

from neonhub_backup.github.tables import facts, listed, shown, table

WILD = "`|\n<img src=x> [x](http://y) @neonhub"


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("bytes", 3_000_000, "2.9 MiB"),
        ("archive_bytes", 10, "10 B"),
        ("rows", 1_234_567, "1,234,567"),
        ("seconds_to_data", 1234.56, "1,234.6 s"),
        ("ratio", 1.234, "1.23"),
        ("proven", True, "yes"),
        ("proven", False, "no"),
        ("promote", None, "-"),
        ("notes", [], "-"),
        ("settings", {}, "-"),
        ("stores", ["aws", "disk"], "`aws`, `disk`"),
        ("stores", [str(number) for number in range(12)], None),
        ("by", {"a": [1]}, "`{'a': [1]}`".replace("'", '"')),
        ("name", WILD, "`'❘ <img src=x> [x](http://y) @neonhub`"),
    ],
)
def test_a_value_is_shown_as_its_key_asks(key: str, value: Any, text: str | None) -> None:
    assert shown(key, value) == (
        text or "`0`, `1`, `2`, `3`, `4`, `5`, `6`, `7`, `8`, `9`, and 2 more"
    )


def test_a_column_of_numbers_is_to_the_right() -> None:
    assert table(("name", "#rows"), [("a", "1")]) == "| name | rows |\n| --- | ---: |\n| a | 1 |"


def test_of_too_many_rows_it_is_said_how_many_are_left_out() -> None:
    assert table(("a",), [("x",)] * 5, 2).splitlines() == [
        "| a |",
        "| --- |",
        "| x |",
        "| x |",
        "",
        "and 3 more",
    ]
    assert listed(["x"] * 5, 2) == "- `x`\n- `x`\n- and 3 more"


def test_parts_have_tables_of_their_own() -> None:
    result = {
        "name": "a",
        "stores": {"aws": {"verdict": "whole", "bytes": 1}, "disk": {"verdict": "missing"}},
        "sizes": [{"table": WILD, "rows": 3}],
        "places": {"aws": "s3://vault"},
    }

    assert (
        "\n\n".join(facts(result))
        == """\
|  |  |
| --- | --- |
| name | `a` |

**Stores**

| name | verdict | bytes |
| --- | --- | --- |
| `aws` | `whole` | 1 B |
| `disk` | `missing` | - |

**Sizes**

| table | rows |
| --- | --- |
| `'❘ <img src=x> [x](http://y) @neonhub` | 3 |

**Places**

| name | value |
| --- | --- |
| `aws` | `s3://vault` |"""
    )
