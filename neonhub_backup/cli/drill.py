"""`drill`: the proof of a backup."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from neonhub_backup.cli.app import app
from neonhub_backup.cli.failures import raise_first
from neonhub_backup.cli.options import BackupName, DatabaseName, Json
from neonhub_backup.cli.output import counted, describe, report, times_text
from neonhub_backup.cli.selecting import asked_stores
from neonhub_backup.cli.session import Session, open_session, running_programs
from neonhub_backup.domain.configuration import Check
from neonhub_backup.domain.proof import Proof
from neonhub_backup.drill import Drilled, drill
from neonhub_backup.encryption import Decryptor, decryptor
from neonhub_backup.errors import (
    BackupError,
    ConfigurationError,
    DrillFailedError,
    IntegrityError,
    NoBackupError,
    ObjectiveError,
    StoreError,
)
from neonhub_backup.holdings.catalogue import LATEST
from neonhub_backup.holdings.owing import owed_copy
from neonhub_backup.holdings.proofs import Proofs
from neonhub_backup.holdings.selection import Candidate, Wanted, choose, first_that_works
from neonhub_backup.stores.base import Store
from neonhub_backup.wording import shown

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Outcome:
    """One copy, what a drill found, and where that is recorded."""

    copy: Candidate
    drilled: Drilled
    key: str | None
    """Key of the record. None: the store refused it."""
    unrecorded: StoreError | None


@dataclass(frozen=True)
class _Drilling:
    """How each copy is drilled."""

    decrypt: Decryptor
    checks: Mapping[str, Sequence[Check]]
    """The queries of each database."""
    accept_defects: bool
    objective: float

    def __call__(self, copy: Candidate) -> _Outcome:
        with running_programs() as programs:
            drilled = drill(
                copy.source(self.decrypt),
                self.checks[copy.manifest.database],
                programs,
                accept_defects=self.accept_defects,
                objective=self.objective,
            )
        try:
            return _Outcome(copy, drilled, Proofs(copy.store).add(drilled.proof), None)
        except StoreError as error:
            return _Outcome(copy, drilled, None, error)


@app.command(name="drill")
def drill_(
    context: typer.Context,
    backup: BackupName = LATEST,
    store: Annotated[
        str | None,
        typer.Option(
            "--store",
            help="Drill the copy of this store. By default that of the first that can be read.",
            metavar="NAME",
        ),
    ] = None,
    every_store: Annotated[
        bool,
        typer.Option(
            "--every-store", help="Drill the copy of each store of the configuration in turn."
        ),
    ] = False,
    owed: Annotated[
        bool,
        typer.Option(
            "--owed",
            help="Drill what is owed, in each store: its newest weekly, monthly or annual backup"
            " until it is proven, or its newest of all when no proof is young enough.",
        ),
    ] = False,
    database: DatabaseName = None,
    accept_defects: Annotated[
        bool,
        typer.Option(
            "--accept-defects",
            help="Count a faithful backup as proven although its data has defects, such as a"
            " sequence behind its table. They are recorded all the same.",
        ),
    ] = False,
    within_objectives: Annotated[
        bool,
        typer.Option(
            "--within-objectives",
            help="Fail if the recovery took longer than the configuration promises, though the"
            " backup is proven.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Prove a backup: restore it into an empty server of its own and compare everything.

    The result is added to the store, below drills/. A backup is proven while its newest says so.
    """
    session = open_session(context.obj)
    _refuse_clashes(context, backup, store, every_store=every_store, owed=owed)
    stores = asked_stores(session, store)
    if owed:
        copies, failures = _owed(session, stores, database)
    else:
        wanted = Wanted(database=session.database(database).name, name=backup)
        copies = choose(stores, wanted, pass_over_damaged=False)
        failures = _missing(stores, copies) if every_store else []
    in_turn = owed or every_store
    outcomes, unread = _drill(session, copies, accept_defects=accept_defects, in_turn=in_turn)
    results = [_result(outcome) for outcome in outcomes]
    report(results if in_turn else results[0], as_json=as_json)
    if not as_json:
        for outcome, result in zip(outcomes, results, strict=True):
            _say(outcome, result)
        if not copies and not failures:
            typer.echo("no drill is owed: all that must be proven is")
    late = [_too_late(outcome) for outcome in outcomes] if within_objectives else []
    raise_first(
        [
            *(error for outcome in outcomes for error in _errors(outcome)),
            *unread,
            *failures,
            *filter(None, late),
        ]
    )


def _refuse_clashes(
    context: typer.Context, backup: str, store: str | None, *, every_store: bool, owed: bool
) -> None:
    if store is not None and every_store:
        raise ConfigurationError(
            f"--store {store} names one store and --every-store asks for all, so it is unclear"
            " which copies are meant and nothing was done: leave one of the two out"
        )
    source = context.get_parameter_source("backup")
    if owed and source is not None and source.name != "DEFAULT":
        raise ConfigurationError(
            f"{backup} names a backup and --owed asks for whatever is owed, so it is unclear which"
            " is meant and nothing was done: leave one of the two out"
        )


def _owed(
    session: Session, stores: Sequence[Store], database: str | None
) -> tuple[list[Candidate], list[BackupError]]:
    """The copies that are owed a drill, and why that is not known of others."""
    copies: list[Candidate] = []
    failures: list[BackupError] = []
    now = datetime.now(UTC)
    for one in session.databases(database):
        for store in stores:
            try:
                copy = owed_copy(store, one.name, session.configuration, now)
            except (StoreError, IntegrityError, NoBackupError) as error:
                failures.append(error)
                continue
            if copy is None:
                log.info("no drill of database %s is owed in store %s", one.name, store.name)
            else:
                copies.append(copy)
    return copies, failures


