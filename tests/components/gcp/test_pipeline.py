"""What CI may do to a stack, and what it leaves to people."""

from collections.abc import Callable
from typing import Any

import pytest

from components.gcp.pipeline import Pipeline, PipelineArgs
from components.repository import Repository

Asked = dict[str, Any]
Deploy = Callable[..., Asked]


@pytest.fixture
def asked(deploy: Deploy) -> Asked:
    args = PipelineArgs(
        project="neonhub-backups",
        environment="production",
        repository=Repository(owner="neonhub", owner_id=11, name="infra", repository_id=33),
        pool="projects/1/locations/global/workloadIdentityPools/github-production",
    )
    return deploy(lambda: Pipeline("gcp", args))


def permissions(asked: Asked, purpose: str) -> set[str]:
    return set(asked[f"gcp-{purpose}-role"].inputs["permissions"])


def test_a_preview_only_reads(asked: Asked) -> None:
    verbs = {each.rpartition(".")[2] for each in permissions(asked, "preview")}
    assert verbs == {"get", "getIamPolicy", "list"}


def test_a_deployment_reads_what_a_preview_reads_and_changes_buckets_and_keys(
    asked: Asked,
) -> None:
    assert permissions(asked, "preview") < permissions(asked, "deploy")
    assert {"storage.buckets.update", "cloudkms.cryptoKeys.update"} < permissions(asked, "deploy")


@pytest.mark.parametrize("purpose", ["preview", "deploy"])
def test_no_run_reads_or_deletes_or_decides_who_may(asked: Asked, purpose: str) -> None:
    for each in permissions(asked, purpose):
        assert not each.startswith("storage.objects.")
        assert not each.endswith((".delete", ".destroy", ".setIamPolicy", ".actAs"))
        assert "getAccessToken" not in each
        assert not each.startswith("iam.") or each.endswith((".get", ".getIamPolicy"))


@pytest.mark.parametrize("purpose", ["preview", "deploy"])
def test_each_account_has_its_own_role_and_no_other(asked: Asked, purpose: str) -> None:
    grants = [
        each.inputs
        for each in asked.values()
        if each.options.type == "gcp:projects/iAMMember:IAMMember"
        and each.inputs["member"].startswith(f"serviceAccount:production-{purpose}@")
    ]
    (grant,) = grants
    assert grant["project"] == "neonhub-backups"
    assert grant["role"] == (f"projects/neonhub-backups/roles/neonhub_backup.production.{purpose}")


@pytest.mark.parametrize("purpose", ["preview", "deploy"])
def test_each_environment_acts_as_its_own_account(asked: Asked, purpose: str) -> None:
    trust = asked[f"gcp-{purpose}-trust"].inputs
    assert trust["member"].endswith(f"/subject/33:production-{purpose}")
    assert f"/production-{purpose}@" in trust["serviceAccountId"]
