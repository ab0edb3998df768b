"""One sandbox: a project, a home for its state, and the servers that stand in for the clouds."""

import importlib.util
import json
import os
import shlex
import shutil
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import yaml

from sandbox import keys, stack_file
from sandbox.errors import SandboxError
from sandbox.files import fingerprint, write_atomically
from sandbox.installation import PROJECT, Installation
from sandbox.jobs import Job
from sandbox.postgres import PostgresServer
from sandbox.processes import Server, Supervisor, started
from sandbox.stack_file import STACK, Addresses

PASSPHRASE = "sandbox"  # noqa: S105 - protects nothing: the local stack holds no real secret
"""What encrypts the local stack's secrets. Written here on purpose, and used nowhere else."""

_PREPENDED = {"PATH": ":", "NO_PROXY": ",", "no_proxy": ","}
"""Variables that keep what they say already, and what separates their parts."""

_UNSET = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "PULUMI_CONFIG_PASSPHRASE_FILE")
"""A user's own, which would take the place of the sandbox's."""

_EMULATORS = ("moto", "gcp", "github")


class Sandbox:
    """Everything that `make up` starts, for one copy of the project.

    `home` holds all that is generated. Tests give both, to work beside a running `make up`; the
    programs and the Python environment are always those of the clone.
    """

    def __init__(self, project: Path = PROJECT, home: Path | None = None) -> None:
        self.project = project
        self.home = home or project / ".sandbox"
        self.installation = Installation(PROJECT / ".sandbox")
        self.supervisor = Supervisor(self.home / "run", self.home / "logs")
        self.keys = self.home / "keys"
        self._state = self.home / "state"
        self._plugins = self.home / "pulumi-home" / "plugins"
        self._data = self.home / "data"

    @cached_property
    def addresses(self) -> Addresses:
        """Where the stack file says the servers are."""
        return stack_file.read(self.project / f"Pulumi.{STACK}.yaml")

    @cached_property
    def postgres(self) -> PostgresServer:
        """The server of the demo database."""
        return PostgresServer(home=self.home / "postgres", port=self.addresses.postgres_port)

    @property
    def github_data(self) -> Path:
        """What the GitHub emulator keeps: a git repository for each of GitHub's."""
        return self._data / "github"

    @property
    def github_seed(self) -> list[str]:
        """What the GitHub emulator is told to have from the start."""
        return ["--seed", self.addresses.github_repository]

    def environment(self) -> dict[str, str]:
        """What the literal `pulumi` and `neonhub-backup` commands need, as `sandbox/env` has it."""
        places = [str(self.installation.bin), str(self.installation.environment.python.parent)]
        return {
            "PATH": os.pathsep.join(places),
            # The servers are on this machine, where no proxy finds them.
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
            "PULUMI_HOME": str(self._plugins.parent),
            "PULUMI_BACKEND_URL": f"file://{self._state}",
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS": "true",
            "AWS_ACCESS_KEY_ID": "sandbox",
            "AWS_SECRET_ACCESS_KEY": "sandbox",
            "AWS_EC2_METADATA_DISABLED": "true",
            "DATABASE_URL": self.addresses.database_url,
            "NEONHUB_BACKUP_PG_BIN": str(self.postgres.bin_dir),
            "NEONHUB_BACKUP_PRIVATE_KEY_FILE": str(keys.private_key(self.keys)),
        }

    def process_environment(self) -> dict[str, str]:
        """The environment of a program that we run: ours, with the sandbox's on top."""
        result = {name: value for name, value in os.environ.items() if name not in _UNSET}
        for name, value in self.environment().items():
            kept = result.get(name, "") if name in _PREPENDED else ""
            result[name] = f"{value}{_PREPENDED[name]}{kept}" if kept else value
        # Importing the AWS package takes seconds where its compiled form may not be kept.
        result["PYTHONDONTWRITEBYTECODE"] = ""
        return result

    def prepare(self) -> bool:
        """Writes what the engine and `sandbox/env` need, and makes the keys once.

        Says whether anything was new.
        """
        fresh = keys.ensure(self.keys)
        self._state.mkdir(parents=True, exist_ok=True)
        for name, version in _resource_plugins():
            plugin = f"pulumi-resource-{name}"
            write_atomically(
                self._plugins / f"resource-{name}-v{version}" / plugin,
                "#!/bin/sh\n"
                f"exec {shlex.quote(str(self.installation.environment.python))}"
                f' -P -m sandbox.providers.{name} "$@"\n',
                mode=0o755,
            )
        write_atomically(self.home / "env.sh", shell_exports(self.environment()))
        return fresh

    # ---- servers

    def servers(self) -> list[Server]:
        """Every server, as the stack file wants it."""
        python = str(self.installation.environment.python)
        where = self.addresses
        moto = Server(
            name="moto",
            command=[
                *(python, "-P", "-m", "sandbox.emulators.moto"),
                *("--host", "127.0.0.1", "--port", str(where.moto_port)),
            ],
            port=where.moto_port,
            ready=partial(_answers, f"{where.moto_url}/moto-api/"),
        )
        gcp = Server(
            name="gcp",
            command=[
                *(python, "-P", "-m", "sandbox.emulators.gcp"),
                *("--port", str(where.gcs_port), "--data", str(self._data / "gcp")),
                *("--objects", str(self.installation.bin / "fake-gcs-server")),
            ],
            port=where.gcs_port,
            ready=partial(_answers, f"{where.gcs_url}/_ready"),
            restart_when=fingerprint(*sorted((PROJECT / "sandbox/emulators/gcp").glob("*.py"))),
        )
        github = Server(
            name="github",
            command=[
                *(python, "-P", "-m", "sandbox.emulators.github"),
                *("--port", str(where.github_port), "--data", str(self.github_data)),
                *("--token", where.github_token, *self.github_seed),
            ],
            port=where.github_port,
            ready=partial(_answers, f"http://127.0.0.1:{where.github_port}/_ready"),
            restart_when=fingerprint(*sorted((PROJECT / "sandbox/emulators/github").glob("*.py"))),
        )
        installed = self.installation.environment.key(PROJECT)
        return [
            self.postgres.server(),
            *(replace(s, restart_when=s.restart_when + installed) for s in (moto, gcp, github)),
        ]

    def start(self) -> list[str]:
        """Starts what does not run yet, all at once; returns the names of what it started."""
        self.supervisor.end_orphans()
        begun: list[Server] = []
        for server in self.servers():
            if self.supervisor.running(server):
                continue
            if server.name == "postgres":
                self.supervisor.stop(server.name)
                self.postgres.prepare()
            self.supervisor.start(server)
            begun.append(server)
        for server in begun:
            self.supervisor.wait(server)
        self.postgres.ensure_database(
            self.addresses.database,
            self.addresses.database_user,
            self.addresses.database_password,
        )
        return [server.name for server in begun]

    def stop(self) -> list[str]:
        """Ends every process of this sandbox; returns their names."""
        return stop_all(self.supervisor)

    # ---- the stack

    def run_engine(self, *arguments: str, name: str) -> str:
        """Runs the engine in the project and returns what it wrote."""
        job = Job(
            self.supervisor,
            name,
            [str(self.installation.bin / "pulumi"), "--non-interactive", *arguments],
            directory=self.project,
            environment=self.process_environment(),
        )
        return job.wait("read what the engine says and correct that")

    def deploy(self) -> str:
        """Brings the stack up, from nothing where an earlier deployment cannot be relied upon.

        Returns the engine's summary.
        """
        if self._unreliable():
            self.start_over()
        if not self._checkpoint.exists():
            self.run_engine("stack", "select", "--create", STACK, name="stack")
        said = self.run_engine(
            *("up", "--yes", "--skip-preview", "--stack", STACK), name="deployment"
        )
        return summary(said)

    def start_over(self) -> None:
        """Empties the emulators and forgets the stack's state, which must always agree."""
        self._agreement.unlink(missing_ok=True)
        for name in _EMULATORS:
            self.supervisor.stop(name)
        for remains in (self._data, self._state):
            shutil.rmtree(remains, ignore_errors=True)
        self._state.mkdir(parents=True)
        self.start()
        write_atomically(self._agreement, self._identity())

    @cached_property
    def _engine_project(self) -> str:
        return yaml.safe_load((self.project / "Pulumi.yaml").read_text())["name"]

    @property
    def _agreement(self) -> Path:
        """Names the run of moto, which keeps nothing when it ends, that the state belongs to."""
        return self.home / "state-of"

    @property
    def _checkpoint(self) -> Path:
        """The engine's state of the stack."""
        return self._state / ".pulumi" / "stacks" / self._engine_project / f"{STACK}.json"

    def _identity(self) -> str:
        return str(self.supervisor.identity("moto"))

    def _unreliable(self) -> bool:
        """Whether the state may say anything else than the emulators hold.

        That is so when an emulator lost its memory, or when an update was killed.
        """
        path = self._agreement
        agrees = path.exists() and path.read_text() == self._identity()
        return not agrees or self._locked() or self._pending()

    def _locked(self) -> bool:
        """Whether an update was killed. Raises SandboxError when one is at work."""
        locks = list((self._state / ".pulumi" / "locks").rglob("*.json"))
        for lock in locks:
            pid = json.loads(lock.read_text())["pid"]
            if started(pid) is not None:
                raise SandboxError(
                    f"process {pid} is updating the stack `{STACK}` at this moment: wait for it to"
                    " end, or end it"
                )
        return bool(locks)

    def _pending(self) -> bool:
        """Whether an update was interrupted between asking a provider and hearing from it."""
        if not self._checkpoint.exists():
            return False
        latest: dict[str, Any] = json.loads(self._checkpoint.read_text())["checkpoint"]["latest"]
        return bool((latest or {}).get("pending_operations"))


