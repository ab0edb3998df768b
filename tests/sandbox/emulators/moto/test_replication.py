"""What a rule copies is in the replica, locked as it is at home; what it does not is not."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

UNTIL = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3)


@pytest.fixture(scope="module")
def copied(s3: Any) -> Any:
    """A client, of a bucket `original` with a replica `copy` of all below db/."""
    for name in ("original", "copy"):
        s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    s3.put_object(Bucket="original", Key="db/before", Body=b"too early")
    s3.put_bucket_replication(
        Bucket="original",
        ReplicationConfiguration={
            "Role": "arn:aws:iam::123456789012:role/copier",
            "Rules": [
                {
                    "ID": "all",
                    "Status": "Enabled",
                    "Priority": 0,
                    "Filter": {"Prefix": "db/"},
                    "DeleteMarkerReplication": {"Status": "Disabled"},
                    "Destination": {"Bucket": "arn:aws:s3:::copy"},
                }
            ],
        },
    )
    return s3


def test_an_object_is_copied_with_its_lock_and_its_name_s_case(copied: Any) -> None:
    copied.put_object(
        Bucket="original",
        Key="db/X",
        Body=b"a backup",
        ObjectLockMode="GOVERNANCE",
        ObjectLockRetainUntilDate=UNTIL,
    )

    found = copied.get_object(Bucket="copy", Key="db/X")

    assert found["Body"].read() == b"a backup"
    assert (found["ObjectLockMode"], found["ObjectLockRetainUntilDate"]) == ("GOVERNANCE", UNTIL)


def test_one_sent_in_parts_is_copied_once_it_is_complete(copied: Any) -> None:
    whole = {"Bucket": "original", "Key": "db/parts"}
    upload = copied.create_multipart_upload(**whole)["UploadId"]
    part = copied.upload_part(**whole, UploadId=upload, PartNumber=1, Body=b"one part")
    with pytest.raises(ClientError, match="404"):
        copied.head_object(Bucket="copy", Key="db/parts")
    parts = [{"PartNumber": 1, "ETag": part["ETag"]}]
    copied.complete_multipart_upload(**whole, UploadId=upload, MultipartUpload={"Parts": parts})

    assert copied.get_object(Bucket="copy", Key="db/parts")["Body"].read() == b"one part"


@pytest.mark.parametrize("key", ["db/before", "logs/x"])
def test_what_was_there_before_and_what_the_rule_leaves_out_is_not_copied(
    copied: Any, key: str
) -> None:
    copied.put_object(Bucket="original", Key="logs/x", Body=b"another")

    with pytest.raises(ClientError, match="404"):
        copied.head_object(Bucket="copy", Key=key)


def test_a_deletion_stays_where_it_happens(copied: Any) -> None:
    copied.put_object(Bucket="original", Key="db/gone", Body=b"x")
    copied.delete_object(Bucket="original", Key="db/gone")

    assert copied.get_object(Bucket="copy", Key="db/gone")["Body"].read() == b"x"
