"""The Python language host of an engine that was built here.

The official release ships its own, which is not published as a module, so a self-built engine has
none. This one speaks the same protocol at the version of the installed Pulumi SDK: it runs
programs, policy packs and plugins written in Python, each in a process of its own.
"""

# ruff: noqa: ARG002, N802 - the protocol gives the methods their names and arguments

import importlib.metadata
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent import futures
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from types import FrameType
from typing import IO

import grpc
from google.protobuf import empty_pb2, json_format
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

from sandbox.engine.run_program import EXIT_REPORTED

SDK_VERSION = importlib.metadata.version("pulumi")

_QUIET = ("/bin/sh", "-c", 'trap "" INT; exec "$@"', "sh")
"""The engine interrupts whole process groups. Only the host answers, and ends its children itself,
so that no child prints the traceback of an interrupt."""

_GRACE_SECONDS = 3


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """What the engine asks of a language, for Python."""

    def __init__(self, engine: str) -> None:
        self._engine = engine
        self._children = Children()

    def Handshake(
        self, request: language_pb2.LanguageHandshakeRequest, context: grpc.ServicerContext
    ) -> language_pb2.LanguageHandshakeResponse:
        self._engine = request.engine_address
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(
        self, request: empty_pb2.Empty, context: grpc.ServicerContext
    ) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=SDK_VERSION)

    def GetRequiredPackages(
        self, request: language_pb2.GetRequiredPackagesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetRequiredPackagesResponse:
        return language_pb2.GetRequiredPackagesResponse(
            packages=required_packages(_interpreter(request.info, context))
        )

    def Run(
        self, request: language_pb2.RunRequest, context: grpc.ServicerContext
    ) -> language_pb2.RunResponse:
        python = _interpreter(request.info, context)
        command = [
            str(python),
            "-u",
            str(Path(__file__).with_name("run_program.py")),
            request.monitor_address,
            self._engine,
            request.project,
            request.stack,
            request.organization,
            request.info.root_directory,
            str(request.parallel),
            str(request.dryRun).lower(),
            _program(request.info),
        ]
        environment = _environment(python, os.environ) | {
            "PULUMI_CONFIG": json.dumps(dict(request.config)),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
        }
        with self._children.start(command, environment, request.pwd, pipes=False) as child:
            context.add_callback(child.terminate)
            return run_response(child.wait())

    def RunPlugin(
        self, request: language_pb2.RunPluginRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.RunPluginResponse]:
        python = _interpreter(request.info, context)
        command = [str(python), "-u", *plugin_command(request)]
        environment = _environment(
            python, dict(variable.split("=", 1) for variable in request.env) or os.environ
        )
        with self._children.start(command, environment, request.pwd, pipes=True) as child:
            context.add_callback(child.terminate)
            for name, line in _output(child):
                if name == "stdout":
                    yield language_pb2.RunPluginResponse(stdout=line)
                else:
                    yield language_pb2.RunPluginResponse(stderr=line)
            yield language_pb2.RunPluginResponse(exitcode=child.wait())

    def InstallDependencies(
        self, request: language_pb2.InstallDependenciesRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.InstallDependenciesResponse]:
        environment = _virtualenv(request.info)
        requirements = Path(request.directory) / "requirements.txt"
        commands: list[list[str]] = []
        if environment is not None and not environment.exists():
            commands.append([sys.executable, "-m", "venv", str(environment)])
        if requirements.exists():
            python = sys.executable if environment is None else str(environment / "bin" / "python")
            commands.append([python, "-m", "pip", "install", "-r", str(requirements)])
        for command in commands:
            with self._children.start(command, os.environ, request.directory, pipes=True) as child:
                context.add_callback(child.terminate)
                for name, line in _output(child):
                    if name == "stdout":
                        yield language_pb2.InstallDependenciesResponse(stdout=line)
                    else:
                        yield language_pb2.InstallDependenciesResponse(stderr=line)
                if child.wait() != 0:
                    context.abort(grpc.StatusCode.INTERNAL, f"`{' '.join(command)}` failed")

    def RuntimeOptionsPrompts(
        self, request: language_pb2.RuntimeOptionsRequest, context: grpc.ServicerContext
    ) -> language_pb2.RuntimeOptionsResponse:
        return language_pb2.RuntimeOptionsResponse()

    def About(
        self, request: language_pb2.AboutRequest, context: grpc.ServicerContext
    ) -> language_pb2.AboutResponse:
        python = _interpreter(request.info, context)
        version = subprocess.run(
            [python, "--version"], capture_output=True, text=True, check=True
        ).stdout
        return language_pb2.AboutResponse(
            executable=str(python), version=version.removeprefix("Python ").strip()
        )

    def GetProgramDependencies(
        self, request: language_pb2.GetProgramDependenciesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetProgramDependenciesResponse:
        found = dependencies(
            _interpreter(request.info, context), direct_only=not request.transitiveDependencies
        )
        return language_pb2.GetProgramDependenciesResponse(
            dependencies=[
                language_pb2.DependencyInfo(name=name, version=version)
                for name, version in sorted(found.items())
            ]
        )

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:
        self.end_children()
        return empty_pb2.Empty()

    def end_children(self) -> None:
        """Ends every program and plugin that still runs."""
        self._children.end()


class Children:
    """The processes that the host has started and not yet seen end."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()

    @contextmanager
    def start(
        self, command: Sequence[str], environment: Mapping[str, str], directory: str, *, pipes: bool
    ) -> Generator[subprocess.Popen[bytes]]:
        """Runs a command to the end of the block; without pipes it writes to the user's output."""
        output = subprocess.PIPE if pipes else None
        child = subprocess.Popen(
            [*_QUIET, *command],
            env=environment,
            cwd=directory or None,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        with self._lock:
            self._running.add(child)
        try:
            yield child
        finally:
            _end(child)
            with self._lock:
                self._running.discard(child)

    def end(self) -> None:
        with self._lock:
            running = list(self._running)
        for child in running:
            child.terminate()
        for child in running:
            _end(child)


def _end(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def run_response(exit_code: int) -> language_pb2.RunResponse:
    """What the engine is told about a program that ended so."""
    if exit_code == 0:
        return language_pb2.RunResponse()
    if exit_code == EXIT_REPORTED:
        return language_pb2.RunResponse(bail=True)
    if exit_code < 0:
        name = signal.Signals(-exit_code).name
        return language_pb2.RunResponse(error=f"Program was ended by the signal {name}")
    return language_pb2.RunResponse(error=f"Program exited with non-zero exit code: {exit_code}")


def plugin_command(request: language_pb2.RunPluginRequest) -> list[str]:
    """The interpreter's arguments that run a policy pack, or another plugin written in Python."""
    program = _program(request.info)
    if request.kind == "analyzer":
        engine, *rest = request.args
        return ["-m", "pulumi.policy", engine, program, *rest]
    if (Path(program) / "__main__.py").exists() or Path(program).is_file():
        return [program, *request.args]
    return ["-m", "pulumi.run.plugin", Path(program).name, *request.args]


def required_packages(python: Path) -> list[plugin_pb2.PackageDependency]:
    """The resource plugins that the packages installed for this interpreter ask for."""
    found: list[plugin_pb2.PackageDependency] = []
    for manifest in sorted(_site_packages(python).glob("*/pulumi-plugin.json")):
        wanted = json.loads(manifest.read_text())
        if wanted.get("resource"):
            found.append(
                plugin_pb2.PackageDependency(
                    name=wanted["name"],
                    kind="resource",
                    version="v" + wanted["version"].removeprefix("v"),
                    server=wanted.get("server", ""),
                )
            )
    return found


def dependencies(python: Path, *, direct_only: bool) -> dict[str, str]:
    """The version of each distribution installed for this interpreter.

    Direct ones are those that no other distribution requires.
    """
    versions: dict[str, str] = {}
    required: set[str] = set()
    for distribution in importlib.metadata.distributions(path=[str(_site_packages(python))]):
        versions[distribution.name] = distribution.version
        required |= {_required_name(line) for line in distribution.requires or ()}
    if direct_only:
        return {name: v for name, v in versions.items() if _normalised(name) not in required}
    return versions


def _required_name(requirement: str) -> str:
    return _normalised(re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0])


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _site_packages(python: Path) -> Path:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    usual = python.parent.parent / "lib"
    return next(usual.glob("python3*/site-packages"), usual / version / "site-packages")


def _program(info: language_pb2.ProgramInfo) -> str:
    return str(Path(info.program_directory) / info.entry_point)


def _virtualenv(info: language_pb2.ProgramInfo) -> Path | None:
    chosen = json_format.MessageToDict(info.options).get("virtualenv")
    return Path(info.root_directory) / chosen if chosen else None


def _interpreter(info: language_pb2.ProgramInfo, context: grpc.ServicerContext) -> Path:
    environment = _virtualenv(info)
    if environment is None:
        return Path(sys.executable)
    python = environment / "bin" / "python"
    if not python.exists():
        context.abort(
            grpc.StatusCode.FAILED_PRECONDITION,
            f"The `virtualenv` of Pulumi.yaml, {environment}, does not exist, so the program has"
            " nothing to run in: create it with `make setup` or `pulumi install`",
        )
    return python


def _environment(python: Path, base: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment with this interpreter's virtualenv activated."""
    environment = dict(base)
    environment.pop("PYTHONHOME", None)
    environment["VIRTUAL_ENV"] = str(python.parent.parent)
    environment["PATH"] = os.pathsep.join(
        [str(python.parent), *filter(None, [environment.get("PATH")])]
    )
    return environment


def _output(child: subprocess.Popen[bytes]) -> Iterator[tuple[str, bytes]]:
    """Every line of both streams as it comes, with the stream's name."""
    lines: SimpleQueue[tuple[str, bytes | None]] = SimpleQueue()

    def read(name: str, stream: IO[bytes]) -> None:
        for line in stream:
            lines.put((name, line))
        lines.put((name, None))

    streams = {"stdout": child.stdout, "stderr": child.stderr}
    for name, stream in streams.items():
        if stream is not None:
            threading.Thread(target=read, args=(name, stream), daemon=True).start()
    ended = 0
    while ended < len(streams):
        name, line = lines.get()
        if line is None:
            ended += 1
        else:
            yield name, line


def serve(engine: str, announce: Callable[[int], None]) -> None:
    """Answers the engine until it interrupts us or is gone."""
    stop = threading.Event()

    def interrupted(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupted)
    host = LanguageHost(engine)
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=16))
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    announce(port)
    threading.Thread(target=_wait_for_the_engines_end, args=(stop,), daemon=True).start()
    stop.wait()
    host.end_children()
    server.stop(grace=None)


def _wait_for_the_engines_end(stop: threading.Event) -> None:
    """The engine holds our standard input open for as long as it lives, and never writes to it."""
    os.read(sys.stdin.fileno(), 1)
    stop.set()


def main(arguments: list[str]) -> None:
    """The engine passes its own address last, after flags that ask for logs and traces."""
    serve(arguments[-1] if arguments else "", partial(print, flush=True))


if __name__ == "__main__":
    main(sys.argv[1:])
