"""Everything a stack deploys: its settings are in Pulumi.<stack>.yaml."""

import pulumi

from components.aws.store import AwsStore
from components.build import aws_store_args, backup_environment
from components.generated import generated_files
from components.github.committed_files import CommittedFiles, CommittedFilesArgs
from components.github.confirmation import confirm
from components.github.environment import Environment, EnvironmentArgs
from components.settings import read_settings

stack = read_settings()
settings = stack.settings
confirm(settings.repository, stack.source)

store = AwsStore("aws", aws_store_args(settings))
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
        owner=settings.owner,
        repository=settings.github.repository,
        branch=settings.github.branch,
        environment=settings.environment,
        contents=generated_files(settings, stack.source),
        source=stack.source,
        after=[store, environment],
    ),
)

pulumi.export("bucket", store.bucket)
pulumi.export("replica_bucket", store.replica_bucket)
pulumi.export("backup_role_arn", store.backup_role_arn)
pulumi.export("generated_files", list(generated_files(settings, stack.source)))
