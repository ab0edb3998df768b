"""docs/procedures.md has a place for all of the user's procedures, and for every command."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_group

from neonhub_backup.cli.app import COMMANDS, app

PAGE = (Path(__file__).parents[2] / "docs" / "procedures.md").read_text()
HEADINGS = (
    "Local Development Backups",
    "Quick Backup",
    "Schema-Only Backup",
    "Data-Only Backup",
    "Selective Table Backup",
    "Restore from Backup",
    "Production (Neon) Backups",
    "Branch-Based Backups",
    "Point-in-Time Recovery (PITR)",
    "Scheduled Backups via GitHub Actions",
    "Self-Hosted PostgreSQL Backups",
    "Continuous Archiving (WAL Shipping)",
    "Base Backup Script",
    "Cron Schedule",
    "Rollback Procedures",
    "Revert Last Migration",
    "Emergency Full Restore",
    "Neon Branch Promotion (Zero-Downtime Rollback)",
    "Backup Verification & Testing",
    "Monthly Backup Test",
    "Automated Backup Validation",
    "Best Practices",
    "Backup Strategy (3-2-1 Rule)",
    "Retention Policies",
    "Encryption",
    "Backup Size Monitoring",
    "Recovery Time Objectives (RTO)",
    "Single table restore",
    "Full database restore (Neon branch)",
    "Full database restore (from S3)",
    "Point-in-time recovery",
    "Recovery Point Objectives (RPO)",
    "Disaster Recovery Checklist",
    "Support Contacts",
)
"""Those of the user's document, and the scenarios of its table of recovery times."""


def _commands(group: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Every command, by the words that call it; a group that does something alone is one too."""
    for name in group.commands:
        command = group.get_command(None, name)
        if command.hidden:
            yield path
        elif hasattr(command, "commands"):
            yield from _commands(command, (*path, name))
        else:
            yield (*path, name)


def _every_command() -> list[str]:
    group: Any = get_group(app)
    for name in COMMANDS:
        group.get_command(None, name)
    return sorted(" ".join(words) for words in _commands(group, ()))


@pytest.mark.parametrize("heading", HEADINGS)
def test_every_procedure_has_its_place(heading: str) -> None:
    assert re.search(rf"^###? {re.escape(heading)}$", PAGE, re.MULTILINE)


def test_every_command_has_its_procedure() -> None:
    shown = PAGE.replace("neonhub-backup --", "")
    without = [
        name
        for name in _every_command()
        if re.search(rf"neonhub-backup {re.escape(name)}\b", shown) is None
    ]

    assert without == []
