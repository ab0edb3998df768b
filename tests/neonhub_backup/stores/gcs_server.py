"""A server that speaks as much of Google Cloud Storage's protocol as the store needs.

Unlike other emulators it keeps to Google's rules for uploads that were interrupted: what has
arrived already is not taken twice, and asking for the state of an upload changes nothing.
https://cloud.google.com/storage/docs/performing-resumable-uploads
"""

import json
import socket
import threading
from base64 import b64encode
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from neonhub_backup.stores.google_sdk import google_crc32c

BUCKET = "vault"
TOKEN = {
    "access_token": "federated",
    "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
    "token_type": "Bearer",
    "expires_in": 3600,
}
PAGE = 2
"""Objects of one page of a listing."""
Json = dict[str, Any]


@dataclass
class Asked:
    """A request, as the server understood it."""

    kind: str
    """insert, begin, part, state, cancel, list, stat, read; bucket for its own metadata; token for
    the exchange of credentials."""
    query: dict[str, str]
    headers: Message
    body: bytes
    told: Json = field(default_factory=dict[str, Any])
    """The properties of the object, when the request has them."""


@dataclass
class Answer:
    status: int
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict[str, str])


@dataclass
class Kept:
    content: bytes
    told: Json
    generation: int

    def properties(self, key: str) -> Json:
        return self.told | {
            "name": key,
            "bucket": BUCKET,
            "size": str(len(self.content)),
            "generation": str(self.generation),
            "crc32c": crc32c(self.content),
        }


Fault = Callable[[Asked, Callable[[], Answer]], Answer | None]
"""Is given the request and what would answer it; None loses the answer."""


def crc32c(content: bytes) -> str:
    """As Google writes it."""
    checksum: Any = google_crc32c.Checksum(content)
    return b64encode(checksum.digest()).decode()


def refusal(status: int, message: str = "Because.") -> Answer:
    """An error as Google words it."""
    error = {"code": status, "message": message}
    return Answer(status, json.dumps({"error": error}).encode())


