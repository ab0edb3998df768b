"""Runs one Pulumi program for the language host, in the interpreter that the project asks for.

Needs the Pulumi SDK and nothing else: that interpreter is not always the sandbox's own.
"""

import asyncio
import logging
import runpy
import sys
import sysconfig
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pulumi
import pulumi.runtime

EXIT_REPORTED = 32
"""The program failed and the user has been told why: the host has nothing to add."""

_HIDDEN = (
    str(Path(pulumi.__file__).parent),
    str(Path(sysconfig.get_path("stdlib")) / "asyncio"),
    str(Path(sysconfig.get_path("stdlib")) / "concurrent"),
    runpy.__file__,
    "<frozen runpy>",
    __file__,
)
"""Where the frames come from that tell a user nothing about their own program."""


def run(program: str, workers: int) -> int:
    """Runs the program in its stack; what fails in it is reported to the engine."""
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    executor = ThreadPoolExecutor(max_workers=workers)
    loop.set_default_executor(executor)

    def execute() -> None:
        runpy.run_path(program, run_name="__main__")

    try:
        loop.run_until_complete(pulumi.runtime.run_in_stack(execute))
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
        return EXIT_REPORTED
    except Exception as error:  # noqa: BLE001 - whatever the program raises is the user's to read
        pulumi.log.error("Program failed with an unhandled exception:\n" + users_traceback(error))
        return EXIT_REPORTED
    finally:
        executor.shutdown(wait=True)
        loop.close()
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


def users_traceback(error: BaseException) -> str:
    """The traceback without the frames of the SDK and of the event loop.

    An error raised where the user has no frame at all keeps every frame.
    """
    report = traceback.TracebackException.from_exception(error)
    part: traceback.TracebackException | None = report
    while part is not None:
        kept = [frame for frame in part.stack if not frame.filename.startswith(_HIDDEN)]
        if kept:
            part.stack = traceback.StackSummary.from_list(kept)
        part = part.__cause__ or part.__context__
    return "".join(report.format())


def main(arguments: list[str]) -> int:
    """`monitor engine project stack organization root_directory parallel dry_run program`."""
    monitor, engine, project, stack, organization, root, parallel, dry_run, program = arguments
    if Path(program).is_dir() and not (Path(program) / "__main__.py").exists():
        print(f"There is no program to run: {program} has no __main__.py", file=sys.stderr)
        return EXIT_REPORTED
    pulumi.runtime.set_all_config(
        pulumi.runtime.get_config_env(), pulumi.runtime.get_config_secret_keys_env()
    )
    pulumi.runtime.configure(
        pulumi.runtime.Settings(
            monitor=monitor,
            engine=engine,
            project=project,
            stack=stack,
            organization=organization,
            root_directory=root,
            parallel=int(parallel),
            dry_run=dry_run == "true",
        )
    )
    sys.argv = [program]
    return run(program, workers=max(int(parallel), 1) * 4)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
