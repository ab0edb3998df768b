"""What a Python program, policy pack or plugin sees of our language host, under the real engine."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

from sandbox.installation import PROJECT

ENVIRONMENT = PROJECT / ".sandbox" / "venv"


@dataclass
class Workbench:
    """A folder with a program, and an engine that has no language host but ours."""

    place: Path
    environment: Mapping[str, str]

    def write(self, name: str, text: str) -> None:
        path = self.place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))

    def project(self, program: str, settings: str = "") -> None:
        self.write("Pulumi.yaml", f"name: bench\nruntime: {RUNTIME}\n{settings}")
        self.write("__main__.py", program)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["pulumi", "--non-interactive", *arguments],
            cwd=self.place,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str) -> tuple[int, str]:
        process = self.start(*arguments)
        output, _ = process.communicate(timeout=120)
        return process.returncode, output

    def preview(self, *arguments: str) -> tuple[int, str]:
        return self.run("preview", "--stack", "bench", *arguments)


RUNTIME = f"{{name: python, options: {{virtualenv: {ENVIRONMENT}}}}}"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The engine alone in a folder with our host: an official engine would use its own."""
    place = tmp_path_factory.mktemp("engine")
    shutil.copy((PROJECT / ".sandbox" / "bin" / "pulumi").resolve(), place / "pulumi")
    host = place / "pulumi-language-python"
    python = ENVIRONMENT / "bin" / "python"
    host.write_text(f'#!/bin/sh\nexec "{python}" -P -m sandbox.engine.language_host "$@"\n')
    host.chmod(0o755)
    return place


@pytest.fixture
def bench(engine: Path, tmp_path: Path) -> Workbench:
    state = tmp_path / "state"
    state.mkdir()
    bench = Workbench(
        place=tmp_path / "program",
        environment=os.environ
        | {
            "PATH": f"{engine}{os.pathsep}{os.environ['PATH']}",
            "PULUMI_HOME": str(tmp_path / "home"),
            "PULUMI_BACKEND_URL": f"file://{state}",
            "PULUMI_CONFIG_PASSPHRASE": "bench",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PYTHONDONTWRITEBYTECODE": "",
            "BENCH": str(tmp_path),
        },
    )
    bench.project("import pulumi\n")
    assert bench.run("stack", "init", "bench")[0] == 0
    return bench


def left_behind(bench: Workbench) -> list[str]:
    """The commands of every process that this bench started and that still runs."""
    mark = f"BENCH={bench.environment['BENCH']}".encode()
    found: list[str] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


def nothing_left_behind(bench: Workbench) -> bool:
    deadline = time.monotonic() + 10
    while left_behind(bench) and time.monotonic() < deadline:
        time.sleep(0.1)
    return not left_behind(bench)


def test_a_program_is_given_its_configuration_and_its_outputs_are_kept(bench: Workbench) -> None:
    bench.project('import pulumi\npulumi.export("answer", pulumi.Config().require("word") + "!")\n')
    bench.run("config", "set", "word", "yes", "--stack", "bench")

    code, output = bench.run("up", "--yes", "--skip-preview", "--stack", "bench")

    assert code == 0, output
    assert bench.run("stack", "output", "answer", "--stack", "bench") == (0, "yes!\n")


def test_a_secret_configuration_value_stays_secret(bench: Workbench) -> None:
    bench.project('import pulumi\npulumi.export("word", pulumi.Config().require_secret("word"))\n')
    bench.run("config", "set", "--secret", "word", "hush", "--stack", "bench")

    code, output = bench.preview()

    assert code == 0, output
    assert "hush" not in output
    assert "[secret]" in output


def test_an_error_shows_the_users_frames_and_no_others(bench: Workbench) -> None:
    bench.project("""\
        import pulumi

        def divide(value):
            return value / 0

        pulumi.export("wrong", divide(1))
    """)

    code, output = bench.preview()

    assert code != 0
    assert "ZeroDivisionError: division by zero" in output
    assert "return value / 0" in output
    assert "site-packages" not in output
    assert "asyncio" not in output


def test_a_run_error_is_shown_as_its_message_alone(bench: Workbench) -> None:
    bench.project('import pulumi\nraise pulumi.RunError("set the moon first")\n')

    code, output = bench.preview()

    assert code != 0
    assert "error: set the moon first" in output
    assert "Traceback" not in output


def test_a_program_that_ends_itself_is_reported_with_its_exit_code(bench: Workbench) -> None:
    bench.project("import sys\nsys.exit(3)\n")

    code, output = bench.preview()

    assert code != 0
    assert "Program exited with non-zero exit code: 3" in output


