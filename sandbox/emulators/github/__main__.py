"""Serve the emulator: `python -m sandbox.emulators.github --port N --data DIR --token TOKEN`."""

import argparse
import signal
import sys
from pathlib import Path
from types import FrameType

from werkzeug.serving import WSGIRequestHandler, make_server

from sandbox.emulators.github.app import create_app
from sandbox.emulators.github.storage import DirectoryInUseError


class _QuietHandler(WSGIRequestHandler):
    """No line for every request: only what goes wrong is worth reading."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def main() -> int:
    """Serve until told to stop; 0 then, 2 when it cannot start."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.emulators.github", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--data", type=Path, required=True, help="directory that keeps everything")
    parser.add_argument("--token", required=True, help="the one token that is accepted")
    parser.add_argument(
        "--seed",
        nargs="+",
        action="extend",
        default=[],
        metavar="OWNER[@NUMBER]/NAME[@NUMBER]",
        help="repositories to create, with their organisation, where they are missing; numbers are"
        " the ids that a stack file expects",
    )
    parser.add_argument(
        "--user",
        nargs="+",
        action="extend",
        default=[],
        metavar="LOGIN",
        help="users to create where they are missing, for example reviewers",
    )
    parser.add_argument(
        "--team",
        nargs="+",
        action="extend",
        default=[],
        metavar="ORGANISATION/SLUG",
        help="teams to create where they are missing; they may read their organisation's code",
    )
    options = parser.parse_args()
    try:
        app, store = create_app(options.data, options.token)
        # Repositories first: stack files hold their ids, which must not depend on the users.
        for full_name in options.seed:
            store.seed(full_name)
        for login in options.user:
            store.add_account(login, "User")
        for full_name in options.team:
            store.add_team(full_name)
        server = make_server(
            "127.0.0.1", options.port, app, threaded=True, request_handler=_QuietHandler
        )
    except (DirectoryInUseError, OSError, ValueError) as error:
        sys.stderr.write(f"the GitHub emulator cannot start: {error}\n")
        return 2

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    print(f"ready on http://127.0.0.1:{server.server_port}/api/v3/", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()
    finally:
        store.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
