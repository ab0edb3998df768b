"""Every command of a generated runbook runs, from top to bottom, on real servers."""

import shlex
import shutil
import string
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import psycopg

from neonhub_backup.domain.configuration import (
    DirectoryStore,
    load_configuration,
    render_configuration,
)
from neonhub_backup.github.api import Repository
from sandbox.postgres import PostgresServer
from tests.end_to_end.archiving import DATABASE, archived
from tests.end_to_end.buckets import create_gcs_bucket, gcs_server, moto_server
from tests.end_to_end.neon.conftest import NOTES
from tests.end_to_end.neon.hosted import REAL_KEY, emulated
from tests.end_to_end.runbook.conftest import Machine
from tests.end_to_end.runbook.typing_in import blocks, run_page
from tests.github_server import control, served_repository
from tests.github_server import seed as seed_github

Deploy = Callable[[Repository, Path, Mapping[str, Any]], str]

INSTALLATION = "# Needs GitHub and PyPI."
"""Begins the one block that no test runs."""
COPY = "neonhub-backup copy "
OWNER = {"AWS_ACCESS_KEY_ID": "sandbox", "AWS_SECRET_ACCESS_KEY": "sandbox"}
CONNECTORS = """
CREATE TYPE "ConnectorKind" AS ENUM ('mail', 'shop');
CREATE TABLE connectors (
    id integer PRIMARY KEY, name text NOT NULL UNIQUE, category "ConnectorKind" NOT NULL
);
CREATE TABLE connector_auths (
    id integer PRIMARY KEY, connector integer NOT NULL REFERENCES connectors, secret text
);
INSERT INTO connectors SELECT each, 'connector ' || each, 'mail' FROM generate_series(1, 15) each;
INSERT INTO connector_auths SELECT each, each, 'hidden' FROM generate_series(1, 15) each;
"""
"""What the local stack's checks ask for, and no more: a page has some sixty commands."""
UNDO = "ALTER TABLE connectors ALTER COLUMN category TYPE text"


def moment() -> str:
    """A second that began after everything so far, and is over when this returns."""
    time.sleep(1.1)
    now = datetime.now(UTC)
    time.sleep(1.1)
    return f"{now:%Y-%m-%dT%H:%M:%SZ}"


