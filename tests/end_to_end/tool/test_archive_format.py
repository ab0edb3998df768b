"""A backup outlives this tool: the script in docs/archive-format.md restores it without."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from pydantic import BaseModel

from neonhub_backup.domain.manifest import Chunk, Manifest, Schema, Server, Table
from neonhub_backup.gpg import private_home
from neonhub_backup.postgres.connection import parse_url
from sandbox import keys
from sandbox.postgres import PostgresServer
from tests.end_to_end.compare import contents_of, differences, schema_of
from tests.end_to_end.databases.loading import awkward
from tests.end_to_end.tool.conftest import Tool

PAGE = Path(__file__).parents[3] / "docs" / "archive-format.md"
PROGRAMS = ("bash", "gpg", "mktemp", "rm", "sha256sum", "tail", "zstd")
"""All that the script may use, besides python3, psql and pg_restore."""
TYPES = next(file for file in awkward(18) if file.stem == "types")


@pytest.fixture(scope="session")
def keyring(key_home: Path) -> Iterator[Path]:
    """A user's keyring with the private key in it."""
    with private_home() as home:
        gpg = ["gpg", "--homedir", str(home), "--batch", "--quiet"]
        subprocess.run([*gpg, "--import", str(keys.private_key(key_home))], check=True)
        yield home


@pytest.fixture
def follow(
    tmp_path: Path, keyring: Path, postgres18: PostgresServer
) -> Callable[[Path, str], subprocess.CompletedProcess[str]]:
    """Run the page's script on a backup's folder, into a new database."""
    bin_dir = tmp_path / "bin"
    bin_dir.mkdir()
    for name in PROGRAMS:
        (bin_dir / name).symlink_to(str(shutil.which(name)))
    # Not the one on PATH, which may be a script that needs more than these.
    (bin_dir / "python3").symlink_to(Path(sys.executable).resolve())
    for name in ("psql", "pg_restore"):
        (bin_dir / name).symlink_to(postgres18.bin_dir / name)

    def run(folder: Path, database: str) -> subprocess.CompletedProcess[str]:
        section = PAGE.read_text().split("\n## Restore without this tool\n")[1]
        (script,) = re.findall(r"^```bash\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
        path = tmp_path / "restore.sh"
        path.write_text(script)
        with psycopg.connect(postgres18.url(), autocommit=True) as connection:
            create = sql.SQL("CREATE DATABASE {} TEMPLATE template0")
            connection.execute(create.format(sql.Identifier(database)))
        reach = parse_url(postgres18.url(database), "it").environment()
        environment = {"PATH": str(bin_dir), "GNUPGHOME": str(keyring), "TMPDIR": str(tmp_path)}
        return subprocess.run(
            ["bash", str(path), str(folder)],
            env=environment | {name: reach[name] for name in reach if name != "PGCLIENTENCODING"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def restored_equals(
    tool: Tool, follow: Callable[[Path, str], subprocess.CompletedProcess[str]]
) -> None:
    """Back up, open every stream, fetch, restore without the tool, compare everything."""
    name = tool.backup()
    tool.run("verify", name, "--deep")
    tool.run("fetch", name, str(tool.home))
    copy = f"{tool.database}_by_hand"

    followed = follow(tool.home / name, copy)

    assert followed.returncode == 0, followed.stdout + followed.stderr
    original, found = tool.url(tool.database), tool.url(copy)
    assert differences(contents_of(original), contents_of(found)) == []
    bin_dir = tool.server.bin_dir
    assert differences(schema_of(original, bin_dir), schema_of(found, bin_dir)) == []


@pytest.mark.parametrize("part", [Manifest, Server, Schema, Table, Chunk])
def test_the_page_describes_every_field_of_the_manifest(part: type[BaseModel]) -> None:
    page = PAGE.read_text()

    for name, field in part.model_fields.items():
        assert re.search(rf"`[a-z\[\].]*{field.alias or name}`", page), name


def test_the_page_s_script_restores_a_backup(
    tool: Tool, follow: Callable[[Path, str], subprocess.CompletedProcess[str]]
) -> None:
    restored_equals(tool, follow)


def test_the_page_s_script_restores_every_type(
    tool_for: Callable[[PostgresServer, str], Tool],
    create_database: Callable[..., str],
    postgres18: PostgresServer,
    follow: Callable[[Path, str], subprocess.CompletedProcess[str]],
) -> None:
    tool = tool_for(postgres18, create_database(postgres18, "types_by_hand", TYPES))

    restored_equals(tool, follow)


@pytest.mark.parametrize("damaged", ["manifest.json", "rows/0000-000.binary.zst.gpg"])
def test_the_page_s_script_names_what_is_damaged_before_it_touches_the_database(
    damaged: str,
    tool: Tool,
    follow: Callable[[Path, str], subprocess.CompletedProcess[str]],
) -> None:
    tool.backup()
    (manifest,) = tool.store.rglob("manifest.json")
    path = manifest.parent / damaged
    content = path.read_bytes().replace(b'"environment": "test"', b'"environment": "prod"')
    path.unlink()
    path.write_bytes(content if damaged == "manifest.json" else content[:-1])
    copy = f"damaged_{damaged[:4]}"

    followed = follow(manifest.parent, copy)

    assert followed.returncode != 0
    assert damaged in followed.stdout + followed.stderr
    assert contents_of(tool.url(copy)) == {}
