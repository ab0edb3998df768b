"""What people do in an emergency, step by step, on the disk before and after each of them.

A journal is a file of JSON lines that only grows. Whoever gives the same command again after an
interruption goes on at the right step; whoever writes the post-mortem reads who did what, and when.
It holds no secret. `docs/emergency.md` describes its lines.
"""

import fcntl
import logging
import os
import secrets
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, ValidationError

from neonhub_backup.errors import ConfigurationError, UnconfirmedError
from neonhub_backup.files import sync_directory

log = logging.getLogger(__name__)

STATE_VARIABLE = "XDG_STATE_HOME"
"""Environment variable that names where programs keep such files; by default ~/.local/state."""
HIDDEN = "[secret]"

Fact = str | int | float | bool | tuple[str, ...] | None
Facts = Mapping[str, Fact]


class Event(StrEnum):
    """What a line tells."""

    OPENED = "opened"
    """A run began: its purpose, its subject, and as facts what was asked for."""
    BEGUN = "begun"
    """A step began."""
    NOTED = "noted"
    """What has to be known of a step if it is cut off."""
    DONE = "done"
    """A step ended well, with what came of it."""
    FAILED = "failed"
    """A step ended badly or was interrupted; the text says how."""
    SKIPPED = "skipped"
    """Someone left a step out; the text says why."""
    CLOSED = "closed"
    """The run is over; the text says how it ended."""


class Entry(BaseModel):
    """One line."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    time: datetime
    """UTC."""
    run: str
    """Eight random characters that all lines of a run have in common."""
    by: str
    """Who ran it, and on which machine."""
    event: Event
    purpose: str | None = None
    """Of a run that is opened: what for, such as `emergency restore`."""
    subject: str | None = None
    """Of a run that is opened: on what, such as a database's name."""
    step: str | None = None
    """The step that the line is about."""
    facts: dict[str, Fact] = {}
    text: str | None = None


class Journal:
    """An open journal; no other process has it open."""

    def __init__(
        self,
        path: Path,
        file: int | None,
        entries: Iterable[Entry],
        by: str,
        hide: Iterable[str],
        now: Callable[[], datetime],
    ) -> None:
        self.path = path
        self._file = file
        self._entries = list(entries)
        self._by = by
        self._hide = tuple(hide)
        self._now = now

    @property
    def entries(self) -> Sequence[Entry]:
        """Every line, oldest first."""
        return self._entries

    def latest(self, purpose: str, subject: str) -> "Run | None":
        """The run for this that was opened last. None: there was none."""
        for entry in reversed(self._entries):
            if entry.event is Event.OPENED and (entry.purpose, entry.subject) == (purpose, subject):
                return Run(self, entry)
        return None

    def unfinished(self, purpose: str, subject: str) -> "Run | None":
        """The run for this that was opened last, unless it was closed."""
        run = self.latest(purpose, subject)
        return None if run is None or run.closed else run

    def draft(self, purpose: str, subject: str, inputs: Facts) -> "Run":
        """A run as it would begin, to be looked at; nothing is written."""
        entry = Entry(
            time=self._now(),
            run=secrets.token_hex(4),
            by=self._by,
            event=Event.OPENED,
            purpose=purpose,
            subject=subject,
            facts=dict(inputs),
        )
        return Run(self, entry)

    def begin(self, run: "Run") -> "Run":
        """Begin a run that was drafted."""
        self._append(run.opened)
        return run

    def write(
        self,
        run: str,
        event: Event,
        *,
        step: str | None = None,
        facts: Facts | None = None,
        text: str | None = None,
    ) -> None:
        """Add a line to a run; it is on the disk when this returns."""
        for secret in self._hide:
            text = text and text.replace(secret, HIDDEN)
        self._append(
            Entry(
                time=self._now(),
                run=run,
                by=self._by,
                event=event,
                step=step,
                facts=dict(facts or {}),
                text=text,
            )
        )

    def _append(self, entry: Entry) -> None:
        if self._file is None:
            raise ValueError(f"{self.path} was opened for looking alone")
        line = entry.model_dump_json(exclude_defaults=True).encode() + b"\n"
        with _telling(self.path, "written"):
            size = os.fstat(self._file).st_size
            try:
                rest = line
                while rest:
                    rest = rest[os.write(self._file, rest) :]
                os.fsync(self._file)
            except OSError:
                # Half a line would make the next one unreadable.
                os.ftruncate(self._file, size)
                raise
        self._entries.append(entry)


