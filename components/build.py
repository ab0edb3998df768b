"""What each component is told: pure functions of a stack's settings."""

from components.aws.store import AwsStoreArgs, Place
from components.sections import Settings


def backup_environment(settings: Settings) -> str:
    """GitHub environment of the runs that back up."""
    return f"{settings.environment}-backup"


def aws_store_args(settings: Settings) -> AwsStoreArgs | None:
    """The copies in AWS. None: there are none."""
    aws, region = settings.aws, settings.region
    if aws is None or region is None or aws.replica_region is None:
        return None
    return AwsStoreArgs(
        primary=Place(bucket=aws.primary_bucket, region=region),
        replica=Place(bucket=aws.replica_bucket, region=aws.replica_region),
        repository=settings.repository,
        backup_environment=backup_environment(settings),
        retention=settings.retention,
        session_seconds=settings.timeout_minutes * 60,
        protect=settings.protect,
    )
