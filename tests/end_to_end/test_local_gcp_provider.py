"""The local provider of Google Cloud under the real engine, against an emulator of its own."""

import base64
import json
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from google.api_core.exceptions import Forbidden
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from google.oauth2 import service_account

from sandbox.processes import Server, Supervisor, free_port, listening
from tests.end_to_end.one_program import PROJECT, OneProgram

PROGRAM = Path(__file__).parent / "local_gcp" / "__main__.py"
SETTINGS: dict[str, Any] = {
    "bucket": "neonhub-test-backups",
    "key": "backups",
    "rotation": "7776000s",
    "days": 7,
    "soft_delete": 604800,
    "retention": {"retention_period": "86400"},
    "labels": {"team": "platform"},
    "title": "Backs up",
    "pool": "neonhub-test",
    "condition": "assertion.repository_id == '1003'",
}
CREATED = "23 created"
UNCHANGED = "23 unchanged"
TYPO = """
pulumi.CustomResource(
    "gcp:storage/bucket:Bucket", "typo", {"location": "US", "publicAccesPrevention": "enforced"}
)
"""


IMPORT = """
elsewhere = gcp.storage.Bucket(
    "elsewhere",
    name="made-elsewhere",
    location="US",
    opts=pulumi.ResourceOptions(import_="made-elsewhere"),
)
gcp.storage.BucketIAMMember(
    "owner",
    bucket="made-elsewhere",
    role="roles/storage.legacyBucketReader",
    member="projectViewer:neonhub-test",
    opts=pulumi.ResourceOptions(
        depends_on=[elsewhere],
        import_="made-elsewhere roles/storage.legacyBucketReader projectViewer:neonhub-test",
    ),
)
gcp.projects.Service(
    "found",
    service="cloudkms.googleapis.com",
    opts=pulumi.ResourceOptions(import_="neonhub-test/cloudkms.googleapis.com"),
)
"""


class Emulator:
    """A Google Cloud that is looked at behind the stack's back."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/"
        self.storage: Any = storage.Client(
            project="neonhub-test",
            credentials=AnonymousCredentials(),
            client_options={"api_endpoint": self.url.rstrip("/")},
        )

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The parsed answer; None where there is nothing."""
        request = urllib.request.Request(  # noqa: S310 - the emulator's own http address
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request) as answer:  # noqa: S310 - as above
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            if error.code == HTTPStatus.NOT_FOUND:
                return None
            raise

    def get(self, path: str) -> Any:
        return self.call("GET", path)

    def bucket(self) -> Any:
        return self.get("storage/v1/b/neonhub-test-backups")

    def roles(self) -> dict[str, list[str]]:
        """Members by role of the bucket of backups."""
        policy = self.get("storage/v1/b/neonhub-test-backups/iam")
        return {binding["role"]: binding["members"] for binding in policy["bindings"]}


@pytest.fixture(scope="module")
def google(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """A Google Cloud in which nothing is configured."""
    home, port = tmp_path_factory.mktemp("gcp"), free_port()
    server = Server(
        name="gcp",
        command=[
            *(sys.executable, "-m", "sandbox.emulators.gcp", "--port", str(port)),
            *("--data", str(home / "data")),
            *("--objects", str(PROJECT / ".sandbox" / "bin" / "fake-gcs-server")),
        ],
        port=port,
        ready=lambda: listening(port),
        environment={"PYTHONPATH": str(PROJECT)},
    )
    supervisor = Supervisor(home / "run", home / "logs")
    supervisor.start(server)
    supervisor.wait(server)
    yield Emulator(port)
    supervisor.stop("gcp")


class Stack(OneProgram):
    """A stack of resources of Google Cloud."""

    def __init__(self, home: Path, google: Emulator) -> None:
        services = ("iam", "iamBeta", "kms", "resourceManager", "serviceUsage")
        config = {f"gcp:{name}CustomEndpoint": f"{google.url}v1/" for name in services}
        config["gcp:storageCustomEndpoint"] = f"{google.url}storage/v1/"
        config["gcp:project"] = "neonhub-test"
        config["gcp:defaultLabels"] = json.dumps({"environment": "test"})
        super().__init__(home, "gcp", config, PROGRAM.read_text())
        self.settings = dict(SETTINGS)

    def up(self, *options: str, fails: bool = False, **settings: Any) -> str:
        """Deploy with these settings, kept if that works, and return what the engine says."""
        wanted = self.settings | settings
        said = self.deploy(wanted, *options, fails=fails)
        if not fails:
            self.settings = wanted
        return said


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, google: Emulator) -> Stack:
    """The stack of `local_gcp`, deployed with the default settings."""
    made = Stack(tmp_path_factory.mktemp("stack"), google)
    said = made.up()
    assert CREATED in said, said
    return made


