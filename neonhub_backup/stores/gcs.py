"""Backups in a bucket of Google Cloud Storage.

Uploading needs no permission to read or delete objects: an object is proven by its CRC32C, which
the server compares and answers with. A large one is sent as a resumable upload, whose parts come
one after the other: https://cloud.google.com/storage/docs/resumable-uploads
"""

import threading
import time
from base64 import b64encode
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, TypeVar

import neonhub_backup
from neonhub_backup.domain import configuration
from neonhub_backup.domain.retention import LockMode
from neonhub_backup.domain.storage import upload_class
from neonhub_backup.errors import MissingObjectError, StoreError
from neonhub_backup.stores.base import (
    CONNECTIONS,
    Listed,
    Lock,
    closing,
    content_type,
    folder_names,
)
from neonhub_backup.stores.gcs_errors import (
    ERRORS,
    Action,
    code_of,
    error_of,
    explain,
    is_transient,
)
from neonhub_backup.stores.google_sdk import (
    AnonymousCredentials,
    ClientInfo,
    HTTPAdapter,
    ambient_credentials,
    api_exceptions,
    google_crc32c,
    requests,
    storage,
)

MIB = 1 << 20
PART_BYTES = 8 * MIB
"""Objects up to this size go in one request. Google takes multiples of 256 KiB."""
RANGE_BYTES = 8 * MIB
"""How much of an object one request reads."""
BLOCK_BYTES = MIB
ATTEMPTS = 5
"""How often a request is tried."""
PAUSE_SECONDS = 0.5
"""Wait before the second attempt, twice as long before each one after it."""
TIMEOUT_SECONDS = (10, 60)
"""To connect, and between two bytes of an answer."""
CANCELLED = 499
"""What Google answers when an upload was ended on request."""

_MODES = {LockMode.GOVERNANCE: "Unlocked", LockMode.COMPLIANCE: "Locked"}
"""https://cloud.google.com/storage/docs/object-lock names both pairs."""

Answer = TypeVar("Answer")


class GcsStore:
    """One bucket. It connects on first use; threads may share it."""

    def __init__(self, settings: configuration.GcsStore) -> None:
        """Credentials are looked for on first use, where every Google tool does."""
        self._bucket = _Bucket(settings)

    @property
    def name(self) -> str:
        """Its name in the configuration."""
        return self._bucket.settings.name

    @property
    def address(self) -> str:
        """`gs://<bucket>`."""
        return self._bucket.address

    @contextmanager
    def upload(self, key: str, lock: Lock | None) -> Generator["GcsUpload"]:
        """Begin an object; an existing one is never overwritten. Takes the memory of two parts.

        When an upload that has begun cannot be ended, a note on the error says so.
        """
        upload = GcsUpload(self._bucket, key, lock)
        with closing(upload):
            yield upload

    @contextmanager
    def download(self, key: str) -> Generator[Iterator[bytes]]:
        """An object's bytes; what a dropped connection lost is read again.

        Raises:
            MissingObjectError: there is no such object.
        """
        yield _Download(self._bucket, key).blocks()

    def list(self, prefix: str) -> Iterator[Listed]:
        """Every object whose key begins so, in the order of their keys."""
        for found in self._bucket.found(prefix):
            yield Listed(found.name, found.size, found.time_created)

    def folders(self, prefix: str) -> Iterator[str]:
        """Names of the folders directly below a prefix that ends with a slash, in their order."""
        yield from folder_names(prefix, self._bucket.folders(prefix))


