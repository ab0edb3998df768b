"""`google-github-actions/auth` for the emulated Google Cloud.

The emulator of Cloud Storage asks nobody who they are, so what the real services would ask of the
run's token is asked here: the provider's condition, and the account's grant.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox.providers.gcp.client import Gcp, GoogleError
from sandbox.runner import facts
from sandbox.runner.actions import step
from sandbox.runner.actions.expressions import evaluate

_MAY_TAKE = "roles/iam.workloadIdentityUser"
_FILE = "gha-creds-sandbox.json"


def main() -> None:
    """Leave credentials for the steps after this one, as a file."""
    given = step.inputs()
    known = facts.read()
    if known.claims is None:
        step.fail(
            "google-github-actions/auth failed with: GitHub Actions did not inject"
            " $ACTIONS_ID_TOKEN_REQUEST_TOKEN or $ACTIONS_ID_TOKEN_REQUEST_URL into this job: it"
            " needs the permission `id-token: write`"
        )
    provider, account = given["workload_identity_provider"], given["service_account"]
    if not (provider and account):
        step.fail(
            "google-github-actions/auth failed with: the GitHub Action workflow must specify"
            " `workload_identity_provider` and `service_account`"
        )
    google = Gcp(endpoints={"iam": f"{known.google_url}/v1/"}, token="sandbox")  # noqa: S106 - the emulator's
    try:
        refusal = _refusal(google, provider, account, known.claims)
    except GoogleError as error:
        refusal = str(error)
    if refusal is not None:
        step.fail(f"google-github-actions/auth failed with: {refusal}")
    place = Path(os.environ["GITHUB_WORKSPACE"]) / _FILE
    place.write_text(json.dumps(_credentials(provider, account)))
    for variable in (
        "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "GOOGLE_GHA_CREDS_PATH",
    ):
        step.export(variable, str(place))


def _refusal(google: Gcp, provider: str, account: str, claims: Mapping[str, str]) -> str | None:
    """Why the run may not take the account; None if it may."""
    known: dict[str, Any] = google.get("iam", provider)
    try:
        condition = evaluate(known["attributeCondition"], claims)
        subject = evaluate(known["attributeMapping"]["google.subject"], claims)
    except KeyError as missing:
        return f"the run's token has no claim {missing}, for which the provider asks"
    if known["state"] != "ACTIVE" or condition is not True:
        return f"The given credential is rejected by the attribute condition of {provider}."
    pool = provider.partition("/providers/")[0]
    member = f"principal://iam.googleapis.com/{pool}/subject/{subject}"
    project = account.partition("@")[2].partition(".")[0]
    policy: dict[str, Any] = google.post(
        "iam", f"projects/{project}/serviceAccounts/{account}:getIamPolicy"
    )
    for binding in policy["bindings"]:
        if binding["role"] == _MAY_TAKE and member in binding["members"]:
            return None
    return f"Permission 'iam.serviceAccounts.getAccessToken' denied on {account} for {member}"


def _credentials(provider: str, account: str) -> dict[str, str]:
    """What names the identity; nothing here exchanges it for a token."""
    return {
        "type": "external_account",
        "audience": f"//iam.googleapis.com/{provider}",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": "https://sts.googleapis.com/v1/token",
        "service_account_impersonation_url": (
            f"https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{account}"
            ":generateAccessToken"
        ),
    }


if __name__ == "__main__":
    main()
