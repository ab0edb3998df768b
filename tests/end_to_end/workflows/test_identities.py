"""A job becomes who its GitHub environment may be in the clouds, and nobody else."""

import json

import pytest

from sandbox.runner.running import FAILURE, SUCCESS, Run, run_workflow
from tests.end_to_end.workflows.conftest import Local

AWS = "aws-actions/configure-aws-credentials@8df5847569e6427dd6c4fb1cf565c83acfa8afa7"
GOOGLE = "google-github-actions/auth@7c6bc770dae815cd3e89ee6cdf493a5fab2cc093"
ROLE = "arn:aws:iam::123456789012:role/neonhub-backup/neonhub-local"
ACCOUNT = "@neonhub-local.iam.gserviceaccount.com"


def job(environment: str, purpose: str, cloud: str) -> str:
    """A job of one environment that takes the identity of a purpose in one cloud."""
    uses, given = {
        "aws": (AWS, {"role-to-assume": f"{ROLE}-{purpose}", "aws-region": "us-east-1"}),
        "gcp": (
            GOOGLE,
            {
                "workload_identity_provider": "${{ vars.GCP_WORKLOAD_IDENTITY_PROVIDER }}",
                "service_account": f"local-{purpose}{ACCOUNT}",
            },
        ),
    }[cloud]
    # JSON is YAML.
    step = json.dumps({"uses": uses, "with": given})
    return (
        f"  {cloud}-{purpose}-as-{environment}:\n"
        f"    runs-on: ubuntu-24.04\n"
        f"    environment: local-{environment}\n"
        "    permissions: {id-token: write}\n"
        f"    steps: [{step}]\n"
    )


@pytest.fixture(scope="module")
def attempts(local: Local) -> Run:
    """Every attempt is a job of one run."""
    jobs = [
        job(environment, purpose, cloud)
        for environment in ("backup", "drill", "restore")
        for purpose in ("backup", "drill", "restore")
        for cloud in ("aws", "gcp")
    ]
    text = "name: Attempts\non: workflow_dispatch\npermissions: {}\njobs:\n" + "".join(jobs)
    local.github.commit(".github/workflows/attempts.yml", text)
    return run_workflow(local.sandbox, "attempts.yml")


@pytest.mark.parametrize("cloud", ["aws", "gcp"])
@pytest.mark.parametrize("purpose", ["backup", "drill", "restore"])
@pytest.mark.parametrize("environment", ["backup", "drill", "restore"])
def test_an_identity_is_for_the_jobs_of_its_own_environment(
    attempts: Run, environment: str, purpose: str, cloud: str
) -> None:
    attempt = attempts.jobs[f"{cloud}-{purpose}-as-{environment}"]
    assert attempt.result == (SUCCESS if environment == purpose else FAILURE), attempt.log
    if environment != purpose:
        assert "AccessDenied" in attempt.log or "denied on local-" in attempt.log
