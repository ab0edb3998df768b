"""The disaster checklist, from a lost database to one in use again, whatever interrupts it."""

import json
import os
import secrets
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from neonhub_backup.domain.configuration import Check, Recovery
from neonhub_backup.dr.checklist import CHECKLIST
from neonhub_backup.journal import Event, peek_journal
from sandbox.postgres import PostgresServer
from tests.end_to_end.tool.conftest import SMALL, Tool

ALL_THERE = Check(name="embeddings", query="SELECT count(*) FROM embeddings", expect=((2000,),))
ANSWER = ("--answer", "as it should be")


def execute(url: str, query: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(query.encode())


def count(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM embeddings").fetchone()
        assert row is not None
        return row[0]


@pytest.fixture
def patient(
    tool_for: Callable[[PostgresServer, str], Tool],
    postgres18: PostgresServer,
    create_database: Callable[..., str],
) -> Tool:
    """An installation for a database of its own that was backed up, and then lost its rows."""
    name = create_database(postgres18, f"dr_{secrets.token_hex(4)}", SMALL)
    tool = tool_for(postgres18, name)
    tool.checks = (ALL_THERE,)
    tool.recovery = Recovery(
        stop=("Scale the API to 0",),
        migrate=("psql", "--no-psqlrc", "--command", "CREATE TABLE migrated ()"),
        smoke_test=("psql", "--no-psqlrc", "--command", "SELECT 1 / count(*) FROM embeddings"),
        restart=("Scale the API up",),
    )
    tool.environment["STAGING_URL"] = tool.url(f"{name}_staging")
    tool.backup()
    execute(tool.url(name), "TRUNCATE embeddings")
    return tool


def journal(tool: Tool) -> Path:
    return tool.home.parent / "state/neonhub-backup/test" / f"{tool.database}.disaster.jsonl"


def step(tool: Tool, *options: str) -> dict[str, Any]:
    """Do the next step, and return what came of it."""
    (done,) = json.loads(tool.run("dr", "next", *options, "--json").stdout)["steps"]
    return done


def test_a_lost_database_is_in_use_again_and_its_draft_tells_how(patient: Tool) -> None:
    (good,) = patient.names()
    patient.run("dr", "start", "--what", "search finds nothing")

    scope, stop = step(patient, *ANSWER), step(patient, *ANSWER)
    assert scope["facts"]["database"].startswith(patient.database)
    assert stop["facts"]["to_stop"] == ["Scale the API to 0"]
    damaged = step(patient)["facts"]["backup"]
    assert damaged == patient.names()[0]
    known = step(patient)["facts"]
    assert (known["backup"], known["proven"], known["stores"]) == (good, False, ["disk"])
    staged = step(patient, "--into", "STAGING_URL")["facts"]
    assert count(patient.environment["STAGING_URL"]) == 2000
    verified, migrated = step(patient)["facts"], step(patient)["facts"]
    assert (staged["backup"], verified["checks"], migrated["exit_code"]) == (good, 1, 0)
    assert count(patient.url(patient.database)) == 0

    # Unasked, it does not take the backup of the damaged state.
    patient.run("emergency", "restore", "--yes")
    switched = step(patient, *ANSWER)["facts"]
    assert switched["restored"] == good
    for _ in range(3):
        step(patient, *ANSWER)
    ended = json.loads(
        patient.run("dr", "finish", "--output", str(patient.home / "draft.md"), "--json").stdout
    )

    assert count(patient.url(patient.database)) == 2000
    assert (ended["within_rto"], ended["open"]) == (True, [])
    assert ended["seconds_lost"] == known["seconds_lost"]
    text = (patient.home / "draft.md").read_text()
    assert "emergency restore swap done" in text
    assert f"The damaged state is backup `{damaged}`" in text
    assert "search finds nothing" in text


def test_killed_in_a_step_it_goes_on_with_that_step(patient: Tool) -> None:
    (good,) = patient.names()
    patient.run("dr", "start")
    for _ in range(2):
        step(patient, *ANSWER)
    process = patient.start("dr", "next")
    while not _has_begun(patient, "back-up"):
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()

    told = json.loads(patient.run("dr", "status", "--json").stdout)
    assert told["next"] == "back-up"
    assert step(patient)["name"] == "back-up"
    assert step(patient)["facts"]["backup"] == good


def _has_begun(tool: Tool, name: str) -> bool:
    entries = peek_journal(journal(tool)).entries
    return any((each.event, each.step) == (Event.BEGUN, name) for each in entries)


def test_a_copy_that_does_not_answer_as_it_should_makes_way_for_an_older_one(patient: Tool) -> None:
    (good,) = patient.names()
    time.sleep(1)  # backups are begun in whole seconds
    well_at = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    time.sleep(1)
    patient.backup()
    patient.run("dr", "start")
    for options in (ANSWER, ANSWER, (), (), ("--into", "STAGING_URL")):
        step(patient, *options)

    # The newest backup is of the damage already.
    said = patient.run("dr", "next", expect=11).stderr
    assert "so it was not relied on" in said
    told = {each["name"]: each["state"] for each in patient.json("dr", "status")["steps"]}
    assert (told["verify"], told["migrate"]) == ("failed", "open")

    older = step(patient, "--step", "known-good", "--at", well_at)
    step(patient, "--step", "restore-to-staging", "--into", "STAGING_URL")
    verified = step(patient)
    assert older["facts"]["backup"] == good
    assert (verified["name"], verified["state"]) == ("verify", "done")
    assert count(patient.environment["STAGING_URL"]) == 2000


def test_two_people_do_not_do_the_same_step(patient: Tool) -> None:
    patient.run("dr", "start")
    for _ in range(2):
        step(patient, *ANSWER)
    with psycopg.connect(patient.url(patient.database)) as holder:
        # The backup waits for this lock, and the journal stays open.
        holder.execute("LOCK TABLE embeddings")
        first = patient.start("dr", "next")
        while not _has_begun(patient, "back-up"):
            time.sleep(0.01)
        patient.run("dr", "next", expect=12)
        assert patient.json("dr", "status")["next"] == "back-up"
    first.communicate(timeout=120)
    assert first.returncode == 0
    assert len(patient.names()) == 2


def test_going_on_to_the_end_stops_where_somebody_must_be_asked(patient: Tool) -> None:
    patient.run("dr", "start")

    patient.run("dr", "next", "--all", expect=12)

    told = patient.json("dr", "status")
    assert [each["state"] for each in told["steps"]] == ["failed"] + ["open"] * (len(CHECKLIST) - 1)
