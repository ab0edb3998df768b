"""The generated files that are committed for review are those the stacks would commit."""

from pathlib import Path

import pytest

from tests.golden.stacks import (
    GOLDEN,
    OWN_WORKFLOWS,
    STACKS,
    golden_files,
    own_workflow_files,
)


@pytest.mark.parametrize("stack", STACKS)
def test_the_golden_files_are_up_to_date(stack: str, tmp_path: Path) -> None:
    for path, wanted in golden_files(stack, tmp_path).items():
        assert path.read_text(encoding="utf-8") == wanted, "run: make golden"


def test_there_is_no_golden_file_of_a_stack_that_is_gone(tmp_path: Path) -> None:
    wanted = {path for stack in STACKS for path in golden_files(stack, tmp_path)}
    assert {*GOLDEN.glob("*/*/*.y*ml"), *GOLDEN.glob("runbook/*/*")} == wanted


def test_the_workflows_of_this_repository_are_up_to_date(tmp_path: Path) -> None:
    wanted = own_workflow_files(tmp_path)
    assert {path: path.read_text(encoding="utf-8") for path in OWN_WORKFLOWS.iterdir()} == wanted, (
        "run: make golden"
    )
