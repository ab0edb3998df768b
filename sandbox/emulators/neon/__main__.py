"""Serve the emulator: `python -m sandbox.emulators.neon --port N --data DIR …`."""

import argparse
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from werkzeug.serving import WSGIRequestHandler, make_server

from neonhub_backup.errors import ConfigurationError
from sandbox.emulators.neon.app import create_app
from sandbox.emulators.neon.databases import Databases
from sandbox.emulators.neon.models import PLANS, Branch, Endpoint, Project
from sandbox.emulators.neon.storage import Store

KEY = "NEON_EMULATOR_KEY"
"""Environment variable with the one API key that is accepted."""
SERVER = "NEON_EMULATOR_SERVER"
"""Environment variable with the connection string of the server's superuser."""


class _QuietHandler(WSGIRequestHandler):
    """No line for every request: only what goes wrong is worth reading."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def main() -> int:
    """Serve until told to stop; 0 then, 2 when it cannot start."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.emulators.neon", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--data", type=Path, required=True, help="directory that keeps the project")
    parser.add_argument("--project", required=True, help="the id of the one project")
    parser.add_argument(
        "--database", required=True, help="a database of the server: that of the branch main"
    )
    parser.add_argument("--plan", choices=list(PLANS), default="launch_v3", help="its limits hold")
    parser.add_argument(
        "--programs", type=Path, required=True, help="directory with pg_dump and psql"
    )
    options = parser.parse_args()
    store = Store(options.data)
    now = datetime.now(UTC)
    main_branch = Branch(
        id="br-main",
        name="main",
        database=options.database,
        default=True,
        created_at=now,
        updated_at=now,
    )
    compute = Endpoint(
        id="ep-main", branch_id="br-main", type="read_write", created_at=now, updated_at=now
    )
    store.create(
        Project(
            id=options.project,
            plan=options.plan,
            database=options.database,
            created_at=now,
            branches=[main_branch],
            endpoints=[compute],
        )
    )
    try:
        app = create_app(store, Databases(os.environ[SERVER], options.programs), os.environ[KEY])
        server = make_server(
            "127.0.0.1", options.port, app, threaded=True, request_handler=_QuietHandler
        )
    except KeyError as error:
        sys.stderr.write(f"the Neon emulator cannot start: set {error.args[0]}\n")
        return 2
    except (OSError, ConfigurationError) as error:
        sys.stderr.write(f"the Neon emulator cannot start: {error}\n")
        return 2

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    print(f"ready on http://127.0.0.1:{server.server_port}/api/v2", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
