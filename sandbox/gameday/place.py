"""Where a scenario happens: a database, two stores, a configuration and the tool, all throwaway."""

import json
import os
import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import psycopg
from psycopg import sql

from neonhub_backup.domain.configuration import (
    Configuration,
    Database,
    Encryption,
    GcsStore,
    Objectives,
    S3Store,
    render_configuration,
)
from neonhub_backup.domain.layout import DRILLS, MANIFEST, Location, drill_key, new_location
from neonhub_backup.domain.manifest import Manifest, dump_manifest
from neonhub_backup.domain.proof import Proof, dump_proof
from neonhub_backup.domain.retention import RetentionPolicy, Tier
from neonhub_backup.holdings.catalogue import Catalogue
from neonhub_backup.stores.base import Store, read_whole, write_whole
from neonhub_backup.stores.factory import open_stores
from sandbox import keys
from sandbox.demo.seed import seed
from sandbox.errors import SandboxError
from sandbox.gameday.runbook import Runbook
from sandbox.gameday.terminal import typed
from sandbox.postgres import PostgresServer
from sandbox.processes import Server, Supervisor, free_port
from sandbox.throwaway import Throwaway

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

DATABASE = "neonhub"
"""What the configuration calls the database."""
PRIMARY, SECOND = "aws", "gcp"
RPO = timedelta(hours=1)
HISTORY = timedelta(days=15)
"""How far back the backups go that are there at the beginning."""

_DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_SCHEMA = """
CREATE TABLE customers (
    id bigint PRIMARY KEY,
    name text NOT NULL,
    email text NOT NULL
);
CREATE TABLE ledger (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entry text NOT NULL UNIQUE,
    written timestamptz NOT NULL DEFAULT clock_timestamp()
);
"""
_ROWS = """
INSERT INTO customers
    SELECT id, 'customer ' || id, md5(id::text) || '@example.com'
    FROM generate_series(1, %(rows)s) AS id;
INSERT INTO ledger (entry) SELECT 'from before ' || id FROM generate_series(1, %(rows)s) AS id;
"""
_DIGEST = "SELECT md5(string_agg(customers::text, ',' ORDER BY id)) FROM customers"


class Servers(Throwaway):
    """PostgreSQL and emulators of two clouds; a game day needs no stack and no GitHub."""

    def servers(self) -> list[Server]:
        """Those of the sandbox that a game day breaks."""
        return [each for each in super().servers() if each.name != "github"]

    def server(self, name: str) -> Server:
        """One of them."""
        (found,) = (each for each in self.servers() if each.name == name)
        return found

    def fill(self, rows: int, demo_scale: float) -> str:
        """Make the database that every scenario has a copy of; its name."""
        name = "gameday"
        with closing(psycopg.connect(self.postgres.url(), autocommit=True)) as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(
                    sql.Identifier(name), sql.Identifier(self.addresses.database_user)
                )
            )
        url = self.url(self.postgres, name)
        if demo_scale:
            seed(url, demo_scale)
        with closing(psycopg.connect(url, autocommit=True)) as connection:
            connection.execute(_SCHEMA)
            for statement in filter(str.strip, _ROWS.split(";")):
                connection.execute(statement.encode(), {"rows": rows})
        return name

    def url(self, server: PostgresServer, database: str) -> str:
        """A database as its owner reaches it, who is no superuser."""
        user, password = self.addresses.database_user, self.addresses.database_password
        return server.url(database, user, password)