class GcsUpload:
    """One object on its way: in one request, or in parts, each sent while the next is filled."""

    def __init__(self, bucket: "_Bucket", key: str, lock: Lock | None) -> None:
        """Nothing is sent yet."""
        self._bucket = bucket
        self._key = key
        self._lock = lock
        self._buffer = bytearray()
        self._bytes = 0
        self._crc32c = _Checksum()
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=f"upload {key}")
        self._session: Future[_Session] | None = None
        self._in_flight: Future[None] | None = None
        self._committed = False

    def write(self, block: bytes | memoryview) -> None:
        """Add bytes; waits while a part is on its way and the next is full."""
        self._crc32c.update(block)
        self._bytes += len(block)
        rest = memoryview(block)
        while rest:
            room = PART_BYTES - len(self._buffer)
            if room == 0:
                self._send_buffer()
                continue
            self._buffer += rest[:room]
            rest = rest[room:]
        if self._in_flight is not None and self._in_flight.done():
            self._in_flight.result()

    def commit(self) -> None:
        """Make the object exist, compared by the server with the checksum of what was sent."""
        if self._session is None:
            self._put()
        else:
            self._settle()
            self._finish(self._session.result())
        self._committed = True

    def close(self) -> None:
        """Stop sending, and end an upload that was not committed."""
        self._executor.shutdown(wait=True, cancel_futures=True)
        begun = self._session
        if self._committed or begun is None or begun.cancelled() or begun.exception() is not None:
            return
        try:
            with self._bucket.telling("clean up", self._key):
                self._bucket.persist(lambda _: begun.result().cancel())
        except StoreError as error:
            raise StoreError(
                f"{error}; its parts are no object, and Google drops them within a week"
            ) from error

    @property
    def _checksum(self) -> str:
        return str(self._crc32c)

    def _send_buffer(self) -> None:
        if self._session is None:
            # In another thread, so that Ctrl-C cannot lose an upload that has begun.
            self._session = self._executor.submit(self._begin)
        session = self._session.result()
        self._settle()
        part, self._buffer = bytes(self._buffer), bytearray()
        self._in_flight = self._executor.submit(self._send, session, part)

    def _settle(self) -> None:
        """Wait for the part on its way. One that failed stays, so that no commit succeeds."""
        if self._in_flight is not None:
            self._in_flight.result()
            self._in_flight = None

    def _begin(self) -> "_Session":
        def begin(_failed: int) -> str:
            return self._blob().create_resumable_upload_session(
                content_type=content_type(self._key),
                if_generation_match=0,
                checksum=None,  # it goes with the last part
                timeout=TIMEOUT_SECONDS,
                retry=None,
            )

        with self._bucket.telling("write", self._key):
            return _Session(self._bucket, self._bucket.persist(begin))

    def _send(self, session: "_Session", part: bytes) -> None:
        with self._bucket.telling("write", self._key):
            session.send(part)

    def _finish(self, session: "_Session") -> None:
        with self._bucket.telling("write", self._key):
            try:
                answer = session.finish(bytes(self._buffer), self._checksum)
            except api_exceptions.GoogleAPICallError as error:
                # The answer to an earlier attempt can get lost after it made the object.
                if session.was_interrupted and self._stands(error):
                    return
                raise
        self._compare(answer.get("crc32c"))

    def _put(self) -> None:
        def put(failed: int) -> str | None:
            blob = self._blob()
            try:
                blob.upload_from_string(
                    bytes(self._buffer),
                    content_type=content_type(self._key),
                    if_generation_match=0,
                    checksum="crc32c",
                    timeout=TIMEOUT_SECONDS,
                    retry=None,
                )
            except api_exceptions.GoogleAPICallError as error:
                if failed > 0 and self._stands(error):  # as above
                    return self._checksum
                raise
            return blob.crc32c

        with self._bucket.telling("write", self._key):
            answered = self._bucket.persist(put)
        self._compare(answered)

    def _stands(self, refusal: api_exceptions.GoogleAPICallError) -> bool:
        """Whether what we sent is there already, though the server refused to take it again."""
        expected = HTTPStatus.PRECONDITION_FAILED, HTTPStatus.GONE
        return code_of(refusal) in expected and any(
            (found.name, found.size, found.crc32c) == (self._key, self._bytes, self._checksum)
            for found in self._bucket.found(self._key)
        )

    def _compare(self, stored: str | None) -> None:
        if stored != self._checksum:
            raise StoreError(
                f"{self._bucket.sentence('write', self._key)}: the server holds other bytes than"
                f" were sent (CRC32C {stored} instead of {self._checksum}); do not use that object,"
                " and run it again"
            )

    def _blob(self) -> Any:
        """The new object's properties; nothing of it is sent yet."""
        settings = self._bucket.settings
        blob = self._bucket.blob(self._key)
        storage_class = upload_class(self._key, settings.storage_classes)
        if storage_class is not None:
            blob.storage_class = storage_class
        if self._lock is not None and settings.object_retention:
            blob.retention.mode = _MODES[self._lock.mode]
            blob.retention.retain_until_time = self._lock.until
        return blob


