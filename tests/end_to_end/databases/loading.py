"""The awkward databases: which there are, and how to fill an empty database with one of them."""

import re
import subprocess
from pathlib import Path

_FOLDER = Path(__file__).parent
BIG_TABLE = _FOLDER / "big_table.sql"
"""About 1 GB unless `load` is given a number of `rows`."""
ROLES = _FOLDER / "roles.sql"
"""Load this into the server that security.sql and large_objects.sql are restored into."""


def awkward(server_major: int) -> list[Path]:
    """Each database that a server of this version can hold, without the big table.

    `versions_18.sql` needs the extensions of PostgreSQL's contrib as well, which builds may lack.
    """
    files = sorted(_FOLDER.glob("*.sql"))
    return [
        file for file in files if file not in (BIG_TABLE, ROLES) and _since(file) <= server_major
    ]


def load(file: Path, url: str, bin_dir: Path, *, rows: int | None = None) -> None:
    """Run one of the files, as a superuser, in the empty database at `url`."""
    variables = [] if rows is None else ["-v", f"rows={rows}"]
    subprocess.run(
        [
            *(str(bin_dir / "psql"), "--no-psqlrc", "--quiet", "-v", "ON_ERROR_STOP=1", *variables),
            *("--dbname", url, "--file", str(file)),
        ],
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )


def _since(file: Path) -> int:
    version = re.fullmatch(r"versions_(\d+)", file.stem)
    return int(version[1]) if version else 0
