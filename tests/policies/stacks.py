"""The stacks as rules see them: what their own programs register, without a cloud."""

from pathlib import Path

from policies.model import Resource
from tests.golden.registrations import registrations


def resources(stack: str, directory: Path) -> list[Resource]:
    """Every resource of a stack; `directory` receives keys that stand in for its own."""
    return [
        Resource(
            type=each.type,
            name=each.name,
            inputs=each.inputs,
            protect=each.options.get("protect", False),
        )
        for each in registrations(stack, directory)
    ]
