"""Serve the emulator: `python -m sandbox.emulators.gcp --port N --data DIR --objects PROGRAM`."""

import argparse
import signal
import sys
from pathlib import Path
from types import FrameType

from werkzeug.serving import WSGIRequestHandler, make_server

from sandbox.emulators.gcp import objects
from sandbox.emulators.gcp.app import App
from sandbox.emulators.gcp.store import DirectoryInUseError, Store
from sandbox.processes import free_port


class _QuietHandler(WSGIRequestHandler):
    """No line for every request; and the protocol that uploads of unknown length need."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def main() -> int:
    """Serve until told to stop; 0 then, 2 when it cannot start."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.emulators.gcp", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="on 127.0.0.1")
    parser.add_argument("--data", type=Path, required=True, help="directory that keeps everything")
    parser.add_argument("--objects", required=True, help="the program fake-gcs-server")
    options = parser.parse_args()
    public = f"127.0.0.1:{options.port}"
    try:
        store = Store(options.data)
        behind = free_port()
        app = App(store, objects.Objects(behind, public))
        server = make_server(
            "127.0.0.1", options.port, app, threaded=True, request_handler=_QuietHandler
        )
    except (DirectoryInUseError, OSError, ValueError) as error:
        sys.stderr.write(f"the emulator of Google Cloud cannot start: {error}\n")
        return 2

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    process = objects.serve(
        [
            options.objects,
            *("-scheme", "http", "-host", "127.0.0.1", "-port", str(behind)),
            *("-backend", "filesystem", "-filesystem-root", str(options.data / "objects")),
            *("-log-level", "warn"),
            *("-public-host", public, "-external-url", f"http://{public}"),
        ]
    )
    try:
        objects.wait(behind, process)
        print(f"ready on http://{public}/", flush=True)
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()
    except objects.ObjectsError as error:
        sys.stderr.write(f"the emulator of Google Cloud cannot start: {error}\n")
        return 2
    finally:
        objects.stop(process)
        store.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
