"""What is broken, what must tell of it, and how the runbook leads back."""

import html
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from neonhub_backup.domain.manifest import Manifest
from neonhub_backup.domain.proof import Proof
from neonhub_backup.domain.recoveries import Scenario as Way
from neonhub_backup.domain.schedule import report_every
from neonhub_backup.runbook.cases import target
from neonhub_backup.watch.freshness import STARTS_LATE
from sandbox import keys
from sandbox.errors import SandboxError
from sandbox.gameday import place as places
from sandbox.gameday.load import Load
from sandbox.gameday.place import PRIMARY, RPO, NewServer, Place, Servers

WATCHED_EVERY = report_every(RPO)
"""How often the stack's workflow watches."""
_MISSED = RPO + STARTS_LATE + timedelta(minutes=1)
"""After this long without a backup, one has been missed for certain."""
_UNDO = "ALTER TABLE customers ADD COLUMN email text NOT NULL DEFAULT '';\n"


@dataclass(frozen=True)
class Start:
    """What every scenario begins with."""

    servers: Servers
    template: str
    like: Manifest
    """Of a real backup of the template, of which the history is made."""
    proof: Proof
    """Of a real drill of it."""
    writes: int
    """Entries that the application commits between one step and the next, at least."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a scenario."""

    name: str
    broken: str
    """What was done."""
    detected_by: str
    """The check of `watch`, and what led to it."""
    told: str
    """Its sentence."""
    set_back_seconds: float
    """How far the clock of the backups was set back instead of waiting."""
    detection_seconds: float
    """From the break, or from when the schedule's next run was begun, until `watch` had told."""
    detection_promised_seconds: float
    on_page: bool
    """Whether the page of `report` shows the same sentence."""
    commands: tuple[str, ...]
    """What was typed, from the runbook."""
    headings: tuple[str, ...]
    """Where in the runbook it is."""
    recovery_seconds: float
    recovery_promised_seconds: float | None
    """None: the configuration promises nothing for it."""
    rows_lost: int
    """Entries that the application had committed and that are gone."""
    seconds_lost: float
    """Time from the backup to the last of them."""
    may_be_lost_seconds: float
    """What the configuration promises."""
    whole: bool
    """Whether every row of the table that nobody writes into is as it was."""
    refused: int
    """Attempts of the application to write that failed meanwhile."""
    breaches_afterwards: tuple[str, ...]
    """What `watch` still tells of after the next backup."""
    notes: tuple[str, ...] = ()

    @property
    def in_time(self) -> bool:
        """Whether it was told and mended as promised."""
        waited = self.set_back_seconds + self.detection_seconds
        promised = self.recovery_promised_seconds
        return waited <= self.detection_promised_seconds and (
            promised is None or self.recovery_seconds <= promised
        )


