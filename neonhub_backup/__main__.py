"""`python -m neonhub_backup`: the console script without an installation."""

from neonhub_backup.cli.main import run

run()