@dataclass
class Place:
    """One environment."""

    servers: Servers
    name: str
    template: str
    """The database that this one's is a copy of."""
    prove_every: timedelta = timedelta(days=35)
    keys: Path = field(init=False)
    """The folder of the key pair that backups are encrypted to."""
    environment: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True)
        self.keys = self.servers.keys
        (self.home / "tmp").mkdir()
        self.environment = {
            **self.servers.process_environment(),
            "PATH": os.pathsep.join(
                [str(self.servers.postgres.bin_dir), self.servers.process_environment()["PATH"]]
            ),
            "DATABASE_URL": self.url,
            "NEONHUB_BACKUP_CONFIG": str(self.home / "gameday.yaml"),
            "TMPDIR": str(self.home / "tmp"),
            "XDG_STATE_HOME": str(self.home / "state"),
        }
        with closing(psycopg.connect(self.servers.postgres.url(), autocommit=True)) as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}").format(
                    sql.Identifier(self.name),
                    sql.Identifier(self.template),
                    sql.Identifier(self.servers.addresses.database_user),
                )
            )
        self.make_primary()
        for bucket in (self.name, f"{self.name}-operations"):
            self._google("POST", "storage/v1/b?project=gameday", {"name": bucket})
        self.configure()

    @property
    def home(self) -> Path:
        """Its files."""
        return self.servers.home / "gameday" / self.name

    @cached_property
    def url(self) -> str:
        """Its database, as the application reaches it at first."""
        return self.servers.url(self.servers.postgres, self.name)

    # ---- the configuration

    @property
    def configuration(self) -> Configuration:
        """What it says now."""
        return Configuration(
            environment="gameday",
            databases=(Database(name=DATABASE),),
            stores=(
                S3Store(
                    name=PRIMARY,
                    bucket=self.name,
                    operations_bucket=f"{self.name}-operations",
                    region="us-east-1",
                    endpoint_url=self.servers.moto_url,
                    path_style=True,
                ),
                GcsStore(
                    name=SECOND,
                    bucket=self.name,
                    operations_bucket=f"{self.name}-operations",
                    endpoint_url=self.servers.gcs_url,
                    object_retention=False,
                ),
            ),
            encryption=Encryption(public_keys=(keys.public_key(self.keys).read_text(),)),
            retention=RetentionPolicy(monthly=None, annual=None, lock_mode=None),
            objectives=Objectives(rpo=RPO, prove_every=self.prove_every),
        )

    def configure(self) -> None:
        """Write the configuration as it is to be now."""
        text = render_configuration(self.configuration, "a game day")
        Path(self.environment["NEONHUB_BACKUP_CONFIG"]).write_text(text)

    # ---- the tool

    def run(
        self, *arguments: str, expect: Sequence[int] = (0,)
    ) -> subprocess.CompletedProcess[str]:
        """Run the tool as a schedule does.

        Raises:
            SandboxError: it ended otherwise.
        """
        ran = subprocess.run(
            ["neonhub-backup", *arguments],
            cwd=self.home,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode not in expect:
            raise SandboxError(
                f"`neonhub-backup {' '.join(arguments)}` ended with {ran.returncode} on a game day:"
                f" {' '.join(ran.stderr.split())}"
            )
        return ran

    def json(self, *arguments: str, expect: Sequence[int] = (0,)) -> Any:
        """The same, and what it wrote."""
        return json.loads(self.run(*arguments, "--json", expect=expect).stdout)

    def backup(self) -> str:
        """The next backup on schedule; its name."""
        (taken,) = self.json("backup")
        return taken["name"]

    @cached_property
    def runbook(self) -> Runbook:
        """What it prints for this environment."""
        return Runbook(self.run("runbook").stdout)

    def type(self, line: str, runbook: Runbook, chosen: Mapping[str, str], expect: int) -> None:
        """Have a person type a line of the runbook, who has chosen what it leaves open.

        Raises:
            SandboxError: it did not end as expected.
        """
        code, shown = typed(line, runbook.setup, {**self.environment, **chosen}, self.home)
        if code != expect:
            raise SandboxError(
                f"`{line}` ended with {code} instead of {expect} on a game day, so the runbook does"
                f" not lead back: {shown[-2000:]}"
            )

    # ---- the database

    def execute(self, statement: str, url: str | None = None) -> None:
        """Change something, as the database's owner."""
        with closing(psycopg.connect(url or self.url, autocommit=True)) as connection:
            connection.execute(statement.encode())

    def value(self, query: str, url: str | None = None) -> Any:
        """One value."""
        with closing(psycopg.connect(url or self.url)) as connection:
            row = connection.execute(query.encode()).fetchone()
        return None if row is None else row[0]

    def digest(self, url: str | None = None) -> str:
        """Of every row of the table that nobody writes into."""
        return str(self.value(_DIGEST, url))

    def entries(self, url: str | None = None) -> set[str]:
        """What the ledger holds."""
        with closing(psycopg.connect(url or self.url)) as connection:
            return {entry for (entry,) in connection.execute("SELECT entry FROM ledger")}

    # ---- the stores

    @cached_property
    def stores(self) -> tuple[Store, ...]:
        """Both, whose addresses stay, whatever is in them."""
        os.environ.setdefault("AWS_ACCESS_KEY_ID", "sandbox")
        os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "sandbox")
        return open_stores(self.configuration)

    @cached_property
    def s3(self) -> "S3Client":
        """The primary store's server, as its owner."""
        untyped: Any = boto3  # its types are those of every service there is
        return untyped.client(
            "s3",
            endpoint_url=self.servers.moto_url,
            region_name="us-east-1",
            aws_access_key_id="sandbox",
            aws_secret_access_key="sandbox",  # noqa: S106 - the emulator's
        )

    def make_primary(self) -> None:
        """Make the buckets of the primary store, empty."""
        for bucket in (self.name, f"{self.name}-operations"):
            self.s3.create_bucket(Bucket=bucket)

    def lose_primary(self) -> None:
        """The primary store is gone with all that it held."""
        self.servers.supervisor.stop("moto")

    def replace_primary(self) -> None:
        """It is there again, and empty."""
        server = self.servers.server("moto")
        self.servers.supervisor.start(server)
        self.servers.supervisor.wait(server)
        self.make_primary()

    def corrupt(self, name: str) -> str:
        """Change one byte of the largest object of a backup in the primary store; its key."""
        found = self.s3.list_objects_v2(Bucket=self.name, Prefix="db/").get("Contents", [])
        objects = [(each.get("Size", 0), each.get("Key", "")) for each in found]
        _, key = max(each for each in objects if f"/{name}/rows/" in each[1])
        content = bytearray(self.s3.get_object(Bucket=self.name, Key=key)["Body"].read())
        content[len(content) // 2] ^= 1
        self.s3.put_object(Bucket=self.name, Key=key, Body=bytes(content))
        return key

    def write_history(self, like: Manifest, now: datetime) -> None:
        """Have backups of two weeks in every store: of them, the manifests alone."""
        retention = self.configuration.retention
        moments = [
            *((Tier.HOURLY, now - timedelta(hours=number)) for number in range(8, 0, -1)),
            (Tier.DAILY, retention.slot(Tier.DAILY, now)),
            (Tier.WEEKLY, retention.slot(Tier.WEEKLY, now)),
            (Tier.DAILY, now - timedelta(days=8)),
            (Tier.DAILY, now - HISTORY),
        ]
        for tier, moment in moments:
            place = new_location(tier, moment)
            content = dump_manifest(_dated(like, place, like.finished - like.started))
            for store in self.stores:
                write_whole(store, place.prefix + MANIFEST, content)

    def write_proof(self, like: Proof, finished: datetime) -> None:
        """Have the result of a drill in every store, and no other."""
        for store in self.stores:
            self._remove(store, [listed.key for listed in store.list(DRILLS)])
            dated = like.model_copy(
                update={"started": finished - timedelta(minutes=1), "finished": finished}
            )
            write_whole(store, drill_key(like.backup), dump_proof(dated))

    def set_back(self, by: timedelta) -> None:
        """Let so much time pass: everything in the stores is older by it than it was."""
        moved: dict[str, Location] = {}
        for store in self.stores:
            catalogue = Catalogue(store)
            for place in catalogue.locations():
                content = catalogue.manifest(place)
                older = moved.setdefault(place.name, new_location(place.tier, place.started - by))
                names = [listed.key for listed in store.list(place.prefix)]
                for key in names:
                    if key != place.prefix + MANIFEST:
                        write_whole(
                            store, key.replace(place.prefix, older.prefix), read_whole(store, key)
                        )
                dated = _dated(content, older, content.finished - content.started)
                write_whole(store, older.prefix + MANIFEST, dump_manifest(dated))
                self._remove(store, names)

    def _remove(self, store: Store, names: Sequence[str]) -> None:
        for key in names:
            if store.name == PRIMARY:
                self.s3.delete_object(Bucket=self.name, Key=key)
            else:
                quoted = urllib.parse.quote(key, safe="")
                self._google("DELETE", f"storage/v1/b/{self.name}/o/{quoted}")

    def _google(self, method: str, path: str, body: Mapping[str, str] | None = None) -> None:
        request = urllib.request.Request(  # noqa: S310 - http, our own
            f"{self.servers.gcs_url}/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": "Bearer sandbox", "Content-Type": "application/json"},
        )
        _DIRECTLY.open(request, timeout=30).close()


