"""`--version`: the programs that a run would find."""

import os
import shutil
import subprocess

import typer

from neonhub_backup.postgres.programs import DIRECTORY_VARIABLE

_PROGRAMS = ("gpg", "zstd")
_POSTGRES_PROGRAMS = ("psql", "pg_dump", "pg_restore")


def say_programs() -> None:
    """The path and the first line of what each program says of itself."""
    named = os.environ.get(DIRECTORY_VARIABLE)
    places = os.pathsep.join(filter(None, (named, os.environ.get("PATH", os.defpath))))
    for name in _PROGRAMS:
        typer.echo(f"  {name}: {_described(shutil.which(name))}")
    for name in _POSTGRES_PROGRAMS:
        typer.echo(f"  {name}: {_described(shutil.which(name, path=places))}")


def _described(path: str | None) -> str:
    if path is None:
        return "not installed"
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    first = next(iter((said.stdout or said.stderr).splitlines()), "says nothing")
    return f"{first.strip('* ')} ({path})"
