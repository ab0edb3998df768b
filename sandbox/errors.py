"""What goes wrong in the sandbox, in words for whoever typed the command."""


class SandboxError(Exception):
    """One sentence that names what failed, why, and what to do about it."""
