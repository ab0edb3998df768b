"""The one program here that is written in Go."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.installation import RUNNER


def test_another_source_is_another_program(tmp_path: Path) -> None:
    copied = replace(RUNNER, module=shutil.copytree(RUNNER.module, tmp_path / "act"))
    assert copied.key == RUNNER.key

    with (copied.module / "main.go").open("a") as source:
        source.write("// Changed.\n")
    assert copied.key != RUNNER.key


@pytest.mark.skipif(shutil.which("gofmt") is None, reason="Go is for building, once")
def test_its_source_is_formatted_as_go_has_it() -> None:
    said = subprocess.run(
        ["gofmt", "-l", RUNNER.module], check=True, capture_output=True, text=True
    ).stdout
    assert said == ""
