"""What cannot be done well is refused before anything is written, with the way out."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from neonhub_backup.domain.configuration import Check
from neonhub_backup.domain.manifest import dump_manifest, load_manifest
from sandbox.postgres import PostgresServer, bin_dir
from sandbox.processes import free_port
from tests.end_to_end.compare import contents_of
from tests.end_to_end.tool.conftest import Tool


def refused(tool: Tool, code: int, *arguments: str, **environment: str) -> str:
    """The sentence with which a command is refused; nothing is written but what a drill found."""
    before = _kept(tool)
    failed = tool.run(*arguments, expect=code, **environment)
    assert _kept(tool) == before
    assert "Traceback" not in failed.stderr
    return failed.stderr


def _kept(tool: Tool) -> tuple[list[Path], set[str]]:
    drills = tool.store / "drills"
    return [path for path in tool.files() if path.parent != drills], tool.databases()


def test_an_unreachable_database(tool: Tool) -> None:
    url = f"postgresql://user@127.0.0.1:{free_port()}/neonhub"

    assert "check that the server runs" in refused(tool, 4, "backup", DATABASE_URL=url)


def test_a_wrong_password(tool: Tool) -> None:
    url = tool.server.url(tool.database, password="wrong")  # noqa: S106 - it is

    said = refused(tool, 4, "backup", DATABASE_URL=url)

    assert "refused user postgres or its password" in said


def test_a_database_that_does_not_exist(tool: Tool) -> None:
    said = refused(tool, 4, "backup", DATABASE_URL=tool.url("nowhere"))

    assert "nowhere" in said
    assert "correct the database's name" in said


def test_neons_pooled_host(tool: Tool) -> None:
    url = "postgresql://user@ep-quiet-sun-123-pooler.eu-central-1.aws.neon.tech/neonhub"

    said = refused(tool, 2, "backup", DATABASE_URL=url)

    assert "use the direct host ep-quiet-sun-123.eu-central-1.aws.neon.tech" in said


def test_a_pg_dump_older_than_the_server(tool: Tool, tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.mkdir()
    for name in ("psql", "pg_dump", "pg_restore"):
        (old / name).symlink_to(bin_dir(16) / name)
    for name in ("gpg", "gpgconf", "zstd"):
        (old / name).symlink_to(str(shutil.which(name)))

    said = refused(tool, 5, "backup", PATH=str(old), NEONHUB_BACKUP_PG_BIN=str(old))

    assert "pg_dump of PostgreSQL 18 or newer is needed" in said
    assert "postgresql-client-18" in said


def test_a_password_in_the_argument_list(tool: Tool) -> None:
    tool.backup()

    said = refused(tool, 2, "restore", "--into", tool.url("copy"))

    assert "give the variable's name" in said


def test_a_configuration_with_several_errors_names_all_of_them(tool: Tool) -> None:
    path = tool.config
    text = path.read_text().replace("environment: test", "environment: test\nbucket: x")
    path.write_text(text.replace("kind: directory", "kind: floppy"))

    process = tool.run_with(path, "list")

    assert process.returncode == 2
    assert "bucket" in process.stderr
    assert "floppy" in process.stderr


def test_a_missing_configuration_file(tool: Tool) -> None:
    process = tool.run_with(tool.home / "nowhere.yaml", "list")

    assert process.returncode == 2
    assert "--config" in process.stderr


def test_a_backup_that_is_not_there(tool: Tool) -> None:
    assert "list shows those there are" in refused(tool, 7, "drill", "20260101T000000Z-00000000")
    assert "take one with neonhub-backup backup" in refused(tool, 7, "drill", "latest")


def test_a_missing_private_key(tool: Tool) -> None:
    tool.backup()

    said = refused(tool, 10, "drill", NEONHUB_BACKUP_PRIVATE_KEY_FILE="", GNUPGHOME=str(tool.home))

    assert "no such private key is at hand" in said


@pytest.mark.parametrize("command", [["drill"], ["restore", "--into", "COPY_URL"]])
@pytest.mark.parametrize("damage", ["corrupt", "truncate", "swap", "remove"])
def test_a_damaged_object_is_named_before_a_database_is_touched(
    command: list[str], damage: str, tool: Tool
) -> None:
    tool.backup()
    objects = [path for path in tool.files() if path.parent.name == "rows"]
    path, other = objects[0], objects[1]
    content = path.read_bytes()
    path.unlink()
    match damage:
        case "corrupt":
            path.write_bytes(content[:50] + bytes([content[50] ^ 1]) + content[51:])
        case "truncate":
            path.write_bytes(content[:-1])
        case "swap":
            path.write_bytes(other.read_bytes())
        case _:
            pass

    said = refused(tool, 8, *command, COPY_URL=tool.url("copy_of_damaged"))

    assert f"rows/{path.name}" in said
    assert "another backup" in said


@pytest.mark.parametrize("command", [["drill"], ["restore", "--into", "COPY_URL"]])
def test_a_manifest_edited_by_hand_is_named(command: list[str], tool: Tool) -> None:
    tool.backup()
    (path,) = [path for path in tool.files() if path.name == "manifest.json"]
    edited = path.read_text().replace('"environment": "test"', '"environment": "production"')
    path.unlink()
    path.write_text(edited)

    said = refused(tool, 8, *command, COPY_URL=tool.url("copy_of_edited"))

    assert "manifest.json was changed after it was written" in said


def test_a_damaged_manifest_is_named_and_hides_no_other_backup(tool: Tool) -> None:
    good, bad = tool.backup(), tool.backup()
    (path,) = [path for path in tool.files() if path.parts[-2:] == (bad, "manifest.json")]
    path.unlink()
    path.write_text("{}")

    failed = tool.run("list", "--json", expect=8)

    assert [item["name"] for item in json.loads(failed.stdout)] == [good]
    assert f"{bad}/manifest.json" in failed.stderr


def test_a_drill_says_in_what_the_restored_database_differs(tool: Tool) -> None:
    tool.backup()
    (path,) = [path for path in tool.files() if path.name == "manifest.json"]
    manifest = load_manifest(path.read_bytes(), "it")
    objects = dict(manifest.schema_.objects)
    objects["TABLE public connectors"] = "0" * 16
    promised = manifest.model_copy(
        update={
            "schema_": manifest.schema_.model_copy(update={"objects": objects}),
            "extensions": manifest.extensions | {"vector": "99.0"},
            "large_objects": 3,
        }
    )
    path.unlink()
    path.write_bytes(dump_manifest(promised))
    tool.checks = (Check(name="connectors", query="SELECT 1 + 1", expect=((15,),)),)

    failed = tool.run("drill", "--json", expect=11)

    (found,) = [json.loads(failed.stdout)]
    assert found["proven"] is False
    assert [line.split(" ")[0] for line in found["differences"]] == [
        "extension",
        "1",
        "TABLE",
        "check",
    ]
    assert "TABLE public connectors is defined otherwise" in failed.stderr


def test_an_extension_that_is_newer_than_in_the_source_is_a_note_and_no_difference(
    tool: Tool,
) -> None:
    tool.backup()
    (path,) = [path for path in tool.files() if path.name == "manifest.json"]
    manifest = load_manifest(path.read_bytes(), "it")
    here = manifest.extensions["vector"]
    promised = manifest.model_copy(update={"extensions": manifest.extensions | {"vector": "0.1.0"}})
    path.unlink()
    path.write_bytes(dump_manifest(promised))

    found = tool.json("drill")

    assert found["proven"] is True
    assert f"extension vector is {here} here and was 0.1.0 in the source" in found["notes"]


class TestOfATargetWithTables:
    """A database that holds something is never overwritten."""

    @pytest.fixture
    def occupied(self, postgres18: PostgresServer) -> str:
        name = f"occupied_{free_port()}"
        with psycopg.connect(postgres18.url(), autocommit=True) as connection:
            database = sql.Identifier(name)
            connection.execute(sql.SQL("CREATE DATABASE {}").format(database))
            change = sql.SQL('ALTER DATABASE {} SET search_path = a, "B"')
            connection.execute(change.format(database))
        with psycopg.connect(postgres18.url(name)) as connection:
            connection.execute("CREATE TABLE public.precious AS SELECT 42 AS answer")
        return name

    def test_it_is_refused(self, tool: Tool, occupied: str) -> None:
        tool.backup()

        said = refused(tool, 9, "restore", "--into", "COPY_URL", COPY_URL=tool.url(occupied))

        assert "already holds 1 tables" in said
        assert "--set-aside-existing" in said

    def test_asked_to_it_is_set_aside_whole(self, tool: Tool, occupied: str) -> None:
        tool.backup()
        url = tool.url(occupied)

        done = tool.run(
            "restore", "--into", "COPY_URL", "--set-aside-existing", "--json", COPY_URL=url
        )

        aside = json.loads(done.stdout)["set_aside"]
        assert aside.startswith(f"{occupied}_before_")
        assert contents_of(tool.url(aside)).keys() == {"public.precious"}
        assert contents_of(url) == contents_of(tool.url(tool.database))
        with psycopg.connect(url) as connection:
            assert connection.execute("SHOW search_path").fetchone() == ('a, "B"',)

    def test_while_someone_is_connected_it_is_refused(self, tool: Tool, occupied: str) -> None:
        tool.backup()

        with psycopg.connect(tool.url(occupied)):
            said = refused(
                tool,
                9,
                *("restore", "--into", "COPY_URL", "--set-aside-existing"),
                COPY_URL=tool.url(occupied),
            )

        assert "1 open connections" in said

    def test_an_empty_one_is_simply_replaced(
        self, tool: Tool, create_database: Callable[..., str], postgres18: PostgresServer
    ) -> None:
        tool.backup()
        url = tool.url(create_database(postgres18, "vacant"))
        before = tool.databases()

        tool.run("restore", "--into", "COPY_URL", COPY_URL=url)

        assert tool.databases() == before
        assert contents_of(url) == contents_of(tool.url(tool.database))


def test_the_first_backup_takes_the_highest_tier_and_the_next_the_lowest(tool: Tool) -> None:
    first, second = tool.backup(), tool.backup()

    tiers = {item["name"]: item["tier"] for item in tool.json("list")}
    assert tiers == {first: "annual", second: "hourly"}
