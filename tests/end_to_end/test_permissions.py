"""Who may do what with production's backups, asked of the clouds that the stack was deployed to.

The emulator of AWS judges each request by the identity's policy, its boundary, their conditions
and the role's trust. It judges neither the conditions of keys, nor on which resources of other
services than S3 and KMS something is done: there the policies themselves are judged, in
tests/components/aws, by test_policies.py, test_deployment_policies.py and test_bucket_policies.py.
Buckets refuse too, whoever asks (test_aws_store.py); here their policies are taken away, so that
what refuses is the identity's own. The emulator of Google Cloud asks nobody who they are, so the
grants that it was given are judged.
"""

import base64
import json
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from itertools import product
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.end_to_end.clouds import Deployed, deployed
from tests.google_conditions import holds

ACCOUNT = "123456789012"
HOST = "token.actions.githubusercontent.com"
RUNS = {
    "backup": ("neonhub", 1),
    "drill": ("neonhub", 1),
    "restore": ("neonhub", 1),
    "preview": ("neonhub-backup", 2),
    "deploy": ("neonhub-backup", 2),
}
"""Whose runs each identity is for: name and number of the repository."""

BACKUPS, OPERATIONS = "neonhub-production-backups", "neonhub-production-operations"
COPIES = f"{BACKUPS}-replica"
BACKUP = "db/daily/2026/11/20261123T020000Z-0a1b2c3d"
DATA, MANIFEST = f"{BACKUP}/rows/0001-000.binary.zst.gpg", f"{BACKUP}/manifest.json"
ARCHIVED = "db/annual/2026/01/20260101T020000Z-0a1b2c3d/manifest.json"
PROOF = "drills/20261123T020000Z-0a1b2c3d/20261124T040000Z.json"
INDEX, STATUS, WAL = "index/backups.json", "status/index.html", "wal/main/0001"
LOG = f"access-logs/{BACKUPS}/2026-01-01-00-00-00-0A1B2C3D4E5F6071"
STORED = (
    *((BACKUPS, key) for key in (DATA, MANIFEST, ARCHIVED, PROOF)),
    *((COPIES, key) for key in (DATA, PROOF)),
    *((OPERATIONS, key) for key in (INDEX, STATUS, WAL, LOG)),
)


class Caller(NamedTuple):
    """Somebody who asks AWS for something."""

    stack: Deployed
    credentials: dict[str, Any]
    versions: dict[tuple[str, str], str]
    """The first version of each stored object; there is a second one."""
    upload: str
    """An upload in parts that is not complete."""
    key: str
    """Id of the key of the backups."""

    def client(self, service: str, region: str = "us-east-1") -> Any:
        return self.stack.client(service, region, **self.credentials)


Call = Callable[[Caller], Any]


def s3(operation: str, bucket: str = BACKUPS, **asked: Any) -> Call:
    """An operation of S3 on a bucket, or on an object in it."""

    def call(caller: Caller) -> Any:
        region = "us-west-2" if bucket == COPIES else "us-east-1"
        return getattr(caller.client("s3", region), operation)(Bucket=bucket, **asked)

    return call


def of_version(operation: str, bucket: str, key: str, **asked: Any) -> Call:
    """The same on the first version of a stored object."""

    def call(caller: Caller) -> Any:
        version = caller.versions[bucket, key]
        return s3(operation, bucket, Key=key, VersionId=version, **asked)(caller)

    return call


def put(bucket: str, below: str, lock_days: int | None = None) -> Call:
    """A new object below a prefix, which S3 refuses if it is there already."""

    def call(caller: Caller) -> Any:
        until = datetime.now(UTC) + timedelta(days=lock_days or 0)
        lock = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": until}
        asked: dict[str, Any] = {"Key": f"{below}{uuid4()}", "Body": b"x", "IfNoneMatch": "*"}
        return s3("put_object", bucket, **asked, **(lock if lock_days else {}))(caller)

    return call


def overwrite(bucket: str, key: str) -> Call:
    """An object in the place of one that is stored."""
    return s3("put_object", bucket, Key=key, Body=b"rubbish")


def retain(days: int, **asked: Any) -> Call:
    """Another end of the lock of a stored backup."""

    def call(caller: Caller) -> Any:
        until = datetime.now(UTC) + timedelta(days=days)
        retention = {"Mode": "COMPLIANCE", "RetainUntilDate": until}
        return of_version("put_object_retention", BACKUPS, DATA, Retention=retention, **asked)(
            caller
        )

    return call


