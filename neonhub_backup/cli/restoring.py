"""What each kind of `restore` does with the chosen backup, and what it says."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import typer

from neonhub_backup.cli.output import counted, describe, report, times_text
from neonhub_backup.cli.recording import record
from neonhub_backup.cli.selecting import say_candidates
from neonhub_backup.cli.session import Session, running_programs
from neonhub_backup.domain.manifest import Manifest, Table
from neonhub_backup.domain.recoveries import Scenario
from neonhub_backup.encryption import Decryptor
from neonhub_backup.holdings.selection import Candidate, first_that_works
from neonhub_backup.holdings.source import Source
from neonhub_backup.postgres.connection import Target, quoted
from neonhub_backup.processes import Programs
from neonhub_backup.restore.definitions import restore_definitions
from neonhub_backup.restore.loading import Times
from neonhub_backup.restore.names import TableName, resolve
from neonhub_backup.restore.rows import Replaced, restore_in_place, restore_rows
from neonhub_backup.restore.side import restore_aside
from neonhub_backup.restore.whole import plan_restore, restore_beside, restore_into
from neonhub_backup.wording import size_text

T = TypeVar("T")


@dataclass(frozen=True)
class Asked:
    """What every kind of restore needs to know."""

    session: Session
    candidates: list[Candidate]
    decrypt: Decryptor
    target: Target
    into: str
    """As given, for the commands that a message proposes."""
    now: datetime
    """When the command began."""
    roles: bool
    dry_run: bool
    as_json: bool
    ways: Mapping[str, object]
    """The ways that there were, as `--json` shows them. Empty: there was but one."""

    @property
    def manifest(self) -> Manifest:
        """The chosen backup's."""
        return self.candidates[0].manifest

    def first(self, act: Callable[[Source, Programs], T]) -> tuple[T, dict[str, Any]]:
        """Act on the first copy that can be read; which one it was comes beside the result."""

        def tried(candidate: Candidate) -> tuple[T, dict[str, Any]]:
            with running_programs() as programs:
                done = act(candidate.source(self.decrypt), programs)
            return done, {"store": candidate.store.name}

        return first_that_works(self.candidates, tried)

    def record(self, scenario: Scenario, command: str, store: str) -> None:
        """Keep how long it took until the data could be used; a dry run has brought none."""
        if self.dry_run:
            return
        record(
            self.session,
            self.manifest.database,
            scenario,
            command=command,
            source=self.manifest.name,
            store=store,
            began=self.now,
        )

    def described(self) -> dict[str, Any]:
        """The backup and the target, as `--json` begins."""
        first = self.candidates[0]
        described = describe(first.location, first.manifest) | {"target": str(self.target)}
        return {**described, **self.ways}

    def say(self, result: dict[str, Any], *lines: str) -> None:
        """The result for machines, or the lines for people."""
        report(self.described() | result | {"dry_run": self.dry_run}, as_json=self.as_json)
        if self.as_json:
            return
        if self.dry_run:
            say_candidates(self.candidates)
        for line in lines:
            typer.echo(line)
        if self.dry_run:
            typer.echo("nothing was changed")


def into(asked: Asked, *, set_aside: bool) -> None:
    """The whole database, under the target's name."""
    done, read = asked.first(
        lambda source, programs: restore_into(
            source, asked.target, programs, asked.now, set_aside=set_aside, roles=asked.roles
        )
    )
    asked.record(Scenario.STORE, "restore", read["store"])
    lines = [f"restored {asked.manifest.name} into {asked.target}: {counted(asked.described())}"]
    lines.append(times_text(_times(done.times)))
    undo = None
    if done.aside is not None:
        undo = f"neonhub-backup restore revert --into {shlex.quote(asked.into)}"
        lines.append(f"  the database that was there is now named {done.aside}")
        lines.append(f"  to undo this: {undo}")
    asked.say(read | {"set_aside": done.aside, "revert": undo} | _times(done.times), *lines)


