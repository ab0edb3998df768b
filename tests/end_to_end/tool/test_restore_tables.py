"""Tables come back alone, beside the live ones or in their place; so do definitions, and rows."""

import json
import re
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from psycopg import sql

from neonhub_backup.domain.configuration import DirectoryStore
from sandbox import keys
from sandbox.postgres import PostgresServer
from tests.end_to_end.compare import contents_of, differences, schema_of
from tests.end_to_end.databases.loading import load
from tests.end_to_end.tool.conftest import Tool

SHOP = Path(__file__).with_name("shop.sql")
OWN = ["connectors", "connector_auths"]


@pytest.fixture(scope="module")
def shop(
    postgres18: PostgresServer, key_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Tool:
    """An installation with one backup of a shop."""
    home = tmp_path_factory.mktemp("shop") / "tool"
    (home / "store").mkdir(parents=True)
    (home.parent / "keys").symlink_to(key_home)
    with psycopg.connect(postgres18.url(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE shop")
    load(SHOP, postgres18.url("shop"), postgres18.bin_dir)
    environment = {
        "DATABASE_URL": postgres18.url("shop"),
        "NEONHUB_BACKUP_PG_BIN": str(postgres18.bin_dir),
        "NEONHUB_BACKUP_PRIVATE_KEY_FILE": str(keys.private_key(key_home)),
    }
    store = DirectoryStore(name="disk", path=home / "store")
    tool = Tool(home, postgres18, "shop", environment, [store])
    tool.backup()
    return tool


@pytest.fixture
def live(shop: Tool) -> Iterator[str]:
    """The connection string of a copy of the shop, as it was when backed up."""
    name = f"shop_{secrets.token_hex(4)}"
    with psycopg.connect(shop.url("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE shop").format(sql.Identifier(name)))
    shop.environment["LIVE_URL"] = shop.url(name)
    yield shop.url(name)
    with psycopg.connect(shop.url("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))


def change(url: str, *statements: LiteralString) -> None:
    with psycopg.connect(url) as connection:
        for statement in statements:
            connection.execute(statement)


def everything(tool: Tool, url: str) -> tuple[object, ...]:
    return contents_of(url), schema_of(url, tool.server.bin_dir)


class TestInPlace:
    """The rows of live tables become the backup's, and nothing else changes."""

    def test_rows_come_back_and_everything_around_them_stays(self, shop: Tool, live: str) -> None:
        whole = everything(shop, live)
        change(
            live,
            "DELETE FROM connector_auths WHERE id > 50",
            "UPDATE connectors SET name = 'changed ' || id",
            "INSERT INTO connectors (name, kind) VALUES ('new', 'EMAIL')",
            "TRUNCATE audit",
        )

        done = shop.json("restore", "--into", "LIVE_URL", "--tables", ",".join(OWN), "--in-place")

        assert [(one["table"], one["rows_before"], one["rows"]) for one in done["replaced"]] == [
            ('"public"."connectors"', 16, 15),
            ('"public"."connector_auths"', 50, 100),
        ]
        found = everything(shop, live)
        contents, original = contents_of(live), contents_of(shop.url("shop"))
        # One connector was added, so its sequence is ahead of what came back.
        assert contents.pop("public.connectors_id_seq") != original.pop("public.connectors_id_seq")
        assert differences(original, contents) == []
        assert found[1] == whole[1]

    def test_keys_that_would_break_leave_everything_as_it_was(self, shop: Tool, live: str) -> None:
        change(
            live,
            "INSERT INTO connectors (name, kind) VALUES ('new', 'CRM'), ('newer', 'CRM')",
            "INSERT INTO events VALUES ('2026-01-01', 16, 1), ('2026-01-01', 17, 1)",
        )
        before = everything(shop, live)

        refused = shop.run(
            *("restore", "--into", "LIVE_URL", "--tables", "connectors", "--in-place"), expect=9
        )

        assert '2 rows of "public"."events" break "events_connector_fkey"' in refused.stderr
        assert "(16), (17)" in refused.stderr or "(17), (16)" in refused.stderr
        assert everything(shop, live) == before

    def test_no_sequence_stays_behind_its_column(self, shop: Tool, live: str) -> None:
        change(
            live,
            "TRUNCATE connector_auths",
            "ALTER SEQUENCE connector_auths_id_seq RESTART",
        )

        shop.run("restore", "--into", "LIVE_URL", "--tables", "connector_auths", "--in-place")

        change(live, "INSERT INTO connector_auths (connector) VALUES (1)")
        with psycopg.connect(live) as connection:
            assert connection.execute("SELECT max(id) FROM connector_auths").fetchone() == (101,)

    def test_a_partitioned_table_is_all_of_its_partitions(self, shop: Tool, live: str) -> None:
        change(live, "DELETE FROM events", "DROP INDEX nearest", "TRUNCATE embeddings")

        shop.run(
            *("restore", "--into", "LIVE_URL", "--in-place"),
            *("--tables", 'events,embeddings,billing."Odd, Name"'),
        )

        assert differences(contents_of(shop.url("shop")), contents_of(live)) == []

    def test_whoever_owns_the_tables_may_do_it(self, shop: Tool, live: str) -> None:
        change(
            live,
            "CREATE ROLE shopkeeper LOGIN PASSWORD 'shopkeeper'",
            "ALTER TABLE connectors OWNER TO shopkeeper",
            "ALTER TABLE connector_auths OWNER TO shopkeeper",
        )
        shop.environment["LIVE_URL"] = re.sub("//.*@", "//shopkeeper:shopkeeper@", live)
        change(live, "UPDATE connectors SET name = 'changed ' || id")
        command = ["restore", "--into", "LIVE_URL", "--tables", "connectors", "--in-place"]

        refused = shop.run(*command, expect=9)

        assert "permission denied for table events" in refused.stderr
        assert "connect as the owner of the tables" in refused.stderr
        change(
            live,
            "ALTER TABLE events OWNER TO shopkeeper",
            "ALTER TABLE events_1 OWNER TO shopkeeper",
            "ALTER TABLE events_2 OWNER TO shopkeeper",
        )
        shop.run(*command)
        assert differences(contents_of(shop.url("shop")), contents_of(live)) == []

    @pytest.mark.parametrize(
        ("migration", "said"),
        [
            ("ALTER TABLE connector_auths DROP COLUMN secret", '"secret" of .* does not exist any'),
            ("ALTER TABLE connector_auths ALTER secret TYPE varchar(99)", "99\\) and was text"),
            ("ALTER TABLE connector_auths ADD x int", None),
            ("ALTER TABLE connector_auths ADD x int NOT NULL DEFAULT 5", None),
            ("DROP TABLE connector_auths", '"connector_auths" does not exist'),
            ("CREATE TABLE a (x int REFERENCES connector_auths)", None),
        ],
    )
    def test_a_migration_since_is_told_before_anything_is_changed(
        self, shop: Tool, live: str, migration: LiteralString, said: str | None
    ) -> None:
        change(live, migration)
        before = everything(shop, live)

        ran = shop.run(
            *("restore", "--into", "LIVE_URL", "--tables", "connector_auths", "--in-place"),
            expect=0 if said is None else 9,
        )

        if said is not None:
            assert re.search(said, ran.stderr)
            assert everything(shop, live) == before


class TestInASideSchema:
    """Tables stand beside the live ones, which are not touched."""

    def test_they_have_rows_indexes_constraints_and_defaults(self, shop: Tool, live: str) -> None:
        before = contents_of(live)
        change(live, "DROP TABLE connector_auths")

        done = shop.json(
            *("restore", "--into", "LIVE_URL", "--tables", "connectors,connector_auths,embeddings"),
            *("--side-schema", "side"),
        )

        assert done["schema"] == "side"
        after = contents_of(live)
        for name in (*OWN, "embeddings", "connectors_id_seq", "connector_auths_id_seq"):
            assert after.pop(f"side.{name}") == before[f"public.{name}"]
        assert {name for name in before if name not in after} == {
            "public.connector_auths",
            "public.connector_auths_id_seq",
        }
        with psycopg.connect(live) as connection:
            found = connection.execute(
                "SELECT conname, confrelid::regclass::text FROM pg_constraint"
                " WHERE conrelid = 'side.connector_auths'::regclass AND contype = 'f'"
            ).fetchall()
            assert found == [("connector_auths_connector_fkey", "side.connectors")]
            connection.execute("INSERT INTO side.connector_auths (connector) VALUES (1)")
            connection.execute("SELECT 'side.nearest'::regclass")

    def test_partitions_come_alone_or_all_together(self, shop: Tool, live: str) -> None:
        before = contents_of(live)
        for tables, schema in (("events", "every"), ("events_2", "one")):
            shop.run(
                *("restore", "--into", "LIVE_URL", "--tables", tables, "--side-schema", schema)
            )

        after = contents_of(live)
        assert after["every.events_1"] == before["public.events_1"]
        assert after["every.events_2"] == after["one.events_2"] == before["public.events_2"]
        assert before.items() <= after.items()

    def test_what_they_need_and_is_not_there_leaves_nothing_behind(
        self, shop: Tool, live: str
    ) -> None:
        change(live, 'DROP TYPE "ConnectorKind" CASCADE')
        before = everything(shop, live)
        databases = shop.databases()

        refused = shop.run("restore", "--into", "LIVE_URL", "--tables", "connectors", expect=9)

        assert 'type "public.ConnectorKind" does not exist' in refused.stderr
        assert everything(shop, live) == before
        assert shop.databases() == databases

    @pytest.mark.usefixtures("live")
    def test_a_schema_that_exists_is_never_filled(self, shop: Tool) -> None:
        refused = shop.run(
            *("restore", "--into", "LIVE_URL", "--tables", "connectors"),
            *("--side-schema", "billing"),
            expect=9,
        )

        assert "schema billing of shop_" in refused.stderr


@pytest.mark.usefixtures("live")
@pytest.mark.parametrize("arguments", [["--in-place"], ["--side-schema", "side"]])
def test_only_the_objects_of_the_tables_are_read(shop: Tool, arguments: list[str]) -> None:
    whole, poor = shop.store, shop.home / "poor"
    shutil.copytree(whole, poor)
    kept = {"manifest.json", *(["archive.dump.zst.gpg"] if "side" in arguments else [])}
    manifest = json.loads(next(poor.rglob("manifest.json")).read_text())
    (table,) = [one for one in manifest["tables"] if one["name"] == "embeddings"]
    kept |= {chunk["name"].rpartition("/")[2] for chunk in table["chunks"]}
    for path in poor.rglob("*"):
        if path.is_file() and path.name not in kept:
            path.unlink()
    stores = shop.stores
    shop.stores = [DirectoryStore(name="poor", path=poor)]
    try:
        shop.run("restore", "--into", "LIVE_URL", "--tables", "embeddings", *arguments)
    finally:
        shop.stores = stores
        shutil.rmtree(poor)


class TestHalfOfABackup:
    """Definitions without rows, and rows for definitions that are there."""

    def test_definitions_alone_and_then_the_rows_make_the_whole(self, shop: Tool) -> None:
        name = f"halves_{secrets.token_hex(4)}"
        shop.environment["HALF_URL"] = shop.url(name)

        shop.run("restore", "--into", "HALF_URL", "--schema-only")

        original = shop.url("shop")
        bin_dir = shop.server.bin_dir
        assert differences(schema_of(original, bin_dir), schema_of(shop.url(name), bin_dir)) == []
        assert contents_of(shop.url(name))["public.connectors"].rows == 0
        assert (
            "already holds"
            in shop.run("restore", "--into", "HALF_URL", "--schema-only", expect=9).stderr
        )

        shop.run("restore", "--into", "HALF_URL", "--data-only")

        assert differences(contents_of(original), contents_of(shop.url(name))) == []
        assert differences(schema_of(original, bin_dir), schema_of(shop.url(name), bin_dir)) == []
        assert not [one for one in shop.databases() if one.startswith(f"{name}_")]

    def test_tables_with_rows_are_never_filled(self, shop: Tool, live: str) -> None:
        before = everything(shop, live)

        refused = shop.run("restore", "--into", "LIVE_URL", "--data-only", expect=9)

        assert 'already has rows in "billing"."Odd, Name"' in refused.stderr
        assert everything(shop, live) == before
