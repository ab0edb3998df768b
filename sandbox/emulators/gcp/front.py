"""Requests about objects: passed on, unless a retention forbids what they do.

The server behind keeps no retention of single objects, so that is remembered here and added to what
it says of them.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any, Protocol
from urllib.parse import unquote

from sandbox.emulators.gcp.buckets import retention_seconds
from sandbox.emulators.gcp.errors import forbidden, invalid
from sandbox.emulators.gcp.objects import Answer, Objects
from sandbox.emulators.gcp.routing import as_object, one_of, written
from sandbox.emulators.gcp.store import Document, Store

_HEAD_BYTES = 1 << 16
"""The description of an object is at the beginning of its upload, and shorter than this."""

_OBJECT = re.compile(r"/storage/v1/b/(?P<bucket>[^/]+)/o/(?P<name>.+)")
_COMPOSE = re.compile(r"/storage/v1/b/(?P<bucket>[^/]+)/o/(?P<name>.+)/compose")
_COPY = re.compile(
    r"/storage/v1/b/[^/]+/o/.+/(?:copyTo|rewriteTo)/b/(?P<bucket>[^/]+)/o/(?P<name>.+)"
)
_UPLOAD = re.compile(
    r"/(?:resumable/)?upload/(?:storage/v1|resumable)/?b?/(?P<bucket>[^/]+)(?:/o)?"
)
_LISTING = re.compile(r"/storage/v1/b/(?P<bucket>[^/]+)/o")
_XML = re.compile(r"/(?P<bucket>[a-z0-9][a-z0-9._-]+)/(?P<name>.+)")
_NOT_BUCKETS = ("storage", "upload", "download", "batch", "resumable", "_internal", "v1")


class Body(Protocol):
    """What a client sends."""

    def read(self, size: int = -1, /) -> bytes: ...


@dataclass(frozen=True)
class ObjectRequest:
    """One request that is not about configuration."""

    method: str
    target: str
    """Path and query, as they came."""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Body

    @property
    def path(self) -> str:
        """The path with its encoded characters, but slashes, as they are meant."""
        return self.target.split("?", 1)[0]


@dataclass
class _Change:
    """What a request does to an object."""

    bucket: str
    name: str
    retention: Any = None
    removes: bool = True
    """Whether the present object would be gone afterwards."""


def pass_on(
    store: Store, objects: Objects, request: ObjectRequest
) -> tuple[int, list[tuple[str, str]], Iterator[bytes]]:
    """Status, headers and body of the answer. Raises GoogleError where a retention forbids it."""
    if request.path.startswith("/batch/"):
        raise invalid("The emulator takes one request at a time: send no batches.")
    change, body = _change(request)
    if change is not None:
        with store.changing():
            _apply(store, objects, change, request)
    answer = objects.pass_on(request.method, request.target, request.headers, body)
    if change is not None and request.method == "DELETE" and answer.status < 300:
        with store.changing():
            store.table("retentions").pop(f"{change.bucket}/{change.name}", None)
    return _completed(store, answer, request)


def _change(request: ObjectRequest) -> tuple[_Change | None, Iterator[bytes]]:
    """What it changes, and the body, of which some may have been read already."""
    head = b""
    change: _Change | None = None
    if request.method == "POST":
        if upload := _UPLOAD.fullmatch(request.path):
            head = _head(request.body)
            change = _uploaded(upload["bucket"], head, request.query)
        elif target := _COMPOSE.fullmatch(request.path) or _COPY.fullmatch(request.path):
            change = _Change(target["bucket"], unquote(target["name"]))
    elif found := _OBJECT.fullmatch(request.path):
        if request.method == "DELETE":
            change = _Change(found["bucket"], unquote(found["name"]))
        elif request.method in {"PATCH", "PUT"}:
            head = _head(request.body)
            change = _described(found["bucket"], unquote(found["name"]), head)
    elif request.method in {"DELETE", "PUT"} and "uploadId" not in request.query:
        named = _XML.fullmatch(request.path)
        if named is not None and named["bucket"] not in _NOT_BUCKETS:
            change = _Change(named["bucket"], unquote(named["name"]))
    return change, chain([head] if head else [], _pieces(request.body))


def _uploaded(bucket: str, head: bytes, query: Mapping[str, str]) -> _Change:
    about = {} if query.get("uploadType") == "media" else _description(head)
    name = about.get("name") or query.get("name") or ""
    return _Change(bucket, name, about.get("retention"))


def _described(bucket: str, name: str, head: bytes) -> _Change | None:
    about = _description(head)
    if "retention" not in about:
        return None
    return _Change(bucket, name, as_object("retention", about["retention"]), removes=False)


def _head(body: Body) -> bytes:
    head = b""
    while len(head) < _HEAD_BYTES and (piece := body.read(_HEAD_BYTES - len(head))):
        head += piece
    return head


def _pieces(body: Body) -> Iterator[bytes]:
    while piece := body.read(_HEAD_BYTES * 16):
        yield piece


def _description(head: bytes) -> Document:
    """The JSON at the beginning, be it the whole body or the first part of it."""
    text = head.decode(errors="replace")
    start = text.find("{")
    if start < 0:
        return {}
    try:
        parsed: Any = json.JSONDecoder().raw_decode(text[start:])[0]
    except ValueError as error:
        raise invalid(f"Parse Error: {error}") from None
    return as_object("object", parsed)


def _apply(store: Store, objects: Objects, change: _Change, request: ObjectRequest) -> None:
    key = f"{change.bucket}/{change.name}"
    present = objects.find(change.bucket, change.name)
    if present is not None and change.removes:
        end = _kept_until(store, change.bucket, present)
        if end is not None and end > datetime.now(UTC):
            raise forbidden(
                f"Object '{key}' is subject to bucket's retention policy or object retention and"
                f" cannot be deleted or overwritten until {written(end)}",
                "retentionPolicyNotMet",
            )
    if change.retention is None:
        return
    retention = _checked(store, change.bucket, change.retention)
    before = store.table("retentions").get(key, {})
    if present is not None and before:
        _require_stronger(before, retention, override=request.query)
    store.table("retentions")[key] = retention
    if not retention:
        del store.table("retentions")[key]


def _checked(store: Store, bucket: str, given: Any) -> Document:
    retention = {n: v for n, v in as_object("retention", given).items() if v is not None}
    if not retention:
        return {}
    if "objectRetention" not in store.table("buckets").get(bucket, {}):
        raise invalid(f"Bucket '{bucket}' is not enabled for object retention.")
    one_of("retention.mode", retention.get("mode"), ("Locked", "Unlocked"))
    if _moment(retention.get("retainUntilTime")) <= datetime.now(UTC):
        raise invalid("The retain until time of an object must be in the future.")
    return {name: retention[name] for name in ("mode", "retainUntilTime")}


def _require_stronger(before: Document, after: Document, override: Mapping[str, str]) -> None:
    weaker = not after or (
        _moment(after["retainUntilTime"]) < _moment(before["retainUntilTime"])
        or (before["mode"], after["mode"]) == ("Locked", "Unlocked")
    )
    if weaker and before["mode"] == "Locked":
        raise forbidden("A locked object retention can only be extended.")
    if weaker and override.get("overrideUnlockedRetention", "").lower() != "true":
        raise forbidden("To weaken an object retention set overrideUnlockedRetention.")


def _kept_until(store: Store, bucket: str, present: Document) -> datetime | None:
    """The later of the end of the bucket's retention and of the object's own."""
    ends: list[datetime] = []
    period = retention_seconds(store, bucket)
    if period:
        ends.append(_moment(present["timeCreated"]) + timedelta(seconds=period))
    own = store.table("retentions").get(f"{bucket}/{present['name']}")
    if own:
        ends.append(_moment(own["retainUntilTime"]))
    return max(ends, default=None)


def _moment(text: Any) -> datetime:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        raise invalid(f"Invalid time: {text}") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _completed(
    store: Store, answer: Answer, request: ObjectRequest
) -> tuple[int, list[tuple[str, str]], Iterator[bytes]]:
    """The answer, with the retention of the objects that it tells of."""
    kinds = [value for name, value in answer.headers if name.lower() == "content-type"]
    told = _OBJECT.fullmatch(request.path) or _LISTING.fullmatch(request.path)
    media = request.query.get("alt") == "media"
    uploaded = "upload" in request.path.split("/")[1]
    is_json = any("json" in kind for kind in kinds)
    tells = request.method != "DELETE" and (told or uploaded) and is_json and not media
    if not tells or answer.status != 200:
        return answer.status, answer.headers, answer.pieces()
    parsed = answer.json()
    for each in [parsed, *parsed.get("items", [])]:
        if "bucket" in each and "name" in each:
            _tell(store, each)
    text = json.dumps(parsed).encode()
    kept = [(n, v) for n, v in answer.headers if n.lower() != "content-length"]
    return answer.status, [*kept, ("Content-Length", str(len(text)))], iter([text])


def _tell(store: Store, found: Document) -> None:
    own = store.table("retentions").get(f"{found['bucket']}/{found['name']}")
    if own:
        found["retention"] = own
    if "timeCreated" in found and retention_seconds(store, found["bucket"]):
        end = _moment(found["timeCreated"])
        end += timedelta(seconds=retention_seconds(store, found["bucket"]))
        found["retentionExpirationTime"] = written(end)
