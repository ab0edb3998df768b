"""`python3 -m sandbox up|down|clean|setup`: what the Makefile calls.

Starts with any Python that is new enough, brings everything else here, and goes on in the Python
environment that it made.
"""

import argparse
import fcntl
import os
import shutil
import signal
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from sandbox.errors import SandboxError
from sandbox.installation import PROJECT, Installation
from sandbox.processes import Supervisor
from sandbox.steps import Steps, fail

HOME = PROJECT / ".sandbox"
INTERRUPTED = 130
_INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> int:
    """0 when the command did all it says; 1 when it did not and has said why."""
    parser = argparse.ArgumentParser(prog="python3 -m sandbox", description=__doc__)
    parser.add_argument("command", choices=["setup", "up", "down", "clean"])
    parser.add_argument("--quiet", action="store_true", help="say nothing of what is here already")
    parser.add_argument("--began", type=float, default=time.time(), help=argparse.SUPPRESS)
    options = parser.parse_args()
    for number in _INTERRUPTS:
        signal.signal(number, _interrupt)
    try:
        with _alone():
            if options.command == "down":
                _down()
            elif options.command == "clean":
                _clean()
            else:
                _set_up(options)
                _go_on(options)
    except SandboxError as error:
        fail(error)
        return 1
    except PermissionError as error:
        fail(
            SandboxError(
                f"{error}: this sandbox is another user's, so run the command as that user"
                " (was it set up with `sudo`?)"
            )
        )
        return 1
    except KeyboardInterrupt:
        print(f"\nInterrupted: `make {options.command}` goes on from here.", file=sys.stderr)
        return INTERRUPTED
    return 0


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    # `make` and the terminal both tell us: the second one must not interrupt the tidying up.
    for number in _INTERRUPTS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


@contextmanager
def _alone() -> Generator[None]:
    """Two commands at once would start and stop the same servers."""
    HOME.mkdir(exist_ok=True)
    with (HOME / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SandboxError(
                "another `make` command is at work on this sandbox: wait for it to end, or end it"
            ) from None
        yield


def _set_up(options: argparse.Namespace) -> None:
    installation = Installation(HOME)
    python = installation.environment.python
    if Path(sys.prefix).resolve() == installation.environment.place.resolve() and (
        "--began" in sys.argv
    ):
        return
    installation.ensure(Steps(quiet=options.quiet))
    arguments = [*sys.argv[1:], "--began", str(options.began)]
    os.execv(python, [str(python), "-P", "-m", "sandbox", *arguments])  # noqa: S606 - this program


def _go_on(options: argparse.Namespace) -> None:
    """In the environment that has everything."""
    from sandbox.commands import bring_browser, prepare, up  # noqa: PLC0415 - needs what was just installed

    steps = Steps(quiet=options.quiet)
    if options.command == "setup":
        bring_browser(steps)
        prepare(steps)
    else:
        up(steps)
    if not options.quiet:
        print(f"\nDone in {time.time() - options.began:.1f} s.")


def _down() -> None:
    supervisor = Supervisor(HOME / "run", HOME / "logs")
    stopped = [name for name in supervisor.names() if supervisor.stop(name)]
    print(f"Stopped {', '.join(stopped)}." if stopped else "Nothing was running.")


def _clean() -> None:
    _down()
    link = PROJECT / ".venv"
    if link.is_symlink():
        link.unlink()
    shutil.rmtree(HOME)
    print("Removed .sandbox and .venv.")


if __name__ == "__main__":
    sys.exit(main())
