"""What would take a transaction out of the program's hands is seen, wherever it stands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neonhub_backup.errors import ConfigurationError
from neonhub_backup.postgres.statements import refuse_unfit, statements

USERS = """
DROP TYPE IF EXISTS "ConnectorKind" CASCADE;
ALTER TABLE connectors ALTER COLUMN category TYPE TEXT;
"""


def test_statements_are_told_with_their_lines_and_first_words() -> None:
    assert [(found.line, found.words[:3], found.text) for found in statements(USERS)] == [
        (2, ("DROP", "TYPE", "IF"), 'DROP TYPE IF EXISTS "ConnectorKind" CASCADE'),
        (
            3,
            ("ALTER", "TABLE", "CONNECTORS"),
            "ALTER TABLE connectors ALTER COLUMN category TYPE TEXT",
        ),
    ]


@pytest.mark.parametrize(
    "text",
    [
        USERS,
        "SELECT 'BEGIN; COMMIT;'",
        "SELECT 'it''s; ROLLBACK'",
        r"SELECT E'\'; COMMIT; \''",
        'ALTER TABLE a RENAME TO "x; COMMIT"',
        "-- COMMIT;\nSELECT 1",
        "/* a /* COMMIT; */ COMMIT; */ SELECT 1",
        "DO $$ BEGIN PERFORM 1; END $$; SELECT 1",
        "DO $body$ BEGIN PERFORM '$$'; COMMIT; END $body$",
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN a THEN 1 END; END; SELECT 1",
        "CREATE OR REPLACE PROCEDURE p() LANGUAGE sql BEGIN ATOMIC DELETE FROM a; END",
        "CREATE RULE r AS ON INSERT TO a DO (DELETE FROM b; DELETE FROM c)",
        "SAVEPOINT s; ROLLBACK TO s; ROLLBACK WORK TO SAVEPOINT s; RELEASE s",
        "SELECT a$b FROM t; SELECT a$$ FROM t",
        "COPY a TO STDOUT; COPY b FROM '/tmp/b'",
    ],
)
def test_what_only_looks_like_the_end_of_a_transaction_is_fine(text: str) -> None:
    refuse_unfit(text, "down.sql")


@pytest.mark.parametrize(
    "end",
    [
        *(
            "BEGIN",
            "commit",
            "END",
            "ROLLBACK",
            "ABORT",
            "ROLLBACK AND CHAIN",
            "COMMIT PREPARED 'x'",
        ),
        *("START TRANSACTION READ ONLY", "PREPARE TRANSACTION 'x'", "/* now */ Commit -- done"),
    ],
)
@pytest.mark.parametrize("before", ["", USERS, "SELECT ';''';", "DO $$ BEGIN END $$;"])
def test_the_end_of_a_transaction_is_refused_with_its_line(end: str, before: str) -> None:
    with pytest.raises(ConfigurationError, match="take such statements out") as refused:
        refuse_unfit(f"{before}\n{end};", "down.sql")

    assert f"line {before.count(chr(10)) + 2} of down.sql" in str(refused.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SELECT 1;\n\\i other.sql", "line 2 has a command of psql"),
        ("SELECT 1 \\gexec", "line 1 has a command of psql"),
        ("SELECT 1;\nSELECT 'a", "quotation that begins in line 2 does not end"),
        ('SELECT "a', "quotation that begins in line 1"),
        ("DO $x$ BEGIN END $$", "quotation that begins in line 1"),
        ("/* /* */ SELECT 1", "comment that begins in line 1"),
        ("COPY a (b) FROM STDIN;\n1\n", "write INSERT"),
        ("", "holds no statement"),
        ("-- nothing\n;;\n", "holds no statement"),
    ],
)
def test_what_could_not_run_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        refuse_unfit(text, "down.sql")


@given(st.text(alphabet="a'\"$;/*-\\\n eE(", max_size=40))
def test_any_text_is_taken_apart_or_refused_and_its_lines_grow(text: str) -> None:
    try:
        lines = [found.line for found in statements(text)]
    except ConfigurationError:
        return
    assert lines == sorted(lines)
    assert all(found.text in text for found in statements(text))
    assert all(1 <= line <= text.count("\n") + 1 for line in lines)