def test_every_command_runs_where_backups_are_in_two_clouds(
    machine: Machine, deployed: Deploy, postgres18: PostgresServer, tmp_path: Path
) -> None:
    database = "runbook"
    with psycopg.connect(postgres18.url(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {database}")
    with psycopg.connect(postgres18.url(database)) as connection:
        connection.execute(CONNECTORS)
    (tmp_path / "undo.sql").write_text(UNDO)
    with (
        moto_server(tmp_path / "moto") as s3,
        gcs_server(tmp_path / "gcs") as gcs,
        served_repository(seed_github(tmp_path / "seeded"), tmp_path / "github") as repository,
    ):
        buckets = Buckets(s3, gcs)
        page = deployed(
            repository,
            tmp_path / "github",
            {"aws:endpoints": [{"s3": s3}], "gcp:storageCustomEndpoint": f"{gcs}/storage/v1/"},
        )
        machine.environment |= OWNER | {"DATABASE_URL": postgres18.url(database)}
        machine.run("backup")
        machine.run("drill")
        buckets.replicate()
        machine.environment |= {
            "MOMENT": moment(),
            "TABLES": "connectors,connector_auths",
            "MIGRATION": "20251026_add_connector_kind_enum",
            "UNDO_SQL": str(tmp_path / "undo.sql"),
            "NEW_URL": postgres18.url(f"{database}_new"),
            "STAGING_URL": postgres18.url(f"{database}_staging"),
        }

        not_run = run_page(page, machine.environment, machine.checkout, buckets.before)

        assert not_run == [INSTALLATION]
        assert started(repository) == asked_for(page, machine)
    assert_postmortem(machine)


def test_every_command_runs_on_neon(
    machine: Machine, deployed: Deploy, postgres18: PostgresServer, tmp_path: Path
) -> None:
    name = "runbook_notes"
    with psycopg.connect(postgres18.url(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    with psycopg.connect(postgres18.url(name), autocommit=True) as connection:
        connection.execute(NOTES)
    (tmp_path / "undo.sql").write_text("ALTER TABLE notes ADD COLUMN undone boolean")
    with (
        moto_server(tmp_path / "moto") as s3,
        emulated(tmp_path / "neon", postgres18, name, "launch_v3") as project,
        served_repository(seed_github(tmp_path / "seeded"), tmp_path / "github") as repository,
    ):
        Buckets(s3, None)
        neon = project.settings.model_dump(include={"project", "database", "role", "api"})
        query = "SELECT line FROM notes ORDER BY 1 LIMIT 1"
        page = deployed(
            repository,
            tmp_path / "github",
            {
                "aws:endpoints": [{"s3": s3}],
                "neonhub-backup:aws": {"bucketPrefix": "neonhub-local"},
                "neonhub-backup:gcp": None,
                "neonhub-backup:neonApiKey": "",
                "neonhub-backup:databases": [
                    {
                        "name": "notes",
                        "secret": "databaseUrl",
                        "checks": [{"name": "the first note", "query": query}],
                        "recovery": {"migrate": ["true"]},
                        "neon": neon,
                    }
                ],
                "neonhub-backup:waivers": [
                    {
                        "rule": "three-two-one",
                        "reason": "one store is enough for this test",
                        "expires": f"{datetime.now(UTC):%Y-%m-%d}",
                    }
                ],
            },
        )
        machine.environment |= OWNER | {"DATABASE_URL": project.uri(), REAL_KEY: project.key}
        machine.run("backup")
        machine.run("neon", "snapshot", "create")
        machine.run("drill")
        machine.environment |= {
            "MOMENT": f"{project.moment():%Y-%m-%dT%H:%M:%SZ}",
            "BRANCH": "before-the-incident",
            "TABLES": "notes",
            "MIGRATION": "20251026_add_a_column",
            "UNDO_SQL": str(tmp_path / "undo.sql"),
            "NEW_URL": postgres18.url(f"{name}_new"),
            "STAGING_URL": postgres18.url(f"{name}_staging"),
        }

        not_run = run_page(page, machine.environment, machine.checkout)

        assert not_run == [INSTALLATION]
        assert started(repository) == asked_for(page, machine)
        assert "before-the-incident" in project.names()
    assert "The store aws is lost" not in page
    assert_postmortem(machine)


def test_every_command_runs_on_a_server_of_ones_own(
    machine: Machine, key_home: Path, tmp_path: Path
) -> None:
    disk, offsite = (
        DirectoryStore(name=name, path=tmp_path / name) for name in ("disk", "offsite")
    )
    for store in (disk, offsite):
        store.path.mkdir()
    (tmp_path / "undo.sql").write_text("ALTER TABLE items DROP COLUMN spare")
    with archived(tmp_path / "shop", key_home, 18, disk) as shop:
        shop.sql("CREATE TABLE items (id int PRIMARY KEY, spare text)")
        shop.sql("INSERT INTO items SELECT generate_series(1, 100)")
        found = load_configuration(shop.config)
        configuration = found.model_copy(update={"stores": (disk, offsite)})
        machine.checkout.mkdir()
        written = render_configuration(configuration, "a test")
        (machine.checkout / "neonhub-backup.yaml").write_text(written)
        machine.environment["DATABASE_URL"] = shop.server.url(DATABASE)
        # The archive belongs to the server's own user, who begins it.
        shop.archive_all()
        machine.run("backup")
        machine.run("drill", "--every-store")
        machine.run("base", "create")
        machine.environment |= {
            "MOMENT": moment(),
            "TABLES": "items",
            "MIGRATION": "20251026_add_a_column",
            "UNDO_SQL": str(tmp_path / "undo.sql"),
            "DATADIR": str(tmp_path / "recovered"),
            "NEW_URL": shop.server.url(f"{DATABASE}_new"),
            "STAGING_URL": shop.server.url(f"{DATABASE}_staging"),
        }
        shop.archive_all()
        page = machine.run("runbook")

        def before(script: str) -> None:
            if COPY in script:
                folders = [path.parent for path in disk.path.glob("db/*/*/*/*/manifest.json")]
                shutil.rmtree(max(folders, key=lambda folder: folder.name))

        assert run_page(page, machine.environment, machine.checkout, before) == []

    assert (tmp_path / "recovered" / "PG_VERSION").read_text() == "18\n"
    assert_postmortem(machine)


class Buckets:
    """The buckets that the local stack names."""

    def __init__(self, s3: str, gcs: str | None) -> None:
        self._s3: Any = boto3.client(  # pyright: ignore[reportUnknownMemberType] - few services have stubs
            "s3",
            endpoint_url=s3,
            region_name="us-east-1",
            aws_access_key_id="sandbox",
            aws_secret_access_key="sandbox",  # noqa: S106 - the emulator's own
        )
        for name in ("backups", "backups-replica"):
            self._s3.create_bucket(Bucket=f"neonhub-local-{name}", ObjectLockEnabledForBucket=True)
        for name in ("operations", "operations-replica"):
            self._s3.create_bucket(Bucket=f"neonhub-local-{name}")
        if gcs is not None:
            for name in ("backups", "operations"):
                create_gcs_bucket(gcs, f"neonhub-local-{name}")

    def before(self, script: str) -> None:
        """See that what a script needs is there, and lose what it brings back."""
        if COPY in script:
            prefixes = {
                each["Key"].rpartition("/")[0]
                for each in self._objects("neonhub-local-backups")
                if each["Key"].endswith("manifest.json")
            }
            # Names begin with the time, whatever their tier.
            newest = max(prefixes, key=lambda prefix: prefix.rpartition("/")[2])
            for each in self._objects("neonhub-local-backups"):
                if each["Key"].startswith(f"{newest}/"):
                    self._s3.delete_object(Bucket="neonhub-local-backups", Key=each["Key"])
        self.replicate()

    def replicate(self) -> None:
        """Do what S3 does by itself."""
        copies = {each["Key"] for each in self._objects("neonhub-local-backups-replica")}
        for each in self._objects("neonhub-local-backups"):
            if each["Key"] not in copies:
                self._s3.copy_object(
                    Bucket="neonhub-local-backups-replica",
                    Key=each["Key"],
                    CopySource={"Bucket": "neonhub-local-backups", "Key": each["Key"]},
                )

    def _objects(self, bucket: str) -> list[dict[str, Any]]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return [each for page in pages for each in page.get("Contents", ())]


def started(repository: Repository) -> list[tuple[str, dict[str, str]]]:
    """Every run that somebody has started, oldest first: its workflow, and what they gave."""
    runs = list(repository.all("actions/runs?", "workflow_runs"))
    return [
        (
            run["path"].rpartition("/")[2],
            control(repository, "GET", f"actions/runs/{run['id']}/inputs"),
        )
        for run in reversed(runs)
    ]


def asked_for(page: str, machine: Machine) -> list[tuple[str, dict[str, str]]]:
    """The same as the page's commands say it."""
    chosen = {"BACKUP": "latest", **machine.environment}
    found: list[tuple[str, dict[str, str]]] = []
    for block in blocks(page):
        for line in block.script.replace("\\\n", "").splitlines():
            if line.startswith("gh workflow run "):
                words = shlex.split(string.Template(line).substitute(chosen))
                fields = [words[number + 1] for number, word in enumerate(words) if word == "-f"]
                found.append((words[3], dict(field.split("=", 1) for field in fields)))
    return found


def assert_postmortem(machine: Machine) -> None:
    """Going by the checklist has left a draft that says what was done."""
    (draft,) = machine.checkout.glob("postmortem-*.md")
    text = draft.read_text()
    assert "the connectors show wrong names" in text
    assert "as it should be" in text
    assert text.count("| done |") == 11
