"""The page of a run: how a command ended, for people who see nothing else. Nothing here acts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from neonhub_backup.cli.messages import Failure
from neonhub_backup.domain.manifest import Manifest
from neonhub_backup.github.advice import ADVICE
from neonhub_backup.github.markdown import code, fenced, shortened
from neonhub_backup.github.tables import facts, listed, parts_table, shown, table
from neonhub_backup.watch.findings import VerdictError
from neonhub_backup.watch.freshness import age_text
from neonhub_backup.wording import size_text

LARGEST = 5
"""How many tables of a backup are shown."""
HISTORY = 7
"""How many backups of a database are shown."""

_LENGTH = 120_000
"""Characters of a summary. GitHub shows none of a step that writes more than 1 MiB."""
_SECTIONS = 20


@dataclass(frozen=True, kw_only=True)
class BackedUp:
    """What became of one database."""

    database: str
    manifest: Manifest | None = None
    """Of its new backup. None: there is none."""
    problem: str | None = None
    """Why there is none."""
    stores: Sequence[str] = ()
    """Names of the stores that have it."""
    lacking: Mapping[str, str] = field(default_factory=dict[str, str])
    """Names of the stores that lack it, and why."""
    history: Sequence[Manifest] = ()
    """Its backups, newest first, the new one among them."""


@dataclass(frozen=True, kw_only=True)
class BackupReport:
    """What became of all databases of one run."""

    databases: Sequence[BackedUp]
    history_store: str | None
    """The store that told of earlier backups. None: none did."""
    history_problems: Sequence[str]
    """What it could not tell, or why another did not."""

    @property
    def first(self) -> Manifest | None:
        """The first backup that was taken."""
        return next((one.manifest for one in self.databases if one.manifest), None)


def summary(command: str, results: Sequence[object], failure: Failure | None) -> str:
    """How a command ended, and with what result."""
    ended = "success" if failure is None else "failure"
    title = f"neonhub-backup {command}".strip()
    parts = [f"## `{title}`: {ended}"]
    if failure is not None:
        parts += _failure(failure)
    for result in results:
        parts += _result(command, result)
    rest = "The rest is in the log of the run."
    return shortened("\n\n".join(parts), _LENGTH, rest) + "\n\n"


def _failure(failure: Failure) -> list[str]:
    rows = [("exit code", f"{failure.code}, `{failure.kind}`")]
    if failure.kind == VerdictError.__name__:
        # No failure of the command: its result has the findings.
        return [fenced(failure.message), table(("", ""), rows)]
    if failure.code in ADVICE:
        rows.append(("what to do", ADVICE[failure.code]))
    notes = [fenced("\n".join(failure.notes))] if failure.notes else []
    return [fenced(failure.message), *notes, table(("", ""), rows)]


def _result(command: str, result: object) -> list[str]:
    match result:
        case BackupReport():
            return _backups(result)
        case list():
            results = cast("list[object]", result)
            made = [part for one in results[:_SECTIONS] for part in _one(command, one)]
            left = len(results) - _SECTIONS
            return (
                [*made, f"and {left} more"]
                if left > 0
                else made or ["There was nothing to do or to show."]
            )
        case _:
            return _one(command, result)


def _one(command: str, result: object) -> list[str]:
    if not isinstance(result, dict):
        return [shown("", result)]
    found = cast("dict[str, Any]", result)
    if command == "drill" and "seconds_to_recovery" in found:
        return _drill(found)
    if command in ("status", "watch") and "findings" in found:
        return _status(found)
    if command == "report" and "pages" in found:
        status = found["status"]
        return facts({"environment": status["environment"], **found["pages"]})
    # A branch of Neon has no target.
    if command.startswith("restore") and "target" in found:
        return _restore(found)
    title = next((found[key] for key in ("database", "store", "name") if key in found), None)
    return [*([f"### {code(str(title))}{_verdict(found)}"] if title else []), *facts(found)]


def _verdict(found: Mapping[str, Any]) -> str:
    """What a check found, where the result is that of a check."""
    for word in ("proven", "valid"):
        match found.get(word):
            case True:
                return f": {word}"
            case False:
                return f": **not {word}**"
            case _:
                pass
    return ""


def _backups(report: BackupReport) -> list[str]:
    taken = [one for one in report.databases if one.manifest is not None]
    parts = [
        f"{len(taken)} of {len(report.databases)} databases backed up.",
        table(
            (
                *("database", "backup", "tier", "begun (UTC)", "#took", "#stored", "#rows"),
                *("#tables", "stores"),
            ),
            [_backup_row(one) for one in report.databases],
        ),
    ]
    problems = [
        *(f"{one.database}: {one.problem}" for one in report.databases if one.problem),
        *(
            f"{one.database} in store {store}: {reason}"
            for one in report.databases
            for store, reason in one.lacking.items()
        ),
    ]
    if problems:
        parts += ["**Missing**", listed(problems)]
    for one in report.databases[:_SECTIONS]:
        parts += _database(one, report)
    if report.history_problems:
        parts += ["**Earlier backups that could not be read**", listed(report.history_problems, 5)]
    return parts


def _backup_row(one: BackedUp) -> list[str]:
    manifest = one.manifest
    if manifest is None:
        return [code(one.database), "**none**", *[""] * 6, "**none**"]
    before = _before(manifest, one.history)
    lacking = "".join(f", **not {code(store)}**" for store in one.lacking)
    return [
        code(one.database),
        code(manifest.name),
        str(manifest.tier),
        _moment(manifest.started),
        f"{(manifest.finished - manifest.started).total_seconds():,.1f} s",
        f"{size_text(manifest.bytes)}{_change(manifest.bytes, before and before.bytes)}",
        f"{manifest.rows:,}{_change(manifest.rows, before and before.rows)}",
        f"{len(manifest.tables):,}",
        f"{', '.join(map(code, one.stores))}{lacking}",
    ]


def _database(one: BackedUp, report: BackupReport) -> list[str]:
    parts: list[str] = []
    if one.manifest is not None and one.manifest.tables:
        largest = sorted(one.manifest.tables, key=lambda each: each.bytes, reverse=True)
        parts.append(
            table(
                ("largest tables", "#stored", "#rows"),
                [
                    (code(".".join(each.identity)), size_text(each.bytes), f"{each.rows:,}")
                    for each in largest[:LARGEST]
                ],
            )
        )
    if one.history:
        where = code(report.history_store) if report.history_store else "this run"
        parts.append(
            table(
                (
                    *(f"last backups, by {where}", "tier", "begun (UTC)", "#stored", "#change"),
                    *("#rows", "#change"),
                ),
                [_history_row(each, one.history) for each in one.history[:HISTORY]],
            )
        )
    return [f"### {code(one.database)}", *parts] if parts else []


def _history_row(manifest: Manifest, history: Sequence[Manifest]) -> list[str]:
    before = _before(manifest, history)
    return [
        code(manifest.name),
        str(manifest.tier),
        _moment(manifest.started),
        size_text(manifest.bytes),
        _change(manifest.bytes, before and before.bytes).strip(" ()"),
        f"{manifest.rows:,}",
        _change(manifest.rows, before and before.rows).strip(" ()"),
    ]


def _before(manifest: Manifest, history: Sequence[Manifest]) -> Manifest | None:
    """The backup before, of any tier."""
    this = (manifest.started, manifest.name)
    return next((one for one in history if (one.started, one.name) < this), None)


def _change(now: int, before: int | None) -> str:
    """By how much a number differs from the one before it; nothing where there is none."""
    if before is None or (before == 0 and now == 0):
        return ""
    if before == 0:
        return " (new)"
    # Without the addition, a small loss would be shown as -0.0%.
    return f" ({round((now - before) / before, 3) + 0.0:+.1%})"


def _drill(found: Mapping[str, Any]) -> list[str]:
    recovery, promised = found["seconds_to_recovery"], found["seconds_promised"]
    kept = ""
    if recovery is not None and promised is not None:
        kept = "within the objective" if recovery <= promised else "**longer than the objective**"
    rows = [
        ("backup", f"{code(found['name'])}, {found['tier']}, of {_moment_of(found['started'])}"),
        ("copy", f"{code(found['address'])}, {size_text(found['bytes'])}"),
        ("restored into", f"PostgreSQL {shown('', found['server_major'])}"),
        ("time to data", shown("seconds", found["seconds_to_data"])),
        ("time to search", shown("seconds", found["seconds_to_search"])),
        ("time to recovery", ", ".join(filter(None, (shown("seconds", recovery), kept)))),
        ("objective", shown("seconds", promised)),
        ("compared", _compared(found)),
        ("checks of the configuration", shown("", found["checks"])),
        ("record", shown("", found["recorded"])),
    ]
    parts = [f"### {code(found['store'])}{_verdict(found)}", table(("", ""), rows)]
    for kind in ("differences", "defects", "notes"):
        if found[kind]:
            parts += [f"**{kind.capitalize()}**", listed(found[kind], _SECTIONS)]
    if found["recall"]:
        parts += ["**What vector search finds**", parts_table(found["recall"])]
    return parts


def _status(found: Mapping[str, Any]) -> list[str]:
    """How the backups stand, the findings first."""
    rows = [
        [
            code(database["database"]),
            code(store["store"]),
            code(store["newest"]["name"]) if store["newest"] else "**none**",
            shown("", store["newest"] and store["newest"]["tier"]),
            _age(store["age_seconds"]),
            shown("bytes", store["newest"] and store["newest"]["bytes"]),
            shown("", store["size_change_percent"]),
            _age(store["proof_age_seconds"]),
            shown("seconds", store["recovery"]["last_seconds"]),
        ]
        for database in found["databases"]
        for store in database["stores"]
    ]
    findings = [f"{each['verdict']}: {each['text']}" for each in found["findings"]]
    return [
        f"### {code(found['environment'])}: {found['verdict']}",
        *([listed(findings, _SECTIONS)] if findings else []),
        table(
            (
                *("database", "store", "newest backup", "tier", "#age", "#stored"),
                *("#% against a week before", "#age of the proof", "#last recovery"),
            ),
            rows,
        ),
    ]


def _age(seconds: float | None) -> str:
    return "-" if seconds is None else age_text(timedelta(seconds=seconds))


def _compared(found: Mapping[str, Any]) -> str:
    counts = ("rows", "tables", "schema_objects", "foreign_keys", "sequences", "indexes")
    return ", ".join(f"{found[key]:,} {key.replace('_', ' ')}" for key in counts)


_GO_ON = {
    "promote": "To give the copy the live database's name:",
    "revert": "To give the name back to the database that had it:",
}


def _restore(found: Mapping[str, Any]) -> list[str]:
    """What is where now, and the commands with which to go on."""
    commands = {key: found[key] for key in _GO_ON if found.get(key)}
    rest = {key: value for key, value in found.items() if key not in _GO_ON}
    parts = [f"**{_where(found)}**", *facts(rest)]
    for key, command in commands.items():
        parts += [_GO_ON[key], fenced(str(command))]
    return parts


def _where(found: Mapping[str, Any]) -> str:
    """What is where now, in a sentence."""
    target, aside = code(found["target"]), found.get("set_aside")
    if found["dry_run"]:
        return f"Nothing was changed in {target}."
    if "beside" in found:
        return f"{code(found['name'])} is restored as {code(found['beside'])}, beside {target}."
    kept = f" What was there is now {code(aside)}." if aside else ""
    if "was" in found:
        return f"{code(found['was'])} is now {target}.{kept}"
    return f"{code(found['name'])} is restored into {target}.{kept}"


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def _moment_of(text: str) -> str:
    return _moment(datetime.fromisoformat(text))
