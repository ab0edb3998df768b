"""Servers of buckets for end-to-end tests: S3's protocol by moto, Google's by fake-gcs-server.

versitygw speaks S3's too, and unlike moto it holds on to locked versions whoever asks, and refuses
what does not match its checksum.
"""

import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from sandbox.local import PROJECT
from sandbox.processes import Server, Supervisor, free_port, listening


@contextmanager
def moto_server(home: Path) -> Generator[str]:
    """The URL of a server of S3 with no bucket yet."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with _running("moto", command, port, home):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def gcs_server(home: Path) -> Generator[str]:
    """The URL of a server of Google Cloud Storage with no bucket yet."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [
        str(PROJECT / ".sandbox/bin/fake-gcs-server"),
        *("-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-backend", "memory"),
        *("-public-host", f"127.0.0.1:{port}", "-external-url", url),
    ]
    with _running("fake-gcs", command, port, home):
        yield url


@dataclass(frozen=True)
class BucketServer:
    """A server of buckets that can be away for a while; what it holds stays."""

    supervisor: Supervisor
    server: Server

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server.port}"

    @contextmanager
    def away(self) -> Generator[None]:
        """Nobody answers there meanwhile."""
        self.supervisor.stop(self.server.name)
        try:
            yield
        finally:
            self.supervisor.start(self.server)
            self.supervisor.wait(self.server)


@contextmanager
def enforcing_server(home: Path) -> Generator[BucketServer]:
    """A server of S3 that enforces locks and checksums; `sandbox` is its key and its secret.

    It keeps what S3 knows of an object in files of their own: not every disk has extended
    attributes.
    """
    port = free_port()
    folders = [home / name for name in ("versions", "metadata", "buckets")]
    for folder in folders:
        folder.mkdir(parents=True)
    versions, metadata, buckets = map(str, folders)
    command = [
        str(PROJECT / ".sandbox/bin/versitygw"),
        *("--port", f"127.0.0.1:{port}", "--quiet"),
        *("posix", "--versioning-dir", versions, "--sidecar", metadata, buckets),
    ]
    owner = {"ROOT_ACCESS_KEY": "sandbox", "ROOT_SECRET_KEY": "sandbox"}
    with _running("versitygw", command, port, home, owner) as server:
        yield server


def create_gcs_bucket(url: str, name: str) -> None:
    """Create a bucket in a server of Google Cloud Storage."""
    requests.post(f"{url}/storage/v1/b", json={"name": name}, timeout=10).raise_for_status()


@contextmanager
def _running(
    name: str,
    command: list[str],
    port: int,
    home: Path,
    environment: Mapping[str, str] | None = None,
) -> Generator[BucketServer]:
    supervisor = Supervisor(home / "run", home / "logs")
    server = Server(
        name=name,
        command=command,
        port=port,
        ready=lambda: listening(port),
        environment=environment or {},
    )
    supervisor.start(server)
    try:
        supervisor.wait(server)
        yield BucketServer(supervisor, server)
    finally:
        supervisor.stop(name)
