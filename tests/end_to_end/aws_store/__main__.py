"""A whole store, its replica in this account or another one, as a settings file beside it says."""

import json
import sys
from pathlib import Path

import pulumi
import pulumi_aws as aws

settings = json.loads((Path(__file__).parent / "settings.json").read_text())
sys.path.insert(0, settings["project"])

from components.aws.store import Account, AwsStore, AwsStoreArgs, Place  # noqa: E402 - as above
from components.repository import Repository  # noqa: E402 - as above

endpoint: str = settings["endpoint"]
prefix: str = settings["prefix"]
other: str | None = settings["other_account"]
account = other and Account(
    account_id=other,
    provider=aws.Provider(
        "elsewhere",
        region="us-west-2",
        access_key="sandbox",
        secret_key="sandbox",  # noqa: S106 - any will do
        assume_roles=[aws.ProviderAssumeRoleArgs(role_arn=f"arn:aws:iam::{other}:role/replica")],
        endpoints=[{"cloudtrail": endpoint, "kms": endpoint, "s3": endpoint, "sts": endpoint}],
        s3_use_path_style=True,
        skip_metadata_api_check=True,
    ),
)
store = AwsStore(
    "aws",
    AwsStoreArgs(
        prefix=prefix,
        primary=Place(bucket=f"{prefix}-backups", region="us-east-1"),
        replica=Place(bucket=f"{prefix}-copies", region="us-west-2"),
        repository=Repository(owner="neonhub", owner_id=11, name="app", repository_id=22),
        environment="production",
        replica_account=account or None,
        protect=settings["protect"],
    ),
)
pulumi.export("bucket", store.bucket)
