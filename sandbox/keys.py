"""A throwaway GPG key pair, so that the sandbox encrypts as a real environment does."""

import subprocess
from pathlib import Path

from neonhub_backup.gpg import private_home
from sandbox.errors import SandboxError
from sandbox.files import write_atomically

USER_ID = "backup@neonhub.ai"

_PARAMETERS = f"""\
%no-protection
Key-Type: eddsa
Key-Curve: ed25519
Key-Usage: sign
Subkey-Type: ecdh
Subkey-Curve: cv25519
Subkey-Usage: encrypt
Name-Email: {USER_ID}
Expire-Date: 0
%commit
"""


def public_key(keys: Path) -> Path:
    """What backups are encrypted to."""
    return keys / "backup.asc"


def private_key(keys: Path) -> Path:
    """What restores them."""
    return keys / "backup.private.asc"


def ensure(keys: Path) -> bool:
    """Makes a pair unless there is one; says whether it did. No agent is left running."""
    if public_key(keys).exists() and private_key(keys).exists():
        return False
    with private_home() as home:
        _gpg(home, "--generate-key", standard_input=_PARAMETERS)
        private = _gpg(home, "--armor", "--export-secret-keys", USER_ID)
        write_atomically(private_key(keys), private, mode=0o600)
        write_atomically(public_key(keys), _gpg(home, "--armor", "--export", USER_ID))
    return True


def _gpg(home: Path, *arguments: str, standard_input: str = "") -> str:
    done = subprocess.run(
        ["gpg", "--homedir", home, "--batch", "--quiet", "--no-tty", *arguments],
        input=standard_input,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SandboxError(
            f"`gpg {' '.join(arguments)}` failed ({' '.join(done.stderr.split())}):"
            " see that gnupg 2.2 or newer works on this machine"
        )
    return done.stdout
