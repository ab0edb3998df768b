"""A journal remembers what was done, whenever the run that did it was cut off."""

import json
import os
import stat
from datetime import datetime, timedelta
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neonhub_backup.errors import ConfigurationError, UnconfirmedError
from neonhub_backup.journal import (
    Attempt,
    Event,
    Facts,
    Journal,
    Run,
    Step,
    check_skips,
    default_path,
    open_journal,
    peek_journal,
)
from tests.neonhub_backup.samples import at

PURPOSE = "emergency restore"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "app.jsonl"


def _run(journal: Journal) -> Run:
    run = journal.unfinished(PURPOSE, "app")
    return run or journal.begin(journal.draft(PURPOSE, "app", {"backup": "x"}))


def _step(name: str, done: list[str], *, always: bool = False, optional: bool = False) -> Step:
    def act(_attempt: Attempt) -> Facts:
        done.append(name)
        return {"number": len(done)}

    return Step(name, act, always=always, optional=optional)


def _fail(_attempt: Attempt) -> NoReturn:
    raise UnconfirmedError("connected as app with password hunter2")


def test_a_run_taken_up_again_goes_on_after_what_is_done(path: Path) -> None:
    done: list[str] = []
    with open_journal(path, "me@here") as journal, pytest.raises(UnconfirmedError):
        _run(journal).carry_out([_step("one", done), Step("two", _fail)], {})

    with open_journal(path, "you@there") as journal:
        run = _run(journal)
        run.carry_out([_step("one", done), _step("two", done), _step("three", done)], {})

        assert done == ["one", "two", "three"]
        assert run.result("two") == {"number": 2}
        assert run.inputs == {"backup": "x"}


def test_a_step_that_is_always_done_is_done_in_every_run(path: Path) -> None:
    done: list[str] = []
    with open_journal(path, "me@here") as journal:
        for _ in range(2):
            _run(journal).carry_out([_step("look", done, always=True), _step("act", done)], {})

    assert done == ["look", "act", "look"]


def test_a_closed_run_is_not_taken_up(path: Path) -> None:
    with open_journal(path, "me@here") as journal:
        first = _run(journal)
        first.close("finished")

        assert journal.unfinished(PURPOSE, "app") is None
        assert _run(journal).name != first.name


def test_the_latest_run_is_found_whether_it_is_over_or_not(path: Path) -> None:
    with open_journal(path, "me@here") as journal:
        assert journal.latest(PURPOSE, "app") is None
        first = _run(journal)
        assert journal.latest(PURPOSE, "app") == first
        first.close("finished")

        assert journal.latest(PURPOSE, "app") == first
        assert _run(journal) == journal.latest(PURPOSE, "app") != first


def test_a_run_is_taken_up_for_its_own_purpose_and_subject_alone(path: Path) -> None:
    with open_journal(path, "me@here") as journal:
        run = _run(journal)

        assert journal.unfinished(PURPOSE, "billing") is None
        assert journal.unfinished("promotion", "app") is None
        assert journal.unfinished(PURPOSE, "app") == run


def test_every_line_tells_when_who_and_what(path: Path) -> None:
    with open_journal(path, "me@here", now=lambda: at(5)) as journal:
        run = _run(journal)
        run.carry_out([_step("one", [])], {})
        run.close("finished")

    lines = [json.loads(line) for line in path.read_text().splitlines()]
    common = {"time": "2026-01-05T02:00:00Z", "run": run.name, "by": "me@here"}
    assert lines == [
        common
        | {"event": "opened", "purpose": PURPOSE, "subject": "app", "facts": {"backup": "x"}},
        common | {"event": "begun", "step": "one"},
        common | {"event": "done", "step": "one", "facts": {"number": 1}},
        common | {"event": "closed", "text": "finished"},
    ]


def test_facts_of_every_kind_are_read_back(path: Path) -> None:
    facts: Facts = {
        "text": "ü",
        "words": ("a", "b"),
        "whole": 1,
        "part": 0.5,
        "no": None,
        "y": True,
    }
    with open_journal(path, "me@here") as journal:
        journal.begin(journal.draft(PURPOSE, "app", facts))

    (entry,) = peek_journal(path).entries
    assert entry.facts == facts
    assert entry.time.utcoffset() == timedelta(0)


def test_a_step_left_out_is_not_done_and_its_reason_is_kept(path: Path) -> None:
    done: list[str] = []
    with open_journal(path, "me@here") as journal:
        run = _run(journal)
        run.carry_out([_step("smoke-test", done, optional=True)], {"smoke-test": "no network"})
        run.carry_out([_step("smoke-test", done, optional=True)], {})

    assert done == []
    assert peek_journal(path).entries[-1].event is Event.SKIPPED
    assert peek_journal(path).entries[-1].text == "no network"


@pytest.mark.parametrize(
    ("name", "why"), [("swap", "cannot be left out"), ("swop", "is not a step")]
)
def test_leaving_out_another_step_is_refused(name: str, why: str) -> None:
    steps = [_step("smoke-test", [], optional=True), _step("swap", [])]

    with pytest.raises(ConfigurationError, match=f"{name} {why}.*smoke-test"):
        check_skips(steps, [name])