def other(service: str, operation: str, **asked: Any) -> Call:
    """An operation of another service."""
    return lambda caller: getattr(caller.client(service), operation)(**asked)


def key(operation: str, **asked: Any) -> Call:
    """An operation on the key of the backups."""
    return lambda caller: getattr(caller.client("kms"), operation)(KeyId=caller.key, **asked)


def metric(namespace: str) -> Call:
    """One value of a metric."""
    data = [{"MetricName": "BackupAgeSeconds", "Value": 1}]
    return other("cloudwatch", "put_metric_data", Namespace=namespace, MetricData=data)


_NOTHING = json.dumps({"Version": "2012-10-17", "Statement": []})
_EVERYTHING = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
    }
)
_LIFECYCLE = {
    "Rules": [
        {"ID": "x", "Status": "Enabled", "Filter": {"Prefix": "db/"}, "Expiration": {"Days": 1}}
    ]
}
_PUBLIC = {"BlockPublicAcls": False, "BlockPublicPolicy": False}
_LOCK = {
    "ObjectLockEnabled": "Enabled",
    "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}},
}
_UNENCRYPTED = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
_ROLE = "neonhub-production-backup"

CONFIGURATION: dict[str, Call] = {
    "read the bucket's policy": s3("get_bucket_policy", OPERATIONS),
    "read the lifecycle": s3("get_bucket_lifecycle_configuration"),
    "read the lock's settings": s3("get_object_lock_configuration"),
    "describe the key": key("describe_key"),
    "describe alarms": other("cloudwatch", "describe_alarms"),
}
CHANGES: dict[str, Call] = {
    "change the lifecycle": s3(
        "put_bucket_lifecycle_configuration", LifecycleConfiguration=_LIFECYCLE
    ),
    "change the bucket's policy": s3("put_bucket_policy", Policy=_NOTHING),
    "suspend versions": s3(
        "put_bucket_versioning", OPERATIONS, VersioningConfiguration={"Status": "Suspended"}
    ),
    "open the bucket": s3("put_public_access_block", PublicAccessBlockConfiguration=_PUBLIC),
    "weaken the lock's settings": s3(
        "put_object_lock_configuration", ObjectLockConfiguration=_LOCK
    ),
    "encrypt otherwise": s3(
        "put_bucket_encryption", OPERATIONS, ServerSideEncryptionConfiguration=_UNENCRYPTED
    ),
    "change the key's policy": key("put_key_policy", PolicyName="default", Policy=_NOTHING),
}
"""What is for the deployment alone: reviewers see it before, and alarms tell of it."""
USE: dict[str, Call] = {
    "add a backup": put(BACKUPS, "db/daily/"),
    "add a locked backup": put(BACKUPS, "db/annual/", lock_days=2557),
    "lock a backup for a century": put(BACKUPS, "db/annual/", lock_days=36500),
    "add a proof": put(BACKUPS, "drills/"),
    "add anything else": put(BACKUPS, "x/"),
    "add a copy": put(COPIES, "db/daily/"),
    "give up an upload": lambda caller: s3(
        "abort_multipart_upload", Key=DATA, UploadId=caller.upload
    )(caller),
    "overwrite a backup": overwrite(BACKUPS, DATA),
    "overwrite a manifest": overwrite(BACKUPS, MANIFEST),
    "overwrite a proof": overwrite(BACKUPS, PROOF),
    "overwrite a copy": overwrite(COPIES, DATA),
    "rewrite the index": overwrite(OPERATIONS, INDEX),
    "rewrite the status page": overwrite(OPERATIONS, STATUS),
    "record a recovery": put(OPERATIONS, "status/recoveries/"),
    "archive WAL": overwrite(OPERATIONS, WAL),
    "rewrite access logs": overwrite(OPERATIONS, LOG),
    "read a backup": s3("get_object", Key=DATA),
    "read an overwritten backup": of_version("get_object", BACKUPS, DATA),
    "read a manifest": s3("get_object", Key=MANIFEST),
    "read a proof": s3("get_object", Key=PROOF),
    "read a copy": s3("get_object", COPIES, Key=DATA),
    "read a copy's manifest": s3("get_object", COPIES, Key=MANIFEST),
    "copy a backup among the manifests": s3(
        "copy_object",
        Key=f"{BACKUP}/2/manifest.json",
        CopySource={"Bucket": BACKUPS, "Key": DATA},
    ),
    "fetch a backup from the archive": s3(
        "restore_object", Key=ARCHIVED, RestoreRequest={"Days": 1}
    ),
    "read the index": s3("get_object", OPERATIONS, Key=INDEX),
    "read WAL": s3("get_object", OPERATIONS, Key=WAL),
    "read access logs": s3("get_object", OPERATIONS, Key=LOG),
    "list backups": s3("list_objects_v2", Prefix="db/"),
    "list copies": s3("list_objects_v2", COPIES, Prefix="db/"),
    "list versions": s3("list_object_versions", Prefix="db/"),
    "list all there is": s3("list_objects_v2"),
    "list access logs": s3("list_objects_v2", OPERATIONS, Prefix="access-logs/"),
    "publish a metric": metric("NeonHubBackup"),
    "publish another's metric": metric("AWS/S3"),
}
DESTRUCTION: dict[str, Call] = {
    "delete a backup": s3("delete_object", Key=DATA),
    "delete a version of a backup": of_version("delete_object", BACKUPS, DATA),
    "delete many backups": s3("delete_objects", Delete={"Objects": [{"Key": DATA}]}),
    "delete a copy": s3("delete_object", COPIES, Key=DATA),
    "delete a version of a copy": of_version("delete_object", COPIES, DATA),
    "delete a proof": s3("delete_object", Key=PROOF),
    "delete WAL": s3("delete_object", OPERATIONS, Key=WAL),
    "delete a version of the index": of_version("delete_object", OPERATIONS, INDEX),
    "delete a version past its lock": of_version(
        "delete_object", BACKUPS, DATA, BypassGovernanceRetention=True
    ),
    "unlock a backup": retain(0, BypassGovernanceRetention=True),
    "hold a backup": of_version("put_object_legal_hold", BACKUPS, DATA, LegalHold={"Status": "ON"}),
    "delete the bucket's policy": s3("delete_bucket_policy"),
    "delete the bucket": s3("delete_bucket", OPERATIONS),
    "delete the key": key("schedule_key_deletion"),
    "disable the key": key("disable_key"),
    "give the key to another": key("create_grant", GranteePrincipal=f"arn:aws:iam::{ACCOUNT}:root",
        Operations=["Decrypt"],
    ),
    "use the key without S3": key("generate_data_key", KeySpec="AES_256"),
    "stop the trail": other("cloudtrail", "stop_logging", Name="neonhub-production-trail"),
    "delete the trail": other("cloudtrail", "delete_trail", Name="neonhub-production-trail"),
    "silence a rule": other("events", "disable_rule", Name="neonhub-production-tampering-keys"),
    "delete the topic": other(
        "sns", "delete_topic", TopicArn=f"arn:aws:sns:us-east-1:{ACCOUNT}:neonhub-production-alarms"
    ),
    "leave the boundary": other("iam", "delete_role_permissions_boundary", RoleName=_ROLE),
    "become an administrator": other(
        "iam", "put_role_policy", RoleName=_ROLE, PolicyName="x", PolicyDocument=_EVERYTHING
    ),
    "make a user": other("iam", "create_user", UserName="stranger"),
}  # fmt: skip
ACTIONS = CONFIGURATION | CHANGES | USE | DESTRUCTION

