"""The commands of a runbook, typed into a shell on a terminal by somebody who answers it."""

import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

_BLOCK = re.compile(r"^```sh(?P<kind>[ \w]*)\n(?P<script>.*?)^```$", re.MULTILINE | re.DOTALL)
_FENCE = re.compile(r"^```(?P<kind>.*)$", re.MULTILINE)
_SECONDS = 120
"""How long one block may take."""
_PROMPTS = {
    re.compile(rb"Go on\? \[y/N\]: $"): b"y\n",
    re.compile(rb"\?\r?\n> $"): b"as it should be\n",
}


class Block(NamedTuple):
    """One block of commands."""

    kind: str
    """What follows `sh`: nothing, `setup` or `elsewhere`."""
    script: str


def blocks(page: str) -> list[Block]:
    """Every block of a page, in its order; a page has no other fences."""
    found = [Block(each["kind"].strip(), each["script"]) for each in _BLOCK.finditer(page)]
    fences = [each["kind"] for each in _FENCE.finditer(page) if each["kind"]]
    assert len(fences) == len(found), fences
    return found


def type_in(script: str, environment: Mapping[str, str], directory: Path) -> str:
    """Run a script as a person would who stops at the first failure; what they see."""
    mine, its = pty.openpty()
    process = subprocess.Popen(
        ["bash", "-euo", "pipefail", "-c", script],
        env={**environment, "PAGER": "cat", "COLUMNS": "200", "TERM": "dumb"},
        stdin=its,
        stdout=its,
        stderr=its,
        cwd=directory,
        process_group=0,
    )
    os.close(its)
    try:
        seen = _answering(mine, script)
    finally:
        os.close(mine)
    assert process.wait(_SECONDS) == 0, f"{script}\n{seen}"
    return seen


def _answering(terminal: int, script: str) -> str:
    seen, asked = b"", 0
    deadline = time.monotonic() + _SECONDS
    while True:
        ready, _, _ = select.select([terminal], [], [], 1)
        assert time.monotonic() < deadline, f"{script}\n{seen.decode()}"
        if not ready:
            continue
        try:
            block = os.read(terminal, 65536)
        except OSError:
            return seen.decode()  # what a terminal says when the last program has left it
        if not block:
            return seen.decode()
        seen += block
        for prompt, answer in _PROMPTS.items():
            if prompt.search(seen[asked:]):
                asked = len(seen)
                os.write(terminal, answer)


def run_page(
    page: str,
    environment: Mapping[str, str],
    directory: Path,
    before: Callable[[str], None] = lambda _: None,
) -> list[str]:
    """Run every block of a page, each after its setup; those that no test can run are returned.

    `before` is told of each script before it runs.
    """
    found = blocks(page)
    assert {block.kind for block in found} <= {"", "setup", "elsewhere"}
    setup = "".join(block.script for block in found if block.kind == "setup")
    for block in found:
        if block.kind == "":
            before(block.script)
            type_in(setup + block.script, environment, directory)
    return [block.script.partition("\n")[0] for block in found if block.kind == "elsewhere"]
