"""What GitHub environments are called: clouds and secrets know runs by them."""


def environment_name(environment: str, purpose: str) -> str:
    """Such as production-backup, for the runs that back up production."""
    return f"{environment}-{purpose}"
