"""The tokens that GitHub gives a run to prove which one it is."""

import base64
import json
import time
from collections.abc import Mapping

from sandbox.runner.document import Document, Job

ISSUER = "https://token.actions.githubusercontent.com"
_LIFETIME_SECONDS = 300


def claims(
    document: Document, job: Job, *, repository: str, owner_id: int, repository_id: int, ref: str
) -> dict[str, str]:
    """What GitHub certifies of a job.

    https://docs.github.com/en/actions/reference/security/oidc
    """
    owner = repository.partition("/")[0]
    whose = f"environment:{job.environment}" if job.environment else f"ref:{ref}"
    environment = {"environment": job.environment} if job.environment else {}
    return {
        "iss": ISSUER,
        "sub": f"repo:{repository}:{whose}",
        "repository": repository,
        "repository_id": str(repository_id),
        "repository_owner": owner,
        "repository_owner_id": str(owner_id),
        "ref": ref,
        "workflow_ref": f"{repository}/{document.path}@{ref}",
        **environment,
    }


def token(claims: Mapping[str, str], audience: str) -> str:
    """A token that says so. The emulated clouds take it as signed by whom it names."""
    now = int(time.time())
    parts = (
        {"alg": "none", "typ": "JWT"},
        {**claims, "aud": audience, "iat": now, "exp": now + _LIFETIME_SECONDS},
    )
    return ".".join((*map(_encoded, parts), ""))


def _encoded(part: Mapping[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