@dataclass
class Case:
    """A scenario under way."""

    name: str
    start: Start
    place: Place
    load: Load
    commands: list[str] = field(default_factory=list[str])
    headings: list[str] = field(default_factory=list[str])
    recovery_seconds: float = 0.0
    detection_seconds: float = 0.0
    set_back: timedelta = timedelta()
    told: str = ""
    check: str = ""
    on_page: bool = False

    digest: str = ""
    """Of the table that nobody writes into, as it has to be."""

    def begin(self) -> str:
        """The backup that all is well with; its name."""
        self.digest = self.place.digest()
        self.load.start()
        self.load.wait(self.start.writes)
        good = self.place.backup()
        self.expect_well()
        self.load.wait(self.start.writes)
        return good

    def wait(self, by: timedelta) -> None:
        """Let time pass without waiting."""
        self.place.set_back(by)
        self.set_back += by

    @contextmanager
    def detecting(self) -> Generator[None]:
        """What is done meanwhile counts as time until it is told."""
        began = time.monotonic()
        yield
        self.detection_seconds += time.monotonic() - began

    def detect(self, check: str, *words: str) -> None:
        """Have `watch` tell of a breach by this check, in a sentence with these words."""
        with self.detecting():
            said = self._watch((2,))
        told = [
            found["text"]
            for found in said["findings"]
            if found["verdict"] == "breach"
            and found["check"] == check
            and all(word in found["text"] for word in words)
        ]
        if not told:
            raise SandboxError(
                f"`watch` does not tell of {self.name} by its check {check}: it says"
                f" {said['findings']}"
            )
        self.check, self.told = check, told[0]
        self.on_page = self._page_shows(told[0])

    def follow(
        self,
        heading: str,
        number: int,
        chosen: Mapping[str, str] | None = None,
        fails: Mapping[str, int] | None = None,
    ) -> None:
        """Type the commands below a heading of the runbook, in their order.

        `chosen` is what the runbook leaves open; `fails` are commands, by how they begin, which
        have to end with a code other than 0.
        """
        runbook = self.place.runbook
        began = time.monotonic()
        for line in runbook.commands(heading, number):
            expected = next(
                (code for start, code in (fails or {}).items() if line.startswith(start)), 0
            )
            self.place.type(line, runbook, chosen or {}, expected)
            self.commands.append(line)
        self.recovery_seconds += time.monotonic() - began
        if heading not in self.headings:
            self.headings.append(heading)

    def type(self, line: str) -> None:
        """Type what the runbook leaves to whoever follows it, such as SQL of their own."""
        began = time.monotonic()
        self.place.type(line, self.place.runbook, {}, 0)
        self.recovery_seconds += time.monotonic() - began
        self.commands.append(line)

    def end(
        self,
        broken: str,
        detected_by: str,
        *,
        promised: timedelta,
        within: timedelta | None,
        since: datetime,
        url: str | None = None,
        drilled: Sequence[str] = (),
        notes: Sequence[str] = (),
    ) -> Outcome:
        """Count what is lost: of what was committed, what is not there any more."""
        self.load.stop()
        there = self.place.entries(url)
        committed = self.load.committed()
        lost = {entry: at for entry, at in committed.items() if entry not in there}
        self.place.backup()
        if drilled:
            self.place.run("drill", "latest", *drilled)
        return Outcome(
            name=self.name,
            broken=broken,
            detected_by=f"`{self.check}`, {detected_by}",
            told=self.told,
            set_back_seconds=self.set_back.total_seconds(),
            detection_seconds=self.detection_seconds,
            detection_promised_seconds=promised.total_seconds(),
            on_page=self.on_page,
            commands=tuple(self.commands),
            headings=tuple(self.headings),
            recovery_seconds=self.recovery_seconds,
            recovery_promised_seconds=within.total_seconds() if within else None,
            rows_lost=len(lost),
            seconds_lost=max(lost.values(), default=since.timestamp()) - since.timestamp(),
            may_be_lost_seconds=RPO.total_seconds(),
            whole=self.place.digest(url) == self.digest,
            refused=self.load.refused,
            breaches_afterwards=tuple(
                each["text"]
                for each in self._watch((0, 1, 2))["findings"]
                if each["verdict"] == "breach"
            ),
            notes=tuple(notes),
        )

    def _watch(self, expect: Sequence[int]) -> Any:
        return self.place.json("watch", expect=expect)

    def expect_well(self) -> None:
        """See that `watch` finds nothing at all.

        Raises:
            SandboxError: it does.
        """
        found = self._watch((0, 1, 2))["findings"]
        if found:
            raise SandboxError(f"{self.name} cannot go on, since `watch` finds too early: {found}")

    def _page_shows(self, text: str) -> bool:
        page = self.place.home / "report.html"
        self.place.run("report", "--html", str(page))
        return " ".join(text.split()) in " ".join(html.unescape(page.read_text()).split())


def drop_table(case: Case) -> Outcome:
    """Somebody drops a table that the application writes into."""
    good = case.begin()
    since = _begun(case.place, good)
    case.place.execute("DROP TABLE ledger")
    with case.detecting():
        case.place.backup()
    case.detect("rows", "public.ledger", "the table is gone")
    case.follow("Rows or tables are lost", 0, {"BACKUP": good, "TABLES": "ledger"})
    schema = case.place.value(
        "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'restored%' ORDER BY 1 DESC LIMIT 1"
    )
    moved = f'ALTER TABLE "{schema}".ledger SET SCHEMA public'
    case.type(f"psql \"$DATABASE_URL\" -c '{moved}'")
    case.load.wait(case.start.writes)
    return case.end(
        "`DROP TABLE ledger`, which the application writes into",
        "in the next backup, which has fewer rows than a week before",
        promised=RPO + WATCHED_EVERY,
        within=target(case.place.configuration, Way.TABLE),
        since=since,
        notes=("The next backup was begun at once; on schedule it comes within the RPO.",),
    )


