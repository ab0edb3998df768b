"""Every command of docs/procedures.md for a server of one's own runs, from top to bottom."""

import os
import sys
from pathlib import Path

from neonhub_backup.domain.configuration import DirectoryStore
from tests.end_to_end.archiving import DATABASE, archived
from tests.end_to_end.procedures import PAGE, blocks, run_block


def test_every_command_of_the_page_runs(tmp_path: Path, key_home: Path) -> None:
    disk = DirectoryStore(name="disk", path=tmp_path / "store")
    disk.path.mkdir()
    script = tmp_path / "bin" / "neonhub-backup"
    script.parent.mkdir()
    recovered = tmp_path / "recovered"
    with archived(tmp_path / "shop", key_home, 18, disk) as shop:
        shop.archive_all()
        script.write_text(
            f'#!/bin/sh\nexec {sys.executable} -m neonhub_backup --config {shop.config} "$@"\n'
        )
        script.chmod(0o755)
        environment = {
            **os.environ,
            "PATH": f"{script.parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(PAGE.parents[1]),
            "DATABASE_URL": shop.server.url(DATABASE),
            "NEONHUB_BACKUP_PG_BIN": str(shop.server.bin_dir),
            "RECOVERED": str(recovered),
        }
        for block in blocks("server"):
            run_block(block, environment, tmp_path)

    assert (recovered / "PG_VERSION").read_text() == "18\n"
