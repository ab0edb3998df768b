"""The commands of the runbook, looked up by the heading of what has happened."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.errors import SandboxError

_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
_BLOCK = re.compile(r"^```sh(?P<kind>[ \w]*)\n(?P<lines>.*?)^```$", re.MULTILINE | re.DOTALL)
_CONTINUED = re.compile(r"\s*\\\n\s*")


@dataclass(frozen=True)
class Runbook:
    """A printed runbook."""

    text: str

    @property
    def setup(self) -> str:
        """What is typed before anything else, in the shell in which one goes on."""
        return "\n".join(
            found["lines"] for found in _BLOCK.finditer(self.text) if found["kind"] == " setup"
        )

    def commands(self, heading: str, number: int) -> tuple[str, ...]:
        """The lines of one block of commands below a heading, each as a person types it.

        Raises:
            SandboxError: the runbook has no such heading, or fewer blocks below it.
        """
        sections = self._sections()
        if heading not in sections:
            raise SandboxError(
                f"the runbook has no heading “{heading}”, so a game day does not know its commands:"
                f" it has {', '.join(sections)}"
            )
        blocks = [
            found["lines"]
            for found in _BLOCK.finditer(sections[heading])
            if not found["kind"].strip()
        ]
        if number >= len(blocks):
            raise SandboxError(
                f"the runbook has {len(blocks)} blocks of commands below “{heading}”, and a game"
                f" day needs the one after {number}: correct sandbox/gameday/scenarios.py"
            )
        return tuple(_CONTINUED.sub(" ", blocks[number]).splitlines())

    def _sections(self) -> Mapping[str, str]:
        _, *parts = _HEADING.split(self.text)
        return dict(zip(parts[::2], parts[1::2], strict=True))
