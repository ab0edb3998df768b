"""The sandbox's key pair."""

import subprocess
from pathlib import Path

from sandbox import keys


def test_a_pair_is_made_once_and_only_its_owner_reads_the_private_one(tmp_path: Path) -> None:
    assert keys.ensure(tmp_path)
    public = keys.public_key(tmp_path).read_text()

    assert not keys.ensure(tmp_path)
    assert keys.public_key(tmp_path).read_text() == public
    assert public.startswith("-----BEGIN PGP PUBLIC KEY BLOCK-----")
    assert "PRIVATE" in keys.private_key(tmp_path).read_text()
    assert keys.private_key(tmp_path).stat().st_mode & 0o777 == 0o600


def test_the_public_key_can_encrypt(tmp_path: Path) -> None:
    keys.ensure(tmp_path)
    home = tmp_path / "h"
    home.mkdir(mode=0o700)

    done = subprocess.run(
        [
            *("gpg", "--homedir", home, "--batch", "--trust-model", "always"),
            *("--encrypt", "--recipient-file", keys.public_key(tmp_path)),
        ],
        input=b"secret",
        capture_output=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert b"secret" not in done.stdout
