"""A server that remembers what it was sent, and answers as it is told to."""

import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Received(NamedTuple):
    """One request."""

    method: str
    path: str
    body: bytes


@dataclass
class Receiver:
    """The server, for as long as it listens."""

    address: str
    answers: list[int] = field(default_factory=list[int])
    """Status of each of the next answers; then 200."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Headers of every answer."""
    body: bytes = b"ok"
    received: list[Received] = field(default_factory=list[Received])


@contextmanager
def receiver() -> Generator[Receiver]:
    """Listen on this machine."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            made.received.append(Received(self.command, self.path, body))
            self.send_response(made.answers.pop(0) if made.answers else 200)
            for name, value in made.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(made.body)

        do_GET = do_POST = do_PUT = _answer  # noqa: N815 - the names are the library's

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as above
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Receiver(f"http://127.0.0.1:{server.server_port}/secret/path")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