ALLOWED: dict[str, set[str]] = {
    "backup": {
        "add a backup",
        "add a locked backup",
        "give up an upload",
        "rewrite the index",
        "rewrite the status page",
        "record a recovery",
        "read a manifest",
        "read a proof",
        "read a copy's manifest",
        "read the index",
        "list backups",
        "list copies",
        "publish a metric",
    },
    "drill": {
        "add a proof",
        "rewrite the index",
        "rewrite the status page",
        "record a recovery",
        "read a backup",
        "read a manifest",
        "read a proof",
        "read a copy",
        "read a copy's manifest",
        "read the index",
        "list backups",
        "list copies",
        "publish a metric",
    },
    "restore": {
        "record a recovery",
        "read a backup",
        "read an overwritten backup",
        "read a manifest",
        "read a proof",
        "read a copy",
        "read a copy's manifest",
        "fetch a backup from the archive",
        "read the index",
        "read WAL",
        "list backups",
        "list copies",
        "list versions",
    },
    "preview": {
        *CONFIGURATION,
        "list backups",
        "list copies",
        "list all there is",
        "list access logs",
    },
    "deploy": {
        *CONFIGURATION,
        *CHANGES,
        "list backups",
        "list copies",
        "list all there is",
        "list access logs",
    },
}
"""Of all ACTIONS; whatever is not here is refused."""