@pytest.mark.usefixtures("stack")
def test_the_bucket_is_as_asked(google: Emulator):
    found = google.bucket()

    assert found["customPlacementConfig"] == {"dataLocations": ["US-EAST1", "US-WEST1"]}
    assert (found["locationType"], found["rpo"]) == ("dual-region", "ASYNC_TURBO")
    assert found["iamConfiguration"]["uniformBucketLevelAccess"]["enabled"] is True
    assert found["iamConfiguration"]["publicAccessPrevention"] == "enforced"
    assert found["retentionPolicy"]["retentionPeriod"] == "86400"
    assert found["encryption"]["defaultKmsKeyName"].endswith("/cryptoKeys/backups")
    assert found["objectRetention"] == {"mode": "Enabled"}
    assert found["lifecycle"]["rule"][1:] == [
        {
            "action": {"type": "SetStorageClass", "storageClass": "COLDLINE"},
            "condition": {"age": 7, "matchesPrefix": ["db/weekly/"]},
        },
        {
            "action": {"type": "Delete"},
            "condition": {"daysSinceNoncurrentTime": 1, "numNewerVersions": 2, "isLive": False},
        },
    ]


def test_labels_of_the_stack_and_of_the_plugin_are_added(stack: Stack, google: Emulator):
    everywhere = {"environment": "test", "team": "platform"}
    shown = json.loads(stack.run("stack", "output", "--json", "--show-secrets"))

    assert google.bucket()["labels"] == everywhere | {"goog-pulumi-provisioned": "true"}
    assert shown["labels"] == everywhere


@pytest.mark.usefixtures("stack")
def test_roles_granted_all_at_once_are_all_there(google: Emulator):
    email = "serviceAccount:neonhub-backup@neonhub-test.iam.gserviceaccount.com"
    roles = google.roles()

    assert all(roles[f"roles/storage.role{number}"] == [email] for number in range(5))
    assert roles["projects/neonhub-test/roles/neonhub.list"] == [email]
    assert roles["roles/storage.objectCreator"] == [email]
    assert "roles/storage.legacyBucketOwner" in roles


@pytest.mark.usefixtures("stack")
def test_identities_are_federated_as_asked(google: Emulator):
    place = "v1/projects/neonhub-test/locations/global/workloadIdentityPools/neonhub-test"
    account = "neonhub-backup@neonhub-test.iam.gserviceaccount.com"
    found = google.get(f"{place}/providers/github")
    policy = google.call(
        "POST", f"v1/projects/neonhub-test/serviceAccounts/{account}:getIamPolicy", {}
    )

    assert found["attributeCondition"] == "assertion.repository_id == '1003'"
    assert found["oidc"] == {"issuerUri": "https://token.actions.githubusercontent.com"}
    pool = found["name"].removesuffix("/providers/github")
    assert policy["bindings"][0]["members"] == [
        f"principalSet://iam.googleapis.com/{pool}/attribute.repository/1003"
    ]


def test_a_key_file_opens_the_store_with_googles_own_client(stack: Stack, google: Emulator):
    shown = json.loads(stack.run("stack", "output", "--json", "--show-secrets"))
    credentials: Any = service_account.Credentials.from_service_account_info(  # pyright: ignore[reportUnknownMemberType] - untyped in the library
        json.loads(base64.b64decode(shown["key_file"])),
        scopes=["https://www.googleapis.com/auth/devstorage.read_write"],
    )
    client: Any = storage.Client(
        project="neonhub-test",
        credentials=credentials,
        client_options={"api_endpoint": google.url.rstrip("/")},
    )

    assert "neonhub-test-backups" in {bucket.name for bucket in client.list_buckets()}
    assert credentials.token == "sandbox"  # noqa: S105 - what the emulator gives to anybody


def test_nothing_changes_without_a_reason(stack: Stack):
    assert UNCHANGED in stack.up()
    assert UNCHANGED in stack.up("--refresh")


def test_settings_are_changed_in_place(stack: Stack, google: Emulator):
    said = stack.up(
        days=14,
        soft_delete=1209600,
        rotation="15552000s",
        title="Backs up again",
        labels={"cost": "backups"},
        condition="assertion.repository_id == '1004'",
    )

    assert "6 updated" in said
    assert "replaced" not in said
    assert google.bucket()["lifecycle"]["rule"][1]["condition"]["age"] == 14
    assert google.bucket()["labels"]["cost"] == "backups"
    assert "team" not in google.bucket()["labels"]


