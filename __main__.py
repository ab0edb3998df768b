"""Everything a stack deploys: its settings are in Pulumi.<stack>.yaml."""

import pulumi

from components.agreement import advice
from components.build import build_stores, environments
from components.generated import generated_files
from components.github.committed_files import CommittedFiles, CommittedFilesArgs
from components.github.confirmation import confirm_all
from components.github.environment import Environment
from components.settings import read_settings

stack = read_settings()
settings = stack.settings
for line in advice(settings):
    pulumi.log.warn(line)
reviewers = confirm_all(settings, stack.source)

stores = build_stores(settings)
built = [Environment(name, args) for name, args in environments(stack, stores, reviewers).items()]
files = generated_files(settings, stack.source)
CommittedFiles(
    "files",
    CommittedFilesArgs(
        owner=settings.owner,
        repository=settings.github.repository,
        branch=settings.github.branch,
        environment=settings.environment,
        contents=files,
        source=stack.source,
        delivery=settings.github.delivery,
        after=[*stores.resources, *built],
    ),
)

for name, value in stores.outputs.items():
    pulumi.export(name, value)
pulumi.export("generated_files", list(files))