def test_a_password_in_an_error_is_not_written(path: Path) -> None:
    with (
        open_journal(path, "me@here", hide=["hunter2", ""]) as journal,
        pytest.raises(UnconfirmedError, match="hunter2"),
    ):
        _run(journal).carry_out([Step("one", _fail)], {})

    assert "hunter2" not in path.read_text()
    assert "with password [secret]" in path.read_text()


def test_nobody_else_can_read_it(path: Path) -> None:
    with open_journal(path, "me@here"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_two_runs_at_once_are_refused(path: Path) -> None:
    with (
        open_journal(path, "me@here"),
        pytest.raises(UnconfirmedError, match="another run has the journal"),
        open_journal(path, "you@there"),
    ):
        pass


def test_half_a_line_counts_for_nothing(path: Path) -> None:
    with open_journal(path, "me@here") as journal:
        run = _run(journal)
        run.carry_out([_step("one", [])], {})
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])

    with open_journal(path, "me@here") as journal:
        run = _run(journal)
        assert run.state("one") is Event.BEGUN
        run.carry_out([_step("one", [])], {})
        assert run.state("one") is Event.DONE
    assert len(peek_journal(path).entries) == 4


def test_one_can_look_into_it_while_someone_writes_and_change_nothing(path: Path) -> None:
    assert peek_journal(path).entries == []
    with open_journal(path, "me@here") as journal:
        run = _run(journal)
        seen = peek_journal(path).unfinished(PURPOSE, "app")

        assert seen is not None
        assert seen.name == run.name
        with pytest.raises(ValueError, match="for looking alone"):
            seen.close("finished")


def test_what_is_no_journal_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.write_text('{"hello": 1}\n')

    with pytest.raises(ConfigurationError, match=r"line 1 of .* is not one of a journal"):
        peek_journal(path)
    with (
        pytest.raises(ConfigurationError, match="name another file with --journal"),
        open_journal(path, "me@here"),
    ):
        pass


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with (
        pytest.raises(ConfigurationError, match="cannot be written"),
        open_journal(tmp_path / "file" / "app.jsonl", "me@here"),
    ):
        pass


def test_a_line_that_does_not_fit_leaves_no_half_of_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_journal(path, "me@here") as journal:
        run = _run(journal)
        before = path.read_bytes()

        def full(file: int, data: bytes) -> int:
            os.pwrite(file, data[:3], len(before))
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "write", full)
        with pytest.raises(ConfigurationError, match="No space left on device"):
            run.close("finished")
        monkeypatch.undo()

        assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("/state", "/state/neonhub-backup/production/a%2Fb.jsonl"),
        ("relative", "/home/me/.local/state/neonhub-backup/production/a%2Fb.jsonl"),
        ("", "/home/me/.local/state/neonhub-backup/production/a%2Fb.jsonl"),
    ],
)
def test_it_lies_where_programs_keep_their_state(
    state: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", state)
    monkeypatch.setenv("HOME", "/home/me")

    assert str(default_path("production", "a/b")) == expected


class Power(BaseException):
    """It went off."""


class World:
    """What steps change outside, and the moment at which the power goes off."""

    def __init__(self, lasts: int) -> None:
        self.left = lasts
        self.effects: list[str] = []

    def tick(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Power

    def clock(self) -> datetime:
        """Asked before every line: a machine without power writes none."""
        self.tick()
        return at(5)

    def once(self, name: str) -> Step:
        """A step whose effect must not come twice, and can be seen from outside."""

        def act(attempt: Attempt) -> Facts:
            attempt.note(mark=name)
            self.tick()
            self.effects.append(name)
            self.tick()
            return {"by": name}

        def settle(noted: Facts) -> Facts | None:
            return {"by": name} if noted.get("mark") in self.effects else None

        return Step(name, act, settle)

    def again(self, name: str) -> Step:
        """A step that may be repeated, and whose effect is the same then."""

        def act(_attempt: Attempt) -> Facts:
            self.tick()
            if name not in self.effects:
                self.effects.append(name)
            self.tick()
            return {"by": name}

        return Step(name, act)


@settings(max_examples=40, deadline=None)
@given(
    kinds=st.lists(st.sampled_from(["once", "again"]), min_size=1, max_size=4),
    lasts=st.lists(st.integers(0, 20), max_size=5),
    torn=st.booleans(),
)
def test_wherever_it_is_cut_off_every_step_takes_effect_once_and_in_order(
    kinds: list[str], lasts: list[int], torn: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("journal") / "app.jsonl"
    world = World(0)
    steps = [getattr(world, kind)(f"{number}") for number, kind in enumerate(kinds)]

    for life in [*lasts, 1000]:
        world.left = life
        try:
            with open_journal(path, "me@here", now=world.clock) as journal:
                run = _run(journal)
                run.carry_out(steps, {})
                run.close("finished")
        except Power:
            if torn:
                with path.open("ab") as file:
                    file.write(b'{"time": "2026')
            continue
        break

    assert world.effects == [step.name for step in steps]
    entries = peek_journal(path).entries
    assert len({entry.run for entry in entries}) == 1
    assert [entry.event for entry in entries].count(Event.CLOSED) == 1
