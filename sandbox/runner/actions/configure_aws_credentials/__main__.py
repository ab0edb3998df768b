"""`aws-actions/configure-aws-credentials` for the emulated AWS, which judges the run's token."""

from typing import Any

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from sandbox.runner import facts
from sandbox.runner.actions import step
from sandbox.runner.actions.token import token

_AUDIENCE = "sts.amazonaws.com"


def main() -> None:
    """Take the role, and leave its credentials for the steps after this one."""
    given = step.inputs()
    known = facts.read()
    if known.claims is None:
        step.fail(
            "Credentials could not be loaded, please check your action inputs: the job needs the"
            " permission `id-token: write`"
        )
    for name in ("role-to-assume", "aws-region"):
        if not given[name]:
            step.fail(f"Input required and not supplied: {name}")
    untyped: Any = boto3  # its types are those of every service there is
    sts = untyped.client(
        "sts",
        endpoint_url=known.aws_url,
        region_name=given["aws-region"],
        config=Config(signature_version=UNSIGNED),
    )
    try:
        taken = sts.assume_role_with_web_identity(
            RoleArn=given["role-to-assume"],
            RoleSessionName=given["role-session-name"],
            DurationSeconds=int(given["role-duration-seconds"]),
            WebIdentityToken=token(known.claims, _AUDIENCE),
        )["Credentials"]
    except (BotoCoreError, ClientError) as error:
        step.fail(f"Could not assume role with OIDC: {error}")
    for variable, name in (
        ("AWS_ACCESS_KEY_ID", "AccessKeyId"),
        ("AWS_SECRET_ACCESS_KEY", "SecretAccessKey"),
        ("AWS_SESSION_TOKEN", "SessionToken"),
    ):
        step.mask(taken[name])
        step.export(variable, taken[name])
    for variable in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        step.export(variable, given["aws-region"])


if __name__ == "__main__":
    main()
