"""Write the golden files anew: `python -m tests.golden`. A review then shows what changed."""

import tempfile
from pathlib import Path

from tests.golden.commands import command_page
from tests.golden.hosts import golden_host_files
from tests.golden.registrations import golden_registrations
from tests.golden.stacks import (
    GOLDEN,
    OWN_WORKFLOWS,
    STACKS,
    golden_files,
    own_workflow_files,
)

with tempfile.TemporaryDirectory() as directory:
    wanted = (
        {
            path: content
            for stack in STACKS
            for write in (golden_files, golden_registrations)
            for path, content in write(stack, Path(directory)).items()
        }
        | own_workflow_files(Path(directory))
        | command_page()
        | golden_host_files()
    )
for path, content in wanted.items():
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
written = {*GOLDEN.rglob("*.y*ml"), *GOLDEN.rglob("*.md"), *OWN_WORKFLOWS.glob("*.y*ml")}
for path in written - wanted.keys():
    path.unlink()
