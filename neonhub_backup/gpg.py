"""Running gpg: its command line, a home of our own, and what it says of keys."""

import os
import subprocess
import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from neonhub_backup.errors import EncryptionError, ProgramError
from neonhub_backup.temporary import remove_folder

SHORT_PLACE = "/tmp"  # noqa: S108 - what is made in it has a random name and is ours alone
"""Where a GnuPG home goes when the path of the temporary directory leaves too little room."""

_LONGEST_HOME = 83
"""Bytes of its path. macOS has room for 103 in a socket's, Linux for 107, and the longest of those
that gpg-agent makes in its home ends in /S.gpg-agent.browser."""

_HOME_PREFIX = "nhb-gpg-"


@dataclass(frozen=True)
class Ended:
    """A program that has ended."""

    code: int
    output: bytes
    said: str
    """Its standard error, in one line."""

    def records(self) -> Iterator[list[str]]:
        """The fields of each line that `--with-colons` makes it write."""
        for line in self.output.decode(errors="replace").splitlines():
            yield line.split(":")


def gpg(home: Path | None) -> list[str]:
    """How every command line of gpg begins. None: the user's own keyring."""
    return ["gpg", *(["--homedir", str(home)] if home else []), "--batch", "--no-tty", "--quiet"]


def run(argv: Sequence[str], content: bytes = b"") -> Ended:
    """Run one of GnuPG's programs to its end, whatever that is.

    Raises:
        ProgramError: it is not installed.
    """
    try:
        ended = subprocess.run(argv, input=content, capture_output=True, check=False)
    except FileNotFoundError as error:
        raise ProgramError(
            f"{argv[0]} is not installed, so nothing was done: install GnuPG (package gnupg)"
        ) from error
    said = " ".join(ended.stderr.decode(errors="replace").split())
    return Ended(ended.returncode, ended.stdout, said)


@contextmanager
def private_home() -> Generator[Path]:
    """A GnuPG home of our own; its agent ends with it.

    Raises:
        EncryptionError: there is no place for it.
    """
    home = _new_home()
    # What a passphrase protects in here is gone with it: making guesses slow would be time lost.
    (home / "gpg-agent.conf").write_text("s2k-count 65536\n")
    try:
        yield home
    finally:
        run(["gpgconf", "--homedir", str(home), "--kill", "all"])
        remove_folder(home)


def _new_home() -> Path:
    home = Path(tempfile.mkdtemp(prefix=_HOME_PREFIX))
    if len(os.fsencode(home)) <= _LONGEST_HOME:
        return home
    home.rmdir()
    try:
        return Path(tempfile.mkdtemp(prefix=_HOME_PREFIX, dir=SHORT_PLACE))
    except OSError as error:
        raise EncryptionError(
            f"the path of the temporary directory {home.parent} is too long for the sockets of"
            f" gpg-agent, and {SHORT_PLACE} cannot be used instead ({error.strerror}), so no key"
            " can be opened: set TMPDIR to a directory with a shorter path"
        ) from error
