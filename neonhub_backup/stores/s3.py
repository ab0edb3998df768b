"""Backups in a bucket of S3, or of a server that speaks its protocol.

Uploading needs no permission to read or delete objects: an object is proven by checksums that the
server compares and answers with, never by looking at it afterwards.
"""

import hashlib
import threading
from base64 import b64decode, b64encode
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, IncompleteReadError
from urllib3.exceptions import HTTPError

import neonhub_backup
from neonhub_backup.domain import configuration
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
from neonhub_backup.stores.s3_errors import Action, code_of, explain

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

MIB = 1 << 20
FIRST_PART_BYTES = 8 * MIB
"""Objects up to this size go in one request."""
PARTS_PER_SIZE = 1000
"""After so many parts their size doubles, since S3 takes no more than 10,000."""
PARTS_IN_FLIGHT = 2
"""Parts being sent while the next is filled."""
BLOCK_BYTES = MIB
ATTEMPTS = 5
"""How often a request is tried, and a download resumed that gets no further."""

_DROPPED = (HTTPClientError, IncompleteReadError, HTTPError)


def part_bytes(number: int) -> int:
    """Size of a multipart upload's n-th part, so that 10,000 parts hold 7.8 TiB."""
    return FIRST_PART_BYTES << (number - 1) // PARTS_PER_SIZE


class S3Store:
    """One bucket. It connects on first use; threads may share it."""

    def __init__(self, settings: configuration.S3Store) -> None:
        """Credentials are looked for on first use, where every AWS tool does."""
        self._bucket = _Bucket(settings)

    @property
    def name(self) -> str:
        """Its name in the configuration."""
        return self._bucket.settings.name

    @property
    def address(self) -> str:
        """`s3://<bucket>`."""
        return self._bucket.address

    @contextmanager
    def upload(self, key: str, lock: Lock | None) -> Generator["S3Upload"]:
        """Begin an object; an existing one is never overwritten.

        Takes the memory of three parts: 24 MiB up to 8 GB, twice that at 8, 24, 56 and so on.
        When parts already sent cannot be removed, a note on the error that ended it says so.
        """
        upload = S3Upload(self._bucket, key, lock)
        with closing(upload):
            yield upload

    @contextmanager
    def download(self, key: str) -> Generator[Iterator[bytes]]:
        """An object's bytes; a dropped connection is taken up where it broke.

        Raises:
            MissingObjectError: there is no such object.
        """
        download = _Download(self._bucket, key)
        try:
            yield download.blocks()
        finally:
            download.close()

    def list(self, prefix: str) -> Iterator[Listed]:
        """Every object whose key begins so, in the order of their keys."""
        with self._bucket.telling("list", prefix):
            yield from self._bucket.list(prefix)

    def folders(self, prefix: str) -> Iterator[str]:
        """Names of the folders directly below a prefix that ends with a slash, in their order."""
        with self._bucket.telling("list", prefix):
            yield from folder_names(prefix, self._bucket.folders(prefix))


