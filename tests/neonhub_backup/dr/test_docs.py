"""docs/runbook.md and docs/procedures.md say what `dr next` does."""

import re
from pathlib import Path

import pytest

from neonhub_backup.dr.checklist import CHECKLIST
from tests.golden.commands import found

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize(
    ("page", "line"),
    [("runbook.md", r"^\| `([a-z-]+)` \|"), ("procedures.md", r"^\| [^|`]+ \| `([a-z-]+)` \|")],
)
def test_every_step_has_its_line_in_their_order(page: str, line: str) -> None:
    names = [item.name for item in CHECKLIST]
    told = re.findall(line, (DOCS / page).read_text(), re.MULTILINE)

    assert [name for name in told if name in names] == names


@pytest.mark.parametrize("command", ["start", "next", "status", "finish"])
def test_every_command_is_told(command: str) -> None:
    assert f"neonhub-backup dr {command}" in (DOCS / "runbook.md").read_text()
    assert found(("dr", command)).help


def test_the_checklist_has_the_eleven_steps_of_the_procedures() -> None:
    assert len(CHECKLIST) == len({item.name for item in CHECKLIST}) == 11
