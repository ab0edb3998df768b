"""The Python that the sandbox offers to what must bring its own packages along."""

import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.venv import offer_base_python


@pytest.mark.parametrize("name", ["python", "python3"])
def test_the_interpreter_is_the_one_outside_of_the_environment(tmp_path: Path, name: str) -> None:
    offer_base_python(tmp_path)

    said = subprocess.run(
        [tmp_path / name, "-c", "import sys; print(sys.prefix, *sys.version_info[:2])"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    major, minor = sys.version_info[:2]
    assert said == f"{sys.base_prefix} {major} {minor}\n"
    assert sys.prefix not in said
