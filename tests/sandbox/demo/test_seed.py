"""What the demo promises before any server has run its SQL."""

import re
import sys

import pytest

from sandbox.demo.__main__ import main
from sandbox.demo.seed import scripts

SCRIPTS = dict(scripts())
SQL = "\n".join(SCRIPTS.values())
TABLES = re.findall(r"^CREATE TABLE (\S+) (?!PARTITION OF)", SQL, re.MULTILINE)


def run_main(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setattr(sys, "argv", ["demo", *arguments])
    with pytest.raises(SystemExit) as left:
        main()
    assert isinstance(left.value.code, int)
    return left.value.code


def test_there_are_48_tables() -> None:
    assert len(TABLES) == len(set(TABLES)) == 48


def test_every_table_gets_rows() -> None:
    filled = set(re.findall(r"^INSERT INTO (\w+)", SQL, re.MULTILINE))

    assert filled == set(TABLES)


def test_there_are_15_connectors_of_known_kinds() -> None:
    rows = re.findall(
        r"cuid\('connector', (\d+)\), '([^']+)', '[^']+', '(\w+)'", SCRIPTS["data/6_connectors.sql"]
    )
    kinds = re.search(r'CREATE TYPE "ConnectorKind" AS ENUM \(([^)]+)\)', SQL)

    assert len({name for _, name, _ in rows}) == len({number for number, _, _ in rows}) == 15
    assert kinds
    assert {kind for _, _, kind in rows} <= set(re.findall(r"\w+", kinds[1]))


def test_no_row_depends_on_the_clock_or_on_luck() -> None:
    inserts = re.findall(r"^INSERT INTO.*?;$", SQL, re.MULTILINE | re.DOTALL)

    assert len(inserts) > 48
    assert not [i for i in inserts if re.search(r"random\w*\(|now\(|timestamp\(|current_", i)]


def test_a_scale_of_no_rows_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_main(monkeypatch, "--rows", "0") == 2
    assert "between 0.01 and 1000" in capsys.readouterr().err


def test_without_a_database_the_message_says_where_to_name_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_main(monkeypatch) == 2
    assert "set DATABASE_URL" in capsys.readouterr().err
