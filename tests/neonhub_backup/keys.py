"""GPG keys for tests: of every kind that a configuration can hold by mistake."""

import os
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from neonhub_backup.gpg import private_home

PASSPHRASE = "correct horse battery staple"  # noqa: S105 - nobody's
PAST = "20200101T000000"


@dataclass(frozen=True)
class Key:
    """A key pair."""

    fingerprint: str
    public: str
    private: str


class KeyMaker:
    """Generates keys in a keyring of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def make(
        self,
        name: str,
        *,
        passphrase: str = "",
        encrypts: bool = True,
        expires: str = "never",
        encryption_expires: str | None = None,
        revoked: bool = False,
        algorithms: tuple[str, str] = ("ed25519", "cv25519"),
    ) -> Key:
        """A key pair; one that expires was made in the past. Algorithms to sign and to encrypt."""
        unlock = ["--pinentry-mode", "loopback", "--passphrase", passphrase]
        then = [] if expires == encryption_expires == "never" else ["--faked-system-time", PAST]
        self.gpg(*then, *unlock, "--quick-generate-key", name, algorithms[0], "sign", expires)
        shown = self.gpg("--with-colons", "--list-keys", name)
        fingerprint = next(
            line.split(":")[9] for line in shown.splitlines() if line.startswith("fpr:")
        )
        if encrypts:
            until = encryption_expires or expires
            self.gpg(*then, *unlock, "--quick-add-key", fingerprint, algorithms[1], "encr", until)
        if revoked:
            prepared = self.home / "openpgp-revocs.d" / f"{fingerprint}.rev"
            # GnuPG puts a colon there, against importing it by accident.
            self.gpg("--import", text=prepared.read_text().replace(":-----BEGIN", "-----BEGIN"))
        return Key(
            fingerprint,
            self.gpg("--armor", "--export", fingerprint),
            self.gpg(*unlock, "--armor", "--export-secret-keys", fingerprint),
        )

    def gpg(self, *arguments: str, text: str = "") -> str:
        """Run gpg in this keyring."""
        return subprocess.run(
            ["gpg", "--homedir", str(self.home), "--batch", "--quiet", "--no-tty", *arguments],
            input=text,
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        ).stdout


@contextmanager
def key_maker() -> Generator[KeyMaker]:
    """A keyring that is gone when left, with its agent."""
    with private_home() as home:
        yield KeyMaker(home)
