"""Local dumps: their names, their command lines, and what is known of a file before it is run."""

import gzip
import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import NoReturn

import pytest

from neonhub_backup.encryption import Decryptor, encryptor
from neonhub_backup.errors import ConfigurationError, IntegrityError
from neonhub_backup.local import (
    Compression,
    Content,
    DumpFile,
    Wanted,
    destination,
    dump_command,
    inspect,
    psql_knows_restrict,
)
from neonhub_backup.postgres.connection import parse_url
from neonhub_backup.postgres.programs import Suite
from neonhub_backup.processes import Pipeline, Programs
from tests.neonhub_backup.keys import Key, KeyMaker

NOW = datetime(2026, 1, 5, 2, 3, 4, tzinfo=timezone(timedelta(hours=1)))
SUITE = Suite(Path("/pg"), 18)
TARGET = parse_url("postgresql://app:hunter2@db/app", "it")
DUMP = b"""\
--
-- PostgreSQL database dump
--

\\restrict abc

-- Dumped from database version 16.14
-- Dumped by pg_dump version 16.14

SET statement_timeout = 0;
CREATE TABLE t ();

--
-- PostgreSQL database dump complete
--

\\unrestrict abc

"""


def _no_key() -> NoReturn:
    raise AssertionError("nothing is encrypted")


@pytest.fixture
def look(tmp_path: Path) -> "Look":
    return Look(tmp_path / "dump")


class Look:
    """Writes a file and has it inspected."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self, content: bytes) -> DumpFile:
        self.path.write_bytes(content)
        return inspect(self.path, Programs(), _no_key)


class TestAName:
    """Says what is in the file, and when it was dumped."""

    @pytest.mark.parametrize(
        ("wanted", "name"),
        [
            (Wanted(), "backup_20260105_020304.sql"),
            (Wanted(compression=Compression.GZIP), "backup_20260105_020304.sql.gz"),
            (Wanted(compression=Compression.ZSTD), "backup_20260105_020304.sql.zst"),
            (Wanted(content=Content.SCHEMA), "schema_20260105_020304.sql"),
            (Wanted(content=Content.DATA, tables=["a"]), "data_20260105_020304.sql"),
            (Wanted(tables=["a", "b"]), "tables_20260105_020304.sql"),
        ],
    )
    def test_is_that_of_the_users_procedures(
        self, wanted: Wanted, name: str, tmp_path: Path
    ) -> None:
        assert destination(tmp_path, wanted, NOW, encrypted=False) == tmp_path / name
        assert destination(tmp_path, wanted, NOW, encrypted=True).name == f"{name}.gpg"

    def test_is_in_the_current_directory_by_default(self) -> None:
        path = destination(None, Wanted(), NOW, encrypted=False)

        assert path == Path("backup_20260105_020304.sql")

    def test_can_be_chosen(self, tmp_path: Path) -> None:
        path = tmp_path / "connectors_backup.sql"

        assert destination(path, Wanted(), NOW, encrypted=False) == path

    @pytest.mark.parametrize(
        ("name", "fix"), [("x.sql.gz", "name it x.sql,"), ("x.sql.gz.gpg", "name it x.sql,")]
    )
    def test_that_promises_another_form_is_refused(
        self, name: str, fix: str, tmp_path: Path
    ) -> None:
        with pytest.raises(ConfigurationError, match=fix):
            destination(tmp_path / name, Wanted(), NOW, encrypted=False)

    def test_that_leaves_the_compression_out_is_refused(self, tmp_path: Path) -> None:
        wanted = Wanted(compression=Compression.ZSTD)

        with pytest.raises(ConfigurationError, match=r"name it x\.sql\.zst\.gpg,"):
            destination(tmp_path / "x.sql", wanted, NOW, encrypted=True)


class TestTheCommand:
    """Is pg_dump's, and shows no password."""

    @pytest.mark.parametrize(
        ("wanted", "arguments"),
        [
            (Wanted(), []),
            (Wanted(content=Content.SCHEMA), ["--schema-only"]),
            (Wanted(content=Content.DATA), ["--data-only"]),
            (Wanted(clean=True), ["--clean", "--if-exists"]),
            (Wanted(roles=False), ["--no-owner", "--no-privileges"]),
            (Wanted(tables=["a", "b.c"]), ["--strict-names", "--table=a", "--table=b.c"]),
        ],
    )
    def test_asks_for_what_is_wanted(self, wanted: Wanted, arguments: list[str]) -> None:
        command = dump_command(SUITE, TARGET, wanted)

        assert command.argv == [
            "/pg/pg_dump",
            "--no-password",
            "--lock-wait-timeout=60s",
            *arguments,
        ]
        assert command.environment["PGPASSWORD"] == "hunter2"

    def test_cannot_drop_what_rows_alone_do_not_create(self) -> None:
        with pytest.raises(ConfigurationError, match="--clean drops tables and --data-only"):
            Wanted(clean=True, content=Content.DATA)


