"""Workflows of an environment, read back as GitHub reads them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import yaml

from neonhub_backup.domain.retention import RetentionPolicy
from workflows.args import WorkflowArgs
from workflows.backup import backup_workflow
from workflows.drill import drill_workflow
from workflows.model import Workflow
from workflows.promote import promote_workflow
from workflows.render import render
from workflows.restore import restore_workflow
from workflows.snapshot import snapshot_workflow
from workflows.watch import watch_workflow

WORKFLOWS: dict[str, Callable[[WorkflowArgs], Workflow]] = {
    "backup": backup_workflow,
    "watch": watch_workflow,
    "drill": drill_workflow,
    "restore": restore_workflow,
    "snapshot": snapshot_workflow,
    "promote": promote_workflow,
}

AWS_ROLE = "aws-actions/configure-aws-credentials@"
GOOGLE_ACCOUNT = "google-github-actions/auth@"


def arguments(**changes: Any) -> WorkflowArgs:
    """Those of a production with two databases in both clouds, but for the changes."""
    known: dict[str, Any] = {
        "environment": "production",
        "source": "Pulumi.prod.yaml",
        "configuration_path": ".neonhub-backup/production.yaml",
        "retention": RetentionPolicy(),
        "rpo": timedelta(hours=1),
        "databases": {"neonhub": "DATABASE_URL", "analytics": "ANALYTICS_URL"},
        "stores": ("aws", "gcp"),
        "postgres_major_version": 17,
        "tool_repository": "neonhub/neonhub-backup",
        "tool_commit": "a" * 40,
        "timeout_minutes": 90,
        "aws": True,
        "gcp": True,
        "static_keys": False,
        "heartbeat": False,
        "watch_heartbeat": False,
        "chat": False,
        "alarms_region": None,
        "neon": {"neonhub": RetentionPolicy(hourly=None), "analytics": RetentionPolicy()},
    }
    return WorkflowArgs(**{**known, **changes})


def read(name: str, **changes: Any) -> dict[str, Any]:
    """A workflow by its name."""
    text = render(WORKFLOWS[name](arguments(**changes)))
    # PyYAML reads the key `on` as true, as YAML 1.1 says; GitHub does not.
    return yaml.safe_load(text.replace("\non:\n", '\n"on":\n'))


def step(job: dict[str, Any], name: str) -> dict[str, Any]:
    """A step of a job by its name."""
    (found,) = [each for each in job["steps"] if each["name"] == name]
    return found


def names(job: dict[str, Any]) -> list[str]:
    """The names of a job's steps."""
    return [each["name"] for each in job["steps"]]
