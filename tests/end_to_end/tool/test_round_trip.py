"""What goes out comes back: the same schema, the same rows, the same large objects."""

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from neonhub_backup.domain.configuration import Check
from sandbox.postgres import PostgresServer
from tests.end_to_end.compare import contents_of, differences, schema_of
from tests.end_to_end.databases.loading import BIG_TABLE, awkward
from tests.end_to_end.tool.conftest import Tool

AWKWARD_18 = awkward(18)
AWKWARD_16 = awkward(16)
SECURITY, TYPES = (file for file in AWKWARD_16 if file.stem in {"security", "types"})


def restored_equals(tool: Tool, server: PostgresServer) -> None:
    """Back up, restore on a server under a new name, compare everything, drop it."""
    copy = f"{tool.database}_copy"
    tool.backup()
    tool.run(
        "restore",
        "latest",
        "--into",
        "COPY_URL",
        COPY_URL=server.url(copy),
        NEONHUB_BACKUP_PG_BIN=str(server.bin_dir),
    )

    original, found = tool.url(tool.database), server.url(copy)
    assert differences(contents_of(original), contents_of(found)) == []
    if server is tool.server:
        assert (
            differences(schema_of(original, server.bin_dir), schema_of(found, server.bin_dir)) == []
        )


@pytest.mark.parametrize("file", AWKWARD_18, ids=lambda file: file.stem)
def test_an_awkward_database_comes_back_equal(
    file: Path,
    postgres18: PostgresServer,
    tool_for: Callable[[PostgresServer, str], Tool],
    create_database: Callable[..., str],
) -> None:
    tool = tool_for(postgres18, create_database(postgres18, f"awkward_{file.stem}", file))

    restored_equals(tool, postgres18)


@pytest.mark.parametrize("file", AWKWARD_16, ids=lambda file: file.stem)
def test_an_awkward_database_of_postgresql_16_comes_back_equal(
    file: Path,
    postgres16: PostgresServer,
    tool_for: Callable[[PostgresServer, str], Tool],
    create_database: Callable[..., str],
) -> None:
    tool = tool_for(postgres16, create_database(postgres16, f"awkward_{file.stem}", file))

    restored_equals(tool, postgres16)


def test_the_demo_database_comes_back_equal(
    demo: str, postgres18: PostgresServer, tool_for: Callable[[PostgresServer, str], Tool]
) -> None:
    tool = tool_for(postgres18, demo)

    restored_equals(tool, postgres18)


def test_a_database_of_postgresql_16_comes_back_equal_in_postgresql_18(
    postgres16: PostgresServer,
    postgres18: PostgresServer,
    tool_for: Callable[[PostgresServer, str], Tool],
    create_database: Callable[..., str],
) -> None:
    tool = tool_for(postgres16, create_database(postgres16, "newer", TYPES))

    restored_equals(tool, postgres18)


def test_a_database_that_holds_nothing_comes_back_equal(
    postgres18: PostgresServer,
    tool_for: Callable[[PostgresServer, str], Tool],
    create_database: Callable[..., str],
) -> None:
    tool = tool_for(postgres18, create_database(postgres18, "hollow"))

    restored_equals(tool, postgres18)


def test_a_table_of_a_gigabyte_is_split_and_comes_back_equal(
    postgres18: PostgresServer,
    tool_for: Callable[[PostgresServer, str], Tool],
    create_database: Callable[..., str],
) -> None:
    tool = tool_for(postgres18, create_database(postgres18, "big", BIG_TABLE))

    restored_equals(tool, postgres18)

    pieces = [path.name for path in tool.files() if path.name.startswith("0000-")]
    assert len(pieces) >= 3


def test_a_drill_proves_the_demo_in_a_server_of_its_own(
    demo: str, postgres18: PostgresServer, tool_for: Callable[[PostgresServer, str], Tool]
) -> None:
    tool = tool_for(postgres18, demo)
    tool.checks = (
        Check(name="connectors", query="SELECT count(*) FROM connectors", expect=((15,),)),
        Check(name="names", query="SELECT name FROM connectors ORDER BY name"),
    )
    name = tool.backup()

    result = tool.json("drill")

    assert result["name"] == name
    assert result["proven"] is True
    assert result["rows"] == sum(
        content.rows
        for table, content in contents_of(tool.url(tool.database)).items()
        if table in tables_of(tool)
    )
    assert 0 < result["seconds_to_data"] <= result["seconds_to_search"]


@pytest.mark.parametrize("file", [SECURITY, TYPES], ids=lambda file: file.stem)
def test_a_drill_needs_no_role_or_setting_of_the_source(
    file: Path,
    postgres16: PostgresServer,
    tool_for: Callable[[PostgresServer, str], Tool],
    create_database: Callable[..., str],
) -> None:
    tool = tool_for(postgres16, create_database(postgres16, f"drilled_{file.stem}", file))
    tool.backup()

    assert tool.json("drill")["differences"] == []


def tables_of(tool: Tool) -> set[str]:
    """Tables with rows of their own, quoted as the comparison quotes them."""
    with psycopg.connect(tool.url(tool.database)) as connection:
        rows = connection.execute(
            "SELECT format('%I.%I', relnamespace::regnamespace, relname)"
            " FROM pg_class WHERE relkind = 'r' AND oid >= 16384"
        )
        return {name for (name,) in rows}