class Attempt:
    """A step that is being done."""

    def __init__(self, run: "Run", step: str, earlier: Facts) -> None:
        self._run = run
        self._step = step
        self.earlier = earlier
        """What attempts that were cut off, or failed, have noted."""

    def note(self, **facts: Fact) -> None:
        """Have something on the disk before doing what can only be told from it."""
        self._run.journal.write(self._run.name, Event.NOTED, step=self._step, facts=facts)


@dataclass(frozen=True)
class Step:
    """Something that is done once in a run."""

    name: str
    act: Callable[[Attempt], Facts]
    """Does it, and returns what the journal is to remember. What it raises ends the run for now."""
    settle: Callable[[Facts], Facts | None] | None = None
    """Looks whether an attempt that was cut off took effect, given what it had noted: its result if
    so, None if it is still to be done. Left out: doing it twice does no harm."""
    always: bool = False
    """Do it again whenever the run is taken up, because what it saw may no longer be so."""
    optional: bool = False
    """Whether someone may leave it out, saying why."""


@dataclass(frozen=True)
class Run:
    """One run of a journal: open until it is closed, however often it is interrupted."""

    journal: Journal
    opened: Entry

    @property
    def name(self) -> str:
        """What all of its lines have in common."""
        return self.opened.run

    @property
    def inputs(self) -> Facts:
        """What was asked for when it was opened."""
        return self.opened.facts

    @property
    def closed(self) -> bool:
        """Whether it is over."""
        return any(entry.event is Event.CLOSED for entry in self._lines())

    def state(self, step: str) -> Event | None:
        """What happened last to a step: begun, done, failed or skipped. None: nothing yet."""
        last = None
        for entry in self._lines(step):
            if entry.event is not Event.NOTED:
                last = entry.event
        return last

    def result(self, step: str) -> Facts:
        """What came of a step. Empty: it is not done, or was left out."""
        done = [entry.facts for entry in self._lines(step) if entry.event is Event.DONE]
        return done[-1] if done else {}

    def noted(self, step: str) -> Facts:
        """What was noted of a step, the later over the earlier."""
        facts: dict[str, Fact] = {}
        for entry in self._lines(step):
            if entry.event is Event.NOTED:
                facts |= entry.facts
        return facts

    def is_settled(self, step: Step) -> bool:
        """Whether nothing of a step is left to do."""
        return not step.always and self.state(step.name) in {Event.DONE, Event.SKIPPED}

    def carry_out(self, steps: Sequence[Step], skip: Mapping[str, str]) -> None:
        """Do, in this order, every step that is not done; `skip` gives reasons by steps' names.

        Raises:
            Exception: what a step raised, once it is written down. The run stays open.
        """
        for step in steps:
            if self.is_settled(step):
                log.info("%s: settled already", step.name)
            elif step.name in skip:
                self.journal.write(self.name, Event.SKIPPED, step=step.name, text=skip[step.name])
                log.warning("%s: left out, because %s", step.name, skip[step.name])
            else:
                self._carry_out(step)

    def close(self, text: str) -> None:
        """End the run for good."""
        self.journal.write(self.name, Event.CLOSED, text=text)

    def _carry_out(self, step: Step) -> None:
        earlier = self.noted(step.name)
        if step.settle is not None and self.state(step.name) is not None:
            result = step.settle(earlier)
            if result is not None:
                text = "an earlier attempt had done it"
                self.journal.write(self.name, Event.DONE, step=step.name, facts=result, text=text)
                log.info("%s: %s", step.name, text)
                return
        self.journal.write(self.name, Event.BEGUN, step=step.name)
        try:
            result = step.act(Attempt(self, step.name, earlier))
        except BaseException as error:
            text = str(error) or type(error).__name__
            self.journal.write(self.name, Event.FAILED, step=step.name, text=text)
            raise
        self.journal.write(self.name, Event.DONE, step=step.name, facts=result)

    def _lines(self, step: str | None = None) -> Iterable[Entry]:
        for entry in self.journal.entries:
            if entry.run == self.name and (step is None or entry.step == step):
                yield entry


