"""The workflow that finds what was changed behind a stack's back."""

from datetime import timedelta

from workflows.minutes import off_hour_minute
from workflows.model import Cron, Job, Permission, Workflow
from workflows.stacks import (
    IDENTIFY,
    READ,
    RUNNER,
    Stack,
    hand_over,
    header,
    preview_steps,
    publish_steps,
)


def drift_workflow(stacks: tuple[Stack, ...]) -> Workflow:
    """Compare every stack with what really exists, each night, and keep one issue per stack."""
    jobs: dict[str, Job] = {}
    for stack in stacks:
        jobs[f"detect-{stack.name}"] = Job(
            name=f"Look for drift in {stack.name}",
            comment=(
                "Fails on drift, and when it could not look. During a deployment it may find what"
                " is being deployed; the next night closes that issue."
            ),
            runner=RUNNER,
            timeout_minutes=30,
            environment=stack.preview_environment,
            permissions={"contents": READ, "id-token": IDENTIFY},
            steps=(*preview_steps(stack, drift=True), hand_over(stack)),
        )
        jobs[f"report-{stack.name}"] = Job(
            name=f"Report on {stack.name}",
            comment="May write issues, so it sees no cloud. After a failure above all.",
            needs=(f"detect-{stack.name}",),
            condition="${{ !cancelled() }}",
            runner=RUNNER,
            timeout_minutes=5,
            permissions={
                "contents": READ,
                "issues": Permission("write", "to keep the one issue of this stack"),
            },
            steps=publish_steps(stack, "issue"),
        )
    return Workflow(
        name="Drift",
        header=header("drift"),
        schedule=(
            Cron(
                expression=f"{off_hour_minute('drift')} 3 * * *",
                comment="Every night, away from the full hour, when everyone's runs start.",
                every=timedelta(days=1),
            ),
        ),
        inputs={},
        concurrency="drift",
        jobs=jobs,
    )
