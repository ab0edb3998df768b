"""Steps that take the identity of the job's GitHub environment, whose variables name it."""

from collections.abc import Mapping

from workflows import actions
from workflows.model import Uses

Inputs = Mapping[str, str | int | bool]


def become_in_aws(
    name: str,
    *,
    session: str,
    comment: str | None = None,
    seconds: int | None = None,
    may_fail: bool = False,
) -> Uses:
    """Take the role. `seconds`: how long; None is AWS's own hour."""
    lasting = {} if seconds is None else {"role-duration-seconds": seconds}
    return Uses(
        name=name,
        comment=comment,
        may_fail=may_fail,
        action=actions.CONFIGURE_AWS_CREDENTIALS,
        inputs={
            "role-to-assume": "${{ vars.AWS_ROLE_ARN }}",
            "aws-region": "${{ vars.AWS_REGION }}",
            **lasting,
            "role-session-name": session,
        },
    )


def become_in_google(
    name: str, *, comment: str | None = None, key: bool = False, may_fail: bool = False
) -> Uses:
    """Take the service account by a token of the run, or by its stored key."""
    by_token: Inputs = {
        "workload_identity_provider": "${{ vars.GCP_WORKLOAD_IDENTITY_PROVIDER }}",
        "service_account": "${{ vars.GCP_SERVICE_ACCOUNT }}",
    }
    by_key: Inputs = {"credentials_json": "${{ secrets.GCP_SA_KEY }}"}
    return Uses(
        name=name,
        comment=comment,
        may_fail=may_fail,
        action=actions.GOOGLE_AUTH,
        inputs=by_key if key else by_token,
    )
