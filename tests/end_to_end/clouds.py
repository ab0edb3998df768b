"""Stacks with their own files, deployed to emulators that the environment alone names."""

import base64
import json
import shutil
import subprocess
import urllib.request
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import yaml

from sandbox import keys
from sandbox.emulators.github.storage import git_path, reveal_secrets
from sandbox.installation import PROJECT
from sandbox.throwaway import Throwaway

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

DATABASE_URL = "postgresql://neonhub:dummy@db.neonhub.example/neonhub?sslmode=require"
"""A secret for stacks that connect to nothing."""
NEON_KEY = "napi_nowhere"
"""A secret for those that name a project of Neon's."""

_GOOGLE = ("IAM", "IAM_BETA", "KMS", "RESOURCE_MANAGER", "SERVICE_USAGE")
_DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Clouds(Throwaway):
    """Emulators of AWS, Google Cloud and GitHub, and an environment that leads there."""

    @property
    def github_seed(self) -> list[str]:
        """The repositories and the team that the stack files name, with their numbers."""
        repositories = ("neonhub@1/neonhub@1", "neonhub@1/neonhub-backup@2")
        return ["--seed", *repositories, "--team", "neonhub/platform"]

    def environment(self) -> dict[str, str]:
        """As whoever deploys has it; the real plugins read the same."""
        return {
            **super().environment(),
            "AWS_ENDPOINT_URL": self.moto_url,
            "GITHUB_BASE_URL": self.github_url,
            "GITHUB_TOKEN": self.addresses.github_token,
            **{f"GOOGLE_{name}_CUSTOM_ENDPOINT": f"{self.gcs_url}/v1/" for name in _GOOGLE},
            "GOOGLE_STORAGE_CUSTOM_ENDPOINT": f"{self.gcs_url}/storage/v1/",
            "GOOGLE_OAUTH_ACCESS_TOKEN": "sandbox",
        }

    def start(self) -> list[str]:
        """Starts the emulators, and no database: nothing connects to one."""
        servers = [each for each in self.servers() if each.name != "postgres"]
        for server in servers:
            self.supervisor.start(server)
        for server in servers:
            self.supervisor.wait(server)
        return [server.name for server in servers]


class Deployed:
    """One of this repository's stacks, and what the clouds say of it."""

    def __init__(self, clouds: Clouds, stack: str) -> None:
        self.clouds, self.stack = clouds, stack
        self.file = clouds.project / f"Pulumi.{stack}.yaml"
        self.original = (PROJECT / self.file.name).read_text()
        """The stack file that is reviewed."""
        self.settings: dict[str, Any] = yaml.safe_load(self.original)["config"]
        self.environment: str = self.settings["neonhub-backup:environment"]
        self.prefix = f"neonhub-{self.environment}"
        self.project: str = self.settings["gcp:project"]

    # ---- the engine

    def pulumi(self, *arguments: str, standard_input: str = "") -> str:
        """What the engine wrote; it must have been content."""
        done = self.clouds.pulumi(*arguments, "--stack", self.stack, standard_input=standard_input)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def refused(self, *arguments: str) -> str:
        """What the engine wrote; it must have refused."""
        done = self.clouds.pulumi(*arguments, "--stack", self.stack)
        assert done.returncode != 0, done.stdout
        return done.stdout + done.stderr

    def up(self) -> str:
        """Deploy it."""
        return self.pulumi("up", "--yes", "--skip-preview")

    def planned(self) -> dict[str, str]:
        """What an `up` would do, by the name of the resource; what stays is left out."""
        steps = json.loads(self.pulumi("preview", "--json"))["steps"]
        found = {each["urn"].rpartition("::")[2]: each["op"] for each in steps}
        return {name: op for name, op in found.items() if op not in {"same", "refresh"}}

    def resources(self) -> dict[str, dict[str, Any]]:
        """What the engine's state has, as `type::name`, without the stack and its providers."""
        exported = json.loads(self.pulumi("stack", "export"))["deployment"]["resources"]
        return {
            f"{each['type']}::{each['urn'].rpartition('::')[2]}": each
            for each in exported
            if not each["type"].startswith("pulumi:")
        }

    # ---- the clouds

    def client(self, service: str, region: str = "us-east-1", **options: Any) -> Any:
        """A client of AWS; by default as the owner of the account."""
        credentials = {"aws_access_key_id": "sandbox", "aws_secret_access_key": "sandbox"}
        untyped: Any = boto3  # its types are those of every service there is
        return untyped.client(
            service,
            endpoint_url=self.clouds.moto_url,
            region_name=region,
            **(options or credentials),
        )

    def s3(self, bucket: str) -> "S3Client":
        """A client of S3 where a bucket is."""
        return self.client("s3", "us-west-2" if bucket.endswith("-replica") else "us-east-1")

    def google(self, path: str, method: str = "GET", body: Mapping[str, Any] | None = None) -> Any:
        """What Google Cloud answers."""
        return _ask(f"{self.clouds.gcs_url}/{path}", method, body, "sandbox")

    def google_bucket(self, name: str) -> dict[str, Any]:
        """All that Cloud Storage knows of a bucket."""
        return self.google(f"storage/v1/b/{self.prefix}-{name}")

    def github(self, path: str, method: str = "GET", body: Mapping[str, Any] | None = None) -> Any:
        """What GitHub answers about the organisation's repositories."""
        token = self.clouds.addresses.github_token
        return _ask(f"{self.clouds.github_url}repos/neonhub/{path}", method, body, token)

    def committed(self, path: str) -> str:
        """A file on the main branch of the repository that is backed up."""
        repository = git_path(self.clouds.github_data, "neonhub/neonhub")
        command = ["git", "-C", str(repository), "show", f"main:{path}"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def commit(self, path: str, text: str | None) -> None:
        """Put a file on that branch as somebody else would. None: remove it."""
        place = f"neonhub/contents/{path}"
        body = {"message": "Tamper", "sha": self.github(place)["sha"]}
        if text is None:
            self.github(place, "DELETE", body)
        else:
            content = base64.b64encode(text.encode()).decode()
            self.github(place, "PUT", {**body, "content": content})

    def secrets(self, purpose: str, repository: str = "neonhub") -> dict[str, str]:
        """The opened secrets of a GitHub environment, as a runner would get them."""
        environment = f"{self.environment}-{purpose}"
        return reveal_secrets(self.clouds.github_data, f"neonhub/{repository}", environment)


@contextmanager
def deployed(home: Path, stack: str) -> Generator[Deployed]:
    """One stack of this repository, brought up from nothing in emulators of its own."""
    clouds = Clouds.create(home)
    try:
        clouds.start()
        found = Deployed(clouds, stack)
        key = clouds.project / "keys" / f"{found.environment}.asc"
        key.parent.mkdir(exist_ok=True)
        shutil.copy(keys.public_key(clouds.keys), key)
        done = clouds.pulumi("stack", "select", "--create", stack)
        assert done.returncode == 0, done.stderr
        secrets = {"databaseUrl": DATABASE_URL}
        if "    neon:" in found.original:
            secrets["neonApiKey"] = NEON_KEY
        for name, value in secrets.items():
            secret = ("config", "set", "--secret", f"neonhub-backup:{name}")
            found.pulumi(*secret, standard_input=value)
        found.up()
        yield found
    finally:
        clouds.stop()


def _ask(address: str, method: str, body: Mapping[str, Any] | None, token: str) -> Any:
    request = urllib.request.Request(  # noqa: S310 - http, our own
        address,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    with _DIRECTLY.open(request, timeout=10) as response:
        return json.loads(response.read() or b"null")
