"""The official Pulumi release: the one on this machine, or fetched and checked."""

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import urllib.request
from http.client import HTTPException, HTTPResponse
from pathlib import Path

_RELEASE = "https://get.pulumi.com/releases/sdk"
_CHECKSUMS = "https://github.com/pulumi/pulumi/releases/download"
_LANGUAGE_HOST = "pulumi-language-python"

_OFFLINE_SECONDS = 4.0
"""How long a machine without network waits before it builds the engine instead."""

_STALLED_SECONDS = 20.0
"""How long a download may stand still."""

_MACHINES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}


def on_path(our_bin: Path, version: str) -> Path | None:
    """The folder of an official engine on PATH that is not older than this version.

    Official means that the Python language host came with it: a program, where ours is a script,
    which may be that of another clone.
    """
    others = [place for place in os.get_exec_path() if Path(place).resolve() != our_bin.resolve()]
    engine = shutil.which("pulumi", path=os.pathsep.join(others))
    if engine is None or not _is_program(Path(engine).with_name(_LANGUAGE_HOST)):
        return None
    said = subprocess.run([engine, "version"], capture_output=True, text=True, check=False).stdout
    return Path(engine).parent if numbers(said) >= numbers(version) else None


def folder(version: str, programs: Path) -> Path:
    """Where the fetched release of a version is kept."""
    return programs / f"pulumi-{version}-official"


def download(version: str, programs: Path) -> tuple[Path | None, str]:
    """Fetches the release if this machine reaches it; the folder, and what happened in words."""
    archive = archive_name(version, sys.platform, platform.machine())
    if archive is None:
        return None, "no official release for this machine: it will be built"
    checksums = _fetch_soon(f"{_CHECKSUMS}/{version}/pulumi-{version[1:]}-checksums.txt")
    if checksums is None:
        return None, "the official release is out of reach: it will be built"
    programs.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".fetching-pulumi-", dir=programs))
    try:
        packed = draft / archive
        try:
            _fetch(f"{_RELEASE}/{archive}", packed)
        except (OSError, HTTPException) as error:
            return None, f"the official release did not arrive ({error}): it will be built"
        if not genuine(packed, checksums):
            return None, "what came as the official release is not it: it will be built"
        unpacked = draft / "pulumi"
        unpack(packed, unpacked)
        unpacked.rename(folder(version, programs))
    finally:
        shutil.rmtree(draft)
    return folder(version, programs), f"official release {version}"


def archive_name(version: str, system: str, machine: str) -> str | None:
    """The release's file for this machine; None where there is none."""
    short = _MACHINES.get(machine.lower())
    if system not in {"linux", "darwin"} or short is None:
        return None
    return f"pulumi-{version}-{system}-{short}.tar.gz"


def genuine(packed: Path, checksums: str) -> bool:
    """Whether the published checksums name this very file."""
    with packed.open("rb") as source:
        found = hashlib.file_digest(source, "sha256").hexdigest()
    return [found, packed.name] in [line.split() for line in checksums.splitlines()]


def unpack(packed: Path, target: Path) -> None:
    """Writes the programs of the release into one folder, whatever else the archive says."""
    target.mkdir()
    with tarfile.open(packed) as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isfile() else None
            if content is not None:
                program = target / Path(member.name).name
                with program.open("wb") as written:
                    shutil.copyfileobj(content, written)
                program.chmod(0o755)


def numbers(version: str) -> tuple[int, ...]:
    """`v3.250.0` as (3, 250, 0); what is no version comes before every version."""
    found = re.match(r"v?(\d+)\.(\d+)\.(\d+)", version.strip())
    return tuple(map(int, found.groups())) if found else ()


def _is_program(path: Path) -> bool:
    if not path.exists():
        return False
    with path.open("rb") as content:
        return content.read(2) != b"#!"


def _fetch(address: str, target: Path) -> None:
    with _open(address, _STALLED_SECONDS) as source, target.open("wb") as written:
        shutil.copyfileobj(source, written)


def _fetch_soon(address: str) -> str | None:
    """A small text, or None when it is not here in seconds; looking up a name has no time limit."""
    texts: list[str] = []

    def fetch() -> None:
        try:
            with _open(address, _OFFLINE_SECONDS) as source:
                texts.append(source.read().decode())
        except (OSError, HTTPException, UnicodeDecodeError):
            return

    worker = threading.Thread(target=fetch, daemon=True)
    worker.start()
    worker.join(_OFFLINE_SECONDS)
    return texts[0] if texts else None


def _open(address: str, seconds: float) -> HTTPResponse:
    return urllib.request.urlopen(address, timeout=seconds)  # noqa: S310 - our own https addresses