def token(subject: str, **claims: str) -> str:
    """What GitHub would sign for a run; the emulator takes it as signed by whom it names."""
    known = {"iss": f"https://{HOST}", "sub": subject, "aud": "sts.amazonaws.com", **claims}
    parts = (json.dumps(part).encode() for part in ({"alg": "RS256"}, known))
    return ".".join([*(base64.urlsafe_b64encode(each).decode().rstrip("=") for each in parts), "x"])


def run_in(repository: str, purpose: str) -> str:
    """The subject of a run in one of production's environments."""
    return f"repo:{repository}:environment:production-{purpose}"


def assume(stack: Deployed, purpose: str, proof: str) -> dict[str, Any]:
    """The credentials of a session of a role."""
    sts = stack.client("sts", config=Config(signature_version=UNSIGNED))
    got = sts.assume_role_with_web_identity(
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/neonhub-backup/neonhub-production-{purpose}",
        RoleSessionName="test",
        WebIdentityToken=proof,
    )["Credentials"]
    return {
        "aws_access_key_id": got["AccessKeyId"],
        "aws_secret_access_key": got["SecretAccessKey"],
        "aws_session_token": got["SessionToken"],
    }


def enforce(stack: Deployed, after: str) -> None:
    """Judge requests from now on; `inf` judges none."""
    request = urllib.request.Request(  # noqa: S310 - http, our own
        f"{stack.clouds.moto_url}/moto-api/reset-auth",
        data=after.encode(),
        method="POST",
        headers={"Content-Type": "text/plain"},
    )
    urllib.request.urlopen(request).close()  # noqa: S310 - as above


def is_refused(call: Callable[[], Any]) -> bool:
    """Whether AWS lets the caller not do it; any other failure is an error."""
    try:
        answer = call()
    except ClientError as error:
        refusal: Any = error.response
        # A lock refuses too, but only who was let through to it.
        if refusal["ResponseMetadata"]["HTTPStatusCode"] == HTTPStatus.FORBIDDEN:
            return "lock" not in refusal["Error"]["Message"]
        raise
    # Of many objects each is judged.
    errors: list[dict[str, str]] = answer.get("Errors", [])
    return bool(errors) and all("lock" not in each["Message"] for each in errors)


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """The stack, deployed."""
    with deployed(tmp_path_factory.mktemp("production"), "prod") as found:
        yield found


@pytest.fixture(scope="module")
def owner(production: Deployed) -> Caller:
    """Whoever owns the account and has stored something in every bucket, twice."""
    nobody = Caller(production, {}, {}, "", "")
    for bucket, key in STORED:
        stored = {"Key": key, "Body": b"x"}
        if key == ARCHIVED:
            stored["StorageClass"] = "DEEP_ARCHIVE"
        first: Any = s3("put_object", bucket, **stored)(nobody)
        nobody.versions[bucket, key] = first["VersionId"]
        s3("put_object", bucket, **stored)(nobody)
    begun: Any = s3("create_multipart_upload", Key=DATA)(nobody)
    for bucket in (BACKUPS, COPIES):
        s3("delete_bucket_policy", bucket)(nobody)
    found = production.client("kms").describe_key(KeyId=f"alias/{BACKUPS}")
    return nobody._replace(upload=begun["UploadId"], key=found["KeyMetadata"]["KeyId"])


@pytest.fixture(scope="module")
def callers(owner: Caller) -> Iterator[dict[str, Caller]]:
    """A session of each role, where requests are judged."""
    enforce(owner.stack, "0")
    yield {
        purpose: owner._replace(
            credentials=assume(owner.stack, purpose, token(run_in(f"neonhub/{name}", purpose)))
        )
        for purpose, (name, _) in RUNS.items()
    }
    enforce(owner.stack, "inf")


@pytest.mark.parametrize(
    ("purpose", "action"),
    [(purpose, action) for purpose, allowed in ALLOWED.items() for action in sorted(allowed)],
)
def test_an_identity_may_do_what_it_is_for(
    callers: dict[str, Caller], purpose: str, action: str
) -> None:
    assert not is_refused(lambda: ACTIONS[action](callers[purpose]))


