"""The workflows of a database on Neon, by act: snapshots on schedule, and the way back by hand."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from neonhub_backup.domain.configuration import (
    Check,
    Configuration,
    Database,
    DirectoryStore,
    Encryption,
    Neon,
    Recovery,
    render_configuration,
)
from neonhub_backup.domain.retention import Tier
from sandbox import keys
from sandbox.emulators.neon.models import Fault
from sandbox.runner.events import SCHEDULE
from sandbox.runner.running import FAILURE, SUCCESS, Run
from tests.end_to_end.neon.hosted import REAL_KEY, Hosted, emulated
from tests.end_to_end.workflows.conftest import Local, alarmed
from workflows.args import WorkflowArgs
from workflows.promote import promote_file, promote_workflow
from workflows.render import render
from workflows.snapshot import snapshot_file, snapshot_workflow

CONFIGURATION = ".neonhub-backup/notes.yaml"
FIRST = Check(name="first note", query="SELECT line FROM notes ORDER BY 1 LIMIT 1")
LINES = "SELECT array_agg(line ORDER BY line) FROM notes"


@pytest.fixture(scope="module")
def notes(local: Local, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosted]:
    """A database on Neon whose workflows are in the repository, and its key where they look."""
    before = local.databases()
    local.execute("CREATE DATABASE notes", "postgres")
    local.execute("CREATE TABLE notes (line text)", "notes")
    local.execute("INSERT INTO notes VALUES ('first')", "notes")
    home = tmp_path_factory.mktemp("neon")
    with emulated(home, local.sandbox.postgres, "notes", "launch_v3") as hosted:
        keep = {Tier.DAILY: timedelta(days=7)}
        _commit(local, hosted.settings.model_copy(update={"keep": keep}))
        for environment in ("local-snapshot", "local-restore"):
            local.github.add_environment(environment, {REAL_KEY: hosted.key}, {})
        local.github.set_secret("local-restore", "NOTES_URL", hosted.uri())
        yield hosted
    for database in local.databases() - before:
        local.execute(f'DROP DATABASE "{database}" WITH (FORCE)', "postgres")


def _commit(local: Local, neon: Neon) -> None:
    """Put the configuration and both workflows into the repository, as a stack would."""
    configuration = Configuration(
        environment="local",
        databases=(
            Database(
                name="notes",
                url_variable="NOTES_URL",
                checks=(FIRST,),
                # It would fail, and needs what is not checked out.
                recovery=Recovery(smoke_test=("false",)),
                neon=neon,
            ),
        ),
        stores=(DirectoryStore(name="disk", path=Path("backups")),),
        encryption=Encryption(public_keys=(keys.public_key(local.sandbox.keys).read_text(),)),
    )
    args = WorkflowArgs(
        environment="local",
        source="a test",
        configuration_path=CONFIGURATION,
        retention=configuration.retention,
        rpo=timedelta(hours=1),
        databases={"notes": "NOTES_URL"},
        stores=("disk",),
        postgres_major_version=18,
        tool_repository="neonhub/neonhub-backup",
        tool_commit="0" * 40,
        timeout_minutes=60,
        aws=False,
        gcp=False,
        static_keys=False,
        heartbeat=False,
        watch_heartbeat=False,
        chat=False,
        smoke_tested=("notes",),
        neon={"notes": neon.retention(configuration.retention)},
    )
    local.github.commit(CONFIGURATION, render_configuration(configuration, "a test"))
    for file, workflow in (
        (snapshot_file("local"), snapshot_workflow(args)),
        (promote_file("local"), promote_workflow(args)),
    ):
        local.github.commit(f".github/workflows/{file}", render(workflow))


def test_snapshots_are_taken_on_schedule_and_go_when_they_have_had_their_time(
    local: Local, notes: Hosted
) -> None:
    first = local.run("snapshot", event=SCHEDULE)
    assert first.result == SUCCESS, first.log
    (taken,) = notes.names()
    assert taken.startswith("backup-")
    notes.age(taken, timedelta(days=100))

    second = local.run("snapshot", event=SCHEDULE)

    assert second.result == SUCCESS, second.log
    (newer,) = notes.names()
    assert newer != taken
    assert newer in second.summary
    assert notes.key not in first.log + second.log


def test_where_neon_refuses_people_are_told(local: Local, notes: Hosted) -> None:
    before = notes.names()
    with notes.changed() as project:
        project.faults = [Fault(path=f"/projects/{project.id}", status=403)]

    run = local.run("snapshot", event=SCHEDULE)

    assert "403" in alarmed(run, local)
    assert notes.names() == before


def test_production_goes_back_to_a_second_by_two_runs(local: Local, notes: Hosted) -> None:
    moment = notes.moment()
    notes.execute("DELETE FROM notes")

    made = local.run(
        "promote",
        step="branch",
        at=moment.isoformat(),
        name="looked-at",
        reason="all notes are gone",
    )
    assert made.result == SUCCESS, made.log
    assert notes.execute(LINES, "looked-at") == [(["first"],)]
    assert notes.execute(LINES) == [(None,)]

    asked = {"step": "promote", "name": "looked-at", "reason": "looked at it"}
    refused = local.run("promote", confirm="production", **asked)
    assert refused.result == FAILURE
    assert "--confirm is not the name of the environment" in refused.summary
    assert notes.execute(LINES) == [(None,)]

    promoted = local.run("promote", confirm="local", **asked)
    assert promoted.result == SUCCESS, promoted.log
    assert notes.execute(LINES) == [(["first"],)]
    kept = [name for name in notes.names() if name.startswith("main-before-")]
    assert len(kept) == 1
    assert kept[0] in promoted.summary
    for run in (made, refused, promoted):
        assert notes.key not in run.log
        assert run.jobs[{"branch": "promote", "promote": "branch"}[_step(run)]].result == "skipped"


def _step(run: Run) -> str:
    """Which of the two jobs ran."""
    return next(name for name, job in run.jobs.items() if job.result != "skipped")
