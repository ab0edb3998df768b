"""The fake-gcs-server behind the emulator, which holds the objects and their bytes."""

import http.client
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from subprocess import PIPE, Popen
from typing import IO, Any
from urllib.parse import quote

_TIMEOUT_SECONDS = 300
_START_SECONDS = 30
_PIECE_BYTES = 1 << 20
_OF_ONE_CONNECTION = frozenset({"connection", "keep-alive", "transfer-encoding", "date", "server"})


class ObjectsError(Exception):
    """The server behind does not answer, or not as it should."""


class Answer:
    """A response whose body is read while it is passed on."""

    def __init__(
        self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse
    ) -> None:
        self._connection = connection
        self._response = response
        self.status = response.status
        self.headers = [
            (name, value)
            for name, value in response.getheaders()
            if name.lower() not in _OF_ONE_CONNECTION
        ]

    def json(self) -> Any:
        """All of it, parsed."""
        try:
            return json.loads(self._response.read())
        finally:
            self._connection.close()

    def pieces(self) -> Iterator[bytes]:
        """All of it, in pieces."""
        try:
            while piece := self._response.read(_PIECE_BYTES):
                yield piece
        finally:
            self._connection.close()


class Objects:
    """A client of the server behind."""

    def __init__(self, port: int, public: str) -> None:
        """`public` is the host and port by which everybody else knows it."""
        self._port = port
        self._public = public

    def create_bucket(self, name: str) -> None:
        """A place for objects. One that is there already is no error."""
        self._ask("POST", "/storage/v1/b", {"name": name}, accepted=(200, 409))

    def delete_bucket(self, name: str) -> None:
        """Forget an empty place. One that is gone already is no error."""
        self._ask("DELETE", f"/storage/v1/b/{name}", accepted=(200, 204, 404))

    def is_empty(self, bucket: str) -> bool:
        """Whether there are no objects."""
        return not self._ask("GET", f"/storage/v1/b/{bucket}/o?maxResults=1").get("items")

    def find(self, bucket: str, name: str) -> dict[str, Any] | None:
        """What is said of an object; None when there is none."""
        path = f"/storage/v1/b/{bucket}/o/{quote(name, safe='')}"
        found = self._ask("GET", path, accepted=(200, 404))
        return found if "name" in found else None

    def pass_on(
        self, method: str, target: str, headers: Mapping[str, str], body: Iterable[bytes] | None
    ) -> Answer:
        """Make a request that somebody made of us."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_TIMEOUT_SECONDS)
        sent = {n: v for n, v in headers.items() if n.lower() not in {"connection", "host"}}
        sent["Host"] = self._public  # It tells addresses of buckets by it.
        chunked = "chunked" in headers.get("Transfer-Encoding", "")
        try:
            connection.request(method, target, body, sent, encode_chunked=chunked)
            return Answer(connection, connection.getresponse())
        except OSError as error:
            connection.close()
            raise ObjectsError(f"the server of the objects does not answer ({error})") from error

    def _ask(
        self, method: str, path: str, body: Any = None, accepted: tuple[int, ...] = (200,)
    ) -> Any:
        text = b"" if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Content-Length": str(len(text))}
        answer = self.pass_on(method, path, headers, [text])
        said = b"".join(answer.pieces())
        if answer.status not in accepted:
            raise ObjectsError(f"{method} {path}: {answer.status} {said.decode(errors='replace')}")
        return json.loads(said) if said.lstrip().startswith(b"{") else {}


def serve(command: Iterable[str]) -> Popen[bytes]:
    """Start the server behind; it ends with us, even if we are killed."""
    # The shell waits for the end of our pipe, which comes however we end.
    script = '"$@" & read -r _; kill $!'
    return Popen(["/bin/sh", "-c", script, "sh", *command], stdin=PIPE)


def wait(port: int, server: Popen[bytes]) -> None:
    """Return once it answers. Raises ObjectsError when it ends or stays silent."""
    deadline = time.monotonic() + _START_SECONDS
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
        try:
            connection.request("GET", "/_internal/healthcheck")
            if connection.getresponse().status == 200:
                return
        except OSError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise ObjectsError("the server of the objects does not start") from None
            time.sleep(0.02)
        finally:
            connection.close()


def stop(server: Popen[bytes]) -> None:
    """End the server behind."""
    pipe: IO[bytes] | None = server.stdin
    if pipe is not None:
        pipe.close()
    server.wait()
