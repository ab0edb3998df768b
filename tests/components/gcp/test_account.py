"""What an account promises to the runs that act as it."""

from collections.abc import Callable
from typing import Any

import pytest

from components.gcp.account import FederatedAccount, FederatedAccountArgs
from components.repository import Repository

Deploy = Callable[..., dict[str, Any]]
POOL = "projects/1/locations/global/workloadIdentityPools/github-production"


def args(account_id: str = "production-backup") -> FederatedAccountArgs:
    return FederatedAccountArgs(
        account_id=account_id,
        description="Runs of neonhub/app in production-backup",
        pool=POOL,
        repository=Repository(owner="neonhub", owner_id=11, name="app", repository_id=22),
        environment="production-backup",
    )


def test_exactly_one_environment_acts_as_the_account(deploy: Deploy) -> None:
    asked = deploy(lambda: FederatedAccount("gcp-backup", args()))

    name = "production-backup@neonhub-backups.iam.gserviceaccount.com"
    grants = [each.inputs for each in asked.values() if "IAMMember" in each.options.type]
    assert grants == [
        {
            "serviceAccountId": f"projects/neonhub-backups/serviceAccounts/{name}",
            "role": "roles/iam.workloadIdentityUser",
            "member": f"principal://iam.googleapis.com/{POOL}/subject/22:production-backup",
        }
    ]


def test_an_account_has_no_key(deploy: Deploy) -> None:
    asked = deploy(lambda: FederatedAccount("gcp-backup", args()))

    assert set(asked) == {"gcp-backup-account", "gcp-backup-trust"}


@pytest.mark.parametrize("account_id", ["short", "9-backup", "Backup-x", "a-backup-", "a" * 31])
def test_an_id_that_google_would_refuse_is_refused_first(account_id: str) -> None:
    with pytest.raises(ValueError, match="the account would be refused"):
        args(account_id)
