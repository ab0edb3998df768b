"""Who may do what with buckets, as plain data: pure functions, so that tests can evaluate it.

No role may delete an object. In Cloud Storage that also means: none overwrites one, which takes
`storage.objects.delete`; what is to change is written again under a new name. A role is granted
on one bucket, mostly for the objects under some prefixes.

Sources: https://cloud.google.com/storage/docs/access-control/iam-json and
https://cloud.google.com/iam/docs/conditions-attribute-reference
"""

from enum import StrEnum
from typing import NamedTuple

from neonhub_backup.domain.layout import DRILLS, INDEX, MANIFEST, RECOVERIES, ROOT, STATUS, WAL


class Role(StrEnum):
    """Roles of our own, each with one permission: Google's have more than their names say."""

    ADD = "add"
    LIST = "list"
    LOCK = "lock"
    READ = "read"

    @property
    def permission(self) -> str:
        """What it allows."""
        return _PERMISSIONS[self]


_PERMISSIONS = {
    Role.ADD: "storage.objects.create",
    Role.LIST: "storage.objects.list",
    # Alone it sets the retention of an object at its upload, and not of one that is there: that
    # also takes storage.objects.update. Google has no bound for how long.
    Role.LOCK: "storage.objects.setRetention",
    Role.READ: "storage.objects.get",
}


class Where(StrEnum):
    """The two buckets of a store."""

    BACKUPS = "backups"
    OPERATIONS = "operations"


class Grant(NamedTuple):
    """One role on one bucket."""

    where: Where
    role: Role
    prefixes: tuple[str, ...] = ()
    """Of the objects that it is for. Empty: all."""
    name: str | None = None
    """The only name that objects may have after their last slash. None: any."""
    besides: tuple[str, ...] = ()
    """Prefixes of further objects, whose names may be any."""

    def condition(self, bucket: str) -> str | None:
        """When it holds, in Common Expression Language. None: always."""
        if not self.prefixes:
            return None
        condition = _below(bucket, self.prefixes)
        if self.name is not None:
            condition = f'({condition}) && resource.name.endsWith("/{self.name}")'
        if self.besides:
            condition = f"({condition}) || {_below(bucket, self.besides)}"
        return condition


def _below(bucket: str, prefixes: tuple[str, ...]) -> str:
    objects = f"projects/_/buckets/{bucket}/objects"
    return " || ".join(f'resource.name.startsWith("{objects}/{prefix}")' for prefix in prefixes)


_KEPT_UP = (INDEX, STATUS)


def backup_grants(*, locks: bool) -> tuple[Grant, ...]:
    """Add backups, list them, read manifests and proofs; never read data, overwrite or unlock."""
    return (
        Grant(Where.BACKUPS, Role.ADD, (ROOT,)),
        Grant(Where.BACKUPS, Role.LIST),
        *((Grant(Where.BACKUPS, Role.LOCK, (ROOT,)),) if locks else ()),
        Grant(Where.BACKUPS, Role.READ, (ROOT,), MANIFEST, besides=(DRILLS,)),
        Grant(Where.OPERATIONS, Role.ADD, _KEPT_UP),
        Grant(Where.OPERATIONS, Role.LIST),
        Grant(Where.OPERATIONS, Role.READ, _KEPT_UP),
    )


def drill_grants() -> tuple[Grant, ...]:
    """Read backups and add the results of drills."""
    return (
        Grant(Where.BACKUPS, Role.ADD, (DRILLS,)),
        Grant(Where.BACKUPS, Role.LIST),
        Grant(Where.BACKUPS, Role.READ),
        Grant(Where.OPERATIONS, Role.ADD, _KEPT_UP),
        Grant(Where.OPERATIONS, Role.LIST),
        Grant(Where.OPERATIONS, Role.READ, _KEPT_UP),
    )


def restore_grants() -> tuple[Grant, ...]:
    """Read backups and the WAL archive; write nothing but how long a recovery took."""
    return (
        Grant(Where.BACKUPS, Role.LIST),
        Grant(Where.BACKUPS, Role.READ),
        Grant(Where.OPERATIONS, Role.LIST),
        Grant(Where.OPERATIONS, Role.ADD, (RECOVERIES,)),
        Grant(Where.OPERATIONS, Role.READ, (*_KEPT_UP, WAL)),
    )


def archiver_grants(archive: str) -> tuple[Grant, ...]:
    """Archive WAL and base backups, read what was archived, and say how long a recovery took."""
    return (
        Grant(Where.OPERATIONS, Role.ADD, (f"{WAL}{archive}/", RECOVERIES)),
        Grant(Where.OPERATIONS, Role.LIST),
        Grant(Where.OPERATIONS, Role.READ, (f"{WAL}{archive}/",)),
    )


PREVIEW_PERMISSIONS = (
    "cloudkms.cryptoKeys.get",
    "cloudkms.cryptoKeys.getIamPolicy",
    "cloudkms.keyRings.get",
    "iam.roles.get",
    "iam.serviceAccountKeys.get",
    "iam.serviceAccounts.get",
    "iam.serviceAccounts.getIamPolicy",
    "iam.workloadIdentityPoolProviders.get",
    "iam.workloadIdentityPools.get",
    "resourcemanager.projects.get",
    "resourcemanager.projects.getIamPolicy",
    "serviceusage.services.get",
    "serviceusage.services.list",
    "storage.buckets.get",
    "storage.buckets.getIamPolicy",
)
"""Read how everything of a stack is set up; no object, and no change."""

DEPLOY_PERMISSIONS = (
    "cloudkms.cryptoKeys.create",
    "cloudkms.cryptoKeys.update",
    "cloudkms.keyRings.create",
    "serviceusage.services.enable",
    "storage.buckets.create",
    "storage.buckets.enableObjectRetention",
    "storage.buckets.update",
)
"""Change how buckets and keys are set up, beside reading it.

Not who may do what: whoever can change that can make himself anything, here an owner of the
project, so it stays with the people who deploy a stack for the first time. Nor delete anything.
"""
