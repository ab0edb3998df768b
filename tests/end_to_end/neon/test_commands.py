"""`neon` as its users run it: snapshots, their end, and ways back to any second."""

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from neonhub_backup.domain.configuration import (
    Check,
    Configuration,
    Database,
    DirectoryStore,
    Encryption,
    Recovery,
    render_configuration,
)
from neonhub_backup.domain.retention import Tier
from neonhub_backup.neon.api import NewBranch
from sandbox import keys
from sandbox.emulators.neon.models import Fault, Plan, ScheduleItem, Snapshot
from sandbox.postgres import bin_dir
from tests.end_to_end.neon.hosted import REAL_KEY, Hosted

Make = Callable[[Plan], Hosted]

FIRST = Check(name="first note", query="SELECT line FROM notes ORDER BY 1 LIMIT 1")
DAY = timedelta(days=1)


@dataclass
class Tool:
    """The tool for one project of Neon's."""

    home: Path
    hosted: Hosted
    keep: dict[Tier, timedelta] | None = None
    checks: Sequence[Check] = (FIRST,)
    recovery: Recovery = field(default_factory=Recovery)

    @property
    def command(self) -> list[str]:
        """The program with its configuration, written anew from what this object says now."""
        settings = self.hosted.settings.model_copy(update={"keep": self.keep})
        configuration = Configuration(
            environment="test",
            databases=(
                Database(
                    name="notes",
                    checks=tuple(self.checks),
                    recovery=self.recovery,
                    neon=settings,
                ),
            ),
            stores=(DirectoryStore(name="disk", path=self.home),),
            encryption=Encryption(public_keys=(keys.public_key(self.home / "keys").read_text(),)),
        )
        path = self.home / "test.yaml"
        path.write_text(render_configuration(configuration, "a test"))
        return [sys.executable, "-m", "neonhub_backup", "--config", str(path), "neon"]

    def environment(self, **more: str) -> dict[str, str]:
        """Of a run outside of GitHub Actions."""
        inherited = {
            key: text
            for key, text in os.environ.items()
            if key not in {"GITHUB_ACTIONS", "DATABASE_URL"}
        }
        own = {
            REAL_KEY: self.hosted.key,
            "XDG_STATE_HOME": str(self.home / "state"),
            "NEONHUB_BACKUP_PG_BIN": str(bin_dir(18)),
        }
        return {**inherited, **own, **more}

    def run(self, *arguments: str, expect: int = 0, **environment: str) -> tuple[str, str]:
        """Run it to its end, which must have this exit code: what it wrote, and what it said."""
        ended = subprocess.run(
            [*self.command, *arguments],
            env=self.environment(**environment),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert ended.returncode == expect, f"{ended.returncode}: {ended.stdout}{ended.stderr}"
        assert self.hosted.key not in ended.stdout + ended.stderr
        return ended.stdout, ended.stderr

    def whole(self, *arguments: str, expect: int = 0, **more: str) -> tuple[str, str]:
        """Run a command that is not of Neon alone, with production's address and the key."""
        own = {
            "DATABASE_URL": self.hosted.uri(),
            "NEONHUB_BACKUP_PRIVATE_KEY_FILE": str(keys.private_key(self.home / "keys")),
        }
        *program, _ = self.command
        ended = subprocess.run(
            [*program, *arguments],
            env=self.environment(**own | more),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert ended.returncode == expect, f"{ended.returncode}: {ended.stdout}{ended.stderr}"
        return ended.stdout, ended.stderr

    def json(self, *arguments: str, expect: int = 0, **environment: str) -> Any:
        return json.loads(self.run(*arguments, "--json", expect=expect, **environment)[0])

    def snapshot(self, tier: str) -> str:
        """Take one; its name."""
        return self.json("snapshot", "create", "--tier", tier)["name"]


@pytest.fixture(scope="session")
def key_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("keys")
    keys.ensure(home)
    return home


@pytest.fixture
def tool_for(tmp_path: Path, key_home: Path) -> Callable[[Hosted], Tool]:
    def make(hosted: Hosted) -> Tool:
        (tmp_path / "keys").symlink_to(key_home)
        return Tool(tmp_path, hosted)

    return make


@pytest.fixture
def tool(project: Hosted, tool_for: Callable[[Hosted], Tool]) -> Tool:
    """The tool for the sandbox's Neon, or for a real project if there is a key."""
    return tool_for(project)


@pytest.fixture
def emulated(emulated_project: Make, tool_for: Callable[[Hosted], Tool]) -> Callable[[Plan], Tool]:
    """The tool for the sandbox's Neon with a plan."""
    return lambda plan: tool_for(emulated_project(plan))


class TestSnapshots:
    def test_a_snapshot_keeps_production_as_it_was(self, tool: Tool) -> None:
        taken = tool.json("snapshot", "create")

        assert taken["name"] == f"backup-{datetime.now(UTC):%Y-%m-%d}"
        assert (taken["tier"], taken["protected"]) == ("annual", True)
        tool.hosted.execute("DELETE FROM notes")
        with tool.hosted.api() as api:
            api.create_endpoint(api.branch(taken["name"]))
        assert tool.hosted.execute("SELECT line FROM notes", taken["name"]) == [("first",)]

    def test_each_tier_is_owed_once_from_the_highest_down_and_then_the_lowest(
        self, tool: Tool
    ) -> None:
        tool.keep = {Tier.DAILY: 7 * DAY, Tier.WEEKLY: 28 * DAY}

        assert tool.json("snapshot", "create")["tier"] == "weekly"
        # A weekly snapshot stands in for the daily one.
        assert tool.json("snapshot", "create", "--dry-run")["tier"] == "daily"
        assert len(tool.hosted.names()) == 1

    def test_one_that_is_kept_for_days_expires_by_itself(self, tool: Tool) -> None:
        tool.keep = {Tier.DAILY: 7 * DAY}

        taken = tool.json("snapshot", "create")

        expires = datetime.fromisoformat(taken["expires"])
        assert abs(expires - datetime.now(UTC) - 7 * DAY) < timedelta(minutes=1)
        assert not taken["protected"]

    def test_one_that_is_kept_for_thirty_days_expires_within_what_neon_takes(
        self, tool: Tool
    ) -> None:
        tool.keep = {Tier.DAILY: 30 * DAY}

        expires = datetime.fromisoformat(tool.json("snapshot", "create")["expires"])

        assert timedelta(0) < datetime.now(UTC) + 30 * DAY - expires < timedelta(minutes=10)

    def test_what_the_plan_does_not_protect_is_taken_all_the_same(
        self, emulated: Callable[[Plan], Tool]
    ) -> None:
        tool = emulated("free_v3")

        output, said = tool.run("snapshot", "create", "--tier", "monthly")

        assert "not protected" in output
        assert "your plan allows 0 protected branches" in said
        assert len(tool.hosted.names()) == 1

    def test_a_second_one_of_a_day_has_the_time_in_its_name(self, tool: Tool) -> None:
        today = f"backup-{datetime.now(UTC):%Y-%m-%d}"

        assert tool.snapshot("weekly") == today
        assert tool.snapshot("monthly").startswith(f"{today}-")

    def test_the_list_shows_how_far_neon_goes_back_and_how_full_the_plan_is(
        self, emulated: Callable[[Plan], Tool]
    ) -> None:
        tool = emulated("launch_v3")
        with tool.hosted.changed() as project:
            project.branches[0].created_at -= 30 * DAY
        tool.snapshot("daily")

        listed = tool.json("snapshot", "list")
        output, _ = tool.run("snapshot", "list")

        assert [item["tier"] for item in listed["snapshots"]] == ["daily"]
        assert (listed["branches"], listed["branches_limit"]) == (2, 10)
        oldest = datetime.fromisoformat(listed["oldest"])
        assert abs(datetime.now(UTC) - 7 * DAY - oldest) < timedelta(minutes=1)
        assert listed["oldest"][:13] in output
        assert "2 branches of the 10 that the plan includes" in output

    def test_the_list_shows_neon_s_own_snapshots_beside(
        self, emulated: Callable[[Plan], Tool]
    ) -> None:
        tool = emulated("launch_v3")
        with tool.hosted.changed() as project:
            (production,) = project.branches
            for name, source in (("of-main", production.id), ("of-another", "br-another")):
                project.snapshots.append(
                    Snapshot(
                        id=name, name=name, source_branch_id=source, created_at=project.created_at
                    )
                )
            schedule = ScheduleItem(frequency="daily", hour=2, retention_seconds=86400)
            project.schedules |= {production.id: [schedule]}

        listed = tool.json("snapshot", "list")

        assert [item["name"] for item in listed["neon_snapshots"]] == ["of-main"]
        assert listed["neon_schedule"] == [schedule.model_dump(exclude_none=True)]
        assert "of-main" in tool.run("snapshot", "list")[0]
        assert listed["snapshots"] == []

    def test_a_tier_without_snapshots_is_refused(self, tool: Tool) -> None:
        tool.keep = {Tier.DAILY: 7 * DAY}

        _, said = tool.run("snapshot", "create", "--tier", "weekly", expect=2)

        assert "choose auto or one of daily" in said


class TestPruning:
    def test_what_has_had_its_time_goes_and_all_else_stays(
        self, emulated: Callable[[Plan], Tool]
    ) -> None:
        tool = emulated("scale_v3")
        tool.keep = {Tier.DAILY: 7 * DAY, Tier.MONTHLY: 90 * DAY}
        for tier in tool.keep:
            tool.snapshot(tier)
        with tool.hosted.changed() as project:
            for number, branch in enumerate(project.branches[1:]):
                branch.name = f"backup-2020-01-0{number + 1}"
                branch.created_at -= 100 * DAY
                branch.expires_at = None
        newer = [tool.snapshot("daily"), tool.snapshot("monthly")]
        with tool.hosted.api() as api:
            # As a person would call it, and as another environment's.
            _copy(tool, "backup-2020-02-01", {})
            _copy(tool, "backup-2020-02-02", _noted("other"))
            _copy(tool, "my-branch", _noted("test"))
            assert api.branch("backup-2020-01-02").protected

        shown = tool.json("snapshot", "prune", "--dry-run")
        assert len(tool.hosted.names()) == 7
        pruned = tool.json("snapshot", "prune", "--yes")

        gone = ["backup-2020-01-01", "backup-2020-01-02"]
        assert [item["name"] for item in pruned["expired"]] == gone
        assert shown["expired"] == pruned["expired"]
        assert sorted(tool.hosted.names()) == sorted(
            [*newer, "backup-2020-02-01", "backup-2020-02-02", "my-branch"]
        )

    def test_the_newest_of_a_tier_stays_however_old(self, emulated: Callable[[Plan], Tool]) -> None:
        tool = emulated("launch_v3")
        tool.keep = {Tier.DAILY: 7 * DAY}
        name = tool.snapshot("daily")
        tool.hosted.age(name, 100 * DAY)

        (kept,) = tool.json("snapshot", "prune", "--yes")["kept"]

        assert (kept["name"], kept["reason"]) == (name, "the newest daily snapshot")

    def test_one_that_a_branch_was_made_of_stays(self, emulated: Callable[[Plan], Tool]) -> None:
        tool = emulated("launch_v3")
        tool.keep = {Tier.DAILY: 7 * DAY}
        name = tool.snapshot("daily")
        tool.hosted.age(name, 100 * DAY)
        _copy(tool, "looked-at", {}, parent=name)

        (kept,) = tool.json("snapshot", "prune", "--yes")["kept"]

        assert kept["reason"] == "branch looked-at was made of it"

    def test_nothing_is_deleted_unless_that_is_confirmed(self, tool: Tool) -> None:
        tool.run("snapshot", "prune", expect=12)


class TestBesideABackup:
    def test_the_manifest_names_the_snapshot_of_the_same_time(self, tool: Tool) -> None:
        tool.keep = {Tier.DAILY: 7 * DAY}

        tool.whole("backup", "--tier", "daily", "--neon-snapshot")
        tool.hosted.execute("DELETE FROM notes")

        linked = json.loads(tool.whole("show", "--json")[0])["neon_snapshot"]
        assert [linked["branch"]] == tool.hosted.names()
        assert linked["project"] == tool.hosted.settings.project
        with tool.hosted.api() as api:
            branch = api.branch(linked["branch"])
            api.create_endpoint(branch)
        assert linked["branch_id"] == branch.id
        assert tool.hosted.execute("SELECT line FROM notes", linked["branch"]) == [("first",)]
        assert f"branch {linked['branch']} of project" in tool.whole("show")[0]

    def test_a_backup_goes_on_where_neon_refuses(self, emulated: Callable[[Plan], Tool]) -> None:
        tool = emulated("launch_v3")
        with tool.hosted.changed() as project:
            project.faults = [Fault(path=f"/projects/{project.id}", status=403)]

        _, said = tool.whole("backup", "--neon-snapshot", expect=17)

        assert "; the backup goes on" in said
        shown = json.loads(tool.whole("show", "--json")[0])
        assert (shown["rows"], shown["neon_snapshot"]) == (1, None)

    def test_without_the_key_nothing_is_begun(self, tool: Tool) -> None:
        _, said = tool.whole("backup", "--neon-snapshot", expect=2, **{REAL_KEY: ""})

        assert "NEON_API_KEY" in said


class TestWatching:
    """`status`, where a database is on Neon."""

    def test_snapshots_that_were_not_made_are_found(self, tool: Tool) -> None:
        _, missing = tool.whole("status", expect=2)
        for tier in ("hourly", "daily", "weekly", "monthly", "annual"):
            assert f"no {tier} snapshot of notes has been made in Neon" in missing

        tool.whole("backup")
        tool.snapshot("annual")

        assert "snapshot" not in "".join(tool.whole("status"))

    def test_without_the_key_neon_is_not_asked(self, tool: Tool) -> None:
        tool.whole("backup")

        assert "snapshot" not in "".join(tool.whole("status", NEON_API_KEY=""))

    def test_that_neon_cannot_be_asked_is_a_warning(self, tool: Tool) -> None:
        tool.whole("backup")

        _, said = tool.whole("status", expect=1, NEON_API_KEY="wrong")

        assert "nobody can tell how old the snapshots of notes in Neon are" in said


class TestWays:
    """`restore --at`, where a backup and Neon's history both lead back."""

    @pytest.fixture
    def before(self, tool: Tool) -> datetime:
        """A moment after a backup and before everything was deleted."""
        tool.whole("backup")
        tool.hosted.execute("INSERT INTO notes VALUES ('second')")
        found = tool.hosted.moment()
        tool.hosted.execute("DELETE FROM notes")
        return found

    def test_beside_production_the_way_that_loses_least_is_taken(
        self, tool: Tool, before: datetime
    ) -> None:
        output, _ = tool.whole(*_beside(before), "--json")

        made = json.loads(output)
        assert made["way"] == "neon"
        lost = {way["way"]: way["seconds_lost"] for way in made["ways"]}
        assert lost["neon"] == 0
        assert lost["backup"] > 0
        assert tool.hosted.execute("SELECT count(*) FROM notes", made["branch"]) == [(2,)]
        assert made["promote"].endswith(f"neon promote {made['branch']} --database notes")

    def test_it_is_said_which_way_that_is(self, tool: Tool, before: datetime) -> None:
        output, _ = tool.whole(*_beside(before), "--dry-run")

        assert re.search(r"^neon +nothing +not measured +a branch of main", output, re.MULTILINE)
        assert re.search(r"^backup +\d+ s +not measured +annual backup", output, re.MULTILINE)
        assert f"takes neon back to {before:%Y-%m-%dT%H:%M:%SZ}" in output
        assert tool.hosted.names() == []

    def test_a_backup_is_restored_where_that_is_asked_for(
        self, tool: Tool, before: datetime
    ) -> None:
        by_way = json.loads(tool.whole(*_beside(before), "--way", "backup", "--json")[0])
        by_store = json.loads(tool.whole(*_beside(before), "--store", "disk", "--json")[0])

        assert (by_way["way"], by_way["rows"]) == ("backup", 1)
        assert by_store["rows"] == 1
        assert tool.hosted.names() == []

    def test_into_another_database_a_backup_goes_and_what_loses_less_is_named(
        self, tool: Tool, before: datetime
    ) -> None:
        at, moment, _, *into = _beside(before)[1:]

        _, said = tool.whole("restore", at, moment, *into, "--set-aside-existing", "--dry-run")

        assert "neon would lose less than backup" in said
        assert "give --beside" in said

    def test_neon_is_refused_where_only_a_backup_can_be_meant(self, tool: Tool) -> None:
        _, said = tool.whole(
            *("restore", "--beside", "--into", "DATABASE_URL", "--way", "neon"), expect=2
        )

        assert "--at is missing, so nothing was done" in said

    def test_a_drill_tells_how_long_a_backup_takes(self, tool: Tool, before: datetime) -> None:
        tool.whole("drill", "latest")

        output, _ = tool.whole(*_beside(before), "--dry-run", "--json")

        ways = {way["way"]: way["seconds_estimated"] for way in json.loads(output)["ways"]}
        assert ways["neon"] is None
        assert 0 < ways["backup"] < 60


def _beside(moment: datetime) -> list[str]:
    return ["restore", "--at", moment.isoformat(), "--beside", "--into", "DATABASE_URL"]


class TestRestoring:
    def test_production_is_brought_back_to_a_second_beside_it(self, tool: Tool) -> None:
        before = tool.hosted.moment()
        tool.hosted.execute("DELETE FROM notes")

        made = tool.json("restore", "--at", before.isoformat())

        assert made["branch"] == f"restore-{before:%Y-%m-%d-%H%M%S}"
        assert made["tables"] == [{"name": '"public"."notes"', "rows": 1}]
        assert (made["checks"], made["problems"], made["url"]) == (1, [], None)
        assert tool.hosted.execute("SELECT line FROM notes", made["branch"]) == [("first",)]
        assert tool.hosted.execute("SELECT line FROM notes") == []

    def test_a_check_that_does_not_hold_fails_and_the_branch_is_kept(self, tool: Tool) -> None:
        tool.hosted.execute("DELETE FROM notes")
        after = tool.hosted.moment()

        output, said = tool.run(
            "restore", "--at", after.isoformat(), "--branch", "looked-at", expect=11
        )

        assert "0 of 1 checks hold" in output
        assert "check first note returns no rows" in said
        assert "looked-at" in tool.hosted.names()

    def test_a_time_before_the_history_is_refused_with_the_oldest_possible_one(
        self, emulated: Callable[[Plan], Tool]
    ) -> None:
        tool = emulated("free_v3")
        with tool.hosted.changed() as project:
            project.branches[0].created_at -= 30 * DAY
        too_old = datetime.now(UTC) - timedelta(hours=7)
        oldest = datetime.now(UTC) - timedelta(hours=6)

        _, said = tool.run("restore", "--at", too_old.isoformat(), expect=7)

        assert f"before {oldest:%Y-%m-%dT%H:}" in said
        assert "6h of history" in said
        assert tool.hosted.names() == []

    def test_a_time_before_the_history_leads_to_the_snapshot_of_it(
        self, emulated: Callable[[Plan], Tool]
    ) -> None:
        tool = emulated("free_v3")
        with tool.hosted.changed() as project:
            project.branches[0].created_at -= 30 * DAY
        name = tool.snapshot("monthly")
        tool.hosted.age(name, 3 * DAY)

        _, said = tool.run("restore", "--at", (datetime.now(UTC) - DAY).isoformat(), expect=7)

        assert f"use the snapshot {name}" in said

    def test_a_dry_run_makes_nothing(self, tool: Tool) -> None:
        at = tool.hosted.moment()

        output, _ = tool.run("restore", "--at", at.isoformat(), "--dry-run")

        assert "would make branch restore-" in output
        assert tool.hosted.names() == []

    def test_the_connection_string_is_shown_on_a_terminal_when_asked_for(self, tool: Tool) -> None:
        at = tool.hosted.moment().isoformat()

        shown = _on_terminal(tool, "restore", "--at", at, "--branch", "shown", "--show-url")

        (url,) = [line for line in shown.splitlines() if line.startswith("postgresql://")]
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT line FROM notes").fetchall() == [("first",)]

    def test_it_is_never_shown_in_a_log(self, tool: Tool) -> None:
        at = tool.hosted.moment().isoformat()

        output, said = tool.run("restore", "--at", at, "--show-url", expect=2)
        in_github = _on_terminal(
            tool, "restore", "--at", at, "--show-url", GITHUB_ACTIONS="true", expect=2
        )

        for text in (output, said, in_github):
            assert "postgresql://" not in text
        assert tool.hosted.names() == []


class TestPromoting:
    @pytest.fixture
    def promoting(self, emulated: Callable[[Plan], Tool]) -> Tool:
        """A tool whose production has lost its notes, and the branch `good` of before."""
        tool = emulated("launch_v3")
        before = tool.hosted.moment().isoformat()
        tool.hosted.execute("DELETE FROM notes")
        tool.hosted.execute("INSERT INTO notes VALUES ('wrong')")
        tool.run("restore", "--at", before, "--branch", "good")
        tool.checks = (FIRST.model_copy(update={"expect": (("first",),)}),)
        return tool

    def test_production_becomes_like_the_branch_at_the_same_address(self, promoting: Tool) -> None:
        url = promoting.hosted.uri()

        done = promoting.json("promote", "good", "--yes", DATABASE_URL=url)

        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT line FROM notes").fetchall() == [("first",)]
        assert done["kept_as"].startswith("main-before-")
        assert promoting.hosted.execute("SELECT line FROM notes", "good") == [("first",)]
        with promoting.hosted.api() as api:
            api.create_endpoint(api.branch(done["kept_as"]))
        assert promoting.hosted.execute("SELECT line FROM notes", done["kept_as"]) == [("wrong",)]

    def test_it_is_undone_to_what_was_there(self, promoting: Tool) -> None:
        promoting.run("promote", "good", "--yes")

        refused = promoting.run("promote", "good", "--undo", "--yes", expect=11)[1]
        left_out = ("--skip-step", "check", "--skip-step", "prove", "--reason", "it was wrong then")
        kept = promoting.hosted.names()[-1]
        promoting.run("promote", kept, "--yes", *left_out)

        assert "does not answer the checks" in refused
        assert promoting.hosted.execute("SELECT line FROM notes") == [("wrong",)]

    def test_an_undo_can_leave_the_checks_out(self, promoting: Tool) -> None:
        promoting.run("promote", "good", "--yes")

        left_out = ("--skip-step", "check", "--skip-step", "prove", "--reason", "it was wrong then")
        done = promoting.json("promote", "good", "--undo", "--yes", *left_out)

        assert done["branch"].startswith("main-before-")
        assert promoting.hosted.execute("SELECT line FROM notes") == [("wrong",)]

    def test_a_branch_that_does_not_answer_the_checks_changes_nothing(
        self, promoting: Tool
    ) -> None:
        promoting.hosted.execute("DELETE FROM notes", "good")

        _, said = promoting.run("promote", "good", "--yes", expect=11)

        assert "production was left as it is" in said
        assert promoting.hosted.execute("SELECT line FROM notes") == [("wrong",)]
        promoting.hosted.execute("INSERT INTO notes VALUES ('first')", "good")
        promoting.run("promote", "good", "--yes")
        assert promoting.hosted.execute("SELECT line FROM notes") == [("first",)]

    def test_a_promotion_that_was_cut_off_is_given_up_for_another(self, promoting: Tool) -> None:
        promoting.hosted.execute("DELETE FROM notes", "good")
        promoting.run("promote", "good", "--yes", expect=11)
        _copy(promoting, "better", {})

        _, said = promoting.run("promote", "better", "--yes", expect=2)
        output, _ = promoting.run("promote", "good", "--undo", "--yes")

        assert "the promotion of good is not finished" in said
        assert "had not been changed" in output
        promoting.run("promote", "better", "--dry-run")

    def test_a_switch_whose_answer_was_lost_is_found_and_not_made_twice(
        self, promoting: Tool
    ) -> None:
        promoting.hosted.lose_answer_to("/restore")
        _, said = promoting.run("promote", "good", "--yes", expect=17)
        before = promoting.hosted.names()

        promoting.run("promote", "good", "--yes")

        assert "unknown whether" in said
        assert promoting.hosted.names() == before
        assert promoting.hosted.execute("SELECT line FROM notes") == [("first",)]

    def test_a_protected_production_is_switched_once_it_is_not_protected_any_more(
        self, promoting: Tool
    ) -> None:
        with promoting.hosted.api() as api:
            production = api.protect(api.branch("main"), protected=True)
            _, said = promoting.run("promote", "good", "--yes", expect=17)
            api.protect(production, protected=False)

        promoting.run("promote", "good", "--yes")

        assert "cannot restore protected branch" in said
        assert promoting.hosted.execute("SELECT line FROM notes") == [("first",)]

    def test_nobody_is_asked_in_a_pipe_and_nothing_is_switched(self, promoting: Tool) -> None:
        promoting.run("promote", "good", expect=12)

        assert promoting.hosted.execute("SELECT line FROM notes") == [("wrong",)]

    def test_a_dry_run_names_the_steps_and_changes_nothing(self, promoting: Tool) -> None:
        output, _ = promoting.run("promote", "good", "--dry-run")

        assert "check, switch, prove, reconnect, restart" in output
        assert promoting.hosted.execute("SELECT line FROM notes") == [("wrong",)]

    def test_a_dry_run_gives_production_no_compute(self, promoting: Tool) -> None:
        with promoting.hosted.changed() as project:
            main = next(each.id for each in project.branches if each.name == "main")
            project.endpoints = [each for each in project.endpoints if each.branch_id != main]

        promoting.run("promote", "good", "--dry-run")

        with promoting.hosted.api() as api:
            assert not api.endpoints(api.branch("main"))

    def test_another_confirmation_is_refused_before_neon_is_asked(self, promoting: Tool) -> None:
        said = promoting.run(
            "promote", "good", "--yes", "--confirm", "production", expect=12, NEON_API_KEY=""
        )[1]

        assert "--confirm is not the name of the environment" in said

    def test_a_snapshot_that_expires_is_promoted_and_does_not_expire_any_more(
        self, emulated: Callable[[Plan], Tool]
    ) -> None:
        tool = emulated("launch_v3")
        tool.keep = {Tier.DAILY: 7 * DAY}
        name = tool.snapshot("daily")
        tool.hosted.execute("DELETE FROM notes")

        tool.run("promote", name, "--yes")

        assert tool.hosted.execute("SELECT line FROM notes") == [("first",)]
        with tool.hosted.api() as api:
            assert api.branch(name).expires_at is None

    def test_the_smoke_test_is_run_on_the_branch_before_anything_is_switched(
        self, promoting: Tool
    ) -> None:
        query = "SELECT 1 / (count(*) - 1) FROM notes WHERE line = 'first'"
        promoting.recovery = Recovery(smoke_test=("psql", "-c", query))

        _, said = promoting.run("promote", "good", "--yes", expect=13)

        assert "production was left as it is" in said
        assert promoting.hosted.execute("SELECT line FROM notes") == [("wrong",)]

    def test_an_address_that_production_does_not_answer_to_is_told(self, promoting: Tool) -> None:
        host, _, rest = promoting.hosted.uri().partition("@")
        wrong = f"{host.rpartition(':')[0]}:another@{rest}"

        _, said = promoting.run("promote", "good", "--yes", expect=4, DATABASE_URL=wrong)

        assert "DATABASE_URL does not open production any more" in said
        promoting.run("promote", "good", "--yes", DATABASE_URL=promoting.hosted.uri())

    @pytest.mark.parametrize("name", ["nothing", "main"])
    def test_only_another_branch_can_be_promoted(self, promoting: Tool, name: str) -> None:
        _, said = promoting.run("promote", name, "--yes", expect=2)

        assert f"branch {name} is" in said


def test_a_database_that_neon_does_not_host_is_told_what_to_use(tool: Tool) -> None:
    program, path = tool.command, tool.home / "test.yaml"
    settings = yaml.safe_load(path.read_text())
    del settings["databases"][0]["neon"]
    path.write_text(yaml.safe_dump(settings))

    ended = subprocess.run(
        [*program, "snapshot", "list"], capture_output=True, text=True, check=False
    )

    assert ended.returncode == 2
    assert "database notes has no `neon`" in ended.stderr


def _noted(environment: str) -> dict[str, str]:
    return {
        "neonhub-backup": "snapshot",
        "neonhub-backup-environment": environment,
        "neonhub-backup-tier": "daily",
    }


def _copy(tool: Tool, name: str, note: dict[str, str], parent: str = "main") -> None:
    with tool.hosted.api() as api:
        api.create_branch(NewBranch(name=name, parent=api.branch(parent), annotation=note))
    if note:
        tool.hosted.age(name, 50 * DAY)


def _on_terminal(tool: Tool, *arguments: str, expect: int = 0, **environment: str) -> str:
    """What somebody sees who runs it on a terminal."""
    mine, its = pty.openpty()
    process = subprocess.Popen(
        [*tool.command, *arguments],
        env=tool.environment(**environment, COLUMNS="400"),
        stdin=its,
        stdout=its,
        stderr=its,
    )
    os.close(its)
    seen = b""
    try:
        while block := os.read(mine, 65536):
            seen += block
    except OSError:
        pass  # what a terminal says when the last program has left it
    os.close(mine)
    assert process.wait(timeout=60) == expect, seen
    return seen.decode().replace("\r\n", "\n")
