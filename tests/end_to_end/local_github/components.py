"""The program's own components of GitHub, varied by a settings file beside this one."""

import json
from pathlib import Path

import pulumi

from components.github.committed_files import CommittedFiles, CommittedFilesArgs
from components.github.confirmation import confirm
from components.github.delivery import Delivery
from components.github.environment import Environment, EnvironmentArgs
from components.github.reviewers import find_reviewers
from components.repository import Repository

settings = json.loads((Path(__file__).parent / "settings.json").read_text())
repository = Repository(
    owner="neonhub",
    owner_id=settings["owner_id"],
    name="neonhub",
    repository_id=settings["repository_id"],
)
SOURCE = "Pulumi.prod.yaml"

confirm(repository, SOURCE, branch=settings["branch"])
reviewers = find_reviewers(
    repository,
    users=settings["users"],
    teams=settings["teams"],
    setting="github.restore",
    source=SOURCE,
)

environment = Environment(
    "restore",
    EnvironmentArgs(
        environment="production-restore",
        repository=repository.name,
        branches=[settings["branch"]],
        secrets={"DATABASE_URL": pulumi.Output.secret(settings["database_url"])},
        reviewers=reviewers,
        wait_minutes=settings["wait_minutes"],
    ),
)
CommittedFiles(
    "files",
    CommittedFilesArgs(
        owner=repository.owner,
        repository=repository.name,
        branch=settings["branch"],
        environment="production",
        contents=settings["contents"],
        source=SOURCE,
        delivery=Delivery(settings["delivery"]),
        after=[environment],
    ),
)