class _Session:
    """A resumable upload. Its address is all the permission it needs, so it is told to nobody."""

    def __init__(self, bucket: "_Bucket", url: str) -> None:
        self._bucket = bucket
        self._url = url
        self._arrived = 0
        """Bytes that the server has for certain."""
        self.was_interrupted = False

    def send(self, part: bytes) -> None:
        """Send the next part, all of it."""
        self._send(part, None, {})

    def finish(self, part: bytes, crc32c: str) -> Mapping[str, Any]:
        """Send the last part, which makes the object exist; the object's properties."""
        total = self._arrived + len(part)
        return self._send(part, total, {"X-Goog-Hash": f"crc32c={crc32c}"}) or {}

    def cancel(self) -> None:
        """Have the server drop what was sent."""
        answer = self._ask("DELETE", {}, b"")
        gone = HTTPStatus.NOT_FOUND, HTTPStatus.GONE, HTTPStatus.NO_CONTENT, CANCELLED
        if answer.status_code not in gone:
            raise error_of(answer)

    def _send(
        self, part: bytes, total: int | None, headers: Mapping[str, str]
    ) -> Mapping[str, Any] | None:
        """Send a part, each time from where the server has it; what an object was made of it."""
        begin = self._arrived
        end = begin + len(part)
        of = "*" if total is None else str(total)

        def attempt(failed: int) -> Mapping[str, Any] | None:
            made = None
            if failed > 0:
                self.was_interrupted = True
                made = self._put(f"*/{of}", headers, b"")
            if self._arrived < begin:
                raise requests.RequestException(f"it lost bytes after the first {self._arrived}")
            if made is None and self._arrived < end:
                rest = part[self._arrived - begin :]
                made = self._put(f"{self._arrived}-{end - 1}/{of}", headers, rest)
            if made is None and (total is not None or self._arrived < end):
                raise requests.ConnectionError(f"it took {self._arrived} bytes of {end}")
            return made

        return self._bucket.persist(attempt)

    def _put(
        self, span: str, headers: Mapping[str, str], content: bytes
    ) -> Mapping[str, Any] | None:
        """Note how much has arrived; an object's properties once it is there."""
        answer = self._ask("PUT", {**headers, "Content-Range": f"bytes {span}"}, content)
        if answer.status_code in {HTTPStatus.OK, HTTPStatus.CREATED}:
            return answer.json()
        if answer.status_code != HTTPStatus.PERMANENT_REDIRECT:
            raise error_of(answer, of_upload=True)
        arrived = answer.headers.get("Range", "bytes=0--1").removeprefix("bytes=0-")
        self._arrived = int(arrived) + 1
        return None

    def _ask(self, method: str, headers: Mapping[str, str], content: bytes) -> "requests.Response":
        return self._bucket.http.request(
            method,
            self._url,
            data=content,
            headers=headers,
            timeout=TIMEOUT_SECONDS,
            allow_redirects=False,
        )


class _Bucket:
    """A bucket's settings and the one client that all threads share."""

    def __init__(self, settings: configuration.GcsStore) -> None:
        self.settings = settings
        self.http = requests.Session()
        """For uploads that have begun: they need no credentials."""
        self._connecting = threading.Lock()
        self._client: Any = None

    @property
    def name(self) -> str:
        return self.settings.bucket

    @property
    def address(self) -> str:
        return f"gs://{self.name}"

    @property
    def client(self) -> Any:
        """Google's client, which has no types."""
        with self._connecting:
            if self._client is None:
                self._client = self._connect()
            return self._client

    def blob(self, key: str) -> Any:
        return self.client.bucket(self.name).blob(key)

    def found(self, prefix: str) -> Iterator[Any]:
        """The blobs of every page: name, size, CRC32C and time."""
        for page in self._pages(prefix, None):
            yield from page

    def folders(self, prefix: str) -> Iterator[str]:
        """The prefixes of every page, which are the folders directly below this one."""
        for page in self._pages(prefix, "/"):
            yield from page.prefixes

    def sentence(self, action: Action, key: str) -> str:
        return f"store {self.settings.name} cannot {action} {self.address}/{key}"

    @contextmanager
    def telling(self, action: Action, key: str) -> Generator[None]:
        """Turn the errors of Google's libraries into a sentence about this store and this key."""
        try:
            yield
        except ERRORS as error:
            reason = explain(error, self.settings, action)
            raise StoreError(f"{self.sentence(action, key)}: {reason}") from error

    def persist(self, request: Callable[[int], Answer]) -> Answer:
        """Try a request again while that may help; it is told how often it has failed."""
        for failed in range(ATTEMPTS - 1):
            try:
                return request(failed)
            except ERRORS as error:
                if not is_transient(error):
                    raise
            time.sleep(PAUSE_SECONDS * 2**failed)
        return request(ATTEMPTS - 1)

    def _pages(self, prefix: str, delimiter: str | None) -> Iterator[Any]:
        token: str | None = None
        while True:
            with self.telling("list", prefix):
                page, token = self.persist(
                    lambda _, after=token: self._page(prefix, delimiter, after)
                )
            yield page
            if not token:
                return

    def _page(
        self, prefix: str, delimiter: str | None, token: str | None
    ) -> tuple[Any, str | None]:
        # One page at a time: an iterator over all would end, as if complete, after an error.
        found = self.client.list_blobs(
            self.name,
            prefix=prefix,
            delimiter=delimiter,
            page_token=token,
            fields="items(name,size,crc32c,timeCreated),prefixes,nextPageToken",
            timeout=TIMEOUT_SECONDS,
            retry=None,
        )
        return next(found.pages), found.next_page_token

    def _connect(self) -> Any:
        settings = self.settings
        try:
            emulated = settings.endpoint_url is not None
            credentials = AnonymousCredentials() if emulated else ambient_credentials()
            client: Any = storage.Client(
                project=None,  # no request here names one: a bucket's name says whose it is
                credentials=credentials,
                client_info=ClientInfo(user_agent=f"neonhub-backup/{neonhub_backup.__version__}"),
                client_options={"api_endpoint": settings.endpoint_url},
            )
            session = client._http  # noqa: SLF001 - the client has no setting for connections
            # One with a client's certificate has an adapter of its own.
            for scheme in () if session.is_mtls else ("https://", "http://"):
                session.mount(scheme, HTTPAdapter(pool_maxsize=CONNECTIONS))
        except ERRORS as error:
            raise StoreError(
                f"store {settings.name} cannot be used: {explain(error, settings, 'list')}"
            ) from error
        return client