def bad_migration(case: Case) -> Outcome:
    """A migration drops a column, and deletes rows that it should not."""
    good = case.begin()
    since = _begun(case.place, good)
    case.place.execute("DELETE FROM customers WHERE id % 2 = 0")
    case.place.execute("ALTER TABLE customers DROP COLUMN email")
    with case.detecting():
        case.place.backup()
    case.detect("rows", "public.customers")
    undo = case.place.home / "down.sql"
    undo.write_text(_UNDO)
    chosen = {"MIGRATION": "20260105_drop_email", "UNDO_SQL": str(undo)}
    case.follow("A migration has done harm", 0, chosen)
    case.follow("Rows or tables are lost", 1, {"BACKUP": good, "TABLES": "customers"})
    case.load.wait(case.start.writes)
    return case.end(
        "a migration that drops a column of `customers` and deletes half of its rows",
        "in the next backup, which has fewer rows than a week before",
        promised=RPO + WATCHED_EVERY,
        within=target(case.place.configuration, Way.TABLE),
        since=since,
        notes=("The next backup was begun at once; on schedule it comes within the RPO.",),
    )


def corrupt_backup(case: Case) -> Outcome:
    """The newest backup is damaged where it is kept, and then it is needed."""
    case.begin()
    newest = case.place.backup()
    since = _begun(case.place, newest)
    key = case.place.corrupt(newest)
    with case.detecting():
        case.place.run("drill", newest, "--store", PRIMARY, expect=(8, 11))
    case.detect("proof", newest, f"store {PRIMARY}")
    case.place.execute("TRUNCATE customers")
    with case.load.stopped():
        case.follow("The newest backup is damaged", 0, {"BACKUP": newest}, {_VERIFY: 8})
    case.load.wait(case.start.writes)
    return case.end(
        f"one byte of `{Path(key).name}` of the newest backup in store {PRIMARY}, and then"
        " `TRUNCATE customers`",
        "after the next drill, which does not pass",
        promised=case.place.prove_every + WATCHED_EVERY,
        within=target(case.place.configuration, Way.STORE),
        since=since,
        drilled=("--store", PRIMARY),
        notes=(
            (
                "The next drill was begun at once; on schedule it comes within"
                " `objectives.proveEvery`. `watch` reads no data, so that nothing else can find one"
                " byte."
            ),
            "The restore found the copy damaged, too, and went on with that in the other store.",
        ),
    )


def lose_primary(case: Case) -> Outcome:
    """The store that backups are read from first is gone, and then a backup is needed."""
    good = case.begin()
    since = _begun(case.place, good)
    case.place.lose_primary()
    case.detect("store", f"store {PRIMARY}")
    case.place.execute("TRUNCATE customers")
    heading = f"The store {PRIMARY} is lost"
    with case.load.stopped():
        case.follow(heading, 0, {"BACKUP": good})
    case.place.replace_primary()
    case.follow(heading, 1, {"BACKUP": good})
    case.load.wait(case.start.writes)
    return case.end(
        f"store {PRIMARY} with all that it held, and then `TRUNCATE customers`",
        "which cannot reach it",
        promised=WATCHED_EVERY,
        within=target(case.place.configuration, Way.STORE),
        since=since,
    )


def lose_server(case: Case) -> Outcome:
    """The database server is gone with its disk."""
    good = case.begin()
    since = _begun(case.place, good)
    servers = case.place.servers
    places.lose_server(servers)
    with case.detecting():
        case.place.run("backup", expect=(4,))
    case.wait(_MISSED)
    case.detect("freshness", "at most 1h may be lost")
    new = NewServer.start(servers)
    try:
        url = servers.url(new.postgres, case.place.name)
        case.follow("The database server is lost", 0, {"BACKUP": "latest", "NEW_URL": url})
        case.place.environment["DATABASE_URL"] = case.load.url = url
        case.load.wait(case.start.writes)
        return case.end(
            "the database server with its disk",
            "since backups fail from then on and the newest becomes too old",
            promised=RPO + STARTS_LATE + WATCHED_EVERY,
            within=target(case.place.configuration, Way.STORE),
            since=since,
            url=url,
            notes=(
                (
                    "The backup on schedule ends with 4 at once, which its workflow tells of by an"
                    " issue; `watch`, which does not look at the database, tells once a backup is"
                    " missed."
                ),
            ),
        )
    finally:
        case.load.stop()
        new.stop()


