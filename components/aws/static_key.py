"""A key that never expires, for machines that cannot take a role."""

from dataclasses import dataclass

import pulumi
from pulumi_aws import iam

from components.aws.deployment_policies import ROLE_PATH


@dataclass(frozen=True, kw_only=True)
class StaticKeyArgs:
    """What a key needs to know."""

    prefix: str
    """Beginning of the names of the user and its policy, e.g. `neonhub-production`."""
    permissions: pulumi.Input[str]
    """What the key may do: a policy document."""
    boundary_arn: pulumi.Input[str]
    """What it can never go beyond."""


class StaticKey(pulumi.ComponentResource):
    """A user with the permissions of the backup role, and its key; every preview warns of it."""

    access_key_id: pulumi.Output[str]
    """Name of the key."""
    secret_access_key: pulumi.Output[str]
    """The key itself, a secret."""

    def __init__(
        self, name: str, args: StaticKeyArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("neonhub-backup:aws:StaticKey", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        pulumi.log.warn(
            f"staticKeys: {args.prefix} has an access key that never expires, so whoever copies it"
            " can add backups for ever; set staticKeys to false once the machines that use it can"
            " take the backup role by a token",
            resource=self,
        )

        user = iam.User(
            f"{name}-user",
            name=f"{args.prefix}-backup",
            path=ROLE_PATH,
            permissions_boundary=args.boundary_arn,
            opts=child,
        )
        # Policies of a user's own hold 2,048 characters, which is too little:
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
        policy = iam.Policy(
            f"{name}-permissions",
            name=f"{args.prefix}-static-backup",
            path=ROLE_PATH,
            description="What the backup role may do",
            policy=args.permissions,
            opts=child,
        )
        iam.UserPolicyAttachment(
            f"{name}-permitted", user=user.name, policy_arn=policy.arn, opts=child
        )
        key = iam.AccessKey(f"{name}-key", user=user.name, opts=child)

        self.access_key_id = key.id
        self.secret_access_key = pulumi.Output.secret(key.secret)
        self.register_outputs(
            {
                "access_key_id": self.access_key_id,
                "secret_access_key": self.secret_access_key,
            }
        )