def test_what_is_no_longer_asked_for_goes(stack: Stack, google: Emulator):
    said = stack.up(retention=None)

    assert "1 updated" in said
    assert "retentionPolicy" not in google.bucket()
    assert "1 updated" in stack.up(retention=SETTINGS["retention"])


def test_a_young_backup_can_be_neither_deleted_nor_overwritten(stack: Stack, google: Emulator):
    del stack
    blob = google.storage.bucket("neonhub-test-backups").blob("db/daily/dump")
    blob.upload_from_string(b"a backup")

    with pytest.raises(Forbidden, match="retention policy"):
        blob.delete()
    with pytest.raises(Forbidden, match="retention policy"):
        blob.upload_from_string(b"nothing")
    assert blob.download_as_bytes() == b"a backup"


def test_what_was_changed_elsewhere_is_put_back(stack: Stack, google: Emulator):
    path = "storage/v1/b/neonhub-test-backups"
    google.call("PATCH", path, {"versioning": {"enabled": False}, "lifecycle": None})
    policy = google.get(f"{path}/iam")
    google.call("PUT", f"{path}/iam", {**policy, "bindings": policy["bindings"][:2]})
    said = stack.up("--refresh")

    assert "1 updated" in said
    assert google.bucket()["versioning"] == {"enabled": True}
    assert len(google.bucket()["lifecycle"]["rule"]) == 3
    assert "roles/storage.objectCreator" in google.roles()


def test_a_locked_retention_policy_stays(stack: Stack, google: Emulator):
    locked = {"retention_period": "172800", "is_locked": True}
    stack.up(retention=locked)
    shorter = stack.up(fails=True, retention={"retention_period": "86400", "is_locked": True})
    unlocked = stack.up(fails=True, retention={"retention_period": "172800"})

    assert "Cannot reduce retention duration of a locked Retention Policy" in shorter
    assert "can never be removed or unlocked" in unlocked
    assert google.bucket()["retentionPolicy"]["isLocked"] is True
    assert UNCHANGED in stack.up(retention=locked)


def test_a_pool_of_another_id_is_another_pool(stack: Stack, google: Emulator):
    said = stack.up(pool="neonhub-others")
    back = stack.up(fails=True, pool="neonhub-test")

    assert "3 replaced" in said
    assert "Requested entity already exists" in back
    pools = "v1/projects/neonhub-test/locations/global/workloadIdentityPools"
    assert google.get(f"{pools}/neonhub-test")["state"] == "DELETED"
    stack.up("--refresh")


def test_a_typo_in_a_property_is_refused(stack: Stack):
    stack.program(PROGRAM.read_text() + TYPO)
    said = stack.up(fails=True)
    stack.program(PROGRAM.read_text())

    assert "did you mean 'publicAccessPrevention'?" in said


def test_no_private_key_is_told_or_kept_in_plain_text(stack: Stack):
    shown = json.loads(stack.run("stack", "output", "--json", "--show-secrets"))
    secret: str = shown["key_file"]
    kept = stack.run("stack", "export")

    assert "BEGIN PRIVATE KEY" in base64.b64decode(secret).decode()
    assert secret not in kept
    assert secret not in stack.run("stack", "output", "--json")


def test_an_import_takes_over_what_is_there(stack: Stack, google: Emulator):
    google.call("POST", "storage/v1/b?project=neonhub-test", {"name": "made-elsewhere"})
    google.call("PATCH", "storage/v1/b/made-elsewhere", {"labels": {"environment": "test"}})
    stack.program(PROGRAM.read_text() + IMPORT)
    said = stack.up()
    stack.program(PROGRAM.read_text())

    assert "3 imported" in said
    assert "3 deleted" in stack.up()
    assert google.get("storage/v1/b/made-elsewhere") is None


def test_destroy_spares_a_young_backup_and_its_key(stack: Stack, google: Emulator):
    ring: str = json.loads(stack.run("stack", "output", "--json"))["ring"]
    said = stack.run("destroy", "--yes", "--skip-preview", "--continue-on-error", fails=True)

    assert "retention policy" in said  # The young backup, for which the bucket stays.
    assert google.bucket() is not None
    assert google.get(f"v1/{ring}/cryptoKeys/backups")["primary"]["state"] == "ENABLED"
    assert google.get("v1/projects/neonhub-test/serviceAccounts")["accounts"] == []
