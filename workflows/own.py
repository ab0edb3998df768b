"""This repository's own workflows."""

from workflows.deployment import deployment_workflow
from workflows.drift import drift_workflow
from workflows.render import render
from workflows.review import review_workflow
from workflows.stacks import Stack


def own_workflows(stacks: tuple[Stack, ...], branch: str) -> dict[str, str]:
    """Every file by its path; stacks in the order of their deployment, which starts at `branch`."""
    workflows = {
        "review": review_workflow(stacks),
        "deployment": deployment_workflow(stacks, branch),
        "drift": drift_workflow(stacks),
    }
    return {f".github/workflows/{name}.yml": render(each) for name, each in workflows.items()}