def check_skips(steps: Sequence[Step], skip: Iterable[str]) -> None:
    """Refuse to leave out what there is not, or what must not be left out.

    Raises:
        ConfigurationError: with the steps that may be.
    """
    optional = [step.name for step in steps if step.optional]
    for name in skip:
        if name not in optional:
            known = name in {step.name for step in steps}
            why = "cannot be left out" if known else "is not a step"
            raise ConfigurationError(
                f"--skip-step {name} {why}, so nothing was done: the steps that may be left out are"
                f" {', '.join(optional)}"
            )


def default_path(environment: str, database: str) -> Path:
    """Where the journal of a database is unless --journal says otherwise."""
    named = os.environ.get(STATE_VARIABLE, "")
    base = Path(named) if named.startswith("/") else Path.home() / ".local" / "state"
    return base / "neonhub-backup" / quote(environment, "") / f"{quote(database, '')}.jsonl"


@contextmanager
def open_journal(
    path: Path,
    by: str,
    *,
    hide: Iterable[str] = (),
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Generator[Journal]:
    """Open a journal, made if there is none; `hide` is kept out of what errors say.

    Raises:
        UnconfirmedError: another run has it open.
        ConfigurationError: it cannot be written, or is not a journal.
    """
    with _telling(path, "written"):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UnconfirmedError(
                f"another run has the journal {path} open, so nothing was done: let it end, or end"
                " it, and then give the same command again"
            ) from error
        entries = _whole_lines(path, file)
        with _telling(path, "written"):
            sync_directory(path.parent)
        yield Journal(path, file, entries, by, [secret for secret in hide if secret], now)
    finally:
        os.close(file)


def peek_journal(path: Path) -> Journal:
    """A journal as it is, for looking alone; it waits for nobody and cannot be written.

    Raises:
        ConfigurationError: it cannot be read, or is not a journal.
    """
    with _telling(path, "read"):
        content = path.read_bytes() if path.exists() else b""
    entries = _parse(path, content[: content.rfind(b"\n") + 1])
    return Journal(path, None, entries, "", (), lambda: datetime.now(UTC))


def _whole_lines(path: Path, file: int) -> list[Entry]:
    with _telling(path, "read"):
        content = path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            # Nothing was done on the strength of a line that was cut off.
            os.ftruncate(file, whole)
            os.fsync(file)
    return _parse(path, content[:whole])


def _parse(path: Path, content: bytes) -> list[Entry]:
    entries: list[Entry] = []
    for number, line in enumerate(content.splitlines(), 1):
        try:
            entries.append(Entry.model_validate_json(line))
        except ValidationError as error:
            raise ConfigurationError(
                f"line {number} of {path} is not one of a journal, so it is unknown what has been"
                " done and nothing more was: name another file with --journal, once it is clear"
                " that no run is unfinished"
            ) from error
    return entries


@contextmanager
def _telling(path: Path, action: str) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigurationError(
            f"the journal {path} cannot be {action} ({error.strerror or error}), and without it an"
            " interrupted run could not go on, so no further step was begun: name another file with"
            " --journal"
        ) from error