def test_main_in_pulumi_yaml_is_respected(bench: Workbench) -> None:
    bench.project("raise AssertionError\n", settings="main: deep/other.py\n")
    bench.write("deep/other.py", 'print("the other program ran")\n')

    code, output = bench.preview()

    assert code == 0, output
    assert "the other program ran" in output


def test_a_missing_virtualenv_is_named_with_the_fix(bench: Workbench) -> None:
    settings = (bench.place / "Pulumi.yaml").read_text()
    bench.write("Pulumi.yaml", settings.replace(str(ENVIRONMENT), "nowhere"))

    code, output = bench.preview()

    assert code != 0
    assert "program/nowhere, does not exist" in output
    assert "make setup" in output


def test_a_policy_pack_stops_what_it_forbids(bench: Workbench) -> None:
    bench.project("""\
        import pulumi

        pulumi.ComponentResource("bench:index:Forbidden", "thing")
    """)
    bench.write("policies/PulumiPolicy.yaml", f"runtime: {RUNTIME}\n")
    bench.write(
        "policies/__main__.py",
        """\
        from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy

        def check(resource, report):
            if resource.resource_type == "bench:index:Forbidden":
                report("there must be no such thing")

        PolicyPack(
            name="bench",
            enforcement_level=EnforcementLevel.MANDATORY,
            policies=[ResourceValidationPolicy(name="no", description="no", validate=check)],
        )
        """,
    )

    code, output = bench.preview("--policy-pack", "policies")

    assert code != 0
    assert "there must be no such thing" in output
    assert nothing_left_behind(bench)


def test_a_provider_written_in_python_runs_from_its_folder(bench: Workbench) -> None:
    bench.project(
        """\
        import pulumi

        class Thing(pulumi.CustomResource):
            size: pulumi.Output[float]

            def __init__(self, name):
                super().__init__("mine:index:Thing", name, {"size": None, "wanted": 7})

        pulumi.export("size", Thing("thing").size)
        """,
        settings="plugins: {providers: [{name: mine, path: ./mine}]}\n",
    )
    bench.write("mine/PulumiPlugin.yaml", f"runtime: {RUNTIME}\n")
    bench.write(
        "mine/__main__.py",
        """\
        import sys

        from pulumi.provider.experimental import provider as p
        from pulumi.provider.experimental.property_value import PropertyValue
        from pulumi.provider.experimental.server import main

        class Mine(p.Provider):
            async def check_config(self, request):
                return p.CheckResponse(request.new_inputs)

            async def diff_config(self, request):
                return p.DiffResponse()

            async def configure(self, request):
                return p.ConfigureResponse()

            async def check(self, request):
                return p.CheckResponse(request.new_inputs)

            async def create(self, request):
                made = {"size": PropertyValue(42.0)}
                return p.CreateResponse("thing-id", {**request.properties, **made})

        main(sys.argv[1:], "1.0.0", Mine())
        """,
    )

    code, output = bench.run("up", "--yes", "--skip-preview", "--stack", "bench")

    assert code == 0, output
    assert bench.run("stack", "output", "size", "--stack", "bench") == (0, "42\n")
    assert nothing_left_behind(bench)


def test_about_names_the_interpreter_and_the_direct_dependencies(bench: Workbench) -> None:
    code, output = bench.run("about", "--stack", "bench")

    assert code == 0, output
    assert f"executable='{ENVIRONMENT}/bin/python'" in output
    assert "pulumi_aws" in output
    assert "botocore" not in output


def interrupted(bench: Workbench, number: int) -> str:
    """The engine's output when it is sent a signal while the program runs."""
    bench.project('import time\nprint("at work", flush=True)\ntime.sleep(60)\n')
    process = bench.start("up", "--yes", "--skip-preview", "--stack", "bench")
    assert process.stdout is not None
    output = ""
    while "at work" not in output:
        line = process.stdout.readline()
        assert line, output
        output += line
    process.send_signal(number)
    rest, _ = process.communicate(timeout=30)
    return output + rest


def test_an_interrupt_ends_the_program_without_a_traceback(bench: Workbench) -> None:
    output = interrupted(bench, signal.SIGINT)

    assert "Traceback" not in output
    assert "KeyboardInterrupt" not in output
    assert nothing_left_behind(bench)


def test_a_killed_engine_leaves_no_process_behind(bench: Workbench) -> None:
    interrupted(bench, signal.SIGKILL)

    assert nothing_left_behind(bench)
