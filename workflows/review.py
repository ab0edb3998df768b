"""The workflow that checks a pull request and shows what it would change."""

from workflows import actions
from workflows.model import Job, Permission, Run, Uses, Workflow
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

_SAME_REPOSITORY = "github.event.pull_request.head.repo.full_name == github.repository"


def review_workflow(stacks: tuple[Stack, ...]) -> Workflow:
    """Lint, test, and preview every stack with one comment each."""
    jobs = {"check": _check()}
    for stack in stacks:
        jobs[f"preview-{stack.name}"] = Job(
            name=f"Preview {stack.name}",
            comment=(
                "Runs the program of the pull request with an identity that may only look. GitHub"
                " gives no secrets and no identity to forks, so theirs are not previewed; whoever"
                " can push a branch here is trusted that far. Reviewers of the environment, if it"
                " has any, come first."
            ),
            condition=_SAME_REPOSITORY,
            runner=RUNNER,
            timeout_minutes=20,
            environment=stack.preview_environment,
            permissions={"contents": READ, "id-token": IDENTIFY},
            steps=(*preview_steps(stack), hand_over(stack)),
        )
        jobs[f"comment-{stack.name}"] = Job(
            name=f"Comment on {stack.name}",
            comment=(
                "May write to pull requests, so it runs the code of the branch to merge into and"
                " takes the report as text. After a failed preview too, to say so."
            ),
            needs=(f"preview-{stack.name}",),
            condition=(
                f"${{{{ !cancelled() && needs.preview-{stack.name}.result != 'skipped' }}}}"
            ),
            runner=RUNNER,
            timeout_minutes=5,
            permissions={
                "contents": READ,
                "pull-requests": Permission("write", "to write the one comment of this stack"),
            },
            steps=publish_steps(
                stack,
                "comment",
                ref="${{ github.event.pull_request.base.sha }}",
                env={
                    "COMMIT": "${{ github.event.pull_request.head.sha }}",
                    "PULL_REQUEST": "${{ github.event.pull_request.number }}",
                },
            ),
        )
    return Workflow(
        name="Review",
        header=header("review"),
        pull_requests=True,
        concurrency="review-${{ github.ref }}",
        cancel_in_progress=True,
        concurrency_comment=(
            "A preview takes no lock on its stack, so ending one for a newer push leaves nothing"
            " behind."
        ),
        jobs=jobs,
    )


def _check() -> Job:
    return Job(
        name="Lint and test",
        comment="Sees no secret and reaches no cloud, so it runs for forks too.",
        runner=RUNNER,
        timeout_minutes=60,
        permissions={"contents": READ},
        steps=(
            Uses(
                name="Check out the pull request",
                action=actions.CHECKOUT,
                inputs={"persist-credentials": False},
            ),
            Uses(
                name="Set up Python",
                action=actions.SETUP_PYTHON,
                inputs={"python-version": actions.PYTHON_VERSION},
            ),
            Uses(
                name="Set up Go",
                comment="Which builds emulators, a linter and a workflow runner of the sandbox.",
                action=actions.SETUP_GO,
                inputs={"go-version": actions.GO_VERSION, "cache": False},
            ),
            Run(name="Lint and test", script="make test"),
        ),
    )
