"""Who may do what with the backups, by tokens that GitHub signs: there are no stored keys."""

import json
from dataclasses import dataclass

import pulumi
from pulumi_aws import iam

from components.aws import policies
from components.aws.documents import EncryptedBucket
from components.repository import ISSUER, Repository
from neonhub_backup.domain.retention import RetentionPolicy


@dataclass(frozen=True, kw_only=True)
class IdentitiesArgs:
    """What the roles need to know."""

    repository: Repository
    """The repository whose runs take the roles."""
    backup_environment: str
    """The GitHub environment whose runs take the backup role."""
    bucket: pulumi.Input[str]
    """Name of the bucket that receives the backups."""
    region: str
    """Region of that bucket."""
    key_arn: pulumi.Input[str]
    """Key of that bucket."""
    retention: RetentionPolicy
    """Its longest lock is the longest that a role may set."""
    session_seconds: int = 3600
    """How long a session may last; a backup must finish in it."""

    def __post_init__(self) -> None:
        """Refuse what AWS would refuse only when it creates the role."""
        if not 3600 <= self.session_seconds <= 43200:
            raise ValueError(
                f"session_seconds must be from 3600 to 43200, or AWS refuses the role: got"
                f" {self.session_seconds}"
            )


class Identities(pulumi.ComponentResource):
    """The trust in GitHub, and a role for each purpose that runs there."""

    backup_role_arn: pulumi.Output[str]
    """The role that may add backups, and nothing else."""

    def __init__(
        self, name: str, args: IdentitiesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("neonhub-backup:aws:Identities", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)

        provider = iam.OpenIdConnectProvider(
            f"{name}-github",
            url=f"https://{ISSUER}",
            client_id_lists=["sts.amazonaws.com"],
            opts=child,
        )
        backup = iam.Role(
            f"{name}-backup",
            description=f"Adds backups from {args.repository.full_name}, {args.backup_environment}",
            assume_role_policy=provider.arn.apply(
                lambda arn: json.dumps(
                    policies.workflow_trust(arn, args.repository, args.backup_environment)
                )
            ),
            max_session_duration=args.session_seconds,
            opts=child,
        )
        iam.RolePolicy(
            f"{name}-backup-permissions",
            role=backup.name,
            policy=pulumi.Output.all(args.bucket, args.key_arn).apply(
                lambda known: json.dumps(
                    policies.add_backups(
                        EncryptedBucket(known[0], args.region, known[1]),
                        _longest_lock_days(args.retention),
                    )
                )
            ),
            opts=child,
        )

        self.backup_role_arn = backup.arn
        self.register_outputs({"backup_role_arn": self.backup_role_arn})


def _longest_lock_days(retention: RetentionPolicy) -> int | None:
    if retention.lock_mode is None:
        return None
    return max(rule.lock_days for rule in retention.rules().values())
