"""`dr` on the command line, where the database is lost and the stores are there."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from neonhub_backup.domain.layout import new_location
from neonhub_backup.domain.retention import Tier
from neonhub_backup.dr import checklist
from neonhub_backup.dr.checklist import CHECKLIST
from neonhub_backup.errors import (
    ConfigurationError,
    EncryptionError,
    NoBackupError,
    UnconfirmedError,
)
from neonhub_backup.journal import Event, default_path, open_journal
from tests.neonhub_backup.backups import back_up
from tests.neonhub_backup.cli.conftest import Line

APP = ("--database", "app")
NOWHERE = "postgresql://ann:swordfish@127.0.0.1:1/app"
PASSWORD = "swordfish"  # noqa: S105 - of a server that is not there


@pytest.fixture(autouse=True)
def _machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("DATABASE_URL", NOWHERE)
    monkeypatch.chdir(tmp_path)


def journal(tmp_path: Path) -> Path:
    return tmp_path / "state" / "neonhub-backup" / "test" / "app.disaster.jsonl"


def lines(tmp_path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in journal(tmp_path).read_text().splitlines()]


def states(line: Line) -> dict[str, str]:
    return {each["name"]: each["state"] for each in line.json("dr", "status", *APP)["steps"]}


def go_to(line: Line, step: str) -> None:
    """Begin, and leave out what comes before a step."""
    line.run("dr", "start", *APP)
    for item in CHECKLIST:
        if item.name == step:
            return
        line.run("dr", "next", "--skip", "not needed", *APP)


def test_every_step_is_open_in_the_beginning_and_the_first_one_is_next(line: Line) -> None:
    begun = line.json("dr", "start", "--what", "names are wrong", *APP)

    assert [each["name"] for each in begun["steps"]] == [item.name for item in CHECKLIST]
    assert {each["state"] for each in begun["steps"]} == {"open"}
    assert (begun["next"], begun["what"]) == ("scope", "names are wrong")
    assert begun["rto_seconds"] == 30 * 60


def test_a_second_disaster_is_not_begun_while_one_goes_on(line: Line) -> None:
    line.run("dr", "start", *APP)

    _, said = line.run("dr", "start", *APP, expect=ConfigurationError)

    assert "is not finished" in said


@pytest.mark.parametrize("command", [["next"], ["status"], ["finish"]])
def test_without_a_beginning_there_is_nothing_to_go_on_with(
    line: Line, command: Sequence[str]
) -> None:
    _, said = line.run("dr", *command, *APP, expect=ConfigurationError)

    assert "begin one with `dr start`" in said


def test_the_scope_tells_what_is_lost_and_takes_what_people_say(line: Line) -> None:
    line.run("dr", "start", *APP)

    told = line.json("dr", "next", "--answer", "all of it, since 01:50", *APP)

    (step,) = told["steps"]
    assert step["state"] == "done"
    assert step["facts"]["answer"] == "all of it, since 01:50"
    assert "cannot be reached" in step["facts"]["database"]
    assert step["facts"]["newest in disk"] == "none"
    assert told["next"] == "stop-traffic"


def test_a_step_that_asks_where_nobody_is_stays_open_and_is_done_again(line: Line) -> None:
    line.run("dr", "start", *APP)

    _, said = line.run("dr", "next", *APP, expect=UnconfirmedError)

    assert "--answer" in said
    assert states(line)["scope"] == "failed"
    line.run("dr", "next", "--answer", "a table", *APP)
    assert states(line)["scope"] == "done"


def test_a_run_that_was_killed_in_a_step_does_that_step_again(line: Line, tmp_path: Path) -> None:
    go_to(line, checklist.RESUME)
    line.run("dr", "next", "--answer", "the API", *APP)
    path = journal(tmp_path)
    whole = path.read_text().splitlines(keepends=True)
    # The end of the step was not written, and its last line was cut off.
    path.write_text("".join(whole[:-1]) + whole[-1][:20])
    assert states(line)["resume-traffic"] == "begun"

    told = line.json("dr", "next", "--answer", "the API", *APP)

    assert [each["name"] for each in told["steps"]] == ["resume-traffic"]
    assert states(line)["resume-traffic"] == "done"


def test_a_backup_that_cannot_be_taken_fails_and_can_be_left_out(line: Line) -> None:
    go_to(line, checklist.BACK_UP)

    # These tests have no key.
    line.run("dr", "next", *APP, expect=EncryptionError)

    assert states(line)["back-up"] == "failed"
    line.run("dr", "next", "--skip", "the server burned down", *APP)
    assert states(line)["back-up"] == "skipped"
    told = line.json("dr", "status", *APP)
    assert told["next"] == "known-good"
    assert told["steps"][2]["text"] == "the server burned down"


def test_the_last_good_backup_was_begun_before_the_disaster(line: Line) -> None:
    now = datetime.now(UTC)
    good = new_location(Tier.DAILY, now - timedelta(minutes=30))
    back_up(line.disk, good)
    go_to(line, checklist.KNOWN_GOOD)
    back_up(line.disk, new_location(Tier.DAILY, now + timedelta(minutes=1)))

    (step,) = line.json("dr", "next", *APP)["steps"]

    assert step["facts"]["backup"] == good.name
    assert 1790 <= step["facts"]["seconds_lost"] <= 1860
    assert step["facts"]["proven"] is False
    assert step["facts"]["stores"] == ["disk"]


def test_what_an_emergency_restore_has_replaced_is_never_the_last_good_one(line: Line) -> None:
    now = datetime.now(UTC)
    good = new_location(Tier.DAILY, now - timedelta(hours=2))
    damaged = new_location(Tier.DAILY, now - timedelta(hours=1))
    for place in (good, damaged):
        back_up(line.disk, place)
    with open_journal(default_path("test", "app"), "ann@laptop") as opened:
        run = opened.begin(opened.draft("emergency restore", "app", {}))
        facts = {"backup": damaged.name}
        opened.write(run.name, Event.DONE, step="back-up", facts=facts)
    go_to(line, checklist.KNOWN_GOOD)

    (step,) = line.json("dr", "next", *APP)["steps"]

    assert step["facts"]["backup"] == good.name


def test_when_the_damage_is_older_the_step_is_done_again_with_an_older_backup(line: Line) -> None:
    now = datetime.now(UTC)
    good = new_location(Tier.DAILY, now - timedelta(hours=3))
    for place in (good, new_location(Tier.DAILY, now - timedelta(hours=1))):
        back_up(line.disk, place)
    go_to(line, checklist.KNOWN_GOOD)
    line.run("dr", "next", *APP)
    well_at = f"{now - timedelta(hours=2):%Y-%m-%dT%H:%M:%SZ}"

    again = ("--step", "known-good", "--at", well_at)
    told = line.json("dr", "next", *again, *APP)

    (step,) = told["steps"]
    assert step["facts"]["backup"] == good.name
    assert step["facts"]["seconds_lost"] >= 3 * 3600
    assert told["next"] == "restore-to-staging"


def test_without_any_backup_there_is_no_last_good_one(line: Line) -> None:
    go_to(line, checklist.KNOWN_GOOD)

    line.run("dr", "next", *APP, expect=NoBackupError)

    assert states(line)["known-good"] == "failed"


@pytest.mark.parametrize("other", [NOWHERE, f"{NOWHERE}?application_name=staging"])
def test_the_lost_database_is_no_staging(
    line: Line, monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    monkeypatch.setenv("STAGING_URL", other)
    go_to(line, checklist.STAGE)

    for variable in ("STAGING_URL", "DATABASE_URL"):
        _, said = line.run("dr", "next", "--into", variable, *APP, expect=ConfigurationError)
        assert "so nothing was restored" in said


def test_without_staging_the_command_is_said_and_people_answer(line: Line) -> None:
    go_to(line, checklist.STAGE)

    (step,) = line.json("dr", "next", "--answer", "by hand into s1", *APP)["steps"]

    assert step["facts"]["command"].endswith("--into STAGING_URL --set-aside-existing")
    assert step["facts"]["answer"] == "by hand into s1"


def test_an_emergency_restore_of_meanwhile_is_found(line: Line) -> None:
    go_to(line, checklist.SWITCH)
    with open_journal(default_path("test", "app"), "bob@desk") as opened:
        run = opened.begin(opened.draft("emergency restore", "app", {"backup": "b"}))
        run.close("the restored copy is in use")

    (step,) = line.json("dr", "next", "--answer", "nothing else", *APP)["steps"]

    assert step["facts"]["emergency_run"] == run.name
    assert step["facts"]["restored"] == "b"
    assert step["facts"]["ended"] == "the restored copy is in use"


def test_a_disaster_with_open_steps_is_not_ended_unasked(line: Line, tmp_path: Path) -> None:
    go_to(line, checklist.DOCUMENT)

    _, said = line.run("dr", "finish", *APP, expect=UnconfirmedError)

    assert said.startswith("document is open")
    assert not list(tmp_path.glob("postmortem-*"))


def test_one_that_is_abandoned_says_why_and_leaves_a_draft(line: Line, tmp_path: Path) -> None:
    line.run("dr", "start", *APP)

    ended = line.json("dr", "finish", "--abandon", "a rehearsal", *APP)

    assert ended["open"] == [item.name for item in CHECKLIST]
    assert ended["abandoned"] == "a rehearsal"
    assert "a rehearsal" in Path(ended["postmortem"]).read_text()
    assert lines(tmp_path)[-1]["text"] == "given up: a rehearsal"


def test_one_whose_steps_are_settled_ends_with_a_draft_and_another_can_begin(line: Line) -> None:
    go_to(line, checklist.DOCUMENT)
    told = line.json("dr", "next", "--answer", "a bad deployment", *APP)
    assert told["next"] is None
    line.run("dr", "next", *APP, expect=ConfigurationError)

    ended = line.json("dr", "finish", *APP)

    assert ended["open"] == []
    assert "| cause | a bad deployment |" in Path(ended["postmortem"]).read_text()
    line.run("dr", "start", *APP)


def test_a_draft_is_never_overwritten_and_can_be_written_again(line: Line, tmp_path: Path) -> None:
    line.run("dr", "start", *APP)
    first = line.json("dr", "finish", "--abandon", "a rehearsal", *APP)["postmortem"]

    line.run("dr", "finish", *APP, expect=ConfigurationError)
    again = line.json("dr", "finish", "--output", str(tmp_path / "again.md"), *APP)["postmortem"]

    assert Path(again).read_text() == Path(first).read_text()


def test_a_password_that_somebody_types_is_not_kept(line: Line, tmp_path: Path) -> None:
    line.run("dr", "start", "--what", f"{NOWHERE} is gone", *APP)
    line.run("dr", "next", "--answer", f"all of {NOWHERE}", *APP)
    line.run("dr", "finish", "--abandon", f"{NOWHERE} is back", *APP)

    (draft,) = tmp_path.glob("postmortem-*.md")
    assert PASSWORD not in journal(tmp_path).read_text() + draft.read_text()
    assert "[secret]" in journal(tmp_path).read_text()


@pytest.mark.parametrize(
    "options",
    [
        ["--answer", "x", "--skip", "y"],
        ["--all", "--answer", "x"],
        ["--all", "--skip", "x"],
        ["--answer", " "],
        ["--skip", ""],
        ["--all", "--step", "scope"],
        ["--step", "hope"],
        ["--into", "STAGING_URL"],
        ["--at", "2026-01-05T02:00:00Z"],
    ],
)
def test_options_that_contradict_each_other_are_refused(line: Line, options: list[str]) -> None:
    line.run("dr", "start", *APP)

    _, said = line.run("dr", "next", *options, *APP, expect=ConfigurationError)

    assert "nothing was done" in said
    assert set(states(line).values()) == {"open"}


def test_people_are_told_what_is_next_and_how_much_time_has_passed(line: Line) -> None:
    line.run("dr", "start", *APP)
    said, _ = line.run("dr", "status", *APP)

    assert "0 s so far, promised 30 min" in said or "1 s so far, promised 30 min" in said
    assert "next: scope: Identify the failure's scope" in said
