"""The page of a run tells who sees nothing else what happened, and what to do."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from neonhub_backup.cli.messages import Failure
from neonhub_backup.domain.manifest import Chunk, Manifest, Table
from neonhub_backup.github.summary import BackedUp, BackupReport, summary
from tests.neonhub_backup.samples import SHA256, location, manifest

PAGES = Path(__file__).parent / "pages"
WILD = "`|\n## <img src=x> [x](http://y) @neonhub"
PARTIAL = Failure(
    3,
    "PartialBackupError",
    "backup 20260109T020000Z-00000009 is missing in store google: mend the store",
)


def _table(name: str, size: int, rows: int) -> Table:
    chunk = Chunk(name="rows", bytes=size, sha256=SHA256, rows=rows)
    return Table(
        schema_name="public",
        name=name,
        columns=("id",),
        form="binary",
        disk_bytes=0,
        chunks=(chunk,),
    )


def _manifest(day: int, *, tables: int = 6, name: str = "table_{}") -> Manifest:
    """A backup that has a little more in it than that of the day before."""
    held = [
        _table(name.format(number), day * number * 4096, day * number * 10)
        for number in range(tables)
    ]
    return manifest(location(day=day)).model_copy(
        update={"name": f"202601{day:02}T020000Z-0000000{day}", "tables": tuple(held)}
    )


HISTORY = [_manifest(day) for day in range(9, 0, -1)]


def _report(*databases: BackedUp, problems: tuple[str, ...] = ()) -> BackupReport:
    return BackupReport(databases=databases, history_store="aws", history_problems=problems)


def _drill(**changes: Any) -> dict[str, Any]:
    """What a drill says with --json, as far as it matters here."""
    return {
        "name": "20260105T020000Z-0173cc03",
        "tier": "daily",
        "started": "2026-01-05T02:00:00+00:00",
        "rows": 1234,
        "tables": 24,
        "bytes": 5_000_000,
        "store": "aws",
        "address": "s3://vault",
        "server_major": 18,
        "schema_objects": 310,
        "foreign_keys": 12,
        "sequences": 3,
        "indexes": 40,
        "seconds_to_data": 12.34,
        "seconds_to_search": 61.0,
        "seconds_to_recovery": 62.5,
        "seconds_promised": 3600.0,
        "checks": ["every order has a customer"],
        "recall": [],
        "differences": [],
        "defects": [],
        "notes": [],
        "proven": True,
        "recorded": "drills/20260105T020000Z-0173cc03/1.json",
    } | changes


RECALL = {"index": "public.by_meaning", "method": "hnsw", "recall": 0.971, "reached": 1.0}
FOUND_WRONG = _drill(
    store="google",
    seconds_to_recovery=4000.0,
    recall=[RECALL],
    differences=["public.orders has 9 rows instead of 10"],
    defects=["a sequence is behind its table"],
    proven=False,
)
SWAP: dict[str, Any] = {
    "target": "db.example:5432/app",
    "database": "app",
    "was": "app_restored_20260105T030000Z",
    "backup": "20260105T020000Z-0173cc03",
    "set_aside": "app_before_20260105T031500Z",
    "disconnected": [],
    "revert": "neonhub-backup restore revert --into DATABASE_URL",
    "dry_run": False,
}
BESIDE: dict[str, Any] = {
    "name": "20260105T020000Z-0173cc03",
    "rows": 1234,
    "bytes": 5_000_000,
    "target": "db.example:5432/app",
    "beside": "app_restored_20260105T030000Z",
    "promote": "neonhub-backup restore promote --into DATABASE_URL --from app_restored_20260105",
    "seconds_to_data": 12.3,
    "dry_run": False,
}
VALID: dict[str, Any] = {
    "name": "20260105T020000Z-0173cc03",
    "database": "app",
    "valid": False,
    "absent": ["TYPE ConnectorKind"],
    "stores": {"aws": {"state": "complete", "problems": []}},
}

STATUS: dict[str, Any] = {
    "environment": "production",
    "verdict": "breach",
    "databases": [
        {
            "database": "app",
            "stores": [
                {
                    "store": "aws",
                    "newest": {
                        "name": "20260105T020000Z-0173cc03",
                        "tier": "daily",
                        "bytes": 5_000_000,
                    },
                    "age_seconds": 1380.5,
                    "proof_age_seconds": 172_800.0,
                    "size_change_percent": 3.25,
                    "recovery": {"last_seconds": 412.0},
                },
                {
                    "store": "google",
                    "newest": None,
                    "age_seconds": None,
                    "proof_age_seconds": None,
                    "size_change_percent": None,
                    "recovery": {"last_seconds": None},
                },
            ],
        }
    ],
    "findings": [
        {"verdict": "breach", "text": "store google has no complete backup of app: take one"},
        {"verdict": "warning", "text": "backup x is dated in the future"},
    ],
}

EXAMPLES: dict[str, tuple[str, list[object], Failure | None]] = {
    "backup": (
        "backup",
        [
            _report(
                BackedUp(
                    database="app",
                    manifest=HISTORY[0],
                    stores=["aws", "disk"],
                    lacking={"google": "there is no bucket vault"},
                    history=HISTORY,
                ),
                BackedUp(database="billing", problem="it refuses the password", history=()),
                problems=("store disk cannot be reached",),
            )
        ],
        PARTIAL,
    ),
    "drill": ("drill", [[_drill(), FOUND_WRONG]], Failure(11, "DrillFailedError", "differs")),
    "restore-beside": ("restore", [BESIDE], None),
    "restore-promote": ("restore promote", [SWAP], None),
    "validate": ("validate", [[VALID]], Failure(8, "IntegrityError", "it lacks a type")),
    "watch": (
        "watch",
        [STATUS],
        Failure(2, "VerdictError", "the backups of production do not keep their promises", ["x"]),
    ),
    "nothing": ("", [], Failure(2, "UsageError", "No such command 'dril'. See --help.")),
}


@pytest.mark.parametrize("example", EXAMPLES)
def test_a_page_says_what_its_example_says(example: str) -> None:
    assert summary(*EXAMPLES[example]) == (PAGES / f"{example}.md").read_text(encoding="utf-8")


def test_there_is_no_example_without_its_page() -> None:
    assert {page.stem for page in PAGES.iterdir()} == {*EXAMPLES}


def test_what_was_left_behind_is_on_the_page() -> None:
    failure = Failure(130, "SIGINT", "stopped by SIGINT; but:", ["database x", "database y"])

    assert "~~~text\ndatabase x\ndatabase y\n~~~" in summary("drill", [], failure)


def test_a_list_of_nothing_is_told_in_words() -> None:
    assert summary("drill", [[]], None).endswith("\n\nThere was nothing to do or to show.\n\n")


class TestTheWordsOfOthers:
    """Format nothing, wherever they come from."""

    @pytest.mark.parametrize(
        ("command", "result"),
        [
            ("drill", _drill(address=WILD, differences=[WILD], notes=[WILD], checks=[WILD])),
            ("restore", BESIDE | {"beside": WILD, "target": WILD, "promote": WILD}),
            ("restore promote", SWAP | {"was": WILD, "set_aside": WILD}),
            ("validate", [VALID | {"absent": [WILD], "stores": {WILD: {WILD: WILD}}}]),
            ("show", {"sizes": [{"table": WILD}], WILD: WILD}),
            ("list", [WILD]),
        ],
    )
    def test_in_a_result(self, command: str, result: object) -> None:
        _assert_harmless(summary(command, [result], None))

    def test_in_a_backup(self) -> None:
        wild = _manifest(1, name=WILD + "{}")
        broken = BackedUp(
            database=WILD, manifest=wild, stores=[WILD], lacking={WILD: WILD}, history=[wild]
        )
        report = BackupReport(
            databases=[broken, BackedUp(database=WILD, problem=WILD)],
            history_store=WILD,
            history_problems=[WILD],
        )

        _assert_harmless(summary("backup", [report], None))

    def test_in_a_failure(self) -> None:
        _assert_harmless(summary("backup", [], Failure(4, "DatabaseError", WILD, [WILD])))


def _assert_harmless(page: str) -> None:
    """Whatever is wild stands between two marks of code, or in a fence."""
    fenced = False
    for line in page.splitlines():
        if line.startswith("~~~"):
            fenced = not fenced
        elif not fenced and "<img" in line:
            outside = line.split("`")[::2]
            assert not any("<img" in part or "](http" in part for part in outside), line
    assert not fenced


def test_a_page_of_everything_is_small_enough() -> None:
    many = _manifest(9, tables=2000, name="x" * 60 + "{}")
    every = [
        BackedUp(
            database="d" * 300,
            manifest=many,
            stores=["s" * 300] * 9,
            lacking={str(store): "r" * 5000 for store in range(9)},
            history=[many] * 50,
        )
    ] * 300
    failure = Failure(1, "KeyError", "x" * 100_000, ["y" * 1000] * 1000)

    page = summary("backup", [_report(*every), [_drill()] * 5000], failure)

    assert len(page.encode()) < 1 << 18
    assert page.endswith("\n\nThe rest is in the log of the run.\n\n")


def test_a_first_backup_has_nothing_to_be_compared_with() -> None:
    only = BackedUp(database="app", manifest=HISTORY[-1], stores=["aws"], history=HISTORY[-1:])

    page = summary("backup", [_report(only)], None)

    assert "| 60.0 KiB |" in page
    assert "%" not in page


@pytest.mark.parametrize(
    ("before", "now", "shown"),
    [
        (100, 150, "+50.0%"),
        (100, 50, "-50.0%"),
        (9999, 9998, "+0.0%"),
        (0, 5, "new"),
    ],
)
def test_a_change_is_that_to_the_backup_before(before: int, now: int, shown: str) -> None:
    history = [
        manifest(location(day=day)).model_copy(update={"tables": (_table("a", 0, rows),)})
        for day, rows in ((2, now), (1, before))
    ]
    one = BackedUp(database="app", manifest=history[0], stores=["aws"], history=history)

    assert f"| {now:,} ({shown}) |" in summary("backup", [_report(one)], None)


def test_the_backup_before_can_be_of_the_same_second() -> None:
    second = location(day=1)
    history = [
        manifest(replace(second, name=f"{second.name[:-8]}{short_id}")).model_copy(
            update={"tables": (_table("a", 0, rows),)}
        )
        for short_id, rows in (("8000ffff", 150), ("70000000", 100))
    ]
    one = BackedUp(database="app", manifest=history[0], stores=["aws"], history=history)

    assert "| 150 (+50.0%) |" in summary("backup", [_report(one)], None)