class S3Upload:
    """One object on its way: in one request, or in parts sent while the next is filled."""

    def __init__(self, bucket: "_Bucket", key: str, lock: Lock | None) -> None:
        """Nothing is sent yet."""
        self._bucket = bucket
        self._key = key
        self._settings = _object_settings(bucket.settings, key, lock)
        self._buffer = bytearray()
        self._bytes = 0
        self._parts: list[CompletedPartTypeDef] = []
        self._in_flight: deque[Future[CompletedPartTypeDef]] = deque()
        self._executor = ThreadPoolExecutor(PARTS_IN_FLIGHT, thread_name_prefix=f"upload {key}")
        self._upload_id: Future[str] | None = None
        self._committed = False

    def write(self, block: bytes | memoryview) -> None:
        """Add bytes; waits while two parts are on their way."""
        rest = memoryview(block)
        while rest:
            room = part_bytes(self._number) - len(self._buffer)
            if room == 0:
                self._send_buffer()
                continue
            self._buffer += rest[:room]
            rest = rest[room:]
        self._bytes += len(block)
        self._settle(waiting_for=0)

    def commit(self) -> None:
        """Make the object exist, compared by the server with the checksums of what was sent."""
        if self._upload_id is None:
            self._put()
        else:
            self._send_buffer()
            self._settle(waiting_for=len(self._in_flight))
            self._complete(self._upload_id.result())
        self._committed = True

    def close(self) -> None:
        """Stop sending, and remove what was sent of an object that was not committed."""
        # A part that arrived after the abort would stay in the bucket.
        self._executor.shutdown(wait=True, cancel_futures=True)
        begun = self._upload_id
        if self._committed or begun is None or begun.cancelled() or begun.exception() is not None:
            return
        upload_id = begun.result()
        try:
            with self._bucket.telling("clean up", self._key):
                self._bucket.client.abort_multipart_upload(
                    Bucket=self._bucket.name, Key=self._key, UploadId=upload_id
                )
        except StoreError as error:
            if code_of(error.__cause__) == "NoSuchUpload":
                return
            raise StoreError(
                f"{error}; until then the bucket keeps, and bills, the parts of multipart upload"
                f" {upload_id}"
            ) from error

    @property
    def _number(self) -> int:
        """Which part is being filled, counted from 1."""
        return len(self._parts) + len(self._in_flight) + 1

    def _send_buffer(self) -> None:
        if self._upload_id is None:
            # In another thread, so that Ctrl-C cannot lose the id of an upload that has begun.
            self._upload_id = self._executor.submit(self._begin)
        upload_id = self._upload_id.result()
        self._settle(waiting_for=len(self._in_flight) - PARTS_IN_FLIGHT + 1)
        part, self._buffer = self._buffer, bytearray()
        number = self._number
        self._in_flight.append(self._executor.submit(self._send, upload_id, number, part))

    def _settle(self, waiting_for: int) -> None:
        """Take the parts that have arrived. One that failed stays, so that no commit succeeds."""
        while self._in_flight and (waiting_for > 0 or self._in_flight[0].done()):
            self._parts.append(self._in_flight[0].result())
            self._in_flight.popleft()
            waiting_for -= 1

    def _begin(self) -> str:
        with self._bucket.telling("write", self._key):
            begun = self._bucket.client.create_multipart_upload(
                **self._settings, ChecksumAlgorithm="SHA256"
            )
        return begun["UploadId"]

    def _send(self, upload_id: str, number: int, part: bytearray) -> "CompletedPartTypeDef":
        checksum = _checksum(part)
        with self._bucket.telling("write", self._key):
            answer = self._bucket.client.upload_part(
                Bucket=self._bucket.name,
                Key=self._key,
                UploadId=upload_id,
                PartNumber=number,
                Body=part,  # pyright: ignore[reportArgumentType] - botocore takes bytearrays
                ChecksumAlgorithm="SHA256",
                ChecksumSHA256=checksum,
            )
        self._compare(answer, checksum)
        return {"PartNumber": number, "ETag": answer["ETag"], "ChecksumSHA256": checksum}

    def _put(self) -> None:
        checksum = _checksum(self._buffer)
        answer = self._finish(
            self._bucket.client.put_object,
            **self._settings,
            Body=self._buffer,
            ChecksumAlgorithm="SHA256",
            ChecksumSHA256=checksum,
        )
        self._compare(answer, checksum)

    def _complete(self, upload_id: str) -> None:
        answer = self._finish(
            self._bucket.client.complete_multipart_upload,
            Bucket=self._bucket.name,
            Key=self._key,
            UploadId=upload_id,
            MultipartUpload={"Parts": self._parts},
            MpuObjectSize=self._bytes,
        )
        self._compare(answer, _composite_checksum(self._parts))

    def _finish(
        self, request: Callable[..., Mapping[str, Any]], **parameters: Any
    ) -> Mapping[str, Any]:
        """The request that makes the object exist, unless there is one of that name."""
        with self._bucket.telling("write", self._key):
            try:
                return request(**parameters, IfNoneMatch="*")
            except ClientError as error:
                if code_of(error) == "NotImplemented":
                    return request(**parameters)
                # The answer to an earlier attempt can get lost after it made the object. Names
                # are random, so what stands there at this size is what we sent.
                retried = error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0) > 0
                refused = code_of(error) in {"PreconditionFailed", "NoSuchUpload"}
                if retried and refused and self._stands():
                    return {}
                raise

    def _stands(self) -> bool:
        return Listed(self._key, self._bytes) in self._bucket.list(self._key)

    def _compare(self, answer: Mapping[str, Any], checksum: str) -> None:
        """The server has compared already; not every one says so in its answer."""
        stored = answer.get("ChecksumSHA256", checksum)
        if stored != checksum:
            raise StoreError(
                f"{self._bucket.sentence('write', self._key)}: the server holds other bytes than"
                f" were sent (SHA-256 {stored} instead of {checksum}); do not use that object, and"
                " run it again"
            )


