"""Every command of docs/procedures.md for databases on Neon runs, from top to bottom."""

import os
from pathlib import Path

from sandbox import keys
from tests.end_to_end.neon.hosted import Hosted
from tests.end_to_end.neon.test_commands import Tool
from tests.end_to_end.procedures import blocks, run_block


def test_every_command_of_the_page_runs(project: Hosted, tmp_path: Path) -> None:
    keys.ensure(tmp_path / "keys")
    tool = Tool(tmp_path, project)
    moment = project.moment()
    *program, _ = tool.command
    script = tmp_path / "bin" / "neonhub-backup"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\nexec {" ".join(program)} "$@"\n')
    script.chmod(0o755)
    environment = tool.environment(
        PATH=f"{script.parent}:{os.environ['PATH']}",
        PYTHONPATH=str(Path(__file__).parents[3]),
        MOMENT=f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        DATABASE_URL=project.uri(),
    )

    for block in blocks("neon"):
        run_block(block, environment, tmp_path)

    assert "looked-at" in project.names()
