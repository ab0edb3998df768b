"""Everything that setting up puts on this machine: one git-ignored folder of the clone.

Needs nothing but Python's standard library, because it is what installs the rest.
"""

import os
import platform
import shlex
import shutil
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from sandbox import programs, venv
from sandbox.chromium import Chromium
from sandbox.engine import official
from sandbox.errors import SandboxError
from sandbox.files import fingerprint, link_atomically, write_atomically
from sandbox.jobs import Job
from sandbox.processes import Supervisor
from sandbox.steps import Steps
from sandbox.venv import Environment

PROJECT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class GoProgram:
    """A program that Go builds from the module proxy, pinned by a module of our own."""

    name: str
    module: Path
    """Holds go.mod, go.sum and whatever of the program is ours."""
    package: str
    linker_flags: str = "-s -w"

    @property
    def key(self) -> str:
        """Changes when a build would give something else."""
        return fingerprint(
            *(self.module / "go.mod", self.module / "go.sum", *sorted(self.module.glob("*.go"))),
            *(self.linker_flags, platform.machine()),
        )

    def command(self, output: Path) -> list[str]:
        """What builds it."""
        return [
            "go",
            "build",
            "-trimpath",
            f"-ldflags={self.linker_flags}",
            "-o",
            str(output),
            self.package,
        ]


def required_version(module: Path, path: str) -> str:
    """The version of a module that a go.mod requires, as it is written there: `v3.250.0`."""
    for line in (module / "go.mod").read_text().splitlines():
        words = line.removeprefix("require ").split()
        if words[:1] == [path]:
            return words[1]
    raise SandboxError(f"{module / 'go.mod'} does not require {path}: restore it from git")


_ENGINE_MODULE = PROJECT / "sandbox" / "engine"
ENGINE_VERSION = required_version(_ENGINE_MODULE, "github.com/pulumi/pulumi/pkg/v3")
ENGINE = GoProgram(
    name="pulumi",
    module=_ENGINE_MODULE,
    package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
    linker_flags="-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version="
    + ENGINE_VERSION,
)
FAKE_GCS = GoProgram(
    name="fake-gcs-server",
    module=PROJECT / "sandbox" / "emulators" / "fake_gcs",
    package="github.com/fsouza/fake-gcs-server",
)
VERSITYGW = GoProgram(
    name="versitygw",
    module=PROJECT / "sandbox" / "emulators" / "versitygw",
    package="github.com/versity/versitygw/cmd/versitygw",
)
ACTIONLINT = GoProgram(
    name="actionlint",
    module=PROJECT / "sandbox" / "linters",
    package="github.com/rhysd/actionlint/cmd/actionlint",
)
RUNNER = GoProgram(name="act-job", module=PROJECT / "sandbox" / "runner" / "act", package=".")
_ALWAYS_BUILT = (FAKE_GCS, VERSITYGW, ACTIONLINT, RUNNER)


class Build:
    """A Go program being built beside everything else; complete or absent, never half there."""

    def __init__(self, program: GoProgram, goal: Path, supervisor: Supervisor) -> None:
        self.program = program
        self.began = time.monotonic()
        self._goal = goal
        goal.parent.mkdir(parents=True, exist_ok=True)
        for remains in goal.parent.glob(f".building-{program.name}-*"):
            shutil.rmtree(remains)
        self._draft = Path(tempfile.mkdtemp(prefix=f".building-{program.name}-", dir=goal.parent))
        self._job = Job(
            supervisor,
            f"build-{program.name}",
            program.command(self._draft / program.name),
            directory=program.module,
            environment=os.environ | {"CGO_ENABLED": "0"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._job.cancel()
        shutil.rmtree(self._draft, ignore_errors=True)

    def finish(self) -> None:
        """Waits for it and puts it in its place."""
        self._job.wait("see whether this machine reaches the Go module proxy, and run it again")
        self._draft.chmod(0o755)
        self._draft.rename(self._goal)


class Installation:
    """The programs and the Python environment in a folder that all sandboxes of a clone share."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environment = Environment(home / "venv")
        self.bin = home / "bin"
        self.supervisor = Supervisor(home / "run", home / "logs")
        self._programs = home / "programs"
        self.chromium = Chromium(self._programs)

    def ensure(self, steps: Steps) -> None:
        """Brings everything here that is not here yet."""
        self.supervisor.end_orphans()
        engine = self._engine_here()
        missing = [each for each in _ALWAYS_BUILT if not self._goal(each).exists()]
        with steps.step("programs") as step:
            step.done = programs.ensure(programs.wanted(go=bool(missing)))
            step.reused = step.done == programs.ALL_HERE
        if engine is None:
            with steps.step("engine") as step:
                engine, step.done = official.download(ENGINE_VERSION, self._programs)
        if engine is None:
            programs.ensure(programs.wanted(go=True))
            missing.insert(0, ENGINE)
        with ExitStack() as stack:
            builds = [
                stack.enter_context(Build(program, self._goal(program), self.supervisor))
                for program in missing
            ]
            for build in builds:
                steps.say(build.program.name, "being built from the Go module proxy, meanwhile:")
            self._ensure_environment(steps)
            for build in builds:
                with steps.step(build.program.name, build.began) as step:
                    build.finish()
                    step.done = "built from the Go module proxy"
        for program in (ENGINE, *_ALWAYS_BUILT):
            if program not in missing:
                with steps.step(program.name) as step:
                    step.done, step.reused = "reused", True
        self._fill_bin(engine or self._goal(ENGINE))

    def _engine_here(self) -> Path | None:
        """The folder of an engine that can be used at once."""
        places = (
            official.on_path(self.bin, ENGINE_VERSION),
            official.folder(ENGINE_VERSION, self._programs),
            self._goal(ENGINE),
        )
        return next((place for place in places if place is not None and place.exists()), None)

    def _ensure_environment(self, steps: Steps) -> None:
        with steps.step("python") as step:
            step.done = self.environment.ensure(PROJECT, self.supervisor)
            step.reused = step.done == venv.REUSED

    def _fill_bin(self, engine: Path) -> None:
        """Puts on PATH the engine and its language host, two emulators, a linter and a runner."""
        host = engine / "pulumi-language-python"
        if engine == self._goal(ENGINE):
            # Beside the engine, which warns of a language host that it finds anywhere else.
            write_atomically(
                host,
                "#!/bin/sh\n"
                f"exec {shlex.quote(str(self.environment.python))}"
                ' -P -m sandbox.engine.language_host "$@"\n',
                mode=0o755,
            )
        links = {each.name: self._goal(each) / each.name for each in _ALWAYS_BUILT}
        links |= {program.name: program for program in engine.glob("pulumi*")}
        for name, target in links.items():
            link_atomically(self.bin / name, target)
        for stray in self.bin.iterdir():
            if stray.name not in links:
                stray.unlink()

    def _goal(self, program: GoProgram) -> Path:
        return self._programs / f"{program.name}-{program.key}"
