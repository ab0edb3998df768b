"""A proxy before a server of buckets, which does to some requests what networks and clouds do."""

import socket
import threading
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Exchange:
    """One request, and what becomes of it."""

    method: str
    path: str
    headers: Message
    body: bytes
    behind: str
    """The server's URL."""

    @property
    def what(self) -> str:
        """`<method> <path and query>`."""
        return f"{self.method} {self.path}"

    def pass_on(self) -> bytes:
        """Ask the server; its whole answer, head and body."""
        upstream = HTTPConnection(self.behind.removeprefix("http://"))
        upstream.request(self.method, self.path, self.body, headers=dict(self.headers))
        answered = upstream.getresponse()
        body = answered.read()
        upstream.close()
        # The body has been read whole: a chunked one goes on with a length.
        dropped = {"connection", "transfer-encoding", "content-length"}
        lines = [f"HTTP/1.1 {answered.status} {answered.reason}"]
        lines += [f"{k}: {v}" for k, v in answered.getheaders() if k.lower() not in dropped]
        length = answered.getheader("Content-Length") if self.method == "HEAD" else len(body)
        return "\r\n".join([*lines, f"Content-Length: {length}", "\r\n"]).encode() + body


Fault = Callable[[Exchange], bytes]
"""Gives the bytes that the client gets instead, after which the connection ends."""


@dataclass
class Plan:
    """A fault, and the requests that meet with it."""

    request: str
    """Words of the requests."""
    fault: Fault
    spared: int
    """How many of them go well first."""
    times: int | None
    """How many of them fail then. None: all."""


@dataclass
class Faults:
    """What the proxy does wrong, to which requests, and what it has seen."""

    url: str = ""
    seen: list[str] = field(default_factory=list[str])
    """Method and path of every request."""
    _plans: list[Plan] = field(default_factory=list[Plan])
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def plan(self, request: str, fault: Fault, *, spared: int = 0, times: int | None = 1) -> None:
        """Let requests that contain these words fail: the next, or those after the spared ones."""
        self._plans.append(Plan(request, fault, spared, times))

    @property
    def left(self) -> int:
        """Faults that were planned and have not happened."""
        return sum(plan.times or 0 for plan in self._plans)

    def next(self, what: str) -> Fault | None:
        """The fault that is due for a request."""
        with self._guard:
            self.seen.append(what)
            for plan in self._plans:
                if plan.request not in what or plan.times == 0:
                    continue
                if plan.spared > 0:
                    plan.spared -= 1
                    continue
                if plan.times is not None:
                    plan.times -= 1
                return plan.fault
        return None


def answer(status: int, body: str, headers: Iterable[str] = ()) -> Fault:
    """Answer so, without asking the server."""
    content = body.encode()
    lines = [f"HTTP/1.1 {status} Fault", f"Content-Length: {len(content)}", *headers]
    return lambda _: "\r\n".join([*lines, "\r\n"]).encode() + content


def s3_refusal(status: int, code: str, *headers: str) -> Fault:
    """An error as S3 words it."""
    body = f"<Error><Code>{code}</Code><Message>{code} it is</Message></Error>"
    return answer(status, body, ["Content-Type: application/xml", *headers])


def google_refusal(status: int, message: str, *headers: str) -> Fault:
    """An error as Google words it."""
    body = f'{{"error": {{"code": {status}, "message": "{message}"}}}}'
    return answer(status, body, ["Content-Type: application/json", *headers])


def reset(_: Exchange) -> bytes:
    """Break the connection without asking the server: nothing has happened."""
    return b""


def lose(exchange: Exchange) -> bytes:
    """Do what was asked and break the connection instead of answering."""
    exchange.pass_on()
    return b""


def truncate(exchange: Exchange) -> bytes:
    """Break the connection in the middle of the answer."""
    whole = exchange.pass_on()
    return whole[: len(whole) // 2]


def damage(exchange: Exchange) -> bytes:
    """Let one bit of the body flip on its way to the server."""
    middle = len(exchange.body) // 2
    flipped = bytes([exchange.body[middle] ^ 1])
    exchange.body = exchange.body[:middle] + flipped + exchange.body[middle + 1 :]
    return exchange.pass_on()


def slow(seconds: float) -> Fault:
    """Answer late."""

    def late(exchange: Exchange) -> bytes:
        time.sleep(seconds)
        return exchange.pass_on()

    return late


@contextmanager
def faulty_front(behind: str) -> Generator[Faults]:
    """A proxy before a server, without faults as yet."""
    faults = Faults()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_request(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            exchange = Exchange(self.command, self.path, self.headers, body, behind)
            fault = faults.next(exchange.what)
            if fault is None:
                self.wfile.write(exchange.pass_on())
                return
            self.wfile.write(fault(exchange))
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_request  # noqa: N815 - as http.server calls them

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in http.server
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as proxy:
        faults.url = f"http://127.0.0.1:{proxy.server_address[1]}"
        thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield faults
        proxy.shutdown()
        thread.join()