def _drill(
    session: Session, copies: Sequence[Candidate], *, accept_defects: bool, in_turn: bool
) -> tuple[list[_Outcome], list[BackupError]]:
    """Each of the copies in turn, or the first that can be read."""
    if not copies:
        return [], []
    with decryptor() as decrypt:
        drilling = _Drilling(
            decrypt,
            {one.name: one.checks for one in session.configuration.databases},
            accept_defects,
            session.configuration.objectives.rto_minutes * 60.0,
        )
        if in_turn:
            return _drill_all(copies, drilling)
        return [first_that_works(copies, drilling)], []


def _drill_all(
    copies: Sequence[Candidate], drilling: _Drilling
) -> tuple[list[_Outcome], list[BackupError]]:
    outcomes: list[_Outcome] = []
    failures: list[BackupError] = []
    for copy in copies:
        try:
            outcomes.append(drilling(copy))
        except StoreError as error:
            failures.append(error)
    return outcomes, failures


def _missing(stores: Sequence[Store], copies: Sequence[Candidate]) -> list[BackupError]:
    there = {copy.store.name for copy in copies}
    return [
        NoBackupError(
            f"store {store.name} ({store.address}) has no copy of backup {copies[0].location.name}"
            " that can be read, so nothing was drilled there: copy it from another store, or mend"
            " what the warnings name"
        )
        for store in stores
        if store.name not in there
    ]


def _result(outcome: _Outcome) -> dict[str, Any]:
    proof = outcome.drilled.proof
    found = proof.model_dump(mode="json")
    return describe(outcome.copy.location, outcome.copy.manifest) | {
        "store": proof.store,
        "address": proof.address,
        "drill_started": found["started"],
        "drill_finished": found["finished"],
        "server_major": None if proof.server is None else int(proof.server.split(".")[0]),
        "settings": proof.settings,
        "schema_objects": proof.counts.schema_objects,
        "foreign_keys": proof.counts.foreign_keys,
        "sequences": proof.counts.sequences,
        "indexes": proof.counts.indexes,
        "btrees": proof.counts.btrees,
        "seconds_to_verify": proof.seconds.verify,
        "seconds_to_data": proof.seconds.data,
        "seconds_to_search": proof.seconds.search,
        "seconds_to_recovery": proof.seconds.recovery,
        "seconds_to_compare": proof.seconds.compare,
        "seconds_in_all": proof.seconds.total,
        "seconds_promised": proof.seconds.objective,
        "checks": [check.name for check in proof.checks],
        "recall": found["recall"],
        "differences": found["differences"],
        "defects": found["defects"],
        "notes": found["notes"],
        "proven": proof.proven,
        "recorded": outcome.key,
    }


def _say(outcome: _Outcome, result: dict[str, Any]) -> None:
    proof = outcome.drilled.proof
    if proof.proven:
        counts = proof.counts
        typer.echo(
            f"proven: {proof.backup} in {proof.address} was restored into PostgreSQL"
            f" {proof.server} and equals its manifest: {counted(result)},"
            f" {counts.schema_objects:,} schema objects, {len(proof.checks)} checks,"
            f" {counts.foreign_keys} foreign keys, {counts.sequences} sequences,"
            f" {counts.indexes} indexes"
        )
        typer.echo(times_text(result))
    else:
        typer.echo(f"not proven: {proof.backup} in {proof.address}")
    for kind, lines in (("defect", proof.defects), ("note", proof.notes)):
        for line in lines:
            typer.echo(f"  {kind}: {line}")
    measured = [found.reached for found in proof.recall if found.reached is not None]
    if measured:
        typer.echo(
            f"  vector search finds at least {min(measured):.1%} of what an exact scan finds"
            f" ({len(measured)} indexes)"
        )
    if outcome.key is not None:
        typer.echo(f"  recorded as {proof.address}/{outcome.key}")


def _errors(outcome: _Outcome) -> list[BackupError]:
    """What is wrong with a copy, the worst first."""
    failure, proof = outcome.drilled.failure, outcome.drilled.proof
    found: list[BackupError] = []
    if isinstance(failure, BackupError):
        found.append(failure)
    elif not proof.proven:
        found.append(DrillFailedError(_verdict(proof)))
    if outcome.unrecorded is not None:
        said = "is proven" if proof.proven else "failed"
        found.append(
            StoreError(
                f"the result of the drill of {proof.backup} could not be recorded"
                f" ({outcome.unrecorded}), so {proof.address} does not tell that it {said}: let"
                " whoever drills add objects below drills/, and drill again"
            )
        )
    return found


def _verdict(proof: Proof) -> str:
    if not proof.differences:
        return (
            f"backup {proof.backup} in {proof.address} is faithful, but its data has defects, from"
            f" which an application could not go on: {shown(proof.defects)}; mend them in the"
            " source and back it up again, or accept them with --accept-defects"
        )
    besides = f"; besides, its data has defects: {shown(proof.defects)}" if proof.defects else ""
    return (
        f"backup {proof.backup} in {proof.address} was restored and differs from its manifest:"
        f" {shown(proof.differences)}{besides}; do not rely on it: take a new backup and drill"
        " that"
    )


def _too_late(outcome: _Outcome) -> ObjectiveError | None:
    """What is to be said of a proven backup whose recovery takes longer than promised."""
    proof = outcome.drilled.proof
    if not proof.proven or proof.seconds.late is None:
        return None
    return ObjectiveError(
        f"backup {proof.backup} in store {proof.store} ({proof.address}) is proven, but its"
        f" {proof.seconds.late}, so an emergency would last longer than objectives.rto_minutes"
        " promises: restore on a larger machine, make the database smaller, or promise less"
    )
