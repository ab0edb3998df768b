"""The local stack as `make up` leaves it before its first backup, and what runs leave behind."""

import json
import os
import signal
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3
import psycopg
import pytest

from neonhub_backup.domain.layout import MANIFEST, PAGES, RECOVERIES, Location, parse_key
from sandbox import commands
from sandbox.runner import running
from sandbox.runner.events import DISPATCH, SCHEDULE
from sandbox.steps import Steps
from sandbox.throwaway import Throwaway
from tests.end_to_end.workflows.repository import Repository

BUCKET = "neonhub-local-backups"
OPERATIONS = "neonhub-local-operations"
EXAMPLES = "NEONHUB_BACKUP_EXAMPLES"
"""The variable that names a folder to keep summaries in."""

_DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Local:
    """The deployed stack, whose workflows are run as GitHub would run them.

    While they run, AWS enforces permissions: a job may do what its role may do, and no more.
    """

    def __init__(self, sandbox: Throwaway) -> None:
        self.sandbox = sandbox
        self.github = Repository(sandbox)

    def run(
        self, workflow: str, *, event: str = DISPATCH, example: str | None = None, **inputs: str
    ) -> running.Run:
        """Run it. `example` is what its summary is called, should `make examples` keep it."""
        self._enforce("0")
        try:
            run = running.run_workflow(
                self.sandbox, f"db-{workflow}-local.yml", event=event, inputs=inputs
            )
        finally:
            self._enforce("inf")
        if example is not None and EXAMPLES in os.environ:
            place = Path(os.environ[EXAMPLES])
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{example}.md").write_text(run.summary)
        return run

    def _enforce(self, after: str) -> None:
        request = urllib.request.Request(  # noqa: S310 - http, our own
            f"{self.sandbox.moto_url}/moto-api/reset-auth",
            data=after.encode(),
            method="POST",
            headers={"Content-Type": "text/plain"},
        )
        _DIRECTLY.open(request, timeout=30).close()

    def stored(self) -> dict[str, list[str]]:
        """The keys of each store's backups."""
        return self._keys(BUCKET, "db/")

    def indexes(self) -> dict[str, list[str]]:
        """The keys of the indexes in each store's operations bucket."""
        return self._keys(OPERATIONS, "index/")

    def recoveries(self) -> dict[str, list[str]]:
        """The keys of measured recoveries in each store's operations bucket."""
        return self._keys(OPERATIONS, RECOVERIES)

    def pages(self) -> dict[str, list[str]]:
        """The keys of the pages in each store's operations bucket."""
        return self._keys(OPERATIONS, PAGES)

    def _keys(self, bucket: str, prefix: str) -> dict[str, list[str]]:
        untyped: Any = boto3  # its types are those of every service there is
        s3 = untyped.client(
            "s3",
            endpoint_url=self.sandbox.moto_url,
            region_name="us-east-1",
            aws_access_key_id="sandbox",
            aws_secret_access_key="sandbox",  # noqa: S106 - the emulator's
        )
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        aws = [each["Key"] for page in pages for each in page.get("Contents", [])]
        request = urllib.request.Request(  # noqa: S310 - http, our own
            f"{self.sandbox.gcs_url}/storage/v1/b/{bucket}/o?prefix={prefix}",
            headers={"Authorization": "Bearer sandbox"},
        )
        with _DIRECTLY.open(request, timeout=30) as response:
            gcp = [each["name"] for each in json.load(response).get("items", [])]
        return {"aws": sorted(aws), "gcp": sorted(gcp)}

    def backups(self) -> dict[str, list[str]]:
        """The names of each store's complete backups, the oldest first."""
        return {store: [place.name for place in places] for store, places in self.places().items()}

    def places(self) -> dict[str, list[Location]]:
        """Where each store's complete backups are, the oldest first."""
        found = {
            store: [parsed for key in keys if (parsed := parse_key(key)) is not None]
            for store, keys in self.stored().items()
        }
        return {
            store: sorted(place for place, name in parsed if name == MANIFEST)
            for store, parsed in found.items()
        }

    def ask(self, query: str, database: str = "neonhub") -> Any:
        """One value from a database of the demo's server."""
        with closing(psycopg.connect(self.sandbox.postgres.url(database))) as connection:
            row = connection.execute(query.encode()).fetchone()
        return None if row is None else row[0]

    def execute(self, statement: str, database: str = "neonhub") -> None:
        """Change something there."""
        with closing(
            psycopg.connect(self.sandbox.postgres.url(database), autocommit=True)
        ) as connection:
            connection.execute(statement.encode())

    def databases(self) -> set[str]:
        """What there is on the demo's server."""
        with closing(psycopg.connect(self.sandbox.postgres.url())) as connection:
            return {name for (name,) in connection.execute("SELECT datname FROM pg_database")}


@pytest.fixture(scope="package")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    """One stack for all tests of this folder: each leaves it as it found it."""
    sandbox = Throwaway.create(tmp_path_factory.mktemp("workflows"))
    try:
        commands.deploy(Steps(), sandbox)
        yield Local(sandbox)
    finally:
        sandbox.stop()


@pytest.fixture(scope="package")
def first_backup(local: Local) -> running.Run:
    """The first run on schedule."""
    return local.run("backup", event=SCHEDULE, example="backup")


@pytest.fixture
def no_google_store(local: Local) -> Iterator[None]:
    """Cloud Storage does not answer; the rest of Google Cloud does."""
    objects = local.sandbox.home / "data" / "gcp" / "objects"
    found = subprocess.run(
        ["pgrep", "-f", "--", f"-filesystem-root {objects}"],
        check=True,
        capture_output=True,
        text=True,
    )
    for process in found.stdout.split():
        os.kill(int(process), signal.SIGKILL)
    yield
    (server,) = (each for each in local.sandbox.servers() if each.name == "gcp")
    local.sandbox.supervisor.start(server)
    local.sandbox.supervisor.wait(server)


def steps(run: running.Run, job: str) -> Mapping[str, str]:
    """How each step of a job ended."""
    return {step.name: step.result for step in run.jobs[job].steps}


def alarmed(run: running.Run, local: Local) -> str:
    """What the issue, or its newest comment, says of a run: it must be the only issue."""
    assert run.result == running.FAILURE
    assert run.jobs["alert"].result == running.SUCCESS, run.log
    (issue,) = local.github.issues()
    assert issue["title"] == "Backups of local need attention"
    comments = local.github.ask("GET", f"issues/{issue['number']}/comments")
    said: str = (comments or [issue])[-1]["body"]
    assert f"/actions/runs/{run.number}" in said
    return said