@pytest.mark.parametrize(
    ("purpose", "action"),
    [
        (purpose, action)
        for purpose, action in product(ALLOWED, ACTIONS)
        if action not in ALLOWED[purpose]
    ],
)
def test_an_identity_may_do_nothing_else(
    callers: dict[str, Caller], purpose: str, action: str
) -> None:
    assert is_refused(lambda: ACTIONS[action](callers[purpose]))


@pytest.mark.parametrize("purpose", RUNS)
def test_a_role_is_for_runs_of_its_environment_by_both_forms_of_their_name(
    callers: dict[str, Caller], purpose: str
) -> None:
    name, number = RUNS[purpose]
    stack = callers[purpose].stack
    for repository in (f"neonhub/{name}", f"neonhub@1/{name}@{number}"):
        assert assume(stack, purpose, token(run_in(repository, purpose)))


@pytest.mark.parametrize("purpose", RUNS)
def test_a_role_is_for_no_other_run(callers: dict[str, Caller], purpose: str) -> None:
    name, number = RUNS[purpose]
    stack = callers[purpose].stack
    its_own = run_in(f"neonhub/{name}", purpose)
    strangers = {
        "another environment": [
            run_in(f"neonhub/{name}", each) for each in RUNS if each != purpose
        ],
        "another stack": [its_own.replace("production", "staging")],
        "another repository": [
            run_in(each, purpose)
            for each in (
                f"stranger/{name}",
                "neonhub/another",
                f"neonhub@2/{name}@{number}",
                f"neonhub@1/{name}@{number + 7}",
                f"neonhub/{({'neonhub', 'neonhub-backup'} - {name}).pop()}",
            )
        ],
        "a pull request": [f"repo:neonhub/{name}:pull_request"],
        "a branch": [f"repo:neonhub/{name}:ref:refs/heads/main"],
        "a longer name": [f"{its_own}-2", f"x{its_own}"],
    }
    proofs = [token(subject) for subjects in strangers.values() for subject in subjects]
    proofs += [
        token(its_own, aud="https://github.com/neonhub"),
        token(its_own, iss="https://token.actions.example.com"),
        "no token",
    ]

    for proof in proofs:
        assert is_refused(lambda proof=proof: assume(stack, purpose, proof)), proof


def test_after_all_that_everything_is_still_stored(
    callers: dict[str, Caller], owner: Caller
) -> None:
    assert callers
    enforce(owner.stack, "inf")
    for bucket in (BACKUPS, COPIES, OPERATIONS):
        found: Any = s3("list_object_versions", bucket)(owner)
        there = {(each["Key"], each["VersionId"]) for each in found["Versions"]}
        stored = {(key, each) for (place, key), each in owner.versions.items() if place == bucket}

        assert stored <= there
        assert "DeleteMarkers" not in found


# ---- Google Cloud

CREATE, GET, LIST = "storage.objects.create", "storage.objects.get", "storage.objects.list"
LOCK = "storage.objects.setRetention"
OBJECT_PERMISSIONS = (
    CREATE,
    GET,
    LOCK,
    # Overwriting is deleting.
    "storage.objects.delete",
    "storage.objects.overrideUnlockedRetention",
    "storage.objects.restore",
    "storage.objects.setIamPolicy",
    "storage.objects.update",
)
BUCKET_PERMISSIONS = (
    LIST,
    "storage.buckets.delete",
    "storage.buckets.get",
    "storage.buckets.getIamPolicy",
    "storage.buckets.setIamPolicy",
    "storage.buckets.update",
    "cloudkms.cryptoKeyVersions.destroy",
    "cloudkms.cryptoKeyVersions.useToDecrypt",
    "cloudkms.cryptoKeys.setIamPolicy",
    "iam.roles.update",
    "iam.serviceAccounts.getAccessToken",
    "iam.serviceAccounts.setIamPolicy",
    "resourcemanager.projects.setIamPolicy",
)
OBJECTS = (
    *((BACKUPS, key) for key in (DATA, MANIFEST, PROOF, "x")),
    *((OPERATIONS, key) for key in (INDEX, STATUS, WAL, LOG)),
)
LISTS = {(LIST, BACKUPS, ""), (LIST, OPERATIONS, "")}
READS = {
    *((GET, BACKUPS, key) for key in (DATA, MANIFEST, PROOF, "x")),
    *((GET, OPERATIONS, key) for key in (INDEX, STATUS)),
}
LOOKS = {
    (permission, bucket, "")
    for permission in ("storage.buckets.get", "storage.buckets.getIamPolicy")
    for bucket in (BACKUPS, OPERATIONS)
}
GRANTED: dict[str, set[tuple[str, str, str]]] = {
    "backup": {
        *LISTS,
        *((permission, BACKUPS, key) for permission in (CREATE, LOCK) for key in (DATA, MANIFEST)),
        (GET, BACKUPS, MANIFEST),
        (GET, BACKUPS, PROOF),
        *((each, OPERATIONS, key) for each in (CREATE, GET) for key in (INDEX, STATUS)),
    },
    "drill": {
        *LISTS,
        *READS,
        (CREATE, BACKUPS, PROOF),
        (CREATE, OPERATIONS, INDEX),
        (CREATE, OPERATIONS, STATUS),
    },
    "restore": {*LISTS, *READS, (GET, OPERATIONS, WAL)},
    "preview": LOOKS,
    "deploy": {
        *LOOKS,
        ("storage.buckets.update", BACKUPS, ""),
        ("storage.buckets.update", OPERATIONS, ""),
    },
}


