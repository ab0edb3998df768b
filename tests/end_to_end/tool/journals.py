"""What the journal of an installation tells."""

from pathlib import Path

from neonhub_backup.journal import Event, peek_journal
from tests.end_to_end.tool.conftest import Tool


def journal(tool: Tool) -> Path:
    """Where it is by default."""
    return tool.home.parent / "state" / "neonhub-backup" / "test" / f"{tool.database}.jsonl"


def done(tool: Tool) -> list[str | None]:
    """The steps that the journal tells are done, in their order."""
    entries = peek_journal(journal(tool)).entries
    return [entry.step for entry in entries if entry.event is Event.DONE]
