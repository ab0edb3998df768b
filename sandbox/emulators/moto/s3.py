"""What moto's S3 gets wrong of buckets.

moto 5 changes the default lock of empty buckets only, AWS that of any. And of some settings moto
keeps a part and makes up the rest: here they are read back as they were written.
"""

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from moto.s3.models import FakeBucket, S3Backend
from moto.s3.responses import S3Response

Document = tuple[bytes, dict[str, str]]
"""A setting as it was sent: its XML, and the headers that belong to it."""

_AS_WRITTEN = {
    "lifecycle": "get_bucket_lifecycle",
    "logging": "get_bucket_logging",
    "replication": "get_bucket_replication",
}
"""How a request names the setting, and the method of moto that answers it."""
_MINIMUM_SIZE = "x-amz-transition-default-minimum-object-size"
_DEFAULT_MINIMUM_SIZE = "all_storage_classes_128K"
_DOCUMENTS: WeakKeyDictionary[FakeBucket, dict[str, Document]] = WeakKeyDictionary()

_put_object_lock_configuration = S3Backend.put_object_lock_configuration
_bucket_response_put: Any = S3Response._bucket_response_put  # pyright: ignore[reportPrivateUsage]  # noqa: SLF001 - it has no other entrance


def put_object_lock_configuration(
    self: S3Backend,
    bucket_name: str,
    lock_enabled: bool,
    mode: str | None = None,
    days: int | None = None,
    years: int | None = None,
) -> None:
    """Change a bucket's default lock, whether it holds objects or not."""
    bucket = self.get_bucket(bucket_name)
    if not bucket.object_lock_enabled:
        _put_object_lock_configuration(self, bucket_name, lock_enabled, mode, days, years)
        return
    bucket.default_lock_mode = mode or ""
    bucket.default_lock_days = days or 0
    bucket.default_lock_years = years or 0


def put_part(self: Any, request: Any, bucket_name: str, querystring: dict[str, Any]) -> Any:
    """Set a part of a bucket as moto does, and remember how it was written."""
    answer = _bucket_response_put(self, request, bucket_name, querystring)
    for part in _AS_WRITTEN:
        if part in querystring:
            size = request.headers.get(_MINIMUM_SIZE, _DEFAULT_MINIMUM_SIZE)
            headers = {_MINIMUM_SIZE: size} if part == "lifecycle" else {}
            parts = _DOCUMENTS.setdefault(self.backend.get_bucket(bucket_name), {})
            parts[part] = (self.body, headers)
    return answer


def get_part(part: str, answer: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Answers as it was written, if moto's own `answer` is not that there is none."""

    def get(self: Any) -> Any:
        made_up = answer(self)
        document = _DOCUMENTS.get(self.backend.get_bucket(self.bucket_name), {}).get(part)
        return made_up if document is None else (200, document[1], document[0])

    return get


def correct() -> None:
    """Replace what is wrong in this process."""
    S3Backend.put_object_lock_configuration = put_object_lock_configuration
    answers: Any = S3Response
    answers._bucket_response_put = put_part  # noqa: SLF001 - as above
    for part, name in _AS_WRITTEN.items():
        setattr(answers, name, get_part(part, getattr(answers, name)))
