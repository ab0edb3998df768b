"""Neon's API by our client: what is made, changed and refused, on real data."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from neonhub_backup.errors import NeonError, NeonRefusedError, NeonUnansweredError
from neonhub_backup.neon.api import NewBranch
from neonhub_backup.neon.models import Branch
from sandbox.emulators.neon.models import Plan
from tests.end_to_end.neon.hosted import Hosted

Make = Callable[[Plan], Hosted]


def test_a_branch_of_now_holds_what_production_holds_and_goes_its_own_way(
    project: Hosted,
) -> None:
    with project.api() as api:
        api.create_branch(NewBranch(name="now", parent=_production(project), endpoint=True))

    project.execute("INSERT INTO notes VALUES ('later')")
    assert project.execute("SELECT line FROM notes", "now") == [("first",)]
    project.execute("DELETE FROM notes", "now")
    assert project.execute("SELECT line FROM notes ORDER BY 1") == [("first",), ("later",)]


def test_a_branch_of_an_earlier_second_lacks_what_was_written_after_it(project: Hosted) -> None:
    before = project.moment()
    project.execute("INSERT INTO notes VALUES ('a mistake')")

    with project.api() as api:
        parent = _production(project)
        api.create_branch(NewBranch(name="earlier", parent=parent, at=before, endpoint=True))

    assert project.execute("SELECT line FROM notes", "earlier") == [("first",)]


def test_a_branch_is_made_while_production_is_in_use(project: Hosted) -> None:
    with project.api() as api:
        names = {"database": project.settings.database, "role": project.settings.role}
        uri = api.connection_uri(_production(project), **names)
        with psycopg.connect(uri) as busy:
            busy.execute("INSERT INTO notes VALUES ('not committed')")
            api.create_branch(NewBranch(name="meanwhile", parent=_production(project)))
            busy.rollback()
            assert busy.execute("SELECT count(*) FROM notes").fetchone() == (1,)


def test_a_compute_can_come_later(project: Hosted) -> None:
    with project.api() as api:
        branch = api.create_branch(NewBranch(name="without", parent=_production(project)))
        assert api.endpoints(branch) == ()
        made = api.create_endpoint(branch)
        assert [endpoint.id for endpoint in api.endpoints(branch)] == [made.id]

    assert project.execute("SELECT line FROM notes", "without") == [("first",)]


def test_what_is_noted_of_a_branch_is_read_back_over_many_pages(
    project: Hosted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neonhub_backup.neon.api._PAGE", 2)
    with project.api() as api:
        for number in range(4):
            note = {"number": str(number)}
            new = NewBranch(name=f"b{number}", parent=_production(project), annotation=note)
            api.create_branch(new)
        branches, notes = api.branches()

    numbers = [notes[branches[f"b{number}"].id].value["number"] for number in range(4)]
    assert numbers == ["0", "1", "2", "3"]


def test_a_branch_is_given_an_end_and_deleted(project: Hosted) -> None:
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3)
    with project.api() as api:
        branch = api.create_branch(NewBranch(name="short", parent=_production(project)))
        assert api.set_expiry(branch, end).expires_at == end
        assert api.set_expiry(branch, None).expires_at is None
        assert "short" in api.branches()[0]
        api.delete_branch(branch)
        assert "short" not in api.branches()[0]


def test_restored_in_place_production_keeps_its_address_and_what_it_held(
    project: Hosted,
) -> None:
    before = project.moment()
    project.execute("INSERT INTO notes VALUES ('a mistake')")

    with project.api() as api:
        production = _production(project)
        uri = api.connection_uri(
            production, database=project.settings.database, role=project.settings.role
        )
        api.restore_branch(production, production, at=before, preserve_as="main-old")
        kept = api.branch("main-old")
        api.create_endpoint(kept)

    with psycopg.connect(uri) as connection:
        assert connection.execute("SELECT line FROM notes").fetchall() == [("first",)]
    assert ("a mistake",) in project.execute("SELECT line FROM notes", "main-old")


def test_a_branch_that_neon_does_not_have_is_named(project: Hosted) -> None:
    with project.api() as api, pytest.raises(NeonError, match=r"has no branch nothing.*main"):
        api.branch("nothing")


def test_a_wrong_key_is_refused_without_being_shown(emulated_project: Make) -> None:
    hosted = emulated_project("launch_v3")
    hosted.key = "napi_wrong"

    with hosted.api() as api, pytest.raises(NeonRefusedError, match="NEON_API_KEY") as refused:
        api.project()
    assert "napi_wrong" not in str(refused.value)


def test_passing_failures_are_waited_for(emulated_project: Make) -> None:
    hosted = emulated_project("launch_v3")
    hosted.faults(500, 503, 429)

    with hosted.api() as api:
        assert api.project().id == hosted.settings.project


def test_a_project_that_stays_out_of_reach_ends_in_a_sentence(emulated_project: Make) -> None:
    hosted = emulated_project("launch_v3")
    hosted.faults(*[502] * 3)

    with hosted.api(attempts=3) as api, pytest.raises(NeonError, match=r"502.*3 times"):
        api.project()


def test_a_branch_whose_creation_was_not_answered_is_found_and_not_made_twice(
    emulated_project: Make,
) -> None:
    hosted = emulated_project("launch_v3")
    with hosted.api(answer_seconds=2) as api:
        parent = api.branch("main")
        hosted.faults(0)
        made = api.create_branch(NewBranch(name="once", parent=parent, endpoint=True))

    assert made.name == "once"
    assert hosted.names() == ["once"]
    assert hosted.execute("SELECT line FROM notes", "once") == [("first",)]


def test_a_branch_whose_creation_was_lost_on_the_way_is_made_again(
    emulated_project: Make,
) -> None:
    hosted = emulated_project("launch_v3")
    with hosted.api() as api:
        parent = api.branch("main")
        hosted.faults(502)
        api.create_branch(NewBranch(name="again", parent=parent))

    assert hosted.names() == ["again"]


def test_a_change_that_was_not_answered_is_not_made_again(emulated_project: Make) -> None:
    hosted = emulated_project("launch_v3")
    with hosted.api() as api:
        branch = api.create_branch(NewBranch(name="one", parent=api.branch("main")))
        hosted.faults(500)
        with pytest.raises(NeonUnansweredError, match="unknown whether"):
            api.protect(branch, protected=True)
        assert not api.branch("one").protected


def test_a_locked_project_is_waited_for_and_not_forever(emulated_project: Make) -> None:
    hosted = emulated_project("launch_v3")
    with hosted.api(pause_seconds=0.01) as api:
        branch = api.create_branch(NewBranch(name="busy", parent=api.branch("main")))
        hosted.faults(423, 423)
        assert api.protect(branch, protected=True).protected
    with hosted.api(pause_seconds=0.01, locked_seconds=0) as api:
        hosted.faults(423)
        with pytest.raises(NeonRefusedError, match="let the operations end"):
            api.protect(branch, protected=False)


def test_a_plan_that_is_full_says_what_to_do(emulated_project: Make) -> None:
    hosted = emulated_project("free_v3")
    with hosted.api() as api:
        parent = api.branch("main")
        for number in range(9):
            api.create_branch(NewBranch(name=f"b{number}", parent=parent))
        with pytest.raises(NeonRefusedError, match="neon snapshot prune --yes"):
            api.create_branch(NewBranch(name="too-many", parent=parent))


def test_a_protected_branch_cannot_be_deleted(emulated_project: Make) -> None:
    hosted = emulated_project("launch_v3")
    with hosted.api() as api:
        branch = api.create_branch(NewBranch(name="safe", parent=api.branch("main")))
        api.protect(branch, protected=True)
        with pytest.raises(NeonRefusedError, match="protected"):
            api.delete_branch(branch)
        api.protect(branch, protected=False)
        api.delete_branch(branch)

    assert hosted.names() == []


def test_a_time_outside_of_the_history_is_refused(emulated_project: Make) -> None:
    hosted = emulated_project("free_v3")
    with hosted.api() as api:
        before = datetime.now(UTC) - timedelta(hours=7)
        new = NewBranch(name="too-old", parent=api.branch("main"), at=before)
        with pytest.raises(NeonRefusedError, match="history"):
            api.create_branch(new)


def _production(project: Hosted) -> Branch:
    with project.api() as api:
        return api.branch(project.settings.branch)
