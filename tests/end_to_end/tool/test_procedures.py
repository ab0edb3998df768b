"""Every command of docs/procedures.md runs, from top to bottom, on a real server."""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from neonhub_backup.domain.configuration import DirectoryStore, Recovery
from neonhub_backup.heartbeat import HEARTBEAT_VARIABLE
from sandbox.demo.seed import seed
from sandbox.postgres import PostgresServer
from tests.end_to_end.procedures import PAGE, blocks, run_block
from tests.end_to_end.tool.conftest import Tool
from tests.github_server import job_variables, served_repository
from tests.github_server import seed as seed_github
from tests.receiver import receiver

DATABASE = "neonhub"
MIGRATIONS = """
CREATE TABLE _prisma_migrations (
    id text PRIMARY KEY,
    checksum text NOT NULL,
    finished_at timestamptz,
    migration_name text NOT NULL,
    logs text,
    rolled_back_at timestamptz,
    started_at timestamptz NOT NULL DEFAULT now(),
    applied_steps_count integer NOT NULL DEFAULT 0
);
INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at)
VALUES ('1', '', '20251026_add_connector_kind_enum', now())
"""
"""What Prisma keeps in a database."""
MARK = "UPDATE _prisma_migrations SET rolled_back_at = now() WHERE migration_name = '{migration}'"
RECOVERY = Recovery(
    stop=("Scale the API down",),
    migrate=("true",),
    smoke_test=("psql", "--command", "SELECT count(*) FROM connectors"),
    mark_rolled_back=("psql", "--command", MARK),
    restart=("Scale the API up",),
)
"""In the place of the application's own commands."""


def installed(tool: Tool, tmp_path: Path) -> dict[str, str]:
    """The environment of a machine on which the tool is installed."""
    bin_dir = tmp_path / "bin"
    bin_dir.mkdir()
    script = bin_dir / "neonhub-backup"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m neonhub_backup "$@"\n')
    script.chmod(0o755)
    (bin_dir / "psql").symlink_to(tool.server.bin_dir / "psql")
    return {
        **tool.environment,
        "PATH": f"{bin_dir}:{os.environ['PATH']}",
        "PYTHONPATH": str(PAGE.parents[1]),
        "HOME": str(tmp_path),
        "COPY_URL": tool.url("neonhub_copy"),
        "OFFSITE": str(tool.home / "offsite"),
    }


def test_every_command_of_the_page_runs(
    tool_for: Callable[[PostgresServer, str], Tool], postgres18: PostgresServer, tmp_path: Path
) -> None:
    with psycopg.connect(postgres18.url(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE neonhub")
    seed(postgres18.url(DATABASE), 0.01)
    with psycopg.connect(postgres18.url(DATABASE)) as connection:
        connection.execute(MIGRATIONS)
    tool = tool_for(postgres18, DATABASE)
    tool.recovery = RECOVERY
    tool.required = ('CREATE TABLE "connectors"',)
    (tool.home / "offsite").mkdir()
    tool.stores = [*tool.stores, DirectoryStore(name="offsite", path=tool.home / "offsite")]
    deployed = tmp_path / "work" / ".neonhub-backup"
    deployed.mkdir(parents=True)
    tool.config.rename(deployed / "production.yaml")
    environment = installed(tool, tmp_path)

    with (
        served_repository(seed_github(tmp_path / "seeded"), tmp_path / "github") as repository,
        receiver() as switch,
    ):
        environment |= {**job_variables(repository), HEARTBEAT_VARIABLE: switch.address}
        _run_every_block(environment, deployed.parent)
    assert len(blocks()) > 20


def _run_every_block(environment: dict[str, str], directory: Path) -> None:
    for block in blocks():
        if "revert --into" in block:
            time.sleep(1)  # what is set aside is named by the second
        run_block(block, environment, directory)