def stop_all(supervisor: Supervisor) -> list[str]:
    """Ends every process that a sandbox has a record of; needs nothing installed."""
    return [name for name in supervisor.names() if supervisor.stop(name)]


def shell_exports(environment: Mapping[str, str]) -> str:
    """The same as commands of bash and zsh."""
    lines = [f"unset {' '.join(_UNSET)}"]
    for name, value in environment.items():
        separator = _PREPENDED.get(name)
        kept = f'"${{{name}:+{separator}${name}}}"' if separator else ""
        lines.append(f"export {name}={shlex.quote(value)}{kept}")
    return "\n".join(lines) + "\n"


def summary(said: str) -> str:
    """The engine's counts in one line: `12 created, 3 unchanged`."""
    lines = iter(said.splitlines())
    for line in lines:
        if line.strip() == "Resources:":
            break
    counts: list[str] = []
    for line in lines:
        words = line.strip().lstrip("+-~ ").strip()
        if not words or not words[0].isdigit():
            break
        counts.append(words)
    return ", ".join(counts)


def _resource_plugins() -> Iterable[tuple[str, str]]:
    """The plugins that the installed Pulumi packages ask for: name and version."""
    for package in ("pulumi_aws", "pulumi_gcp", "pulumi_github"):
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            raise SandboxError(f"the Python package {package} is not installed: run `make setup`")
        manifest = json.loads(Path(spec.origin).with_name("pulumi-plugin.json").read_text())
        yield manifest["name"], manifest["version"]


_DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _answers(address: str) -> bool:
    try:
        with _DIRECTLY.open(address, timeout=10) as response:
            return response.status == 200
    except OSError:
        return False
