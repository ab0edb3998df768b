"""docs/procedures.md has a place for all of the user's procedures, and for every command."""

import re
from pathlib import Path

import pytest

from tests.golden.commands import every_command

PAGE = (Path(__file__).parents[2] / "docs" / "procedures.md").read_text()
SCRIPTS = "".join(re.findall(r"^```bash[ \w]*\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
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

OF_THE_SERVER = (("wal", "push"), ("wal", "fetch"))
"""What PostgreSQL runs, and nobody else."""


@pytest.mark.parametrize("heading", HEADINGS)
def test_every_procedure_has_its_place(heading: str) -> None:
    assert re.search(rf"^###? {re.escape(heading)}$", PAGE, re.MULTILINE)


@pytest.mark.parametrize(
    "words", [each for each in every_command() if each not in OF_THE_SERVER], ids=" ".join
)
def test_every_command_has_its_procedure(words: tuple[str, ...]) -> None:
    assert re.search(rf"\bneonhub-backup {' '.join(words)}\b", SCRIPTS)
