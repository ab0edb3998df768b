"""The scripts of docs/procedures.md, by the kind of server that they are for."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "procedures.md"
_BLOCK = re.compile(r"^```bash(?P<kind>[ \w]*)\n(?P<script>.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(kind: str = "") -> list[str]:
    """The scripts of a kind, in their order; those without one are for any server."""
    return [
        found["script"]
        for found in _BLOCK.finditer(PAGE.read_text())
        if found["kind"].strip() == kind
    ]


def run_block(block: str, environment: Mapping[str, str], directory: Path) -> None:
    """Run one as a person would who stops at the first failure."""
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block],
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, f"{block}{ran.stdout}{ran.stderr}"
