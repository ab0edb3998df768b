"""What came of a game day, as a page for people and as JSON for whoever compares."""

import json
import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from neonhub_backup import __version__
from neonhub_backup.runbook.markdown import anchor, plain, table, time_text
from sandbox.files import write_atomically
from sandbox.gameday.day import Size
from sandbox.gameday.scenarios import Outcome

FORMAT = "neonhub-backup-gameday/1"

Numbered = tuple[int, Outcome]


@dataclass(frozen=True, kw_only=True)
class Record:
    """A game day that was held."""

    began: datetime
    seconds: float
    """All of it, with the making of the servers and their data."""
    size: Size
    postgres: str
    """Version of the server."""
    outcomes: Sequence[Numbered]

    @property
    def good(self) -> bool:
        """Whether everything was told and mended as promised, and nothing else was lost."""
        return not any(problems(outcome) for _, outcome in self.outcomes)


def problems(outcome: Outcome) -> list[str]:
    """What did not go as promised, in a few words each."""
    failed = {
        "not in time": not outcome.in_time,
        "the page does not show it": not outcome.on_page,
        "rows differ that nobody wrote into": not outcome.whole,
        "more is lost than promised": outcome.seconds_lost > outcome.may_be_lost_seconds,
    }
    return [
        *(what for what, is_so in failed.items() if is_so),
        *(f"told of afterwards: {text}" for text in outcome.breaches_afterwards),
    ]


def write(record: Record, folder: Path) -> tuple[Path, Path]:
    """Write both into a folder, named by the day; where they are."""
    page, data = (folder / f"{record.began:%Y-%m-%d}.{kind}" for kind in ("md", "json"))
    write_atomically(page, render(record))
    write_atomically(data, json.dumps(describe(record), indent=2, ensure_ascii=False) + "\n")
    return page, data


def describe(record: Record) -> dict[str, Any]:
    """As the JSON has it: times are ISO 8601, lengths of time seconds."""
    return {
        "format": FORMAT,
        "began": record.began.isoformat(timespec="seconds"),
        "seconds": round(record.seconds, 1),
        "tool_version": __version__,
        "postgres": record.postgres,
        "processors": os.cpu_count(),
        "python": platform.python_version(),
        "size": asdict(record.size),
        "good": record.good,
        "scenarios": [
            {"number": number}
            | {
                name: round(value, 1) if isinstance(value, float) else value
                for name, value in asdict(outcome).items()
            }
            | {"problems": problems(outcome)}
            for number, outcome in record.outcomes
        ],
    }


def render(record: Record) -> str:
    """The page."""
    return "\n\n".join(_parts(record)) + "\n"


def _parts(record: Record) -> Iterator[str]:
    yield f"# Game day of {record.began:%-d %B %Y}"
    yield (
        f"Written by `make gameday`. {len(record.outcomes)} scenarios in"
        f" {time_text(timedelta(seconds=record.seconds))} on {os.cpu_count()} processors, with"
        f" neonhub-backup {__version__} and PostgreSQL {record.postgres}; {record.size.rows:,} rows"
        f" in each of the two tables that are broken, beside the demo at scale"
        f" {record.size.demo:g}. [What is done, and how to read this](README.md)."
    )
    yield (
        "**Everything was told and mended as promised.**"
        if record.good
        else "**Not everything went as promised:** see below."
    )
    yield table(
        [
            *("#", "what happened", "detected by", "seconds to detect", "clock set back by"),
            *("promised within", "recovered by", "seconds to recover", "objective", "rows lost"),
        ],
        [_row(number, outcome) for number, outcome in record.outcomes],
    )
    for number, outcome in record.outcomes:
        yield from _scenario(number, outcome)


def _row(number: int, outcome: Outcome) -> list[str]:
    back, objective = outcome.set_back_seconds, outcome.recovery_promised_seconds
    return [
        str(number),
        f"[{outcome.name}](#{anchor(_heading(number, outcome))})",
        outcome.detected_by,
        f"{outcome.detection_seconds:.1f}",
        time_text(timedelta(seconds=back)) if back else "-",
        time_text(timedelta(seconds=outcome.detection_promised_seconds)),
        "; ".join(outcome.headings),
        f"{outcome.recovery_seconds:.1f}",
        "-" if objective is None else time_text(timedelta(seconds=objective)),
        f"{outcome.rows_lost:,}",
    ]


def _scenario(number: int, outcome: Outcome) -> Iterator[str]:
    yield f"## {_heading(number, outcome)}"
    yield f"Broken: {outcome.broken}."
    yield f"`watch` said, and the page of `report` shows: {plain(outcome.told)}"
    yield "Typed:"
    yield "\n".join(["```sh", *outcome.commands, "```"])
    lost = (
        f"{outcome.rows_lost:,} entries that the application had committed are gone, written"
        f" within {outcome.seconds_lost:.1f} s after the backup; at most"
        f" {time_text(timedelta(seconds=outcome.may_be_lost_seconds))} may be lost."
        if outcome.rows_lost
        else "No entry that the application had committed is gone."
    )
    yield (
        f"{lost} {outcome.refused:,} attempts to write failed meanwhile. Every row of the table"
        " that nobody writes into is as it was, and `watch` finds no breach after the next backup."
        if not problems(outcome)
        else f"{lost} **Not as promised: {', '.join(problems(outcome))}.**"
    )
    if outcome.notes:
        yield "\n".join(f"- {note}" for note in outcome.notes)


def _heading(number: int, outcome: Outcome) -> str:
    return f"{number}. {outcome.name[0].upper()}{outcome.name[1:]}"
