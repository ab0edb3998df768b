"""`drill`: the proof of a backup."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from neonhub_backup.cli.app import app
from neonhub_backup.cli.options import BackupName, DatabaseName, Json
from neonhub_backup.cli.output import counted, describe, report, times_text
from neonhub_backup.cli.selecting import asked_stores
from neonhub_backup.cli.session import open_session, running_programs
from neonhub_backup.domain.configuration import Check
from neonhub_backup.domain.proof import Proof
from neonhub_backup.drill import Drilled, drill
from neonhub_backup.encryption import Decryptor, decryptor
from neonhub_backup.errors import (
    BackupError,
    ConfigurationError,
    DrillFailedError,
    NoBackupError,
    StoreError,
)
from neonhub_backup.holdings.catalogue import LATEST
from neonhub_backup.holdings.proofs import Proofs
from neonhub_backup.holdings.selection import Candidate, Wanted, choose, first_that_works
from neonhub_backup.restore.comparison import shown
from neonhub_backup.stores.base import Store


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
    checks: Sequence[Check]
    accept_defects: bool
    objective: float

    def __call__(self, copy: Candidate) -> _Outcome:
        with running_programs() as programs:
            drilled = drill(
                copy.source(self.decrypt),
                self.checks,
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
    database: DatabaseName = None,
    accept_defects: Annotated[
        bool,
        typer.Option(
            "--accept-defects",
            help="Count a faithful backup as proven although its data has defects, such as a"
            " sequence behind its table. They are recorded all the same.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Prove a backup: restore it into an empty server of its own and compare everything.

    The result is added to the store, below drills/. A backup is proven while its newest says so.
    """
    session = open_session(context.obj)
    if store is not None and every_store:
        raise ConfigurationError(
            f"--store {store} names one store and --every-store asks for all, so it is unclear"
            " which copies are meant and nothing was done: leave one of the two out"
        )
    wanted = session.database(database)
    stores = asked_stores(session, store)
    copies = choose(stores, Wanted(database=wanted.name, name=backup), pass_over_damaged=False)
    with decryptor() as decrypt:
        drilling = _Drilling(
            decrypt,
            wanted.checks,
            accept_defects,
            session.configuration.objectives.rto_minutes * 60.0,
        )
        if every_store:
            outcomes, failures = _drill_all(copies, drilling)
            failures += _missing(stores, copies)
        else:
            outcomes, failures = [first_that_works(copies, drilling)], []
    results = [_result(outcome) for outcome in outcomes]
    report(results if every_store else results[0], as_json=as_json)
    if not as_json:
        for outcome, result in zip(outcomes, results, strict=True):
            _say(outcome, result)
    _raise([*(error for outcome in outcomes for error in _errors(outcome)), *failures])


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


def _raise(failures: Sequence[BackupError]) -> None:
    """Raise the first failure, with the others as its notes."""
    for first in failures[:1]:
        for other in failures[1:]:
            first.add_note(str(other))
        raise first
