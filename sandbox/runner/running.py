"""Runs a committed workflow, job by job, with act.

act knows nothing of GitHub's environments: to all jobs of a run it gives the same secrets. So each
job is a run of act's of its own, with the secrets and variables of the job's environment, and with
the results and outputs of the jobs before it, which is all that one job sees of another on GitHub
too. Each has an empty workspace, home and environment. The file is the committed one: act reads it
from a clone of the repository that the deployment wrote to.

What differs from GitHub: a condition that refuses a job is looked at after its reviewers have
agreed, `concurrency` is not heeded, and jobs that could run at once run one after the other.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.emulators.github.storage import (
    VIEWER,
    git_path,
    owner_id,
    read_state,
    reveal_secrets,
)
from sandbox.errors import SandboxError
from sandbox.files import write_atomically
from sandbox.installation import PROJECT
from sandbox.jobs import Job as Process
from sandbox.local import Sandbox
from sandbox.runner import actions, document, events, facts, log
from sandbox.runner.actions.token import claims
from sandbox.venv import offer_base_python

SUCCESS, FAILURE = "success", "failure"

TOOL = "neonhub/neonhub-backup"
"""The repository that the workflows check the tool out from: this project."""

_FOLDER = ".github/workflows"
_PASSED_ON = re.compile(r"LANG|TZ|SSL_CERT_FILE|PIP_\w+|(?i:https?_proxy)")
"""The variables of this machine that a job keeps: how to reach an index of packages, above all."""
_PIPS = (".config/pip", ".pip")
"""Where, in a home, people name their index of packages."""


@dataclass(frozen=True, kw_only=True)
class JobRun:
    """How one job ended."""

    key: str
    result: str
    """`success`, `failure` or `skipped`."""
    outputs: Mapping[str, str]
    steps: tuple[log.Step, ...] = ()
    """Those that ran."""
    summary: str = ""
    """What it wrote for the page of the run, in Markdown."""
    log: str = ""
    """What its steps wrote."""
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Run:
    """How a run ended."""

    number: int
    jobs: Mapping[str, JobRun]
    artifacts: Mapping[str, Mapping[str, bytes]]
    """What it kept: the files of each artifact, by their names."""

    @property
    def result(self) -> str:
        """What GitHub shows of the run: it failed if a job did."""
        return FAILURE if any(job.result == FAILURE for job in self.jobs.values()) else SUCCESS

    @property
    def log(self) -> str:
        """What all jobs wrote."""
        return "".join(f"{job.key}\n{job.log}" for job in self.jobs.values())

    @property
    def summary(self) -> str:
        """What all jobs wrote for the page of the run."""
        return "\n".join(job.summary for job in self.jobs.values() if job.summary)


def agreed(_job: str) -> bool:
    """Reviewers who agree to everything."""
    return True


def run_workflow(
    sandbox: Sandbox,
    name: str,
    *,
    event: str = events.DISPATCH,
    inputs: Mapping[str, str] | None = None,
    review: Callable[[str], bool] = agreed,
) -> Run:
    """Run the workflow file of that name from the default branch, and wait for its end.

    `review` is asked before each job that names an environment, as the environment's reviewers
    would be; a job that they reject fails. Raises SandboxError for what GitHub would not start,
    and for what cannot be run here.
    """
    with tempfile.TemporaryDirectory(prefix="neonhub-run-") as place:
        return _Runner(sandbox, Path(place), f"{_FOLDER}/{name}", event, inputs or {}).run(review)


class _Runner:
    """One run of one workflow."""

    def __init__(
        self,
        sandbox: Sandbox,
        place: Path,
        path: str,
        event: str,
        inputs: Mapping[str, str],
    ) -> None:
        self.sandbox, self.place, self.event = sandbox, place, event
        self.number = time.time_ns() // 1_000_000
        self.repository = sandbox.addresses.github_repository
        if not self._origin.exists():
            raise SandboxError(
                f"nothing has been deployed to {self.repository} here yet: run `make up` first"
            )
        self.state = read_state(sandbox.github_data, self.repository)
        self.branch = self.state.settings.default_branch
        self.clone = place / "repository"
        self.path = path
        _git("clone", "--quiet", "--branch", self.branch, self._origin, self.clone)
        self.commit = _git("-C", self.clone, "rev-parse", "HEAD").strip()
        if not (self.clone / path).exists():
            raise SandboxError(
                f"{self.repository} has no {path} on {self.branch}: deploy the stack with"
                " `make up`, and merge what it proposes"
            )
        known = self.state.workflows.get(path)
        if known is not None and known.state != "active":
            raise SandboxError(f"{path} is disabled in {self.repository}: enable it first")
        self.document = document.parse(path, (self.clone / path).read_text())
        self.payload = events.payload(self.document, event, inputs, self.branch)

    @property
    def _origin(self) -> Path:
        return git_path(self.sandbox.github_data, self.repository)

    def run(self, review: Callable[[str], bool]) -> Run:
        """Every job in its turn."""
        # Before the first job, so that none runs if one of them cannot.
        folders = {
            f"{use.action}@{use.ref}": actions.folder(use)
            for job in self.document.jobs
            for use in job.uses
        }
        self._prepare()
        finished: dict[str, JobRun] = {}
        for job in self.document.jobs:
            if job.environment is not None and not review(job.key):
                finished[job.key] = JobRun(key=job.key, result=FAILURE, outputs={})
                continue
            finished[job.key] = self._run_job(job, folders, finished)
        self._require_unchanged()
        return Run(number=self.number, jobs=finished, artifacts=self._artifacts())

    def _artifacts(self) -> dict[str, dict[str, bytes]]:
        kept = self.place / "artifacts"
        return {
            folder.name: {
                str(file.relative_to(folder)): file.read_bytes()
                for file in sorted(folder.rglob("*"))
                if file.is_file()
            }
            for folder in (sorted(kept.iterdir()) if kept.exists() else ())
        }

    def _prepare(self) -> None:
        owner = self.repository.partition("/")[0]
        described = {
            "repository": {
                "id": self.state.id,
                "full_name": self.repository,
                "name": self.repository.partition("/")[2],
                "owner": {"login": owner},
                "default_branch": self.branch,
            },
            "sender": {"login": VIEWER},
            "workflow": self.path,
        }
        (self.place / "event.json").write_text(json.dumps({**described, **self.payload}))
        tool = ["--git-dir", self.place / "tool.git", "--work-tree", PROJECT]
        _git(*tool, "init", "--quiet", "--template=")
        _git(*tool, "add", "--all")
        _git(*tool, "commit", "--quiet", "--no-verify", "--message", "As it is here and now")
        # What GitHub's machines have, too: a Python before any that a workflow sets up.
        offer_base_python(self.place / "bin")
        # act gives every step a terminal; GitHub gives none.
        write_atomically(
            self.place / "bin" / "bash",
            "#!/bin/sh\n"
            f'exec {shutil.which("bash")} -o pipefail -c \'"$0" "$@" </dev/null 2>&1 | cat\''
            f' {shutil.which("bash")} "$@"\n',
            mode=0o755,
        )

    def _run_job(
        self, job: document.Job, folders: Mapping[str, Path], finished: Mapping[str, JobRun]
    ) -> JobRun:
        began = time.monotonic()
        place = self.place / job.key
        for settings in _PIPS:
            (place / "home" / settings).parent.mkdir(parents=True, exist_ok=True)
            (place / "home" / settings).symlink_to(Path.home() / settings)
        (place / "work").mkdir()
        secrets, variables = self._environment(job)
        facts.write(self._facts(job), place / "facts.json")
        request = place / "request.json"
        asked = {
            "workflow": str(self.clone / self.path),
            "repository": str(self.clone),
            "job": job.key,
            "finished": {
                key: {"result": each.result, "outputs": dict(each.outputs)}
                for key, each in finished.items()
            },
            "label": job.label,
            "event": self.event,
            "payload": str(self.place / "event.json"),
            "actor": VIEWER,
            "work": str(place / "work"),
            "actions": {use: str(folder) for use, folder in folders.items()},
            "env": self._variables(),
            "secrets": {**secrets, "GITHUB_TOKEN": self.sandbox.addresses.github_token},
            "variables": variables,
            "timeout_minutes": job.timeout_minutes,
        }
        write_atomically(request, json.dumps(asked), mode=0o600)
        output = place / "log.jsonl"
        process = Process(
            self.sandbox.supervisor,
            "workflow",
            [str(self.sandbox.installation.bin / "act-job"), str(request)],
            directory=place,
            environment=self._machine(place),
            output=output,
        )
        process.wait("correct the workflow, or what it needs of this machine")
        *entries, last = log.entries(output.read_text())
        shutil.rmtree(place)
        return JobRun(
            key=job.key,
            result=last["outcome"]["result"],
            outputs=last["outcome"]["outputs"],
            steps=tuple(log.steps(entries)),
            summary=log.summary(entries),
            log=log.readable(entries),
            seconds=time.monotonic() - began,
        )

    def _environment(self, job: document.Job) -> tuple[dict[str, str], dict[str, str]]:
        """The secrets and variables of the repository, and over them those of the environment."""
        data = self.sandbox.github_data
        secrets = reveal_secrets(data, self.repository)
        variables = {name: each.value for name, each in self.state.variables.items()}
        if job.environment is None:
            return secrets, variables
        if job.environment not in self.state.environments:
            raise SandboxError(
                f"the job `{job.key}` names the environment {job.environment}, which"
                f" {self.repository} does not have, so it would run without secrets: deploy the"
                " stack with `make up`"
            )
        own = self.state.environments[job.environment]
        secrets |= reveal_secrets(data, self.repository, job.environment)
        variables |= {name: each.value for name, each in own.variables.items()}
        return secrets, variables

    def _facts(self, job: document.Job) -> facts.Facts:
        where = self.sandbox.addresses
        certified = claims(
            self.document,
            job,
            repository=self.repository,
            owner_id=owner_id(self.sandbox.github_data, self.repository),
            repository_id=self.state.id,
            ref=f"refs/heads/{self.branch}",
        )
        return facts.Facts(
            repositories={self.repository: str(self._origin), TOOL: str(self.place / "tool.git")},
            pip_cache=str(self.sandbox.installation.home / "pip-cache"),
            aws_url=where.moto_url,
            google_url=where.gcs_url,
            artifacts=str(self.place / "artifacts"),
            claims=certified if job.identifies else None,
        )

    def _variables(self) -> dict[str, str]:
        """What GitHub sets for every step, as far as act does not."""
        api = self.sandbox.addresses.github_url.rstrip("/")
        return {
            "GITHUB_REPOSITORY": self.repository,
            "GITHUB_REPOSITORY_ID": str(self.state.id),
            "GITHUB_REPOSITORY_OWNER": self.repository.partition("/")[0],
            "GITHUB_REF": f"refs/heads/{self.branch}",
            "SHA_REF": self.commit,
            "GITHUB_RUN_ID": str(self.number),
            "GITHUB_SERVER_URL": api.removesuffix("/api/v3"),
            "GITHUB_API_URL": api,
            "GITHUB_WORKFLOW_REF": f"{self.repository}/{self.path}@refs/heads/{self.branch}",
        }

    def _machine(self, place: Path) -> dict[str, str]:
        """What a job finds on the machine: no more of ours than it needs to reach the servers."""
        ours = (str(PROJECT / ".sandbox"), str(PROJECT / ".venv"))
        folders = [
            each for each in os.environ["PATH"].split(os.pathsep) if not each.startswith(ours)
        ]
        kept = {name: value for name, value in os.environ.items() if _PASSED_ON.fullmatch(name)}
        return {
            **kept,
            "PATH": os.pathsep.join([str(self.place / "bin"), *folders]),
            "HOME": str(place / "home"),
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
            "AWS_EC2_METADATA_DISABLED": "true",
            # The tool is told by its configuration where S3 is, and nowhere else where this is.
            "AWS_ENDPOINT_URL_CLOUDWATCH": self.sandbox.addresses.moto_url,
            "NEONHUB_BACKUP_PG_BIN": str(self.sandbox.postgres.bin_dir),
            facts.PLACE: str(place / "facts.json"),
            facts.PYTHON: str(self.sandbox.installation.environment.python),
        }

    def _require_unchanged(self) -> None:
        committed = _git("-C", self.clone, "show", f"{self.commit}:{self.path}")
        if (self.clone / self.path).read_text() != committed:
            raise SandboxError(f"{self.path} was changed while it ran, so the run proves nothing")


def _git(*arguments: Any) -> str:
    identity = {
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "sandbox"), ("EMAIL", "sandbox@localhost"))
    }
    done = subprocess.run(
        ["git", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | identity | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"},
    )
    if done.returncode != 0:
        raise SandboxError(f"git failed: {' '.join(done.stderr.split())}")
    return done.stdout