def beside(asked: Asked) -> None:
    """The whole database, left beside the target."""
    left, read = asked.first(
        lambda source, programs: restore_beside(
            source, asked.target, programs, asked.now, roles=asked.roles
        )
    )
    asked.record(Scenario.STORE, "restore --beside", read["store"])
    swap = shlex.join(
        ["neonhub-backup", "restore", "promote", "--into", asked.into, "--from", left.name]
    )
    asked.say(
        read | {"beside": left.name, "promote": swap} | _times(left.times),
        f"restored {asked.manifest.name} as {left.name}, beside {asked.target}:"
        f" {counted(asked.described())}",
        times_text(_times(left.times)),
        f"  to give it the name {asked.target.database}: {swap}",
    )


def plan(asked: Asked, *, set_aside: bool | None) -> None:
    """What a restore of the whole database would do."""
    plan = plan_restore(
        asked.manifest, asked.target, asked.now, set_aside=set_aside, roles=asked.roles
    )
    asked.say(
        {"store": asked.candidates[0].store.name, "beside": plan.beside, "renames": plan.renames},
        f"  it would be restored and compared as {plan.beside}, beside {asked.target}",
        *(f"  then {old} would be renamed to {new}" for old, new in plan.renames.items()),
    )


def in_place(asked: Asked, tables: list[TableName]) -> None:
    """The rows of live tables, replaced."""
    names = resolve(tables, asked.manifest)
    replaced, read = asked.first(
        lambda source, programs: restore_in_place(
            source, names, asked.target, programs, dry_run=asked.dry_run
        )
    )
    asked.record(Scenario.TABLE, "restore --tables --in-place", read["store"])
    would = "would be" if asked.dry_run else "were"
    asked.say(
        read | {"replaced": [_replaced(one) for one in replaced]},
        *(
            f"{quoted(*one.table.identity)}: {one.before:,} rows {would} replaced by"
            f" {one.table.rows:,} ({size_text(one.table.bytes)} read)"
            for one in replaced
        ),
        f"foreign keys {would} checked in both directions",
    )


def aside(asked: Asked, tables: list[TableName], schema: str) -> None:
    """Tables in a schema of their own."""
    names = resolve(tables, asked.manifest)
    side, read = asked.first(
        lambda source, programs: restore_aside(
            source, names, asked.target, schema, programs, dry_run=asked.dry_run
        )
    )
    asked.record(Scenario.TABLE, "restore --tables", read["store"])
    would = "would be restored" if asked.dry_run else "restored"
    asked.say(
        read | {"schema": schema, "restored": [_table(table) for table in side.tables]},
        *(
            f"{quoted(*table.identity)} {would} as {quoted(schema, table.name)}:"
            f" {table.rows:,} rows, {size_text(table.bytes)}"
            for table in side.tables
        ),
    )


def schema_only(asked: Asked) -> None:
    """Definitions without rows."""
    _, read = asked.first(
        lambda source, programs: restore_definitions(
            source,
            asked.target,
            programs,
            asked.now,
            roles=asked.roles,
            dry_run=asked.dry_run,
        )
    )
    would = "would be restored" if asked.dry_run else "restored"
    objects = len(asked.manifest.schema_.objects)
    asked.say(
        read | {"schema_objects": objects},
        f"the definitions of {asked.manifest.name} {would} into {asked.target}: {objects:,} schema"
        " objects, no rows",
    )


def data_only(asked: Asked) -> None:
    """Rows without definitions."""
    filled, read = asked.first(
        lambda source, programs: restore_rows(source, asked.target, programs, dry_run=asked.dry_run)
    )
    would = "would be restored" if asked.dry_run else "restored"
    asked.say(
        read | {"restored": [_table(one.table) for one in filled]},
        f"the rows of {asked.manifest.name} {would} into the tables of {asked.target}:"
        f" {counted(asked.described())}",
    )


def _times(times: Times) -> dict[str, Any]:
    return {
        "seconds_to_data": round(times.to_data, 3),
        "seconds_to_search": round(times.to_search, 3),
    }


def _table(table: Table) -> dict[str, Any]:
    return {
        "table": quoted(*table.identity),
        "rows": table.rows,
        "bytes": table.bytes,
        "objects": len(table.chunks),
    }


def _replaced(one: Replaced) -> dict[str, Any]:
    return _table(one.table) | {"rows_before": one.before}