class GcsServer:
    """The server's content, what it was asked, and what it is to do wrong."""

    def __init__(self) -> None:
        self.url = ""
        self.objects: dict[str, Kept] = {}
        self.uploads: dict[str, tuple[Json, bytearray]] = {}
        self.asked: list[Asked] = []
        self.faults: dict[str, list[Fault]] = {}
        """For each kind of request: the faults of the next ones, used up one by one."""
        self._guard = threading.RLock()
        self._generation = 0

    def requests(self, kind: str) -> list[Asked]:
        return [asked for asked in self.asked if asked.kind == kind]

    def refuse(self, kind: str, status: int, message: str = "Because.", times: int = 1) -> None:
        """Answer the next requests so, without doing what they ask."""

        def refuse(_: Asked, __: Callable[[], Answer]) -> Answer:
            return refusal(status, message)

        self.faults.setdefault(kind, []).extend([refuse] * times)

    def lose(self, kind: str) -> None:
        """Do what the next request asks, and break the connection instead of answering."""

        def unheard(_: Asked, act: Callable[[], Answer]) -> None:
            act()

        self.faults.setdefault(kind, []).append(unheard)

    def put(self, key: str, content: bytes) -> None:
        """Have an object already."""
        self._make(key, content, {})

    def answer(self, method: str, path: str, headers: Message, body: bytes) -> Answer | None:
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        bucket, objects, key = parts.path.partition("/b/")[2].partition("/o")
        key = unquote(key.removeprefix("/"))
        span = headers["Content-Range"] or ""
        kind = "token" if parts.path == "/token" else _kind(method, query, objects, key, span)
        asked = Asked(kind, query, headers, body)
        if asked.kind == "begin":
            asked.told = json.loads(body)
        elif asked.kind == "insert":
            asked.told, asked.body = _halves(headers, body)
        acts: dict[str, Callable[[], Answer]] = {
            "insert": lambda: self._insert(asked),
            "begin": lambda: self._begin(asked),
            "part": lambda: self._continue(asked, span),
            "state": lambda: self._continue(asked, span),
            "cancel": lambda: self._continue(asked, span),
            "list": lambda: self._list(query),
            "stat": lambda: self._read(asked, key),
            "read": lambda: self._read(asked, key),
            "bucket": lambda: refusal(403),
            "token": lambda: Answer(200, json.dumps(TOKEN).encode()),
        }
        with self._guard:
            self.asked.append(asked)
            waiting = self.faults.get(asked.kind)
            fault = waiting.pop(0) if waiting else None
        if asked.kind != "token" and bucket != BUCKET:
            return refusal(404, "The specified bucket does not exist.")
        act = acts[asked.kind]
        return fault(asked, act) if fault else act()

    def _insert(self, asked: Asked) -> Answer:
        if asked.told["crc32c"] != crc32c(asked.body):
            return refusal(400, "Provided CRC32C does not match.")
        return self._make(asked.told["name"], asked.body, asked.told)

    def _begin(self, asked: Asked) -> Answer:
        if "name" not in asked.told:
            asked.told["name"] = asked.query["name"]
        number = f"upload-{len(self.requests('begin'))}"
        self.uploads[number] = asked.told, bytearray()
        where = f"{self.url}/upload/storage/v1/b/{BUCKET}/o?uploadType=resumable&upload_id={number}"
        return Answer(200, headers={"Location": where})

    def _continue(self, asked: Asked, span: str) -> Answer:
        number = asked.query["upload_id"]
        if number not in self.uploads:
            return refusal(404)
        told, arrived = self.uploads[number]
        if asked.kind == "cancel":
            del self.uploads[number]
            return Answer(499)
        if "done" in told:
            return Answer(200, json.dumps(told["done"]).encode())
        places, _, total = span.removeprefix("bytes ").partition("/")
        if asked.kind == "part":
            start = int(places.partition("-")[0])
            assert start <= len(arrived), "a part with a gap before it"
            arrived[start:] = asked.body
        if total != "*" and int(total) == len(arrived):
            promised = asked.headers["X-Goog-Hash"]
            if promised != f"crc32c={crc32c(bytes(arrived))}":
                return refusal(400, "Provided CRC32C does not match.")
            made = self._make(told["name"], bytes(arrived), told)
            if made.status == 200:
                told["done"] = json.loads(made.body)
            return made
        return Answer(308, headers={"Range": f"bytes=0-{len(arrived) - 1}"} if arrived else {})

    def _make(self, key: str, content: bytes, told: Json) -> Answer:
        if key in self.objects:
            return refusal(412, "At least one of the pre-conditions did not hold.")
        self._generation += 1
        self.objects[key] = Kept(content, told, self._generation)
        return Answer(200, json.dumps(self.objects[key].properties(key)).encode())

    def _list(self, query: dict[str, str]) -> Answer:
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter")
        found: set[str] = set()
        for key in self.objects:
            if key.startswith(prefix):
                head, slash, _ = key.removeprefix(prefix).partition(delimiter or "/")
                found.add(f"{prefix}{head}{slash}" if delimiter and slash else key)
        names = sorted(name for name in found if name >= query.get("pageToken", ""))
        page: Json = {
            "items": [self.objects[key].properties(key) for key in names[:PAGE] if key[-1] != "/"],
            "prefixes": [name for name in names[:PAGE] if name[-1] == "/"],
        }
        if names[PAGE:]:
            page["nextPageToken"] = names[PAGE]
        return Answer(200, json.dumps(page).encode())

    def _read(self, asked: Asked, key: str) -> Answer:
        if key not in self.objects:
            return refusal(404, f"No such object: {BUCKET}/{key}")
        kept = self.objects[key]
        if asked.kind == "stat":
            return Answer(200, json.dumps(kept.properties(key)).encode())
        if asked.query["ifGenerationMatch"] != str(kept.generation):
            return refusal(412)
        first, _, last = asked.headers["Range"].removeprefix("bytes=").partition("-")
        content = kept.content[int(first) : int(last) + 1]
        span = f"bytes {first}-{int(first) + len(content) - 1}/{len(kept.content)}"
        return Answer(206, content, {"Content-Range": span})


def _kind(method: str, query: dict[str, str], objects: str, key: str, span: str) -> str:
    if not objects:
        return "bucket"
    if "upload_id" in query:
        return "cancel" if method == "DELETE" else "state" if "*/" in span else "part"
    if "uploadType" in query:
        return "begin" if query["uploadType"] == "resumable" else "insert"
    return "read" if "media" in query.get("alt", "") else "stat" if key else "list"


def _halves(headers: Message, body: bytes) -> tuple[Json, bytes]:
    """The properties and the content of a request that has both."""
    whole = f"Content-Type: {headers['Content-Type']}\r\n\r\n".encode() + body
    boundary = BytesParser().parsebytes(whole).get_boundary() or ""
    _, properties, content, _ = body.split(f"--{boundary}".encode())
    told = json.loads(properties.partition(b"\r\n\r\n")[2])
    head, _, rest = content.partition(b"\r\n\r\n")
    told["contentType"] = BytesParser().parsebytes(head.strip()).get_content_type()
    return told, rest.removesuffix(b"\r\n")


@contextmanager
def gcs_server() -> Generator[GcsServer]:
    """A server with an empty bucket, on a free port."""
    content = GcsServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_request(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            answer = content.answer(self.command, self.path, self.headers, body)
            if answer is None:
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in ({"Content-Length": str(len(answer.body))} | answer.headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        do_GET = do_PUT = do_POST = do_DELETE = handle_request  # noqa: N815 - as http.server calls them

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in http.server
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        content.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield content
        server.shutdown()
        thread.join()