class TestAFile:
    """Is known before anything of it is run."""

    def test_tells_its_server_and_what_it_needs(self, look: Look) -> None:
        found = look(DUMP)

        assert (found.server_major, found.restricted) == (16, True)

    def test_of_an_older_pg_dump_can_be_run_by_every_psql(self, look: Look) -> None:
        older = DUMP.replace(b"\\restrict abc\n", b"").replace(b"\\unrestrict abc\n\n", b"")

        assert look(older).restricted is False

    @pytest.mark.parametrize("program", [["gzip", "-c"], ["zstd", "-c"]])
    def test_is_recognised_by_its_content_not_its_name(
        self, program: list[str], look: Look
    ) -> None:
        packed = subprocess.run(program, input=DUMP, stdout=subprocess.PIPE, check=True).stdout

        found = look(packed)

        with Pipeline(Programs(), found.readers) as pipeline:
            assert pipeline.finish() == DUMP.decode()

    @pytest.mark.parametrize("program", [["cat"], ["gzip", "-c"], ["zstd", "-c"]])
    def test_that_is_encrypted_is_read_with_the_key(
        self, program: list[str], keys: KeyMaker, key: Key, tmp_path: Path
    ) -> None:
        path = tmp_path / "dump.gpg"
        with encryptor([key.public]) as encrypt:
            packed = subprocess.run(program, input=DUMP, stdout=subprocess.PIPE, check=True)
            argv = encrypt.command().argv
            path.write_bytes(
                subprocess.run(argv, input=packed.stdout, stdout=subprocess.PIPE, check=True).stdout
            )

        found = inspect(
            path, Programs(), lambda: Decryptor(frozenset({key.fingerprint}), keys.home)
        )

        assert found.server_major == 16

    def test_may_have_rows_that_look_like_its_end(self, look: Look) -> None:
        ending = b"--\n-- PostgreSQL database dump complete\n--\n"
        cut_off = DUMP[: DUMP.index(b"CREATE")] + b"COPY t FROM stdin;\n" + ending + b"more\n"

        with pytest.raises(IntegrityError, match="does not end"):
            look(cut_off)

    @pytest.mark.parametrize("end", [0, 1, 200, len(DUMP) - 20])
    def test_that_is_cut_off_is_refused(self, end: int, look: Look) -> None:
        with pytest.raises(IntegrityError, match=f"{look.path} .*nothing was run"):
            look(DUMP[:end])

    def test_whose_compressed_end_is_missing_is_refused(self, look: Look) -> None:
        with pytest.raises(IntegrityError, match="unexpected end of file"):
            look(gzip.compress(DUMP)[:-9])

    def test_that_is_damaged_is_refused(self, look: Look) -> None:
        packed = bytearray(gzip.compress(DUMP * 50))
        packed[-6] ^= 1

        with pytest.raises(IntegrityError, match="crc error"):
            look(bytes(packed))

    def test_that_is_an_archive_is_for_pg_restore(self, look: Look) -> None:
        with pytest.raises(ConfigurationError, match="restore it with pg_restore"):
            look(b"PGDMP\x01\x0e")

    def test_that_is_not_there_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match="is not a file"):
            inspect(tmp_path / "dump.sql", Programs(), _no_key)


@pytest.mark.parametrize(
    ("said", "knows"),
    [
        ("psql (PostgreSQL) 18.0", True),
        ("psql (PostgreSQL) 18.6 (Debian 18.6-1)", True),
        ("psql (PostgreSQL) 19beta1", True),
        ("psql (PostgreSQL) 17.6", True),
        ("psql (PostgreSQL) 17.5", False),
        ("psql (PostgreSQL) 16.10", True),
        ("psql (PostgreSQL) 16.9", False),
        ("psql (PostgreSQL) 12.22", False),
        ("", False),
    ],
)
def test_a_psql_from_before_restrict_is_told_apart(said: str, knows: bool) -> None:
    assert psql_knows_restrict(said) is knows
