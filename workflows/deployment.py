"""The workflow that deploys what was merged, one stack after the other."""

from workflows.model import Job, Workflow
from workflows.stacks import IDENTIFY, READ, RUNNER, Stack, deploy_steps, header, preview_steps


def deployment_workflow(stacks: tuple[Stack, ...], branch: str) -> Workflow:
    """Bring the stacks up in this order, each but the first after a preview for its reviewers."""
    jobs: dict[str, Job] = {}
    before: tuple[str, ...] = ()
    for stack in stacks:
        if before:
            jobs[f"preview-{stack.name}"] = Job(
                name=f"Preview {stack.name}",
                comment=(
                    f"Its summary is what the reviewers of {stack.deploy_environment} approve."
                ),
                needs=before,
                runner=RUNNER,
                timeout_minutes=20,
                environment=stack.preview_environment,
                permissions={"contents": READ, "id-token": IDENTIFY},
                steps=preview_steps(stack),
            )
            before = (f"preview-{stack.name}",)
        jobs[f"deploy-{stack.name}"] = Job(
            name=f"Deploy {stack.name}",
            comment=(
                "Waits for the environment's reviewers, if it has any, and for an earlier"
                " deployment of the same stack. Of several that wait for it GitHub keeps the"
                " newest, whose commit holds all that the others would have deployed."
            ),
            needs=before,
            runner=RUNNER,
            timeout_minutes=60,
            environment=stack.deploy_environment,
            concurrency=f"deploy-{stack.name}",
            permissions={"contents": READ, "id-token": IDENTIFY},
            steps=deploy_steps(stack),
        )
        before = (f"deploy-{stack.name}",)
    return Workflow(
        name="Deploy",
        header=header("deployment"),
        pushed_branch=branch,
        inputs={},
        concurrency="deployment-${{ github.run_id }}",
        concurrency_comment=(
            "Runs do not wait for one another: one that waits for a reviewer would hold up staging."
            " The jobs that deploy one stack do."
        ),
        jobs=jobs,
    )
