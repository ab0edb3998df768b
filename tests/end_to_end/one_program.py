"""A stack of one small program, deployed by the real engine through one local provider."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

PROJECT = Path(__file__).parents[2]


class OneProgram:
    """A project with one program, which reads its settings from `settings.json` beside it."""

    def __init__(
        self, home: Path, provider: str, config: Mapping[str, object], program: str
    ) -> None:
        self._project = home / "project"
        self._project.mkdir()
        release = f"{provider}-v{version(f'pulumi-{provider}')}"
        plugin = home / f"pulumi/plugins/resource-{release}/pulumi-resource-{provider}"
        plugin.parent.mkdir(parents=True)
        plugin.write_text(
            f'#!/bin/sh\nPYTHONPATH="{PROJECT}" exec "{sys.executable}" '
            f'-m sandbox.providers.{provider} "$@"\n'
        )
        plugin.chmod(0o755)
        (home / "state").mkdir()
        self._environment = os.environ | {
            "PATH": f"{PROJECT / '.sandbox' / 'bin'}:{os.environ['PATH']}",
            "PULUMI_HOME": str(home / "pulumi"),
            "PULUMI_BACKEND_URL": f"file://{home / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "test",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        }
        self._name = f"local-{provider}"
        self.describe()
        (self._project / "Pulumi.test.yaml").write_text(json.dumps({"config": config}))
        self.program(program)
        self.run("stack", "init", "test")

    def describe(self, **options: str) -> None:
        """Replace the description of the project, which has these options."""
        runtime = {"name": "python", "options": {"virtualenv": sys.prefix}}
        described = {"name": self._name, "runtime": runtime, "options": options}
        (self._project / "Pulumi.yaml").write_text(json.dumps(described))

    def program(self, text: str) -> None:
        """Replace the program."""
        (self._project / "__main__.py").write_text(text)

    def deploy(self, settings: Mapping[str, object], *options: str, fails: bool = False) -> str:
        """Bring it up with these settings and return what the engine says."""
        (self._project / "settings.json").write_text(json.dumps(settings))
        return self.run("up", "--yes", "--skip-preview", *options, fails=fails)

    def run(self, *arguments: str, fails: bool = False) -> str:
        """What the engine says to a command, which must fail or not."""
        engine = shutil.which("pulumi", path=self._environment["PATH"])
        assert engine is not None, "there is no Pulumi engine: run `make up` once, it installs one"
        options = [] if arguments[:2] == ("stack", "init") else ["--stack", "test"]
        ran = subprocess.run(
            [engine, *arguments, *options, "--color", "never", "--non-interactive"],
            check=False,
            capture_output=True,
            text=True,
            cwd=self._project,
            env=self._environment,
            timeout=120,
        )
        said = ran.stdout + ran.stderr
        assert (ran.returncode != 0) == fails, said
        assert "Traceback" not in said
        return said