class _Bucket:
    """A bucket's settings and the one client that all threads share."""

    def __init__(self, settings: configuration.S3Store) -> None:
        self.settings = settings
        self._connecting = threading.Lock()
        self._client: S3Client | None = None

    @property
    def name(self) -> str:
        return self.settings.bucket

    @property
    def address(self) -> str:
        return f"s3://{self.name}"

    @property
    def client(self) -> "S3Client":
        with self._connecting:
            if self._client is None:
                self._client = self._connect()
            return self._client

    def list(self, prefix: str) -> Iterator[Listed]:
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.name, Prefix=prefix
        )
        for page in pages:
            for found in page.get("Contents", ()):
                yield Listed(found.get("Key", ""), found.get("Size", 0), found.get("LastModified"))

    def folders(self, prefix: str) -> Iterator[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.name, Prefix=prefix, Delimiter="/"
        )
        for page in pages:
            for found in page.get("CommonPrefixes", ()):
                yield found.get("Prefix", "")

    def sentence(self, action: Action, key: str) -> str:
        return f"store {self.settings.name} cannot {action} {self.address}/{key}"

    @contextmanager
    def telling(self, action: Action, key: str) -> Generator[None]:
        """Turn botocore's errors into a sentence about this store and this key."""
        try:
            yield
        except (BotoCoreError, ClientError) as error:
            reason = explain(error, self.settings, action)
            raise StoreError(f"{self.sentence(action, key)}: {reason}") from error

    def _connect(self) -> "S3Client":
        settings = self.settings
        try:
            return boto3.session.Session().client(  # pyright: ignore[reportUnknownMemberType] - only S3 has stubs
                "s3",
                region_name=settings.region,
                endpoint_url=settings.endpoint_url,
                config=Config(
                    retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
                    connect_timeout=10,
                    read_timeout=60,
                    max_pool_connections=CONNECTIONS,
                    s3={"addressing_style": "path" if settings.path_style else "auto"},
                    # Every part goes with its SHA-256; botocore would add a CRC to the rest.
                    request_checksum_calculation="when_required",
                    response_checksum_validation="when_required",
                    user_agent_extra=f"neonhub-backup/{neonhub_backup.__version__}",
                ),
            )
        except BotoCoreError as error:
            raise StoreError(
                f"store {settings.name} cannot be used: {explain(error, settings, 'list')}"
            ) from error
        except ValueError as error:
            raise StoreError(
                f"store {settings.name} cannot be used ({error}): correct its endpoint_url to a URL"
                " such as https://host:port, or leave it out for AWS itself"
            ) from error


class _Download:
    """One object on its way here, whatever becomes of the connections."""

    def __init__(self, bucket: _Bucket, key: str) -> None:
        self._bucket = bucket
        self._key = key
        try:
            with bucket.telling("read", key):
                self._answer = bucket.client.get_object(Bucket=bucket.name, Key=key)
        except StoreError as error:
            if code_of(error.__cause__) == "NoSuchKey":
                raise MissingObjectError(
                    f"object {key} is not in store {bucket.settings.name} ({bucket.address}), so"
                    " the backup it belongs to is not whole: use another backup or another store"
                ) from error
            raise

    def blocks(self) -> Iterator[bytes]:
        etag = self._answer["ETag"]
        size = self._answer["ContentLength"]
        position = attempts = 0
        while position < size:
            try:
                block = self._answer["Body"].read(BLOCK_BYTES)
            except _DROPPED as error:
                attempts += 1
                if attempts == ATTEMPTS:
                    raise StoreError(
                        f"{self._bucket.sentence('read', self._key)}: the connection broke at byte"
                        f" {position} of {size}, {ATTEMPTS} times ({error}); check the network and"
                        " run it again"
                    ) from error
                self._resume(position, etag)
                continue
            attempts = 0
            position += len(block)
            yield block

    def close(self) -> None:
        self._answer["Body"].close()

    def _resume(self, position: int, etag: str) -> None:
        self.close()
        with self._bucket.telling("read", self._key):
            self._answer = self._bucket.client.get_object(
                Bucket=self._bucket.name, Key=self._key, Range=f"bytes={position}-", IfMatch=etag
            )


def _object_settings(
    settings: configuration.S3Store, key: str, lock: Lock | None
) -> dict[str, Any]:
    """What S3 is told about a new object, beside its bytes."""
    known: dict[str, Any] = {
        "Bucket": settings.bucket,
        "Key": key,
        "ContentType": content_type(key),
    }
    storage_class = upload_class(key, settings.storage_classes)
    if storage_class is not None:
        known["StorageClass"] = storage_class
    if settings.kms_key_arn is not None:
        known |= {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": settings.kms_key_arn}
    if lock is not None:
        known |= {"ObjectLockMode": lock.mode.value, "ObjectLockRetainUntilDate": lock.until}
    return known


def _checksum(content: bytearray) -> str:
    return b64encode(hashlib.sha256(content).digest()).decode()


def _composite_checksum(parts: "list[CompletedPartTypeDef]") -> str:
    """How S3 sums up an object of parts: the checksum of their checksums."""
    joined = b"".join(b64decode(part.get("ChecksumSHA256", "")) for part in parts)
    return f"{_checksum(bytearray(joined))}-{len(parts)}"
