"""Rows only go into a live table that can hold all of them."""

import pytest

from neonhub_backup.domain.manifest import Table
from neonhub_backup.restore.rows import Column, misfits

TABLE = Table(
    schema_name="public",
    name="t",
    columns=("id", "name"),
    form="binary",
    disk_bytes=0,
    chunks=(),
)
PLAIN = Column("text", generated=False, required=False)
GENERATED = Column("text", generated=True, required=False)
REQUIRED = Column("text", generated=False, required=True)


@pytest.mark.parametrize(
    "live",
    [
        {"id": PLAIN, "name": PLAIN},
        {"name": REQUIRED, "id": REQUIRED},
        {"id": PLAIN, "name": PLAIN, "new": PLAIN},
        {"id": PLAIN, "name": PLAIN, "new": GENERATED},
    ],
)
def test_a_table_with_the_same_columns_or_more_takes_them(live: dict[str, Column]) -> None:
    assert misfits(TABLE, live) == []


@pytest.mark.parametrize(
    ("live", "said"),
    [
        ({}, 'table "public"."t" does not exist'),
        ({"id": PLAIN}, 'column "name" of "public"."t" does not exist any more'),
        ({"id": PLAIN, "name": GENERATED}, 'column "name" of "public"."t" is generated now'),
        (
            {"id": PLAIN, "name": PLAIN, "new": REQUIRED},
            'column "new" of "public"."t" is new and has no default',
        ),
    ],
)
def test_what_keeps_them_out_is_named(live: dict[str, Column], said: str) -> None:
    assert misfits(TABLE, live) == [said]
