"""Everything a stack deploys: its settings are in Pulumi.<stack>.yaml."""

import pulumi

from components.aws.store import AwsStore, AwsStoreArgs, Place
from components.generated import backup_environment, generated_files
from components.github.committed_files import CommittedFiles, CommittedFilesArgs
from components.github.confirmation import confirm
from components.github.environment import Environment, EnvironmentArgs
from components.settings import read_settings

stack = read_settings()
settings = stack.settings
confirm(settings.repository, stack.source)

store = AwsStore(
    "aws",
    AwsStoreArgs(
        primary=Place(bucket=settings.primary_bucket, region=settings.region),
        replica=Place(bucket=settings.replica_bucket, region=settings.aws.replica_region),
        repository=settings.repository,
        backup_environment=backup_environment(settings),
        retention=settings.retention,
        session_seconds=settings.timeout_minutes * 60,
        protect=settings.protect,
    ),
)
environment = Environment(
    "backup",
    EnvironmentArgs(
        environment=backup_environment(settings),
        repository=settings.github.repository,
        branch=settings.github.branch,
        secrets=stack.database_urls,
        variables={"AWS_ROLE_ARN": store.backup_role_arn, "AWS_REGION": settings.region},
    ),
)
CommittedFiles(
    "files",
    CommittedFilesArgs(
        repository=settings.github.repository,
        branch=settings.github.branch,
        contents=generated_files(settings, stack.source),
        source=stack.source,
        after=[store, environment],
    ),
)

pulumi.export("bucket", store.bucket)
pulumi.export("replica_bucket", store.replica_bucket)
pulumi.export("backup_role_arn", store.backup_role_arn)
pulumi.export("generated_files", list(generated_files(settings, stack.source)))