@dataclass(frozen=True)
class NewServer:
    """A database server in the place of a lost one."""

    supervisor: Supervisor
    postgres: PostgresServer

    @classmethod
    def start(cls, servers: Servers) -> "NewServer":
        """A new one, with the owner's role and nothing else."""
        home = servers.home / "new-server"
        postgres = PostgresServer(home=home / "postgres", port=free_port())
        supervisor = Supervisor(home / "run", home / "logs")
        postgres.prepare()
        supervisor.start(postgres.server())
        supervisor.wait(postgres.server())
        where = servers.addresses
        postgres.ensure_database("empty", where.database_user, where.database_password)
        return cls(supervisor, postgres)

    def stop(self) -> None:
        """End it."""
        self.supervisor.stop("postgres")


def lose_server(servers: Servers) -> None:
    """The database server is gone, and its disk."""
    servers.supervisor.stop("postgres")
    shutil.rmtree(servers.postgres.data)


def manifests(place: Place) -> Iterator[Manifest]:
    """Of the backups in the primary store, newest first."""
    catalogue = Catalogue(place.stores[0])
    for location in catalogue.locations():
        yield catalogue.manifest(location)


def now() -> datetime:
    """By the clock of this machine."""
    return datetime.now(UTC)


def _dated(content: Manifest, place: Location, took: timedelta) -> Manifest:
    """The same backup as it would have been taken at another time."""
    return content.model_copy(
        update={
            "name": place.name,
            "tier": place.tier,
            "started": place.started,
            "finished": place.started + took,
        }
    )
