"""The manifest proves itself before it proves anything else."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from neonhub_backup.domain.manifest import (
    Chunk,
    Manifest,
    Origin,
    Schema,
    Server,
    StoredObject,
    Table,
    dump_manifest,
    load_manifest,
)
from neonhub_backup.domain.retention import Tier
from neonhub_backup.errors import IntegrityError

KEY = "db/daily/2025/01/20250105T020304Z-0badcafe/manifest.json"
SHA = "0123456789abcdef" * 4


def _chunk(name: str, rows: int, size: int) -> Chunk:
    return Chunk(name=name, rows=rows, bytes=size, sha256=SHA)


MANIFEST = Manifest(
    name="20250105T020304Z-0badcafe",
    tier=Tier.DAILY,
    environment="test",
    database="app",
    started=datetime(2025, 1, 5, 2, 3, 4, tzinfo=UTC),
    finished=datetime(2025, 1, 5, 2, 4, 5, 678901, tzinfo=UTC),
    tool_version="0.1.0",
    origin=Origin(host="runner", user="backup", run=None),
    server=Server(
        version="16.14 (Debian)",
        version_num=160014,
        encoding="UTF8",
        locale_provider="c",
        collate="C.UTF-8",
        ctype="C.UTF-8",
        locale=None,
        superuser="postgres",
    ),
    extensions={"vector": "0.8.6"},
    roles=("app", "Größe"),
    schema=Schema(fingerprint=SHA, objects={"TABLE public üser": SHA[:16]}),
    archive=StoredObject(name="archive", bytes=100, sha256=SHA),
    archive_major=18,
    large_objects=2,
    tables=(
        Table(
            schema_name="public",
            name="üser",
            columns=("id", 'odd "name"\n'),
            form="binary",
            disk_bytes=8192,
            chunks=(_chunk("rows/0001-000", 10, 1000), _chunk("rows/0001-001", 5, 400)),
        ),
        Table(schema_name="public", name="empty", columns=(), form="text", disk_bytes=0, chunks=()),
    ),
    recipients=("A" * 40,),
)


def _changed(**fields: Any) -> bytes:
    return json.dumps(json.loads(dump_manifest(MANIFEST)) | fields).encode()


def test_a_manifest_survives_being_stored() -> None:
    assert load_manifest(dump_manifest(MANIFEST), KEY) == MANIFEST


def test_the_same_manifest_is_stored_as_the_same_bytes() -> None:
    assert dump_manifest(MANIFEST) == dump_manifest(MANIFEST.model_copy())


def test_white_space_and_order_do_not_matter() -> None:
    content = json.loads(dump_manifest(MANIFEST))
    reordered = json.dumps(dict(reversed(content.items())), indent=4, ensure_ascii=False)

    assert load_manifest(reordered.encode(), KEY) == MANIFEST


def test_it_knows_every_object_its_rows_and_its_bytes() -> None:
    names = [stored.name for stored in MANIFEST.objects()]

    assert names == ["archive", "rows/0001-000", "rows/0001-001"]
    assert MANIFEST.rows == 15
    assert MANIFEST.bytes == 1500
    assert [table.rows for table in MANIFEST.tables] == [15, 0]
    assert MANIFEST.tables[0].identity == ("public", "üser")
    assert MANIFEST.server.major == 16


@pytest.mark.parametrize(
    "changes",
    [
        {"tool_version": "0.1.1"},
        {"archive_major": 17},
        {"tables": []},
        {"extra": 1},
        {"digest": SHA},
    ],
)
def test_an_edit_by_hand_is_noticed(changes: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError, match=f"{KEY} was changed after it was written"):
        load_manifest(_changed(**changes), KEY)


@given(st.data())
def test_a_changed_byte_is_noticed_or_changes_nothing(data: st.DataObject) -> None:
    stored = bytearray(dump_manifest(MANIFEST))
    place = data.draw(st.integers(0, len(stored) - 1))
    stored[place] = data.draw(st.integers(0, 255))

    try:
        assert load_manifest(bytes(stored), KEY) == MANIFEST
    except IntegrityError as error:
        assert KEY in str(error)  # noqa: PT017 - either outcome is right


def test_half_a_letter_is_noticed() -> None:
    stored = dump_manifest(MANIFEST).replace(rb"\u00fc", rb"\ud8fc")

    with pytest.raises(IntegrityError, match="was changed after it was written"):
        load_manifest(stored, KEY)


@given(
    st.binary()
    | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(json.dumps).map(str.encode)
)
def test_anything_else_is_not_a_manifest(stored: bytes) -> None:
    with pytest.raises(IntegrityError, match="is not a manifest, so nothing is restored"):
        load_manifest(stored, KEY)


def test_a_truncated_manifest_is_not_a_manifest() -> None:
    with pytest.raises(IntegrityError, match="is not a manifest"):
        load_manifest(dump_manifest(MANIFEST)[:-100], KEY)


def test_a_field_of_a_later_version_is_refused_by_name() -> None:
    class Later(Manifest):
        parity: int = 1

    later = Later.model_validate(MANIFEST.model_dump(by_alias=True))

    with pytest.raises(IntegrityError, match=r"cannot read \(parity: .*tool_version"):
        load_manifest(dump_manifest(later), KEY)


@pytest.mark.parametrize(
    "changes", [{"bytes": -1}, {"sha256": "0" * 63}, {"sha256": "G" * 64}, {"size": 1}]
)
def test_an_object_that_cannot_be_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        StoredObject.model_validate({"name": "a", "bytes": 1, "sha256": SHA} | changes)


def test_rows_of_tables_whose_names_are_the_same_with_their_dots_are_added() -> None:
    chunk = MANIFEST.tables[0].chunks[0]
    tables = tuple(
        Table(
            schema_name=schema,
            name=name,
            columns=("id",),
            form="text",
            disk_bytes=0,
            chunks=(chunk.model_copy(update={"rows": rows}),),
        )
        for schema, name, rows in (("a", "b.c", 3), ("a.b", "c", 4), ("a", "d", 5))
    )

    found = MANIFEST.model_copy(update={"tables": tables}).table_rows

    assert found == {"a.b.c": 7, "a.d": 5}
