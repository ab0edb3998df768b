"""A machine with few programs, whose package manager brings more and keeps a record of it."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from neonhub_backup.postgres import installing, programs

CLIENT = ("psql", "pg_dump", "pg_restore")
PGVECTOR = "0.8.1"

_RECORD = """\
#!/bin/sh
PATH=/usr/bin:/bin
echo "${{0##*/}} $*" >> {record}
"""
_APT_GET = """\
for word; do
  [ "$word" != broken ] || {{ echo 'E: Unable to locate package broken' >&2; exit 100; }}
  [ ! -d {shelf}/"$word" ] || cp -R {shelf}/"$word"/. {root}/
done
"""


@dataclass(frozen=True)
class Machine:
    """Its files lie below a directory; its packages wait on a shelf until they are installed."""

    root: Path
    shelf: Path

    @property
    def path(self) -> Path:
        """The only directory on PATH."""
        return self.root / "bin"

    @property
    def commands(self) -> list[str]:
        """The command lines of the programs that keep a record."""
        record = self.root / "record"
        lines = record.read_text().splitlines() if record.exists() else []
        return [line.replace(f"{self.root}/", "") for line in lines]

    def suite(self, major: int) -> Path:
        """Where Debian's packages put the programs of a major version."""
        return self.root / "lib" / str(major) / "bin"

    def has(self, *packages: str) -> None:
        """Install packages before anything begins."""
        for package in packages:
            shutil.copytree(self.shelf / package, self.root, dirs_exist_ok=True)

    def recorded(self, name: str, script: str = "", place: Path | None = None) -> None:
        """Put a program there that keeps a record of its command line."""
        _write(
            (place or self.path) / name,
            _RECORD.format(record=self.root / "record") + script,
        )

    def offers(self, **candidates: str) -> None:
        """Let the repositories that apt knows have these packages, in these versions."""
        known = "".join(
            f"{name.replace('_', '-')}:\n  Installed: (none)\n  Candidate: {version}\n"
            for name, version in candidates.items()
        )
        _write(self.path / "apt-cache", f"#!/bin/sh\nPATH=/bin\ncat <<'END'\n{known}END\n")

    def breaks(self, package: str) -> None:
        """Let the installation of a package fail."""
        (self.shelf / package).rename(self.shelf / f"{package}.gone")
        script = _APT_GET.format(shelf=self.shelf, root=self.root)
        self.recorded("apt-get", script.replace("broken", package))


def make_machine(root: Path, shelf: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine with apt-get on which root works and nothing of PostgreSQL is installed."""
    machine = Machine(root, shelf)
    for major in (16, 17):
        _put_postgres_on(shelf, machine, major)
    for program, package in (("gpg", "gnupg"), ("zstd", "zstd")):
        _write(shelf / package / "bin" / program, "#!/bin/sh\n")
    script = "apt.postgresql.org.sh"
    _write(shelf / "ca-certificates" / "certificates", "")
    machine.recorded(script, place=shelf / "postgresql-common")
    for name in ("install", "rm"):
        machine.recorded(name)
    machine.recorded("apt-get", _APT_GET.format(shelf=shelf, root=root))
    machine.recorded("sudo", 'shift; PATH="${0%/*}" exec "$@"\n')
    (machine.path / "env").symlink_to("/usr/bin/env")
    machine.offers()

    monkeypatch.setattr(programs, "_DEBIAN", root / "lib")
    monkeypatch.setattr(installing, "_REPOSITORY_SCRIPT", root / script)
    monkeypatch.setattr(installing, "_CERTIFICATES", root / "certificates")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", str(machine.path))
    monkeypatch.delenv(programs.DIRECTORY_VARIABLE, raising=False)
    return machine


def _put_postgres_on(shelf: Path, machine: Machine, major: int) -> None:
    place = machine.suite(major).relative_to(machine.root)
    share = Path("share") / str(major)
    version = f"#!/bin/sh\necho 'it (PostgreSQL) {major}.4'\n"
    client = shelf / f"postgresql-client-{major}" / place
    for name in CLIENT:
        _write(client / name, version)
    _write(client / "pg_config", f"#!/bin/sh\necho {machine.root / share}\n")
    for name in ("postgres", "initdb"):
        _write(shelf / f"postgresql-{major}" / place / name, version)
    control = shelf / f"postgresql-{major}-pgvector" / share / "extension" / "vector.control"
    _write(control, f"comment = 'vectors'\ndefault_version = '{PGVECTOR}'\n")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