def account(stack: Deployed, purpose: str) -> str:
    """The e-mail address of a purpose's service account."""
    return f"production-{purpose}@{stack.project}.iam.gserviceaccount.com"


def bindings(stack: Deployed, bucket: str) -> list[dict[str, Any]]:
    """Who has which role on a bucket, or on its whole project."""
    path = f"storage/v1/b/{bucket}/iam?optionsRequestedPolicyVersion=3"
    everywhere = stack.google(f"v1/projects/{stack.project}:getIamPolicy", "POST", {})
    return [*stack.google(path)["bindings"], *everywhere["bindings"]]


def may(stack: Deployed, member: str, permission: str, bucket: str, key: str) -> bool:
    """Whether Google Cloud would let a member do it, by all that was granted."""
    resource = f"projects/_/buckets/{bucket}" + (f"/objects/{key}" if key else "")
    return any(
        permission in stack.google(f"v1/{each['role']}")["includedPermissions"]
        for each in bindings(stack, bucket)
        if member in each["members"]
        and ("condition" not in each or holds(each["condition"]["expression"], resource))
    )


@pytest.mark.parametrize("purpose", GRANTED)
def test_a_google_account_may_do_what_it_is_for_and_nothing_else(
    production: Deployed, purpose: str
) -> None:
    member = f"serviceAccount:{account(production, purpose)}"
    asked = [
        *((permission, *each) for permission, each in product(OBJECT_PERMISSIONS, OBJECTS)),
        *(
            (each, bucket, "")
            for each, bucket in product(BUCKET_PERMISSIONS, (BACKUPS, OPERATIONS))
        ),
    ]

    assert {each for each in asked if may(production, member, *each)} == GRANTED[purpose]


def test_nobody_else_is_granted_anything_on_google_s_buckets(production: Deployed) -> None:
    ours = {f"serviceAccount:{account(production, purpose)}" for purpose in GRANTED}
    others = {
        (member.split(":")[0], each["role"])
        for bucket in (BACKUPS, OPERATIONS)
        for each in bindings(production, bucket)
        for member in each["members"]
        if member not in ours
    }

    # Those who own, edit or view the project, and whoever delivers access logs.
    assert others == {
        ("projectEditor", "roles/storage.legacyBucketOwner"),
        ("projectOwner", "roles/storage.legacyBucketOwner"),
        ("projectViewer", "roles/storage.legacyBucketReader"),
        ("group", "roles/storage.objectCreator"),
    }


@pytest.mark.parametrize("purpose", GRANTED)
def test_a_google_account_is_for_the_runs_of_its_environment_alone(
    production: Deployed, purpose: str
) -> None:
    outputs = json.loads(production.pulumi("stack", "output", "--json"))
    pool = outputs["workload_identity_provider"].partition("/providers/")[0]
    place = f"v1/projects/{production.project}/serviceAccounts/{account(production, purpose)}"
    number = RUNS[purpose][1]

    assert production.google(f"{place}:getIamPolicy", "POST", {})["bindings"] == [
        {
            "role": "roles/iam.workloadIdentityUser",
            "members": [
                f"principal://iam.googleapis.com/{pool}/subject/{number}:production-{purpose}"
            ],
        }
    ]