def wrong_key(case: Case) -> Outcome:
    """Backups are encrypted to a key whose private half nobody has."""
    case.place.prove_every = timedelta(days=7)
    case.place.configure()
    case.place.write_proof(case.start.proof, places.now() - timedelta(hours=1))
    good = case.begin()
    since = _begun(case.place, good)
    right = case.place.keys
    case.place.keys = _stranger(case.place)
    case.place.configure()
    unreadable = case.place.backup()
    with case.detecting():
        case.place.run("drill", unreadable, expect=(10,))
    # Only the last proof gets older: the backups go on.
    case.place.write_proof(case.start.proof, places.now() - case.place.prove_every)
    case.set_back += case.place.prove_every - timedelta(hours=1)
    case.detect("proof", "one is owed every 1w")
    heading = "The private key is lost, wrong or known to others"
    case.follow(heading, 0, {"BACKUP": unreadable}, {"neonhub-backup keys check": 10})
    case.place.keys = right
    case.place.configure()
    case.commands.append("# the right public key is put into the configuration")
    case.follow(heading, 1)
    return case.end(
        "the public key in the configuration, in whose place there is one that nobody can open",
        "since no drill proves a backup any more",
        promised=case.place.prove_every + WATCHED_EVERY,
        within=None,
        since=since,
        drilled=("--every-store",),
        notes=(
            "A drill of such a backup ends with 10 at once, and `keys check` says the same.",
            "The database itself is untouched. Backups from before the change stay readable.",
        ),
    )


def silent_schedule(case: Case) -> Outcome:
    """Nothing starts backups any more, and nothing fails."""
    good = case.begin()
    since = _begun(case.place, good)
    case.wait(RPO - timedelta(minutes=10))
    case.expect_well()
    case.wait(_MISSED - RPO + timedelta(minutes=10))
    case.detect("freshness", "at most 1h may be lost")
    case.follow("Backups have stopped", 0)
    return case.end(
        "the schedule of backups, which starts none any more",
        "since the newest becomes too old",
        promised=RPO + STARTS_LATE + WATCHED_EVERY,
        within=None,
        since=since,
        notes=("Ten minutes before the RPO was over, `watch` found that all was well.",),
    )


def _begun(place: Place, name: str) -> datetime:
    """When a backup was begun, to the moment."""
    return next(each.started for each in places.manifests(place) if each.name == name)


def _stranger(place: Place) -> Path:
    """A folder with a key pair that is nobody's."""
    folder = place.home / "stranger"
    keys.ensure(folder)
    return folder


_VERIFY = "neonhub-backup verify"


@dataclass(frozen=True)
class Scenario:
    """Something that can happen."""

    number: int
    name: str
    act: Callable[[Case], Outcome]

    def run(self, start: Start) -> Outcome:
        """Have it happen in a place of its own.

        Raises:
            SandboxError: nobody told of it, or the runbook did not lead back.
        """
        place = Place(start.servers, f"gameday-{self.number}", start.template)
        place.write_history(start.like, places.now())
        case = Case(self.name, start, place, Load(place.url))
        try:
            return self.act(case)
        finally:
            case.load.stop()


SCENARIOS = (
    Scenario(1, "a table is dropped", drop_table),
    Scenario(2, "a bad migration", bad_migration),
    Scenario(3, "the newest backup is corrupt", corrupt_backup),
    Scenario(4, "the primary store is lost", lose_primary),
    Scenario(6, "a wrong key", wrong_key),
    Scenario(7, "the schedule silently stops", silent_schedule),
    Scenario(5, "the database server is lost", lose_server),
)
"""In an order in which they can follow one another: the server is lost last."""