class _Download:
    """One object on its way here, in ranges of one generation."""

    def __init__(self, bucket: _Bucket, key: str) -> None:
        self._bucket = bucket
        self._key = key
        self._blob = bucket.blob(key)
        try:
            with bucket.telling("read", key):
                bucket.persist(lambda _: self._blob.reload(timeout=TIMEOUT_SECONDS, retry=None))
        except StoreError as error:
            if code_of(error.__cause__) == HTTPStatus.NOT_FOUND and self._is_bucket_there():
                raise MissingObjectError(
                    f"object {key} is not in store {bucket.settings.name} ({bucket.address}), so"
                    " the backup it belongs to is not whole: use another backup or another store"
                ) from error
            raise

        # A range's answer overwrites what the blob knows of the whole object.
        self._generation: int = self._blob.generation
        self._crc32c: str = self._blob.crc32c
        self._bytes: int = self._blob.size

    def blocks(self) -> Iterator[bytes]:
        read = _Checksum()
        for start in range(0, self._bytes, RANGE_BYTES):
            content = self._range(start, min(start + RANGE_BYTES, self._bytes))
            read.update(content)
            view = memoryview(content)
            for block in range(0, len(content), BLOCK_BYTES):
                yield bytes(view[block : block + BLOCK_BYTES])
        if str(read) != self._crc32c:
            raise StoreError(
                f"{self._bucket.sentence('read', self._key)}: the bytes arrived damaged (CRC32C"
                f" {read} instead of {self._crc32c}); look for a faulty proxy or"
                " network card on the way, then run it again"
            )

    def _range(self, start: int, end: int) -> bytes:
        def read(_failed: int) -> bytes:
            content: bytes = self._blob.download_as_bytes(
                start=start,
                end=end - 1,
                raw_download=True,
                if_generation_match=self._generation,
                checksum=None,  # Google has one of the whole object only
                timeout=TIMEOUT_SECONDS,
                retry=None,
            )
            if len(content) != end - start:
                raise requests.ConnectionError(
                    f"{len(content)} bytes arrived of {end - start} at byte {start}"
                )
            return content

        with self._bucket.telling("read", self._key):
            return self._bucket.persist(read)

    def _is_bucket_there(self) -> bool:
        """Google's answer is the same for a missing bucket."""
        next(self._bucket.found(self._key), None)
        return True


class _Checksum:
    """The CRC32C of what it was given, as Google writes it."""

    def __init__(self) -> None:
        self._crc32c: Any = google_crc32c.Checksum()

    def update(self, block: bytes | memoryview) -> None:
        self._crc32c.update(bytes(block))  # of a view, Google's library takes a copy only

    def __str__(self) -> str:
        return b64encode(self._crc32c.digest()).decode()
