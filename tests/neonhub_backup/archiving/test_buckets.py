"""What barman's programs are given, and how their descriptions are read."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from neonhub_backup.archiving.buckets import (
    archive_arguments,
    backup_arguments,
    environment,
    place_arguments,
    read_description,
)
from neonhub_backup.domain.configuration import GcsStore, S3Store
from neonhub_backup.errors import IntegrityError

AWS = S3Store(name="aws", bucket="ops", region="eu-west-1")
GOOGLE = GcsStore(name="google", bucket="ops")
INFO = """\
backup_label='START WAL LOCATION: 0/2000028 (file 000000010000000000000002)\\n'
begin_time=2026-01-05 02:00:00.500000+00:00
begin_wal=000000010000000000000002
begin_xlog=0/2000028
end_time=2026-01-05 04:00:01+02:00
end_xlog=0/2000158
size=31337
status=DONE
systemid=7000000000000000001
tablespaces=None
timeline=1
version=180006
xlog_segment_size=16777216
"""


def test_s3_is_reached_where_the_store_says() -> None:
    server = AWS.model_copy(update={"endpoint_url": "http://127.0.0.1:9000", "path_style": True})

    assert place_arguments(AWS, "shop") == ["--cloud-provider", "aws-s3", "s3://ops/wal", "shop"]
    assert place_arguments(server, "shop") == [
        *("--cloud-provider", "aws-s3", "--endpoint-url", "http://127.0.0.1:9000"),
        *("--addressing-style", "path", "s3://ops/wal", "shop"),
    ]
    assert environment(AWS)["AWS_DEFAULT_REGION"] == "eu-west-1"


def test_cloud_storage_is_google_s_own_or_an_emulator() -> None:
    emulator = GOOGLE.model_copy(update={"endpoint_url": "http://127.0.0.1:4443"})

    assert place_arguments(GOOGLE, "shop")[1:] == ["google-cloud-storage", "gs://ops/wal", "shop"]
    assert "STORAGE_EMULATOR_HOST" not in environment(GOOGLE)
    assert environment(emulator)["STORAGE_EMULATOR_HOST"] == "http://127.0.0.1:4443"


def test_wal_and_base_backups_are_compressed_alike() -> None:
    path = Path("pg_wal/000000010000000000000002")

    assert archive_arguments(AWS, "shop", "lz4", path)[0] == "--lz4"
    assert archive_arguments(AWS, "shop", "none", path)[0] == "--cloud-provider"
    assert archive_arguments(AWS, "shop", "gzip", path)[-1] == str(path)
    assert backup_arguments(AWS, "shop", "lz4", 4)[:4] == [
        *("--lz4", "--immediate-checkpoint", "--jobs", "4"),
    ]


def test_a_base_backup_is_read_as_barman_describes_it() -> None:
    found = read_description("20260105T020000", INFO)

    assert found is not None
    assert found.ended == datetime(2026, 1, 5, 2, 0, 1, tzinfo=UTC)
    assert (found.begin, found.end) == (0x2000028, 0x2000158)
    assert (found.timeline, found.major, found.bytes) == (1, 18, 31337)
    assert found.system == "7000000000000000001"


def test_a_failed_base_backup_is_none() -> None:
    assert read_description("20260105T020000", INFO.replace("DONE", "FAILED")) is None


def test_a_damaged_description_is_refused() -> None:
    with pytest.raises(IntegrityError, match="base backup 20260105T020000 is not as barman"):
        read_description("20260105T020000", INFO.replace("end_xlog", "other"))
